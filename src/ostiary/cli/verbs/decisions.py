"""``ostiary decisions``: list them by filters, watch them come, count them by the hour.

Beside a running server this reads what its worker keeps up; without one it first follows the log itself.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter

from ostiary.cli.decisions.asking import ANY, Filters
from ostiary.cli.decisions.following import follow, last
from ostiary.cli.output import err, out, plain, print_json, print_jsonl, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.decision.index.ports import HOUR_NS, IndexedDecision
from ostiary.errors import FaultyInputError

if TYPE_CHECKING:
    from ostiary.server.decision_index.projector import Projector
    from ostiary.server.wiring import House

command = App(name="decisions", help="Decisions: list, watch and count them.")

_SHOWN: Final = ("id", "time", "effect", "subject", "action", "resource", "rule", "risk", "ip")
_MOST_DAYS: Final = 366
_PAUSE_S: Final = 0.5
Jsonl = Annotated[bool, Parameter(negative="", help="One decision a line, as JSON.")]


@command.command(name="list")
def list_(
    filters: Filters = ANY,
    *,
    limit: Annotated[int, Parameter(help="How many at most, up to 1000.")] = 100,
    before: Annotated[int | None, Parameter(help="Go on below this index of the log.")] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
    jsonl: Jsonl = False,
) -> None:
    """List decisions that match all filters, newest first."""
    from ostiary.server.decision_index.shown import next_key, told  # noqa: PLC0415 - half a second not every verb needs

    query = filters.query(limit, before)
    with open_data(data, config) as house:
        check_living(house, tenant)
        _projector(house).catch_up_all()
        found = house.store.decisions.rows(tenant, query)
    if jsonl:
        print_jsonl(told(row) for row in found)
    elif json:
        print_json({"decisions": [told(row) for row in found], "next": next_key(query, found)})
    else:
        print_table("decisions", _SHOWN, [_row(row) for row in found])
        if (key := next_key(query, found)) is not None:
            err.print(f"there may be more: --before {key}", markup=False)


@command.command
def tail(
    filters: Filters = ANY,
    *,
    lines: Annotated[int, Parameter(help="How many of the last ones first.")] = 10,
    following: Annotated[bool, Parameter(name="--follow", negative="", help="Go on with what comes.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    jsonl: Jsonl = False,
) -> None:
    """Show the last decisions, oldest first, and with ``--follow`` each new one as it comes."""
    query = filters.query(lines)
    with open_data(data, config) as house:
        check_living(house, tenant)
        projector = _projector(house)
        projector.catch_up_all()
        rows, place = last(house.store.decisions, tenant, query)
        _say(rows, jsonl=jsonl)

        def wait() -> bool:
            time.sleep(_PAUSE_S)
            projector.catch_up()
            return True

        for new in follow(house.store.decisions, tenant, query, place, wait) if following else ():
            _say(new, jsonl=jsonl)


@command.command
def hours(
    *,
    days: Annotated[int, Parameter(help="So many days back from now.")] = 30,
    pep: Annotated[str, Parameter(help="Of this enforcement point alone.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
    jsonl: Jsonl = False,
) -> None:
    """Count decisions by hour and effect; what was erased is counted too."""
    from ostiary.server.decision_index.shown import told_hour  # noqa: PLC0415 - as above

    if not 1 <= days <= _MOST_DAYS:
        raise FaultyInputError("span_invalid", f"days are 1 to {_MOST_DAYS}")
    with open_data(data, config) as house:
        check_living(house, tenant)
        _projector(house).catch_up_all()
        until = house.clock.now_ns() // HOUR_NS + 1
        found = house.store.decisions.hours(tenant, until - days * 24, until, pep or None)
    rows = [told_hour(one) for one in found]
    if jsonl:
        print_jsonl(rows)
    elif json:
        print_json(rows)
    else:
        timed = [row | {"hour": _time(row["hour_ns"])} for row in rows]
        print_table("decisions by the hour", ("hour", "effect", "count"), timed)


def _projector(house: "House") -> "Projector":
    from ostiary.server.decision_index.opening import projector_of  # noqa: PLC0415 - as above

    def on_fault(reason: str, fault: BaseException) -> None:
        err.print(f"{reason}: {fault}", style="yellow", markup=False)

    return projector_of(house, on_fault)


def _say(rows: Sequence[IndexedDecision], *, jsonl: bool) -> None:
    if jsonl:
        from ostiary.server.decision_index.shown import told  # noqa: PLC0415 - as above

        print_jsonl(told(row) for row in rows)
        return
    for row in rows:
        shown = _row(row)
        words = (shown["time"], f"{shown['effect']:<9}", *(shown[name] for name in ("subject", "action", "resource")))
        out.print(plain("  ".join((*words, shown["id"]))).replace("\n", " "), markup=False)


def _row(row: IndexedDecision) -> dict[str, str]:
    told = {name: str(getattr(row, name)) for name in ("id", "subject", "action", "rule", "ip")}
    resource = f"{row.resource_type}:{row.resource_id}" if row.resource_type else ""
    risk = "" if row.risk is None else f"{row.risk / 1_000_000:.3f}"
    return told | {"time": _time(row.time_ns), "effect": row.effect.name, "resource": resource, "risk": risk}


def _time(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
