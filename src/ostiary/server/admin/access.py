"""Access requests: list, show, answer; grants: list, take back."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from ostiary.server.access.answering import answer_by, revoke, settle
from ostiary.server.access.shown import grant_shown, request_shown
from ostiary.server.admin.context import Desk, Model, Tenant, Who

router = APIRouter(tags=["access requests"])
_MAX_WHY = 500
Why = Annotated[str, Query(max_length=_MAX_WHY, description="Why, for the log.")]


class AnswerBody(Model):
    """Why it is answered so; it is kept in the record of whoever wanted access."""

    why: Annotated[str, Field(max_length=_MAX_WHY)] = ""


class RequestShown(Model):
    """One request; times are RFC 3339, empty when there is none."""

    id: str
    status: str
    subject: str
    action: str
    resource: str
    until: str
    reason: str
    pep: str
    evaluation: str
    made: str
    expires: str
    proposal: str
    answered: str
    answered_by: str
    grant: str


class GrantShown(Model):
    """One grant."""

    id: str
    status: str
    subject: str
    action: str
    resource: str
    since: str
    until: str
    request: str
    by: str


@router.get("/tenants/{tenant}/access-requests")
def list_requests(tenant: Tenant, desk: Desk) -> list[RequestShown]:
    """List the requests, newest first."""
    book, now_ns = desk.house.access.book, desk.house.clock.now_ns()
    found = [request_shown(one, book.answer(tenant, one.id), now_ns) for one in reversed(book.requests(tenant))]
    return [RequestShown.model_validate(msgspec.to_builtins(one)) for one in found]


@router.get("/tenants/{tenant}/access-requests/{name}")
def show_request(tenant: Tenant, name: str, desk: Desk) -> RequestShown:
    """Show one request, as people have answered it by now."""
    request = desk.house.access.book.request(tenant, name)
    shown = request_shown(request, settle(desk.house, request), desk.house.clock.now_ns())
    return RequestShown.model_validate(msgspec.to_builtins(shown))


@router.post("/tenants/{tenant}/access-requests/{name}/grant")
def grant_request(tenant: Tenant, name: str, who: Who, desk: Desk, body: AnswerBody | None = None) -> RequestShown:
    """Grant one as an administrator; where the tenant has people, they agree to it instead."""
    answer_by(desk.house, who.key_id, tenant, name, grants=True, why=body.why if body else "")
    return show_request(tenant, name, desk)


@router.post("/tenants/{tenant}/access-requests/{name}/deny")
def deny_request(tenant: Tenant, name: str, who: Who, desk: Desk, body: AnswerBody | None = None) -> RequestShown:
    """Say no to one; one person is enough."""
    answer_by(desk.house, who.key_id, tenant, name, grants=False, why=body.why if body else "")
    return show_request(tenant, name, desk)


@router.get("/tenants/{tenant}/access-grants")
def list_grants(tenant: Tenant, desk: Desk) -> list[GrantShown]:
    """List the grants, those that hold no more for a day."""
    book, now_ns = desk.house.access.book, desk.house.clock.now_ns()
    found = [grant_shown(one, book.revoked(tenant, one.id), now_ns) for one in book.grants(tenant)]
    return [GrantShown.model_validate(msgspec.to_builtins(one)) for one in found]


@router.delete("/tenants/{tenant}/access-grants/{grant}", status_code=204)
def revoke_grant(tenant: Tenant, grant: str, who: Who, desk: Desk, why: Why = "") -> None:
    """Take a grant back; the next decision does not know it."""
    revoke(desk.house, who.key_id, tenant, grant, why)
