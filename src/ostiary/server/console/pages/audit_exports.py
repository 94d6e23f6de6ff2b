"""Signed packs for auditors: asking for one, watching it being made, taking it away; and which records show what."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from ostiary.errors import RefusedError
from ostiary.server.admin.audit import PackBody, ask_pack, list_audit_jobs, show_evidence
from ostiary.server.auditing.jobs import Jobs
from ostiary.server.auditing.packing import pack_file, read_pack
from ostiary.server.console.addresses import address
from ostiary.server.console.pages.audit import job_shown
from ostiary.server.console.periods import day_of, moment_ns
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply, StreamReply

HERE: Final = "/audit/exports"
_DAY_NS: Final = 86_400 * 1_000_000_000
_DAYS: Final = 30
_PIECE: Final = 1 << 18
_STALL_S: Final = 30.0


def show(visit: Visit) -> Reply:
    """Show the packs that are kept, and the form that asks for one."""
    jobs = [job_shown(one) for one in list_audit_jobs(visit.tenant, visit.desk) if one["kind"] == "pack"]
    for one in jobs:
        one["mine"] = one["by"] in visit.own_names
        one["there"] = pack_file(visit.house.places, visit.tenant, one["id"]).is_file()
        one["period"] = _period(one["wanted"])
    return visit.page(
        "audit_exports.html",
        "/audit",
        jobs=jobs,
        since=day_of(visit.now_ns - _DAYS * _DAY_NS),
        until=day_of(visit.now_ns + _DAY_NS),
        key=visit.house.log.public_keys()[0].vkey(),
    )


def make(visit: Visit) -> Reply:
    """Ask for a pack."""
    form = visit.form
    body = PackBody.model_validate(
        {
            "from_ns": moment_ns(form.get("from", "")),
            "to_ns": moment_ns(form.get("to", "")),
            **{name: form.get(name, "").strip() for name in ("kind", "by", "subject")},
        }
    )
    me = visit.person.subject
    names = "\n".join((me, *sorted(visit.own_names - {me})))
    ask_pack(visit.tenant, body, visit.who, visit.desk, names)
    return visit.done(HERE, "The pack is being made")


def take(visit: Visit) -> StreamReply:
    """Take a pack away, as it was signed; only one's own leaves closed how one was scored."""
    job = Jobs(visit.house).find(visit.tenant, visit.told["job"])
    if job.withhold.partition("\n")[0] not in visit.own_names:
        text = "somebody else asked for this pack, and what is closed to you may be open in it: make one of your own"
        raise RefusedError("console_pack_of_another", text)
    place = read_pack(visit.house, job)
    visit.desk.record(visit.who, visit.tenant, "audit.pack.take", pack=job.id)
    name = f'attachment; filename="ostiary-{visit.tenant}-{job.id}.zip"'.encode("ascii")
    head = ((b"content-type", b"application/zip"), (b"content-disposition", name))
    return StreamReply(200, _pieces(place), (*head, (b"content-length", b"%d" % place.stat().st_size)), _STALL_S)


def evidence(visit: Visit) -> Reply:
    """Show which records show what."""
    days = visit.query.get("days", str(_DAYS))
    span = int(days) if days.isascii() and days.isdigit() and 0 < len(days) < 5 else _DAYS  # noqa: PLR2004
    since_ns = max(0, visit.now_ns - span * _DAY_NS)
    found = show_evidence(visit.tenant, visit.desk, since_ns)
    return visit.page(
        "audit_evidence.html",
        "/audit",
        controls=found.controls,
        looked=found.looked,
        whole=found.whole,
        days=span,
        since=stamp(since_ns),
        more=address(HERE, {}),
    )


def _period(wanted: dict[str, Any]) -> str:
    since, until = day_of(wanted.get("from_ns", 0)) or "the beginning", day_of(wanted.get("to_ns", 0)) or "its making"
    only = ", ".join(str(wanted[name]) for name in ("kind", "by", "subject") if wanted.get(name))
    return f"{since} to {until}{f', {only}' if only else ''}"


async def _pieces(place: Path) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(place.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
    finally:
        file.close()


ROUTES = (
    Route("GET", HERE, "audit", show),
    Route("POST", HERE, "audit", make, "export"),
    Route("GET", "/audit/exports/{job}/pack.zip", "audit", take, "export"),
    Route("GET", "/audit/evidence", "audit", evidence),
)
