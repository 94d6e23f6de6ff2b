"""Rooms that stand on the rest of the house: approvals and what hangs on them, models, conversations, retrieval."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import msgspec

from ostiary.decision.decide import Decider
from ostiary.server.access import open_access
from ostiary.server.activation import Activations
from ostiary.server.agreed import Agreed, PeoplesQuorum
from ostiary.server.approvals import open_approvals
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
    approvals = open_approvals(settings, store, log, clock)
    agreed = Agreed(PeoplesQuorum(approvals.room, approvals.quorum), clock)
    activations = Activations(store.snapshots, ring, agreed, clock)
    parts["policies"].heed(activations)
    parts["scorers"].heed(activations)
    glass = open_glass(store, ring, agreed, on_fault)
    access = open_access(store.snapshots, ring, agreed, on_fault)
    deciding = msgspec.structs.replace(parts["decider"].parts, break_glass=glass.check, grants=access.reader)
    return {
        "access": access,
        "activations": activations,
        "agreed": agreed,
        "approvals": approvals,
        "decider": Decider(deciding),
        "glass": glass,
        "models": open_models(places, settings.models, store, log, ring, clock, approvals),
        "conversations": open_conversations(places, settings.conversations, store, log, clock),
        "rag": open_rag(places, settings.rag, store, parts["policies"], log, clock, on_fault, opening),
    }
