"""Rooms that stand on the rest of the house: approvals and what hangs on them, models, retrieval, the shadow."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import msgspec

from ostiary.decision.decide import Decider
from ostiary.keys import VerifyingKey
from ostiary.server.access import open_access
from ostiary.server.activation import Activations
from ostiary.server.admins import Admins
from ostiary.server.agreed import Agreed, PeoplesQuorum
from ostiary.server.approvals import open_approvals
from ostiary.server.biometrics.opening import open_biometrics, open_book
from ostiary.server.break_glass import open_glass
from ostiary.server.conversations import open_conversations
from ostiary.server.drifting import open_drift
from ostiary.server.feedback.suppressions import Suppressions
from ostiary.server.models import open_models
from ostiary.server.places import Places
from ostiary.server.reports import Reports
from ostiary.server.retrieval import open_rag
from ostiary.server.settings import Settings
from ostiary.server.shadow.figures import LiveFigures
from ostiary.server.shadow.opening import open_shadow
from ostiary.vocabulary.clock import Clock


def own_rooms(
    parts: dict[str, Any],
    places: Places,
    settings: Settings,
    clock: Clock,
    on_fault: Callable[[str, BaseException], None],
    opening: ExitStack,
    model_keys: Callable[[str], list[VerifyingKey]],
) -> dict[str, Any]:
    """Open them over ``parts`` of the house; what they hold is closed with ``opening``.

    ``model_keys`` are those whose models a tenant believes.
    """
    store, log, ring, rollout = parts["store"], parts["log"], parts["ring"], parts["rollout"]
    approvals = open_approvals(settings, store, log, clock)
    agreed = Agreed(PeoplesQuorum(approvals.room, approvals.quorum), clock)
    activations = Activations(store.snapshots, ring, agreed, clock, several=parts["together"].several)
    parts["policies"].heed(activations)
    parts["scorers"].heed(activations)
    shadow = open_shadow(parts, places, settings.shadow, clock, on_fault, opening, model_keys)
    reports = Reports(store.snapshots, ring)
    figures = LiveFigures(shadow, log, reports, parts["scorers"], parts["policies"])
    rollout.asks(approvals.quorum)
    rollout.measures(figures)
    suppressions = Suppressions(store.snapshots, ring, clock.now_ns, approvals.quorum, on_fault)
    glass = open_glass(store, ring, agreed, on_fault)
    access = open_access(store.snapshots, ring, agreed, on_fault)
    drift = open_drift(settings.drift, store, log, ring, clock, on_fault, approvals.quorum)
    parts["ledger"].listen(drift.changed)
    book = open_book(places, settings, store, clock)
    behaviour = open_biometrics(parts, book, places, settings, clock, on_fault, opening, model_keys)
    own = {
        "drift": drift,
        "behaviour": behaviour,
        "break_glass": glass.check,
        "grants": access.reader,
        "suppressions": suppressions,
    }
    deciding = msgspec.structs.replace(parts["decider"].parts, **own)
    return {
        "access": access,
        "activations": activations,
        "admins": Admins(store.snapshots, clock),
        "agreed": agreed,
        "approvals": approvals,
        "behaviour": behaviour,
        "biometrics": behaviour,
        "decider": Decider(deciding),
        "drift": drift,
        "glass": glass,
        "suppressions": suppressions,
        "models": open_models(places, settings.models, store, log, ring, clock, approvals),
        "conversations": open_conversations(places, settings.conversations, store, log, clock),
        "reports": reports,
        "shadow": shadow,
        "figures": figures,
        "templates": book,
        "rag": open_rag(places, settings.rag, store, parts["policies"], log, clock, on_fault, opening),
    }
