"""The registry of models: what is live, who signed and built it, what was live when, what was refused.

Only what tightens is done here: quarantine, retire, withdraw, take an approval back. A rollback makes something live,
so the page says where it may go and by which command people agree to it.
"""

from typing import Any, Final

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.admin.model_papers import live_papers, model_events, model_refusals, show_version
from ostiary.server.admin.models import (
    RevokeBody,
    WhyBody,
    list_models,
    live_model,
    quarantine_version,
    retire_version,
    revoke_approval,
    show_model,
    withdraw_stage,
)
from ostiary.server.admin.own_models import list_own_models
from ostiary.server.console.asked import moment_of, number_of, place_of, reason_of
from ostiary.server.console.refusal_words import REFUSAL_WORDS
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.lineage.model_events import Only
from ostiary.server.wire import Reply

HERE: Final = "/models"
ONLY: Final[tuple[Only, ...]] = ("changes", "refused", "all")
FEW: Final = 20
MANY: Final = 50


def show(visit: Visit) -> Reply:
    """Show all models of the tenant, Ostiary's own, and what was refused lately."""
    refused = model_refusals(visit.tenant, visit.desk, None, FEW)
    return visit.page(
        "models.html",
        HERE,
        models=list_models(visit.tenant, visit.desk),
        own=list_own_models(visit.tenant, visit.desk),
        refused=[_event(one) for one in refused.events],
        words=REFUSAL_WORDS,
    )


def show_one(visit: Visit) -> Reply:
    """Show one model: stages, what was live at a moment, versions, events."""
    tenant, name, desk = visit.tenant, visit.told["name"], visit.desk
    model = _known(visit, name)
    chosen = number_of(visit.query["version"]) if visit.query.get("version") else model["versions"][-1]["version"]
    at_ns = moment_of(visit.query["at"]) if visit.query.get("at") else None
    only = _only(visit.query.get("only", "changes"))
    events = model_events(tenant, name, desk, place_of(visit.query), MANY, only)
    papers = show_version(tenant, name, chosen, desk)
    return visit.page(
        "model.html",
        HERE,
        model=name,
        versions=list(reversed(model["versions"])),
        stages=[_stage(one.model_dump()) for one in live_papers(tenant, name, desk)],
        papers=papers.model_dump(),
        registered=stamp(papers.signature["verified_ns"]),
        at=visit.query.get("at", ""),
        then=_then(visit, name, [one["stage"] for one in model["live"]], at_ns),
        events=[_event(one) for one in events.events],
        next=events.next,
        only=only,
        choices=ONLY,
        words=REFUSAL_WORDS,
        quorum=desk.house.models.settings.approval == "quorum",
    )


def quarantine(visit: Visit) -> Reply:
    """Shut a version out."""
    number, why = _version_and_reason(visit)
    quarantine_version(visit.tenant, visit.told["name"], number, WhyBody(why=why), visit.who, visit.desk)
    return visit.done(_path(visit), f"Version {number} is quarantined: it is not loaded any more")


def retire(visit: Visit) -> Reply:
    """Give a version up."""
    number, why = _version_and_reason(visit)
    retire_version(visit.tenant, visit.told["name"], number, WhyBody(why=why), visit.who, visit.desk)
    return visit.done(_path(visit), f"Version {number} is retired for good")


def withdraw(visit: Visit) -> Reply:
    """Let nothing be live in a stage."""
    stage, why = visit.form.get("stage", ""), reason_of(visit.form)
    _known(visit, visit.told["name"])
    withdraw_stage(visit.tenant, visit.told["name"], stage, WhyBody(why=why), visit.who, visit.desk)
    return visit.done(_path(visit), f"Nothing is live in {stage} any more")


def revoke(visit: Visit) -> Reply:
    """Take an approval back."""
    why = reason_of(visit.form)
    _known(visit, visit.told["name"])
    body = RevokeBody(approval=visit.form.get("approval", ""), why=why)
    revoke_approval(visit.tenant, visit.told["name"], body, visit.who, visit.desk)
    return visit.done(_path(visit), "The approval was taken back: what became live by it is not loaded any more")


def _known(visit: Visit, name: str) -> dict[str, Any]:
    """Return what the registry says of a model; a name that could be none is as unknown as one that is not there."""
    try:
        return show_model(visit.tenant, name, visit.desk)
    except FaultyInputError:
        raise RefusedError("model_unknown", "there is no such model") from None


def _only(text: str) -> Only:
    for one in ONLY:
        if one == text:
            return one
    raise FaultyInputError("console_filter_malformed", f"show {', '.join(ONLY)}")


def _then(visit: Visit, name: str, stages: list[str], at_ns: int | None) -> list[dict[str, Any]]:
    if at_ns is None:
        return []
    found = [live_model(visit.tenant, name, stage, visit.desk, at_ns).model_dump() for stage in stages]
    return [{**one, "since": stamp(one["since_ns"]) if one["since_ns"] else ""} for one in found]


def _version_and_reason(visit: Visit) -> tuple[int, str]:
    _known(visit, visit.told["name"])
    return number_of(visit.form.get("version", "")), reason_of(visit.form)


def _path(visit: Visit) -> str:
    return f"{HERE}/{visit.told['name']}"


def _stage(told: dict[str, Any]) -> dict[str, Any]:
    live, approval = told["live"], told["approval"]
    before = [number for number in dict.fromkeys(reversed(told["was"])) if number != live["version"]]
    return {
        **told,
        "since": stamp(live["since_ns"]),
        "until": stamp(live["expires_ns"]) if live["expires_ns"] else "",
        "approval_until": stamp(approval["expires_ns"]) if approval.get("expires_ns") else "",
        "validated": stamp(told["report"]["made_ns"]) if told["report"].get("made_ns") else "",
        "before": before[:FEW],
    }


def _event(told: dict[str, Any]) -> dict[str, Any]:
    absent = {"number": 0, "stage": "", "code": "", "decision_id": "", "told": {}, "approval": "", "keys": ()}
    return {**absent, **told, "at": stamp(told["at_ns"])}


ROUTES = (
    Route("GET", HERE, "models", show),
    Route("GET", "/models/{name}", "models", show_one),
    Route("POST", "/models/{name}/quarantine", "models", quarantine, "change"),
    Route("POST", "/models/{name}/retire", "models", retire, "change"),
    Route("POST", "/models/{name}/withdraw", "models", withdraw, "change"),
    Route("POST", "/models/{name}/revoke", "models", revoke, "change"),
)
