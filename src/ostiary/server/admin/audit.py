"""The log for auditors: its state, its records with proofs, verification, packs, and who looked at what."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse
from pydantic import Field

from ostiary.audit.tlog.notes import parse_note
from ostiary.decision.index.query import DecisionQuery
from ostiary.errors import FaultyInputError
from ostiary.server.admin.context import Desk, Model, Office, Tenant, Who
from ostiary.server.admins import Administrator
from ostiary.server.auditing.evidence import evidence_of
from ostiary.server.auditing.jobs import Job, Jobs, PackWanted, last_verified
from ostiary.server.auditing.packing import read_pack
from ostiary.server.auditing.records import line_of, whole_of
from ostiary.server.auditing.viewing import views_of
from ostiary.server.auditing.walking import MOST_SHOWN, Wanted, walk

router = APIRouter(tags=["audit"])
Text = Annotated[str, Query(max_length=2048)]
Value = Annotated[str | None, Query(min_length=1, max_length=300)]
Moment = Annotated[int, Query(ge=0, le=2**62, description="Nanoseconds since 1970.")]
Below = Annotated[int | None, Query(ge=0, le=2**62, description="Where the page before ended.")]
Limit = Annotated[int, Query(ge=1, le=MOST_SHOWN)]
Name = Annotated[str, Path(max_length=200)]
END_NS = 2**62


class LogShown(Model):
    """The log as a whole; ``cosigned_by`` are the names on the newest checkpoint that witnesses cosigned."""

    origin: str
    size: int
    root: str
    at_ns: int
    checkpoint: str
    keys: list[str]
    cosigned_size: int
    cosigned_by: list[str]
    verified: dict[str, Any] | None
    open_jobs: int


class LineShown(Model):
    """One record in a list."""

    id: str
    index: int
    kind: str
    time_ns: int
    by: str
    subject: str
    what: str
    effect: str
    erased: bool


class RecordPage(Model):
    """Records, newest first; ask again with ``below`` for more. ``looked`` is how many were compared for this page."""

    records: list[LineShown]
    looked: int
    below: int


class ViewShown(Model):
    """Somebody looked at a page, took something away, or opened something sealed."""

    id: str
    index: int
    time_ns: int
    person: str
    action: str
    area: str
    page: str
    about: str
    reason: str
    effect: str


class ViewPage(Model):
    """Who looked at what, newest first."""

    views: list[ViewShown]
    looked: int
    below: int


class PackBody(Model):
    """Which records a pack holds; empty means any."""

    from_ns: Annotated[int, Field(ge=0, le=2**62)] = 0
    to_ns: Annotated[int, Field(ge=0, le=2**62)] = 0
    kind: Annotated[str, Field(max_length=40)] = ""
    by: Annotated[str, Field(max_length=2048)] = ""
    subject: Annotated[str, Field(max_length=2048)] = ""


class VerifyBody(Model):
    """``since``: read only what is new since the last time."""

    since: bool = False


@router.get("/tenants/{tenant}/audit")
def show_log(tenant: Tenant, desk: Desk) -> LogShown:
    """Show where the log stands, who cosigned it, and how the last verification ended."""
    house = desk.house
    head = house.log.head()
    cosigned = house.log.store.cosigned()
    jobs = Jobs(house).of(tenant)
    verified = last_verified(jobs)
    note = parse_note(cosigned) if cosigned else None
    names = {one.name for one in note.signatures if one.name != head.origin} if note else set()
    return LogShown(
        origin=head.origin,
        size=head.size,
        root=head.root.hex(),
        at_ns=head.at_ns,
        checkpoint=head.checkpoint.decode(),
        keys=[one.vkey() for one in house.log.public_keys()],
        cosigned_size=int(note.text.split(b"\n")[1]) if note else 0,
        cosigned_by=sorted(names),
        verified=job_told(verified) if verified else None,
        open_jobs=sum(one.state in {"waiting", "running"} for one in jobs),
    )


@router.get("/tenants/{tenant}/audit/records")
def list_records(
    tenant: Tenant,
    desk: Desk,
    kind: Text = "",
    by: Text = "",
    subject: Text = "",
    from_ns: Moment = 0,
    to_ns: Moment = END_NS,
    below: Below = None,
    limit: Limit = 50,
) -> RecordPage:
    """List records of any kind, newest first, by kind, by whom, about whom and when."""
    wanted = Wanted(kind, by, subject, from_ns, to_ns)
    found = walk(desk.house, tenant, wanted, below, limit)
    lines = [LineShown.model_validate(msgspec.to_builtins(line_of(one))) for one in found.found]
    return RecordPage(records=lines, looked=found.looked, below=found.below)


@router.get("/tenants/{tenant}/audit/records/{record}")
def show_record(tenant: Tenant, record: Name, desk: Desk) -> dict[str, Any]:
    """Show one record: what it holds, its entry and place in the log, and its proof, made and verified now."""
    told: dict[str, Any] = msgspec.to_builtins(whole_of(desk.house, tenant, record))
    return told


@router.get("/tenants/{tenant}/audit/views")
def list_views(
    tenant: Tenant,
    desk: Desk,
    person: Value = None,
    area: Value = None,
    action: Value = None,
    page: Text = "",
    from_ns: Moment = 0,
    to_ns: Moment = END_NS,
    below: Below = None,
    limit: Limit = 50,
) -> ViewPage:
    """List who looked at what in the console, newest first, with the reason where one was asked for."""
    query = DecisionQuery(
        subject=person,
        resource_id=area,
        action=f"console.{action}" if action else None,
        since_ns=from_ns,
        until_ns=to_ns,
        before=below,
        limit=limit,
    )
    found = views_of(desk.house, tenant, query, page=page)
    return ViewPage.model_validate(msgspec.to_builtins(found))


class ShownBy(Model):
    """One control, how many records showed it, and the first few of them."""

    control: str
    asks: str
    shown_by: str
    count: int
    examples: tuple[str, ...]


class EvidencePage(Model):
    """Which records show what; ``looked`` newest records since ``from_ns`` were counted, all where ``whole``."""

    controls: list[ShownBy]
    looked: int
    whole: bool


@router.get("/tenants/{tenant}/audit/evidence")
def show_evidence(tenant: Tenant, desk: Desk, from_ns: Moment = 0) -> EvidencePage:
    """Count which records show what: NIST SP 800-207, and promises of ours; a pack counts a whole period."""
    return EvidencePage.model_validate(msgspec.to_builtins(evidence_of(desk.house, tenant, from_ns)))


@router.get("/tenants/{tenant}/audit/jobs")
def list_audit_jobs(tenant: Tenant, desk: Desk) -> list[dict[str, Any]]:
    """List verifications and packs, newest first."""
    return [job_told(one) for one in Jobs(desk.house).of(tenant)]


@router.get("/tenants/{tenant}/audit/jobs/{job}")
def show_audit_job(tenant: Tenant, job: Name, desk: Desk) -> dict[str, Any]:
    """Show one: how far it is, and what came of it."""
    return job_told(Jobs(desk.house).find(tenant, job))


@router.post("/tenants/{tenant}/audit/verify", status_code=202)
def verify_audit_log(tenant: Tenant, body: VerifyBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Verify the whole log, or what is new since the last time; it is done beside, ask for the job."""
    desk.record(who, tenant, "audit.verify", since=body.since)
    return job_told(Jobs(desk.house).ask(tenant, "verify", who.key_id, since=body.since))


