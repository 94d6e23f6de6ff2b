"""The log as auditors look at it: where it stands, its records, one record with its proof, and verifying it now."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.admin.audit import (
    END_NS,
    VerifyBody,
    list_audit_jobs,
    list_records,
    show_audit_job,
    show_log,
    show_record,
    verify_audit_log,
)
from ostiary.server.auditing.records import MAX_PAYLOAD_SHOWN
from ostiary.server.console.addresses import address
from ostiary.server.console.periods import moment_ns
from ostiary.server.console.plain_json import plain_json
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply, json_reply

HERE: Final = "/audit"
FILTERS: Final = ("kind", "by", "subject", "from", "to")
_DIGITS: Final = 19
_KINDS: Final = (
    "admin", "approval", "biometrics", "conversation", "dataset", "decision", "device", "feature", "feedback",
    "inspection", "log_key", "model", "phases", "refusals", "retrieval", "session", "shadow", "signal", "step_up",
    "token", "training",
)  # fmt: skip


def show(visit: Visit) -> Reply:
    """Show where the log stands and its newest records, or those that are asked for."""
    chosen = chosen_of(visit, FILTERS)
    wanted = visit.query.get("id", "").strip()
    if wanted:
        return Reply(303, b"", ((b"location", f"{HERE}/records/{quote(wanted[:200], safe='')}".encode("ascii")),))
    page = list_records(
        visit.tenant,
        visit.desk,
        kind=chosen.get("kind", ""),
        by=chosen.get("by", ""),
        subject=chosen.get("subject", ""),
        from_ns=moment_ns(chosen.get("from", "")),
        to_ns=moment_ns(chosen.get("to", "")) or END_NS,
        below=below_of(visit),
    )
    log = show_log(visit.tenant, visit.desk)
    return visit.page(
        "audit.html",
        HERE,
        log=log,
        verified=job_shown(log.verified) if log.verified else None,
        rows=[{**one.model_dump(), "time": stamp(one.time_ns)} for one in page.records],
        looked=page.looked,
        chosen=chosen,
        filters=[(name, value, address(HERE, {**chosen, name: ""})) for name, value in chosen.items()],
        kinds=_KINDS,
        older=address(HERE, {**chosen, "below": str(page.below)}) if page.below else "",
        newest=address(HERE, chosen) if "below" in visit.query else "",
        jobs=_open_jobs(visit),
        now=stamp(log.at_ns),
    )


def one_record(visit: Visit) -> Reply:
    """Show one record, and whether it is in the log."""
    told = show_record(visit.tenant, visit.told["record"], visit.desk)
    hidden = _is_about(visit, visit.told["record"])
    text = "" if hidden or told["payload"] is None else plain_json(told["payload"])
    return visit.page(
        "audit_record.html",
        HERE,
        line={**told["line"], "time": stamp(told["line"]["time_ns"])},
        entry=plain_json(told["entry"]),
        written=stamp(told["written_ns"]),
        payload=_printable(text[:MAX_PAYLOAD_SHOWN]),
        cut=len(text) > MAX_PAYLOAD_SHOWN,
        hidden=hidden,
        proof=told["proof"],
    )


def verify(visit: Visit) -> Reply:
    """Verify the log, or what is new since the last time."""
    verify_audit_log(visit.tenant, VerifyBody(since=bool(visit.form.get("since"))), visit.who, visit.desk)
    return visit.done(HERE, "The log is being verified")


def one_job(visit: Visit) -> Reply:
    """Tell how far a verification or pack is."""
    told = show_audit_job(visit.tenant, visit.told["job"], visit.desk)
    return json_reply(200, {name: told.get(name, "") for name in ("state", "step", "done", "total")})


def chosen_of(visit: Visit, names: tuple[str, ...]) -> dict[str, str]:
    """Return the filters of an address that are set.

    Raises:
        FaultyInputError: ``filter_invalid``.
    """
    found = {name: visit.query[name].strip() for name in names if visit.query.get(name, "").strip()}
    if any(len(value) > 300 for value in found.values()):  # noqa: PLR2004 - a subject is no longer
        raise FaultyInputError("filter_invalid", "a filter has 300 characters at most")
    return found


def below_of(visit: Visit) -> int | None:
    """Return where the page before ended.

    Raises:
        FaultyInputError: ``filter_invalid``.
    """
    text = visit.query.get("below", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise FaultyInputError("filter_invalid", "`below` is a place in the log")
    return int(text) if text else None


def job_shown(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a verification or pack for a page."""
    report = told.get("report") or {}
    return {
        "id": told["id"],
        "kind": told["kind"],
        "state": told.get("state", "waiting"),
        "by": told["by"],
        "since": told.get("since", False),
        "step": told.get("step", ""),
        "done": told.get("done", 0),
        "total": told.get("total", 0),
        "asked": stamp(told["asked_ns"]),
        "ended": stamp(told["ended_ns"]) if told.get("ended_ns") else "",
        "seconds": round((told.get("ended_ns", 0) - told.get("began_ns", 0)) / 1e9, 1) if told.get("ended_ns") else 0,
        "good": told.get("verified"),
        "report": report,
        "pack": told.get("pack"),
        "wanted": told.get("wanted") or {},
        "fault": told.get("fault", ("", "")),
    }


def _open_jobs(visit: Visit) -> list[dict[str, Any]]:
    shown = map(job_shown, list_audit_jobs(visit.tenant, visit.desk))
    return [one for one in shown if one["kind"] == "verify"][:5]


def _is_about(visit: Visit, record: str) -> bool:
    """Return whether a record is about who looks: nobody is shown how he himself is scored."""
    row = visit.house.log.store.find_record(visit.tenant, record)
    try:
        return row is not None and row.tag in {visit.house.vault.tag(visit.tenant, one) for one in visit.own_names}
    except RefusedError:
        return False


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


ROUTES = (
    Route("GET", HERE, "audit", show),
    Route("GET", "/audit/records/{record}", "audit", one_record),
    Route("GET", "/audit/jobs/{job}", "audit", one_job),
    Route("POST", "/audit/verify", "audit", verify, "export"),
)
