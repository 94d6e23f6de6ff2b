"""Break-glass: list, open by a quorum or by sealed codes, close; the ceremony of the codes."""

from typing import Annotated

import msgspec
from fastapi import APIRouter
from pydantic import Field

from ostiary.approvals.glass import MAX_NAME, MAX_NAMES, MAX_REASON, SECOND_NS, Limits, Terms
from ostiary.approvals.sealed_codes import MAX_CODES, MAX_TEXT
from ostiary.errors import FaultyInputError
from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.break_glass.ceremony import Ceremony, call_back, make_codes
from ostiary.server.break_glass.opening import close, open_by_codes, open_by_quorum
from ostiary.server.break_glass.shown import codes_shown, glass_shown

router = APIRouter(tags=["break-glass"])
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Names = Annotated[tuple[Name, ...], Field(min_length=1, max_length=MAX_NAMES)]
Reason = Annotated[str, Field(max_length=MAX_REASON)]
Moment = Annotated[int, Field(ge=0, le=1 << 35, description="Seconds since 1970.")]


class OpenBody(Model):
    """What is to be replaced, for whom, on what, until when; and either a proposal or sealed codes."""

    replaces: Names
    resources: Names
    subjects: Names
    since: Moment | None = None
    until: Moment
    reason: Reason
    proposal: Annotated[str, Field(max_length=128)] = ""
    codes: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=MAX_TEXT)], ...], Field(max_length=MAX_CODES)
    ] = ()


class CloseBody(Model):
    """Why it is closed."""

    why: Reason


class CodesBody(Model):
    """A ceremony: one code for each name, and what the codes may open."""

    people: Annotated[tuple[Name, ...], Field(min_length=2, max_length=MAX_CODES)]
    need: Annotated[int, Field(ge=2, le=MAX_CODES)]
    replaces: Names
    resources: Names
    subjects: Names
    longest_s: Annotated[int, Field(ge=60, le=86_400)]
    proposal: Annotated[str, Field(max_length=128)] = ""


class GlassShown(Model):
    """One break-glass; times are RFC 3339, empty when there is none."""

    id: str
    state: str
    replaces: list[str]
    resources: list[str]
    subjects: list[str]
    since: str
    until: str
    reason: str
    how: str
    people: list[str]
    opened_by: str
    proposal: str
    closed: str
    closed_by: str
    why: str


class CodesShown(Model):
    """A set of sealed codes, without the codes."""

    id: str
    need: int
    people: list[str]
    replaces: list[str]
    resources: list[str]
    subjects: list[str]
    longest_s: int
    made: str
    until: str
    made_by: str


class FreshCodeShown(Model):
    """One code and whose it is; shown this once."""

    person: str
    code: str


class FreshCodes(Model):
    """A fresh set with its codes."""

    set: CodesShown
    codes: list[FreshCodeShown]


@router.get("/tenants/{tenant}/break-glass")
def list_glass(tenant: Tenant, desk: Desk) -> list[GlassShown]:
    """List all, the newest first."""
    now_ns = desk.house.clock.now_ns()
    found = desk.house.glass.book.listed(tenant)
    return [GlassShown.model_validate(msgspec.to_builtins(glass_shown(past, now_ns))) for past in found]


@router.post("/tenants/{tenant}/break-glass", status_code=201)
def open_glass(tenant: Tenant, body: OpenBody, who: Who, desk: Desk) -> GlassShown:
    """Open one: with a proposal that enough people agreed to, or with sealed codes of enough people."""
    if bool(body.proposal) and bool(body.codes):
        raise FaultyInputError("request_invalid", "send either `proposal` or `codes`")
    house, now_ns = desk.house, desk.house.clock.now_ns()
    since_ns = now_ns if body.since is None else body.since * SECOND_NS
    terms = Terms(body.replaces, body.resources, body.subjects, since_ns, body.until * SECOND_NS, body.reason)
    if body.codes:
        made = open_by_codes(house, who.key_id, tenant, terms, body.codes)
    else:
        made = open_by_quorum(house, who.key_id, tenant, terms, body.proposal)
    past = house.glass.book.find(tenant, made.id)
    return GlassShown.model_validate(msgspec.to_builtins(glass_shown(past, now_ns)))


@router.post("/tenants/{tenant}/break-glass/{name}/close")
def close_glass(tenant: Tenant, name: str, body: CloseBody, who: Who, desk: Desk) -> GlassShown:
    """Close one before its time; one person is enough."""
    close(desk.house, who.key_id, tenant, name, body.why)
    past = desk.house.glass.book.find(tenant, name)
    return GlassShown.model_validate(msgspec.to_builtins(glass_shown(past, desk.house.clock.now_ns())))


@router.get("/tenants/{tenant}/break-glass-codes")
def list_codes(tenant: Tenant, desk: Desk) -> list[CodesShown]:
    """List the sets of sealed codes, without the codes."""
    found = [codes_shown(one) for one in desk.house.glass.codes.living(tenant)]
    return [CodesShown.model_validate(msgspec.to_builtins(one)) for one in found]


@router.post("/tenants/{tenant}/break-glass-codes", status_code=201)
def make_code_set(tenant: Tenant, body: CodesBody, who: Who, desk: Desk) -> FreshCodes:
    """Make a set of sealed codes; they are shown this once."""
    limits = Limits(body.longest_s, body.replaces, body.resources, body.subjects)
    wanted = Ceremony(body.people, body.need, limits)
    codes, fresh = make_codes(desk.house, who.key_id, tenant, wanted, body.proposal)
    shown = CodesShown.model_validate(msgspec.to_builtins(codes_shown(codes)))
    return FreshCodes(set=shown, codes=[FreshCodeShown(person=one.person, code=one.text) for one in fresh])


@router.delete("/tenants/{tenant}/break-glass-codes/{name}", status_code=204)
def call_back_codes(tenant: Tenant, name: str, who: Who, desk: Desk) -> None:
    """Call a set back: its codes are good for nothing from now on."""
    call_back(desk.house, who.key_id, tenant, name)
