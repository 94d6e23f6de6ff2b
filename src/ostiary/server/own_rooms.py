"""Rooms that stand on the rest of the house: the registry of models, conversations, retrieval, people's agreement."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import msgspec

from ostiary.decision.decide import Decider
from ostiary.server.activation import Activations
from ostiary.server.agreed import Agreed, Nobody
from ostiary.server.break_glass import open_glass
from ostiary.server.conversations import open_conversations
from ostiary.server.models import open_models
from ostiary.server.places import Places
from ostiary.server.retrieval import open_rag
from ostiary.server.settings import Settings
from ostiary.vocabulary.clock import Clock


def own_rooms(
    parts: dict[str, Any],
    places: Places,
    settings: Settings,
    clock: Clock,
    on_fault: Callable[[str, BaseException], None],
    opening: ExitStack,
) -> dict[str, Any]:
    """Open them over ``parts`` of the house; what they hold is closed with ``opening``."""
    store, log, ring = parts["store"], parts["log"], parts["ring"]
    agreed = Agreed(Nobody(), clock)
    activations = Activations(store.snapshots, ring, agreed, clock)
    parts["policies"].heed(activations)
    parts["scorers"].heed(activations)
    glass = open_glass(store, ring, agreed, on_fault)
    deciding = msgspec.structs.replace(parts["decider"].parts, break_glass=glass.check)
    return {
        "agreed": agreed,
        "activations": activations,
        "glass": glass,
        "decider": Decider(deciding),
        "models": open_models(places, settings.models, store, log, ring, clock),
        "conversations": open_conversations(places, settings.conversations, store, log, clock),
        "rag": open_rag(places, settings.rag, store, parts["policies"], log, clock, on_fault, opening),
    }
