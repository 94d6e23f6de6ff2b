"""Sessions: look at them, make them fall. Nothing here makes one rise: that is for a step-up alone."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from ostiary.errors import RefusedError
from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.sessions import SessionShown, find_session, shown
from ostiary.sessions import Session, handle_of

router = APIRouter(tags=["sessions"])

Name = Annotated[str, Field(min_length=1, max_length=2048)]
Reason = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")]


class Why(Model):
    """Why it is done, as a code for the log."""

    reason: Reason = "administrator"


class StepUpBody(Why):
    """What the step-up must be; none takes any phishing-resistant one."""

    acr_values: Annotated[tuple[str, ...], Field(max_length=8)] = ()


class ReduceBody(Why):
    """What a session loses: privileges, lifetime, or both."""

    privileges: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=128)], ...], Field(max_length=64)] = ()
    lifetime_s: Annotated[float | None, Field(ge=0, le=31_622_400)] = None


class RevokeBody(Why):
    """Whose sessions all end, and whose older tokens are refused."""

    type: Name
    id: Name


class Done(Model):
    """Whether it changed anything, and the record that tells of it."""

    changed: bool
    record_id: str


class Revoked(Model):
    """Which sessions ended; tokens that are not known here are refused as well."""

    sessions: tuple[str, ...]
    record_id: str


def _living(desk: Desk, tenant: str, handle: str) -> Session:
    session = find_session(desk.house.ledger, tenant, handle)
    if session is None:
        raise RefusedError("session_unknown", "there is no such session")
    return session


@router.get("/tenants/{tenant}/sessions")
def list_sessions(
    tenant: Tenant,
    desk: Desk,
    subject: Annotated[str, Query(max_length=2048)] = "",
    ended: Annotated[bool, Query()] = False,  # noqa: FBT002 - a query string has no keywords
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[SessionShown]:
    """List a tenant's sessions, the latest seen first; ``subject`` (``type:id``) narrows it."""
    ledger, now = desk.house.ledger, desk.house.clock.now_ns()
    found = (
        ledger.over(tenant) if ended else ledger.of_subject(tenant, subject) if subject else ledger.of_tenant(tenant)
    )
    mine = [one for one in found if not subject or one.subject == subject]
    return [SessionShown.model_validate(shown(one, now)) for one in mine[:limit]]


@router.get("/tenants/{tenant}/sessions/{handle}")
def show_session(tenant: Tenant, handle: str, desk: Desk) -> SessionShown:
    """Show one session, ended or living, by its handle."""
    return SessionShown.model_validate(shown(_living(desk, tenant, handle), desk.house.clock.now_ns()))


@router.post("/tenants/{tenant}/sessions/{handle}/terminate")
def terminate_session(tenant: Tenant, handle: str, body: Why, who: Who, desk: Desk) -> Done:
    """End a session for good."""
    session = _living(desk, tenant, handle)
    record = desk.record(who, tenant, "session.terminate", session=session.handle, reason=body.reason)
    now = desk.house.clock.now_ns()
    changed = desk.house.ledger.terminate(tenant, session.session_id, at_ns=now, reason=body.reason, cause=record)
    desk.house.together.settle()
    return Done(changed=changed, record_id=record)


@router.post("/tenants/{tenant}/sessions/{handle}/step-up")
def demand_step_up(tenant: Tenant, handle: str, body: StepUpBody, who: Who, desk: Desk) -> Done:
    """Demand a step-up of a session before anything else."""
    session = _living(desk, tenant, handle)
    record = desk.record(who, tenant, "session.step_up", session=session.handle, reason=body.reason)
    changed = desk.house.ledger.demand_step_up(
        tenant,
        session.session_id,
        at_ns=desk.house.clock.now_ns(),
        reason=body.reason,
        cause=record,
        acr_values=body.acr_values,
    )
    return Done(changed=changed, record_id=record)


@router.post("/tenants/{tenant}/sessions/{handle}/reduce")
def reduce_session(tenant: Tenant, handle: str, body: ReduceBody, who: Who, desk: Desk) -> Done:
    """Take privileges from a session, shorten its life, or both."""
    session = _living(desk, tenant, handle)
    told = {"privileges": body.privileges, "lifetime_s": body.lifetime_s}
    record = desk.record(who, tenant, "session.reduce", session=session.handle, reason=body.reason, **told)
    changed = desk.house.ledger.reduce(
        tenant,
        session.session_id,
        at_ns=desk.house.clock.now_ns(),
        reason=body.reason,
        cause=record,
        privileges=body.privileges,
        lifetime_s=body.lifetime_s,
    )
    return Done(changed=changed, record_id=record)


@router.post("/tenants/{tenant}/subjects/revoke")
def revoke_subject(tenant: Tenant, body: RevokeBody, who: Who, desk: Desk) -> Revoked:
    """End all that a subject began up to now: its sessions, and every token made before."""
    record = desk.record(who, tenant, "subject.revoke", reason=body.reason)
    now = desk.house.clock.now_ns()
    names = desk.house.ledger.revoke_subject(
        tenant, f"{body.type}:{body.id}", at_ns=now, reason=body.reason, cause=record
    )
    return Revoked(sessions=tuple(handle_of(tenant, name) for name in names), record_id=record)
