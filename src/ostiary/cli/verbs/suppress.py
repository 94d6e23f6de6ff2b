"""``ostiary suppress``: silence a model's proposals for a while: add, list, remove, preview."""

from typing import Annotated, Literal

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.impact.shared import moment_ns
from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.feedback.silencing import Preview, add, preview, remove
from ostiary.server.feedback.suppressions import Wish
from ostiary.server.impact.page import when

command = App(name="suppress", help="Suppressions: silence a model's proposals; never a guardrail.")

Kind = Annotated[Literal["rule", "signal"], Parameter(help="What is silenced.")]
Name = Annotated[str, Parameter(help="The adaptive rule's id, or the signal's name.")]
Subject = Annotated[str, Parameter(help="Only for this subject, `type:id`.")]
Group = Annotated[str, Parameter(help="Only for members of this group.")]
Class = Annotated[str, Parameter(name="--class", help="Only for resources of this type.")]
_DAY_NS = 86_400 * 1_000_000_000


@command.command(name="add")
def add_(
    kind: Kind,
    name: Name,
    *,
    reason: Annotated[str, Parameter(help="Why.")],
    until: Annotated[str, Parameter(help="When it ends: ISO 8601 or Unix seconds; at most 90 days away.")],
    subject: Subject = "",
    group: Group = "",
    class_: Class = "",
    proposal: Annotated[str, Parameter(help="The approval of one that names no subject.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Silence a rule or a signal. One that names no subject needs an approval."""
    end = moment_ns(until)
    if end is None:
        raise FaultyInputError("suppression_invalid", "a suppression needs an end")
    wish = Wish(kind, name, end, reason, subject, group, class_, proposal)
    with open_data(data, config) as house:
        check_living(house, tenant)
        made = add(house, house.suppressions, tenant, wish, COMMAND_LINE)
    if json:
        print_json(made)
    else:
        out.print(f"{made.id}: {made.kind} {made.name} until {when(made.expires_ns)} UTC", markup=False)


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List suppressions, expired ones too."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        now = house.clock.now_ns()
        rows = [
            {**msgspec.to_builtins(each), "in_force": now < each.expires_ns, "until": when(each.expires_ns)}
            for each in house.suppressions.listed(tenant)
        ]
    if json:
        print_json(rows)
    else:
        columns = ("id", "kind", "name", "subject", "group", "resource_class", "until", "in_force", "by", "reason")
        print_table("suppressions", columns, rows)


@command.command(name="remove")
def remove_(
    suppression: Annotated[str, Parameter(help="Its id, `sup_…`.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """End a suppression at once."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        gone = remove(house, house.suppressions, tenant, suppression, COMMAND_LINE)
    if json:
        print_json(gone)
    else:
        out.print(f"{gone.id} is over", markup=False)


@command.command(name="preview")
def preview_(
    kind: Kind,
    name: Name,
    *,
    days: Annotated[float, Parameter(help="How far back.")] = 30.0,
    subject: Subject = "",
    group: Group = "",
    class_: Class = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show what a suppression would have silenced, and which true alarms it would have hidden."""
    if not 0 < days <= 3_650:  # noqa: PLR2004 - ten years
        raise FaultyInputError("span_invalid", "days are more than 0 and at most 3650")
    with open_data(data, config) as house:
        check_living(house, tenant)
        end = house.clock.now_ns() + _DAY_NS
        wish = Wish(kind, name, end, "preview", subject, group, class_)
        found = preview(house, house.suppressions, tenant, wish, COMMAND_LINE, days)
    if json:
        print_json(found)
    else:
        _tell(found)


def _tell(found: Preview) -> None:
    out.print(f"{found.silenced} of {found.decisions} decisions in its scope, {found.subjects} subjects", markup=False)
    out.print(f"{found.milder} would have been milder", markup=False)
    style = "bold red" if found.confirmed else None
    out.print(f"{found.confirmed} confirmed alarms hidden, {found.dismissed} judged false or safe", style=style)
    if found.broad:
        out.print("it names no subject: several people must agree to it")
    rows = [msgspec.to_builtins(each) for each in found.shown]
    print_table("what it would have touched", ("decision_id", "subject", "before", "after", "verdict"), rows)
