"""Rooms that stand on the rest of the house: approvals, the registry of models, conversations, retrieval."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import msgspec

from ostiary.decision.decide import Decider
from ostiary.server.approvals import open_approvals
from ostiary.server.conversations import open_conversations
from ostiary.server.drifting import open_drift
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
    store, log = parts["store"], parts["log"]
    approvals = open_approvals(settings, store, log, clock)
    drift = open_drift(settings.drift, store, log, parts["ring"], clock, on_fault, approvals.quorum)
    parts["ledger"].listen(drift.changed)
    return {
        "approvals": approvals,
        "drift": drift,
        "decider": Decider(msgspec.structs.replace(parts["decider"].parts, drift=drift)),
        "models": open_models(places, settings.models, store, log, parts["ring"], clock, approvals),
        "conversations": open_conversations(places, settings.conversations, store, log, clock),
        "rag": open_rag(places, settings.rag, store, parts["policies"], log, clock, on_fault, opening),
    }
