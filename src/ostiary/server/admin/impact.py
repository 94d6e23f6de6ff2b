"""Impact studies: what a candidate would have done with the true decisions of the last days."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from ostiary.errors import FaultyInputError
from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.impact.page import page
from ostiary.server.impact.runs import MOST_DAYS, Run, Runs, Wish

router = APIRouter(tags=["impact"])
_NOT_SO: dict[int | str, dict[str, Any]] = {409: {"description": "It is refused; the code says why."}}
_HTML: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
_ALONE = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


class WishBody(Model):
    """What is to be tried out: a candidate by its name, or the bundle in force with one file changed."""

    about: Literal["policy", "model"] = "policy"
    candidate: Literal["shadow-bundle", "shadow-model", "folder-bundle", "changed-file"]
    days: Annotated[float, Field(gt=0, le=MOST_DAYS)] = 30.0
    file: Annotated[str, Field(max_length=200)] = ""
    text: Annotated[str, Field(max_length=262_144)] = ""


class RunShown(Model):
    """One study; ``report`` is the digest of its report, ``read`` how many records were read so far."""

    run: str
    about: str
    candidate: str
    digest: str
    days: float
    by: str
    started_ns: int
    ended_ns: int
    file: str
    state: Literal["running", "done", "failed", "lost"]
    read: int
    report: str
    code: str
    text: str


class RunReport(Model):
    """One study with its report, ``null`` until it is done."""

    run: RunShown
    report: dict[str, Any] | None


def _shown(run: Run) -> RunShown:
    return RunShown.model_validate(msgspec.structs.asdict(run))


@router.get("/tenants/{tenant}/impact")
def list_impact(tenant: Tenant, desk: Desk) -> list[RunShown]:
    """List the studies that are kept, newest first."""
    return [_shown(one) for one in Runs(desk.house).all(tenant)]


@router.post("/tenants/{tenant}/impact", status_code=202, responses=_NOT_SO)
def start_impact(tenant: Tenant, body: WishBody, who: Who, desk: Desk) -> RunShown:
    """Start a study beside everything else; one of a tenant at a time, given up after some minutes."""
    if (body.about == "model") != (body.candidate == "shadow-model"):
        raise FaultyInputError("request_invalid", "a study about a model takes the candidate `shadow-model`")
    wish = Wish(body.about, body.candidate, body.days, body.file, body.text)
    return _shown(Runs(desk.house).start(who.key_id, tenant, wish))


@router.get("/tenants/{tenant}/impact/{run}")
def show_impact(tenant: Tenant, run: str, desk: Desk) -> RunReport:
    """Show one study, with its report once it is done."""
    runs = Runs(desk.house)
    found = runs.find(tenant, run)
    report = runs.report(tenant, found)
    return RunReport(run=_shown(found), report=None if report is None else msgspec.to_builtins(report))


@router.get("/tenants/{tenant}/impact/{run}/page", response_class=Response, responses=_HTML)
def show_impact_page(tenant: Tenant, run: str, desk: Desk) -> Response:
    """Show the report of a study as one page of HTML without a script."""
    runs = Runs(desk.house)
    found = runs.find(tenant, run)
    report = runs.report(tenant, found)
    if report is None:
        raise FaultyInputError("impact_not_done", "this study has no report")
    return Response(page(report, found.report), media_type="text/html; charset=utf-8", headers=_ALONE)
