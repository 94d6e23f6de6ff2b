"""Rooms that stand on the rest of the house: approvals, models, conversations, retrieval, suppressions."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import msgspec

from ostiary.decision.decide import Decider
from ostiary.server.approvals import open_approvals
from ostiary.server.conversations import open_conversations
from ostiary.server.feedback.suppressions import Suppressions
from ostiary.server.models import open_models
from ostiary.server.places import Places
from ostiary.server.retrieval import open_rag
from ostiary.server.rollout.figures import KnownFigures
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
    store, log, rollout = parts["store"], parts["log"], parts["rollout"]
    approvals = open_approvals(settings, store, log, clock)
    # Seams: the room of approvals says what people agreed to, the shadow what is known of a control.
    rollout.asks(approvals.quorum)
    rollout.measures(KnownFigures())
    suppressions = Suppressions(store.snapshots, clock.now_ns, approvals.quorum, on_fault)
    decides: Decider = parts["decider"]
    return {
        "approvals": approvals,
        "decider": Decider(msgspec.structs.replace(decides.parts, suppressions=suppressions)),
        "suppressions": suppressions,
        "models": open_models(places, settings.models, store, log, parts["ring"], clock, approvals),
        "conversations": open_conversations(places, settings.conversations, store, log, clock),
        "rag": open_rag(places, settings.rag, store, parts["policies"], log, clock, on_fault, opening),
    }
