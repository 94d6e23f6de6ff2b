"""``ostiary session``: look at sessions, and make them fall. Nothing here makes one rise: that takes a step-up.

A session is named by its handle (``ses_…``), by the issuer's id, or by the id that an enforcement point gave it.
What is done here holds in a running server within half a second.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, open_data
from ostiary.errors import RefusedError
from ostiary.server.analyst.curve import curve_of
from ostiary.server.analyst.reading import decisions_in
from ostiary.server.analyst.revoked import revoked_of
from ostiary.server.analyst.timeline import marks_of, timeline_of
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.sessions import find_session, shown
from ostiary.server.wiring import House
from ostiary.sessions import Session

command = App(name="session", help="Sessions: who is in, what they lost, and how to make them fall.")

Name = Annotated[str, Parameter(help="Its handle (`ses_…`), or its id.")]
_NS = 1_000_000_000
Why = Annotated[str, Parameter(help="Why, as a code for the log.")]


def _find(house: House, tenant: str, name: str) -> Session:
    if house.tenants.find(tenant) is None:
        raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
    session = find_session(house.ledger, tenant, name)
    if session is None:
        raise RefusedError("session_unknown", f"there is no one session `{name[:80]}`")
    return session


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _row(row: dict[str, Any]) -> dict[str, object]:
    lost = [*row["dropped"], *([f"ends {_moment(row['expires'])}"] if row["expires"] else [])]
    return {**row, "seen": _moment(row["seen"]), "lost": ", ".join(lost)}


@command.command(name="list")
def list_(
    *,
    subject: Annotated[str, Parameter(help="Only those of this subject, `type:id`.")] = "",
    ended: Annotated[bool, Parameter(negative="", help="Those that ended instead of those that live.")] = False,
    limit: Annotated[int, Parameter(help="How many at most.")] = 100,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List sessions, the latest seen first."""
    with open_data(data, config) as house:
        if house.tenants.find(tenant) is None:
            raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
        found = house.ledger.over(tenant) if ended else house.ledger.of_tenant(tenant)
        now = house.clock.now_ns()
    rows = [shown(one, now) for one in found if not subject or one.subject == subject][: max(0, limit)]
    if json:
        print_json(rows)
    else:
        columns = ("handle", "subject", "state", "level", "seen", "lost", "reason")
        print_table("sessions", columns, [_row(row) for row in rows])


@command.command
def show(
    name: Name, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show one session, ended or living."""
    with open_data(data, config) as house:
        row = shown(_find(house, tenant, name), house.clock.now_ns())
    if json:
        print_json(row)
        return
    for member, value in row.items():
        told = _moment(value) if member in {"started", "seen", "expires", "proven", "ended", "step_up_since"} else value
        if told not in {None, "", ()}:
            out.print(f"{member:<14} {', '.join(told) if isinstance(told, tuple) else told}", markup=False)


@command.command
def timeline(
    name: Name, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Tell what happened in a session, newest first: accesses, falls, proofs, deeds, its end; and its risk curve."""
    with open_data(data, config) as house:
        session = _find(house, tenant, name)
        records = decisions_in(house, session)
        happened = timeline_of(house, session, records)
        curve = curve_of(house, tenant, records, marks_of(happened))
    rows = [one.model_dump(mode="json") for one in happened]
    if json:
        print_json({"happenings": rows, "curve": curve.model_dump(mode="json")})
    else:
        told = [{**row, "time": _moment(row["time_ns"] / _NS), "what": row["text"] or row["about"]} for row in rows]
        print_table("what happened", ("time", "kind", "effect", "what", "by", "reason", "record"), told)


@command.command
def revoked(
    name: Name, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Tell exactly what a session's latest fall or end took away: rights, tokens, sessions, and who is told."""
    with open_data(data, config) as house:
        found = revoked_of(house, _find(house, tenant, name))
    if json:
        print_json(found.model_dump(mode="json"))
        return
    out.print(f"{found.what} {found.reason}".strip(), markup=False)
    for what, lines in (
        ("right", found.privileges),
        ("session", [f"{one.session} {one.why}" for one in found.sessions]),
        ("token", [f"{one.token} {one.why}" for one in found.tokens]),
        ("told", [f"{one.stream} of {one.owner}, {one.waiting} waiting" for one in found.streams]),
    ):
        for line in lines:
            out.print(f"{what:<8} {line}", markup=False)


@command.command
def terminate(
    name: Name,
    *,
    reason: Why = "administrator",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """End a session for good."""
    with open_data(data, config) as house:
        session = _find(house, tenant, name)
        cause = record_deed(house, COMMAND_LINE, tenant, "session.terminate", session=session.handle, reason=reason)
        now = house.clock.now_ns()
        changed = house.ledger.terminate(tenant, session.session_id, at_ns=now, reason=reason, cause=cause)
    _say(session, changed, "ended", cause, json=json)


@command.command(name="step-up")
def step_up(
    name: Name,
    *,
    acr: Annotated[tuple[str, ...], Parameter(negative="", help="What it must be; repeat for several.")] = (),
    reason: Why = "administrator",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Demand a step-up of a session before anything else."""
    with open_data(data, config) as house:
        session = _find(house, tenant, name)
        cause = record_deed(house, COMMAND_LINE, tenant, "session.step_up", session=session.handle, reason=reason)
        changed = house.ledger.demand_step_up(
            tenant, session.session_id, at_ns=house.clock.now_ns(), reason=reason, cause=cause, acr_values=acr
        )
    _say(session, changed, "asked for a step-up", cause, json=json)


@command.command
def reduce(
    name: Name,
    *,
    privilege: Annotated[tuple[str, ...], Parameter(negative="", help="A right it loses; repeat for several.")] = (),
    lifetime_s: Annotated[float | None, Parameter(help="How many seconds it may live on.")] = None,
    reason: Why = "administrator",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Take rights from a session, shorten its life, or both."""
    with open_data(data, config) as house:
        session = _find(house, tenant, name)
        told = {"privileges": privilege, "lifetime_s": lifetime_s}
        cause = record_deed(
            house, COMMAND_LINE, tenant, "session.reduce", session=session.handle, reason=reason, **told
        )
        changed = house.ledger.reduce(
            tenant,
            session.session_id,
            at_ns=house.clock.now_ns(),
            reason=reason,
            cause=cause,
            privileges=privilege,
            lifetime_s=lifetime_s,
        )
    _say(session, changed, "reduced", cause, json=json)


@command.command
def revoke(
    subject: Annotated[str, Parameter(help="Whose sessions end, `type:id`.")],
    *,
    reason: Why = "administrator",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """End all that a subject began up to now: its sessions, and every token made before."""
    with open_data(data, config) as house:
        if house.tenants.find(tenant) is None:
            raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
        cause = record_deed(house, COMMAND_LINE, tenant, "subject.revoke", reason=reason)
        now = house.clock.now_ns()
        names = house.ledger.revoke_subject(tenant, subject, at_ns=now, reason=reason, cause=cause)
    if json:
        print_json({"subject": subject, "ended": len(names), "record_id": cause})
    else:
        out.print(f"{subject}: {len(names):,} sessions ended, older tokens are refused ({cause})", markup=False)


def _say(session: Session, changed: bool, what: str, cause: str, *, json: bool) -> None:  # noqa: FBT001 - says what came
    if json:
        print_json({"handle": session.handle, "changed": changed, "record_id": cause})
    else:
        out.print(f"{session.handle} {'is' if changed else 'was already'} {what} ({cause})", markup=False)
