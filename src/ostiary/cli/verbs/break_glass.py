r"""``ostiary break-glass``: open, close and list; make and list sealed codes.

    ostiary break-glass open --replace off-network-admin --resource database:orders --subject user:ann \
        --minutes 30 --reason "orders are down, VPN too" --code - --code -

Codes that are given as ``-`` are asked for at the terminal, so that they stand in no history of a shell.
"""

import sys
from datetime import datetime
from getpass import getpass
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.approvals.glass import SECOND_NS, Limits, Terms
from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.server.break_glass.ceremony import Ceremony, call_back, make_codes
from ostiary.server.break_glass.opening import close as close_one
from ostiary.server.break_glass.opening import open_by_codes, open_by_quorum
from ostiary.server.break_glass.shown import codes_shown, glass_shown
from ostiary.server.deeds import COMMAND_LINE

_MINUTE_NS: Final = 60 * SECOND_NS
_UNTIL: Final = "say until when: `--minutes` or `--until`, one of both"
_WAYS: Final = "give either `--proposal` or `--code`"

command = App(name="break-glass", help="Replace named denies for a short time, by a quorum or by sealed codes. Loud.")
codes_command = App(name="codes", help="Sealed offline codes: make them at a ceremony, list them, call them back.")
command.command(codes_command)

Replace = Annotated[list[str], Parameter(help="Id of a rule whose deny is replaced, or `no_allow_rule`.")]
ResourceNames = Annotated[list[str], Parameter(help="Where: type:id, or type:*.")]
SubjectNames = Annotated[list[str], Parameter(help="For whom: type:id.")]
Glass = Annotated[str, Parameter(help="Id of the break-glass.")]


@command.command(name="open")
def open_(
    *,
    replace: Replace,
    resource: ResourceNames,
    subject: SubjectNames,
    reason: Annotated[str, Parameter(help="Why, in one line.")],
    minutes: Annotated[int, Parameter(help="How long from now on.")] = 0,
    since: Annotated[str, Parameter(help="From when, RFC 3339. Default: now.")] = "",
    until: Annotated[str, Parameter(help="Until when, RFC 3339.")] = "",
    proposal: Annotated[str, Parameter(help="What enough people agreed to.")] = "",
    code: Annotated[list[str] | None, Parameter(help="A sealed code; `-` asks for it at the terminal.")] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Open one: with a proposal that enough people agreed to, or with sealed codes of enough people."""
    if bool(code) and bool(proposal):
        raise FaultyInputError("usage", _WAYS)
    if (minutes > 0) == bool(until):
        raise FaultyInputError("usage", _UNTIL)
    typed = [_typed(number, one) for number, one in enumerate(code or (), 1)]
    with open_data(data, config) as house:
        check_living(house, tenant)
        now_ns = house.clock.now_ns()
        since_ns = _moment(since) if since else now_ns
        until_ns = _moment(until) if until else since_ns + minutes * _MINUTE_NS
        terms = Terms(tuple(replace), tuple(resource), tuple(subject), since_ns, until_ns, reason)
        if typed:
            made = open_by_codes(house, COMMAND_LINE, tenant, terms, typed)
        else:
            made = open_by_quorum(house, COMMAND_LINE, tenant, terms, proposal)
        shown = glass_shown(house.glass.book.find(tenant, made.id), now_ns)
    if json:
        print_json(shown)
    else:
        out.print(
            f"{shown.id} is {shown.state} until {shown.until}: `ostiary break-glass close {shown.id}`", markup=False
        )


@command.command
def close(
    glass: Glass,
    *,
    reason: Annotated[str, Parameter(help="Why, in one line.")],
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Close one before its time; one person is enough."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        close_one(house, COMMAND_LINE, tenant, glass, reason)
        shown = glass_shown(house.glass.book.find(tenant, glass), house.clock.now_ns())
    if json:
        print_json(shown)
    else:
        out.print(f"{shown.id} is closed", markup=False)


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List all, the newest first."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        now_ns = house.clock.now_ns()
        found = [glass_shown(past, now_ns) for past in house.glass.book.listed(tenant)]
    if json:
        print_json(found)
        return
    rows: list[dict[str, object]] = [
        {
            "id": one.id,
            "state": one.state,
            "until": one.until,
            "replaces": " ".join(one.replaces),
            "resources": " ".join(one.resources),
            "subjects": " ".join(one.subjects),
            "how": one.how,
            "reason": one.reason,
        }
        for one in found
    ]
    columns = ("id", "state", "until", "replaces", "resources", "subjects", "how", "reason")
    print_table("break-glass", columns, rows)


@codes_command.command
def make(
    *,
    person: Annotated[list[str], Parameter(help="Who gets a code, type:id; twice for two codes.")],
    need: Annotated[int, Parameter(help="Codes of how many people open a break-glass.")] = 2,
    replace: Replace,
    resource: ResourceNames,
    subject: Annotated[list[str], Parameter(help="For whom they may open: type:id, or type:*.")],
    minutes: Annotated[int, Parameter(help="How long at most.")] = 60,
    proposal: Annotated[str, Parameter(help="What enough people agreed to; needed where there are people.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Make a set of codes; they are shown this once: each person takes his own, in an envelope."""
    limits = Limits(minutes * 60, tuple(replace), tuple(resource), tuple(subject))
    with open_data(data, config) as house:
        check_living(house, tenant)
        alone = not house.agreed.has_people(tenant)
        wanted = Ceremony(tuple(person), need, limits)
        codes, fresh = make_codes(house, COMMAND_LINE, tenant, wanted, proposal)
    if alone:
        err.print("one administrator made these: whoever sees the screen has all of them", style="yellow")
    if json:
        print_json({"set": codes_shown(codes), "codes": [{"person": one.person, "code": one.text} for one in fresh]})
        return
    for one in fresh:
        out.print(f"{one.person}: {one.text}", markup=False)


@codes_command.command(name="list")
def list_codes(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List the sets, without the codes."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = [codes_shown(one) for one in house.glass.codes.living(tenant)]
    if json:
        print_json(found)
        return
    rows: list[dict[str, object]] = [
        {"id": one.id, "need": one.need, "people": " ".join(one.people), "until": one.until} for one in found
    ]
    print_table("sealed codes", ("id", "need", "people", "until"), rows)


@codes_command.command(name="call-back")
def call_back_(
    codes: Annotated[str, Parameter(help="Id of the set.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
) -> None:
    """Make a set good for nothing; one person is enough."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        call_back(house, COMMAND_LINE, tenant, codes)
    out.print(f"{codes} is good for nothing now", markup=False)


def _typed(number: int, text: str) -> str:
    if text != "-":
        return text
    return getpass(f"code {number}: ") if sys.stdin.isatty() else sys.stdin.readline()


def _moment(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as fault:
        raise FaultyInputError("time_invalid", f"`{text[:40]}` is no time: write 2026-01-31T18:00:00Z") from fault
    if found.tzinfo is None:
        raise FaultyInputError("time_invalid", f"`{text[:40]}` says no zone: end it in Z")
    return int(found.timestamp()) * SECOND_NS
