"""Ostiary's own models: the card as it was signed, and pictures of the figures that are kept."""

from typing import Any, Final

from ostiary.server.admin.own_models import show_own_model
from ostiary.server.console.markdown import blocks
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/models"
_SESSION: Final = "session-risk"


def show(visit: Visit) -> Reply:
    """Show one of Ostiary's own models."""
    name = visit.told["model"]
    found = show_own_model(visit.tenant, name, visit.desk)
    measured = [_measured(kept, name) for kept in (found.figures, found.shadow) if kept is not None]
    model = found.model.model_dump()
    return visit.page(
        "own_model.html",
        HERE,
        model={**model, "created": stamp(model["created_ns"]) if model["created_ns"] else ""},
        card=blocks(found.card),
        told=_told(found.told, name),
        picture=found.picture,
        measured=measured,
        charts=[chart for one in measured for chart in one["curves"]],
    )


def _measured(kept: dict[str, Any], name: str) -> dict[str, Any]:
    figures = kept["figures"]
    wanted = [one for one in figures["curves"] if (one["name"] == "sessions") == (name == _SESSION)]
    curves = [_chart(one, f"{kept['digest'][7:15]}-{at}") for at, one in enumerate(wanted or figures["curves"])]
    return {"on": figures["on"], "at": stamp(kept["at_ns"]), "digest": kept["digest"], "curves": curves}


def _chart(told: dict[str, Any], id_: str) -> dict[str, Any]:
    """Return one measurement with what each picture reads; a picture without numbers is absent."""
    points = told["points"]
    both = [one for one in points if one.get("false") is not None and one.get("caught") is not None]
    full = {"matches": False, "levels": {}, "bands": [], "days": 0.0, **told}
    return {
        **full,
        "id": id_,
        "roc": [[one["false"], one["caught"]] for one in both],
        "det": [[one["false"], 1 - one["caught"]] for one in both],
        "slides": points,
        "priced": any(one.get("a_day") is not None for one in points),
    }


def _told(card: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the figures that a card for programs holds of everybody and of each group, as they stand there."""
    part = "sessions" if name == _SESSION else "accesses"
    wings = card.get("wings")
    if not isinstance(wings, dict):
        return []
    rows = [{"group": str(group), **wing[part]} for group, wing in wings.items() if isinstance(wing.get(part), dict)]
    names = (
        "rows",
        "positives",
        "roc_auc",
        "average_precision",
        "recall_at_1_percent",
        "recall_at_01_percent",
        "brier",
    )
    return [{"group": one["group"], **{each: one.get(each) for each in names}} for one in rows]


ROUTES = (Route("GET", "/models/own/{model}", "models", show),)