@router.post("/tenants/{tenant}/audit/packs", status_code=202)
def make_audit_pack(tenant: Tenant, body: PackBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Make a signed pack; it is made beside, ask for the job."""
    return ask_pack(tenant, body, who, desk, withheld_from(who.key_id))


def ask_pack(tenant: str, body: PackBody, who: Administrator, desk: Office, withhold: str) -> dict[str, Any]:
    """Ask for a pack in which records of ``withhold`` are closed."""
    wanted = PackWanted(**body.model_dump())
    if wanted.to_ns and wanted.to_ns <= wanted.from_ns:
        raise FaultyInputError("audit_period_invalid", "the end must come after the beginning")
    desk.record(who, tenant, "audit.pack", wanted=body.model_dump())
    return job_told(Jobs(desk.house).ask(tenant, "pack", who.key_id, withhold=withhold, wanted=wanted))


@router.get("/tenants/{tenant}/audit/packs/{job}", response_class=FileResponse)
def take_audit_pack(tenant: Tenant, job: Name, who: Who, desk: Desk) -> FileResponse:
    """Take a pack away, as it was signed."""
    found = Jobs(desk.house).find(tenant, job)
    place = read_pack(desk.house, found)
    desk.record(who, tenant, "audit.pack.take", pack=job)
    return FileResponse(place, media_type="application/zip", filename=f"ostiary-{tenant}-{job}.zip")


def withheld_from(key_id: str) -> str:
    """Return the person whose own records are withheld: people have names with a type, keys have none."""
    return key_id if ":" in key_id else ""


def job_told(job: Job) -> dict[str, Any]:
    """Return a job for JSON."""
    told: dict[str, Any] = msgspec.to_builtins(job)
    if job.report is not None:
        told["verified"] = job.report.verified
    return told
