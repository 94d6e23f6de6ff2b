"""Candidates beside the live ones, and the shadow report: what a control or a candidate would have done to people.

1. A candidate's files lie in the data directory (``ostiary shadow start --from``): no file comes in by this way.
2. Starting, stopping and making a report with names are deeds in the log, by name and with a reason where one is due.
3. A report reads the log of some days: at most ``MAX_DAYS``, one at a time in a process, and one that was made within
   the last minute is told again.
"""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from ostiary.decision.counts import EDGES, LIVE
from ostiary.errors import FaultyInputError
from ostiary.server.admin.context import Desk, Model, Office, Tenant, Who
from ostiary.server.admins import Administrator
from ostiary.server.shadow.listing import listed
from ostiary.server.shadow.pictured import confusion, scores
from ostiary.server.shadow.report.gathering import Asked
from ostiary.server.shadow.report.making import KIND, keep
from ostiary.server.shadow.report.recent import MAX_DAYS, Both, Recent, sheet_of
from ostiary.server.shadow.report.sheet import Sheet, shown

router = APIRouter(tags=["shadow"])
What = Literal["model", "bundle"]
Days = Annotated[int, Query(ge=1, le=MAX_DAYS, description="How many days, up to now.")]
Reason = Annotated[str, Field(min_length=1, max_length=500, description="Why; it is kept with the deed.")]
_RECENT = Recent()
_NS = 1_000_000_000


class _Kept(msgspec.Struct):
    days: float
    decisions: int
    would_block: int
    would_interrupt: int
    users_affected: int


class StartBody(Model):
    """Why a candidate is started or stopped."""

    why: Reason


class ReportBody(Model):
    """What a report is about: a control, or a candidate; over how many days up to now, against which budget a day."""

    control: Annotated[str, Field(max_length=64)] = ""
    candidate: Literal["", "model", "bundle"] = ""
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 14
    budget: Annotated[float | None, Field(ge=0, le=1e9)] = None


class CandidateShown(Model):
    """A candidate, and what was compared and left out in the last day."""

    what: What
    digest: str
    state: str
    fault: str
    since: float
    days: float
    by: str
    compared: int
    differences: int
    missed: int
    missed_by: dict[str, int]
    warning: str


class ChangedShown(Model):
    """The candidate that was started or stopped."""

    what: What
    digest: str


class PairShown(Model):
    """How often what was enforced and what would have been came together."""

    before: str
    after: str
    count: int


class PictureShown(Model):
    """What was compared; ``scores`` counts scores from each of ``edges`` up to the next one, empty without any."""

    about: str
    days: int
    pairs: list[PairShown]
    edges: list[float]
    scores: list[int]


class KeptShown(Model):
    """The newest kept report about a control: its digest, when it was made (Unix time), and what it says first."""

    digest: str
    at: float
    days: float
    decisions: int
    would_block: int
    would_interrupt: int
    users_affected: int


@router.get("/tenants/{tenant}/shadow")
def list_candidates(tenant: Tenant, desk: Desk) -> list[CandidateShown]:
    """List the candidates that run beside the live ones."""
    return [CandidateShown(**one) for one in listed(desk.house, tenant)]


@router.get("/tenants/{tenant}/shadow/pictures")
def shadow_pictures(tenant: Tenant, desk: Desk, days: Days = 14) -> list[PictureShown]:
    """Tell what was answered against what would have been, and where scores lie: of the live one and the candidates."""
    abouts = [LIVE, *(one.digest for one in desk.house.shadow.candidates.all(tenant))]
    return [
        PictureShown(
            about=about,
            days=days,
            pairs=[
                PairShown(before=one.before, after=one.after, count=one.count)
                for one in confusion(desk.house, tenant, about, days)
            ],
            edges=list(EDGES),
            scores=scores(desk.house, tenant, about, days),
        )
        for about in abouts
    ]


@router.get("/tenants/{tenant}/shadow/report")
def shadow_report(
    tenant: Tenant,
    who: Who,
    desk: Desk,
    control: Annotated[str, Query(max_length=64)] = "",
    candidate: Literal["", "model", "bundle"] = "",
    days: Days = 14,
    budget: Annotated[float | None, Query(ge=0, le=1e9)] = None,
    names: Annotated[bool, Query(description="Names of people instead of pseudonyms; that is recorded.")] = False,  # noqa: FBT002
) -> dict[str, Any]:
    """Tell what a control or a candidate would have done to people, from the true log; nothing is kept."""
    asked = ReportBody(control=control, candidate=candidate, days=days, budget=budget)
    if names:
        desk.record(who, tenant, "shadow.report", **asked.model_dump(exclude={"budget"}))
    told = _both(tenant, asked, desk)
    return shown(told.named if names else told.nameless, "")


@router.post("/tenants/{tenant}/shadow/report", status_code=201)
def keep_report(tenant: Tenant, body: ReportBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Make a report, and keep a signed copy of it without names: the digest names it."""
    return shown(*kept(tenant, body, who, desk))


def kept(tenant: str, body: ReportBody, who: Administrator, desk: Office) -> tuple[Sheet, str]:
    """Return a report without names, and the digest of its kept copy."""
    desk.record(who, tenant, "shadow.report.keep", **body.model_dump(exclude={"budget"}))
    sheet = _both(tenant, body, desk).nameless
    return sheet, keep(desk.house, sheet, desk.house.clock.now_ns())


def _both(tenant: str, asked: ReportBody, desk: Office) -> Both:
    if asked.control and asked.candidate:
        raise FaultyInputError("report_of_what", "a report is of a control or of a candidate, not of both")
    control = asked.control or ("" if asked.candidate else "step_up")
    wanted = Asked(tenant, control, asked.candidate, float(asked.days), asked.budget)
    return sheet_of(_RECENT, desk.house, wanted)


@router.get("/tenants/{tenant}/shadow/report/newest")
def newest_report(
    tenant: Tenant, desk: Desk, control: Annotated[str, Query(min_length=1, max_length=64)]
) -> KeptShown | None:
    """Return what the newest kept and signed report about a control says first; null when there is none."""
    found = desk.house.reports.newest(tenant, KIND, control)
    if found is None:
        return None
    told = msgspec.json.decode(found.body, type=_Kept)
    return KeptShown(digest=found.digest, at=found.at_ns / _NS, **msgspec.structs.asdict(told))


@router.post("/tenants/{tenant}/shadow/{what}/start")
def start_candidate(tenant: Tenant, what: What, body: StartBody, who: Who, desk: Desk) -> ChangedShown:
    """Verify the candidate that lies in its place as a live one would be, and let it run beside the live one."""

    def record(digest: str) -> str:
        return desk.record(who, tenant, "shadow.start", what=what, digest=digest, why=body.why)

    made = desk.house.shadow.candidates.start(tenant, what, who.key_id, record)
    return ChangedShown(what=what, digest=made.digest)


@router.post("/tenants/{tenant}/shadow/{what}/stop")
def stop_candidate(tenant: Tenant, what: What, body: StartBody, who: Who, desk: Desk) -> ChangedShown:
    """Let a candidate run no more; its files and counts stay."""

    def record(digest: str) -> str:
        return desk.record(who, tenant, "shadow.stop", what=what, digest=digest, why=body.why)

    ended = desk.house.shadow.candidates.stop(tenant, what, record)
    return ChangedShown(what=what, digest=ended.digest)
