"""Rooms that stand on the rest of the house: the registry of models, conversations, retrieval, reports, the shadow."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from ostiary.keys import VerifyingKey
from ostiary.server.conversations import open_conversations
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
    store, log = parts["store"], parts["log"]
    shadow = open_shadow(parts, places, settings.shadow, clock, on_fault, opening, model_keys)
    reports = Reports(store.snapshots, parts["ring"])
    return {
        "models": open_models(places, settings.models, store, log, parts["ring"], clock),
        "conversations": open_conversations(places, settings.conversations, store, log, clock),
        "reports": reports,
        "shadow": shadow,
        "figures": LiveFigures(shadow, log, reports, parts["scorers"], parts["policies"]),
        "rag": open_rag(places, settings.rag, store, parts["policies"], log, clock, on_fault, opening),
    }
