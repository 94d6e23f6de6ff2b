"""Cases: list, show, assign, comment, link, close with a verdict."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from ostiary.response.cases import MAX_TEXT, Verdict
from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.responses import CaseShown, case_shown

router = APIRouter(tags=["cases"])


class AssignBody(Model):
    """Who looks into it."""

    assignee: Annotated[str, Field(min_length=1, max_length=128)]


class CommentBody(Model):
    """What somebody has to say."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class LinkBody(Model):
    """What belongs to it: ``decision:…``, ``session:…``, ``signal:…``, ``device:…``."""

    links: Annotated[
        tuple[Annotated[str, Field(pattern="^(decision|session|signal|device):.{1,200}$")], ...],
        Field(min_length=1, max_length=32),
    ]


class CloseBody(Model):
    """What it turned out to be."""

    verdict: Verdict


@router.get("/tenants/{tenant}/cases")
def list_cases(
    tenant: Tenant,
    desk: Desk,
    state: Literal["", "open", "closed"] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[CaseShown]:
    """List cases, newest first."""
    return [case_shown(case) for case in desk.house.response.cases.listed(tenant, state, limit)]


@router.get("/tenants/{tenant}/cases/{case}")
def show_case(tenant: Tenant, case: str, desk: Desk) -> CaseShown:
    """Show one case."""
    return case_shown(desk.house.response.cases.find(tenant, case))


@router.post("/tenants/{tenant}/cases/{case}/assign")
def assign_case(tenant: Tenant, case: str, body: AssignBody, who: Who, desk: Desk) -> CaseShown:
    """Give a case to somebody."""
    desk.house.response.cases.find(tenant, case)
    desk.record(who, tenant, "case.assign", case=case, assignee=body.assignee)
    return case_shown(desk.house.response.cases.assign(tenant, case, body.assignee))


@router.post("/tenants/{tenant}/cases/{case}/comments")
def comment_case(tenant: Tenant, case: str, body: CommentBody, who: Who, desk: Desk) -> CaseShown:
    """Add a comment."""
    desk.house.response.cases.find(tenant, case)
    desk.record(who, tenant, "case.comment", case=case)
    now = desk.house.clock.now_ns()
    return case_shown(desk.house.response.cases.comment(tenant, case, who.key_id, now, body.text))


@router.post("/tenants/{tenant}/cases/{case}/links")
def link_case(tenant: Tenant, case: str, body: LinkBody, who: Who, desk: Desk) -> CaseShown:
    """Link decisions, sessions, signals or devices."""
    desk.house.response.cases.find(tenant, case)
    desk.record(who, tenant, "case.link", case=case, links=body.links)
    return case_shown(desk.house.response.cases.link(tenant, case, body.links))


@router.post("/tenants/{tenant}/cases/{case}/close")
def close_case(tenant: Tenant, case: str, body: CloseBody, who: Who, desk: Desk) -> CaseShown:
    """Close a case with a verdict."""
    desk.house.response.cases.find(tenant, case)
    desk.record(who, tenant, "case.close", case=case, verdict=body.verdict.value)
    now = desk.house.clock.now_ns()
    return case_shown(desk.house.response.cases.close(tenant, case, who.key_id, now, body.verdict))
