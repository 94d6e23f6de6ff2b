"""Models: what the registry knows, what was live when, and what only tightens: quarantine, retire, withdraw, revoke.

Nothing becomes live here: that takes a report, an approval and a decision at the registry's door.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from ostiary.errors import RefusedError
from ostiary.pipeline.registered import Registered
from ostiary.pipeline.registry.history import events, live_at
from ostiary.pipeline.registry.model import Actor
from ostiary.pipeline.registry.naming import check_name, check_stage
from ostiary.server.admin.context import Desk, Model, Office, Tenant, Who
from ostiary.server.admins import Administrator, name_of
from ostiary.server.model_door.promotions import shown as live_shown
from ostiary.server.model_door.readings import MAX_EVENTS, event_shown
from ostiary.server.model_door.uploads import shown

router = APIRouter(tags=["models"])
_LAST_NS = 2**63 - 1
_NOT_NOW: dict[int | str, dict[str, Any]] = {409: {"description": "It is so already, or somebody was quicker."}}
Why = Annotated[str, Field(max_length=200)]
Number = Annotated[int, Path(ge=1, le=2**53)]


class ModelBody(Model):
    """A model to be made known to policy."""

    name: str
    sensitivity: Annotated[int, Field(ge=0, le=4)] = 2
    critical: bool = False
    owner: Annotated[str, Field(max_length=256)] = ""


class ModelListed(Model):
    """A model with what is live, by stage."""

    model: str
    versions: int
    live: dict[str, int]


class WhyBody(Model):
    """Why something is done, for the log."""

    why: Why = ""


class RevokeBody(WhyBody):
    """The digest of an approval, `sha256:…`, and why it is taken back."""

    approval: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]


class LiveShown(Model):
    """What was live at a moment; number 0 when nothing was."""

    stage: str
    number: int
    digest: str
    since_ns: int
    record_id: str
    decision_id: str
    counter: int
    loadable: bool
    why: str


def _deed(desk: Office, who: Administrator, tenant: str, action: str, **told: Any) -> Actor:
    return Actor(name_of(who.key_id), (), desk.record(who, tenant, action, **told))


@router.get("/tenants/{tenant}/models")
def list_models(tenant: Tenant, desk: Desk) -> list[ModelListed]:
    """List a tenant's models."""
    models = desk.house.models
    return [
        ModelListed(
            model=name,
            versions=len(models.book.versions(tenant, name)),
            live={one.stage: one.number for one in models.journal.lives(tenant, name) if one.number},
        )
        for name in models.book.names(tenant)
    ]


@router.post("/tenants/{tenant}/models", status_code=201)
def add_model(tenant: Tenant, body: ModelBody, who: Who, desk: Desk) -> ModelBody:
    """Make a model known to policy; versions come in at the registry's door."""
    one = Registered(
        type="model",
        id=check_name(body.name),
        sensitivity=body.sensitivity,
        critical=body.critical,
        owner=body.owner,
    )
    desk.record(who, tenant, "model.add", model=body.name, sensitivity=body.sensitivity, critical=body.critical)
    desk.house.registry.put(tenant, one, desk.house.clock.now_ns())
    return body


@router.get("/tenants/{tenant}/models/{name}")
def show_model(tenant: Tenant, name: str, desk: Desk) -> dict[str, Any]:
    """Show every version and stage of a model."""
    journal = desk.house.models.journal
    versions = [shown(one) for one in journal.versions(tenant, check_name(name))]
    if not versions:
        raise RefusedError("model_unknown", "there is no such model")
    return {"model": name, "versions": versions, "live": [live_shown(one) for one in journal.lives(tenant, name)]}


@router.get("/tenants/{tenant}/models/{name}/history")
def model_history(tenant: Tenant, name: str, desk: Desk) -> list[dict[str, Any]]:
    """Tell the newest events of a model, refusals too, from the log alone."""
    found = list(events(desk.house.log, tenant, check_name(name)))
    return [event_shown(one) for one in found[-MAX_EVENTS:]]


@router.get("/tenants/{tenant}/models/{name}/stages/{stage}/live")
def live_model(
    tenant: Tenant, name: str, stage: str, desk: Desk, at_ns: Annotated[int | None, Query(ge=0, le=_LAST_NS)] = None
) -> LiveShown:
    """Tell what was live at a moment, by default now, from the log alone."""
    moment = desk.house.clock.now_ns() if at_ns is None else at_ns
    found = live_at(desk.house.log, tenant, check_name(name), check_stage(stage), moment)
    return LiveShown.model_validate({field: getattr(found, field) for field in found.__struct_fields__})


@router.post("/tenants/{tenant}/models/{name}/versions/{number}/quarantine", responses=_NOT_NOW)
def quarantine_version(
    tenant: Tenant, name: str, number: Number, body: WhyBody, who: Who, desk: Desk
) -> dict[str, Any]:
    """Shut a version out: it is not loaded any more, wherever it is live."""
    desk.house.models.journal.version(tenant, check_name(name), number)
    by = _deed(desk, who, tenant, "model.quarantine", model=name, version=number)
    return shown(desk.house.models.warden.quarantine(tenant, name, number, by, body.why))


@router.post("/tenants/{tenant}/models/{name}/versions/{number}/retire", responses=_NOT_NOW)
def retire_version(tenant: Tenant, name: str, number: Number, body: WhyBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Give a version up for good."""
    desk.house.models.journal.version(tenant, check_name(name), number)
    by = _deed(desk, who, tenant, "model.retire", model=name, version=number)
    return shown(desk.house.models.warden.retire(tenant, name, number, by, body.why))


@router.post("/tenants/{tenant}/models/{name}/stages/{stage}/withdraw", responses=_NOT_NOW)
def withdraw_stage(tenant: Tenant, name: str, stage: str, body: WhyBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Let nothing be live in a stage any more."""
    check_stage(stage)
    by = _deed(desk, who, tenant, "model.withdraw", model=check_name(name), stage=stage)
    return live_shown(desk.house.models.promoter.withdraw(tenant, name, stage, by, body.why))


@router.post("/tenants/{tenant}/models/{name}/approvals/revoke", status_code=204, responses=_NOT_NOW)
def revoke_approval(tenant: Tenant, name: str, body: RevokeBody, who: Who, desk: Desk) -> None:
    """Take an approval back: what became live by it is not loaded any more."""
    by = _deed(desk, who, tenant, "model.revoke", model=check_name(name), approval=body.approval)
    desk.house.models.warden.revoke(tenant, name, body.approval, by, body.why)
