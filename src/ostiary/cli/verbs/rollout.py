"""``ostiary rollout``: how far each control of the models has come, and what moves it.

- Up goes one phase at a time, through the gate and by people's agreement (``--proposal``); ``--dry-run`` says what is
  missing, and what people would have to agree to.
- Down, and the kill switch, need one person and hold within a second in every process.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.server.deeds import COMMAND_LINE
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.rollout import Scope

if TYPE_CHECKING:
    from ostiary.server.rollout.desk import RolloutDesk
    from ostiary.server.rollout.shown import ControlShown, ProspectShown
    from ostiary.server.rollout.statement import Read
    from ostiary.server.wiring import House

command = App(name="rollout", help="How far each control of the models has come, and what moves it.")

PhaseName = Literal["telemetry", "shadow", "low_risk", "high_impact"]
Control = Annotated[str, Parameter(help="deny, reduce, session_lifetime, step_up, terminate or playbook:NAME.")]
Class = Annotated[str, Parameter(name="--class", help="Only for resources of this type.")]
Group = Annotated[str, Parameter(help="Only for subjects that the catalogue knows in this group.")]
Percent = Annotated[int, Parameter(help="Only for this share of the subjects, drawn by a secret.")]
Proposal = Annotated[str, Parameter(help="The proposal that people agreed to.")]
Why = Annotated[str, Parameter(help="The reason, for everybody.")]
Dry = Annotated[bool, Parameter(negative="", help="Show what it would need or do, and do nothing.")]
_COLUMNS = ("control", "phase", "live", "set by", "days", "next", "remark")


@command.command
def status(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """Show where each control stands, since when, and what keeps it from going further."""
    from ostiary.server.rollout.shown import status_shown  # noqa: PLC0415 - half a second that not every verb needs

    with open_data(data, config) as house:
        check_living(house, tenant)
        shown = status_shown(_desk(house), tenant)
    if json:
        print_json(shown.model_dump(mode="json"))
        return
    if not shown.verified:
        out.print("the phases do not verify: the models may do nothing", style="red", markup=False)
    print_table("rollout", _COLUMNS, [_row(one) for one in shown.controls])


@command.command
def promote(
    control: Control,
    *,
    to: Annotated[PhaseName | None, Parameter(help="The phase, the next one by default.")] = None,
    proposal: Proposal = "",
    why: Why = "",
    class_: Class = "",
    group: Group = "",
    percent: Percent = 100,
    dry_run: Dry = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Take a control one phase further: its gate must hold, and from low_risk on enough people must have agreed."""
    from ostiary.server.rollout.changing import Wish  # noqa: PLC0415 - as above
    from ostiary.server.rollout.shown import prospect_shown  # noqa: PLC0415 - as above

    with open_data(data, config) as house:
        check_living(house, tenant)
        desk, wish = _desk(house), Wish(tenant, control, Scope(class_, group, percent), COMMAND_LINE, why, proposal)
        if dry_run:
            _say_prospect(prospect_shown(desk, wish, desk.changes.prospect(wish, _phase(to))), json=json)
        else:
            _done(desk, desk.changes.promote(wish, _phase(to)), json=json)


@command.command
def revive(
    control: Control,
    *,
    to: Annotated[PhaseName, Parameter(help="The phase that it comes back to.")] = "low_risk",
    proposal: Proposal = "",
    why: Why = "",
    dry_run: Dry = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Bring back a control whose switch was pulled: through its gate, and by people's agreement."""
    from ostiary.server.rollout.changing import Wish  # noqa: PLC0415 - as above
    from ostiary.server.rollout.shown import prospect_shown  # noqa: PLC0415 - as above

    with open_data(data, config) as house:
        check_living(house, tenant)
        desk, wish, phase = _desk(house), Wish(tenant, control, Scope(), COMMAND_LINE, why, proposal), Phase[to.upper()]
        if dry_run:
            _say_prospect(prospect_shown(desk, wish, desk.changes.prospect(wish, phase, reviving=True)), json=json)
        else:
            _done(desk, desk.changes.revive(wish, phase), json=json)


@command.command
def demote(
    control: Control,
    *,
    to: Annotated[PhaseName | None, Parameter(help="The phase, the one below by default.")] = None,
    why: Why = "",
    class_: Class = "",
    group: Group = "",
    percent: Percent = 100,
    dry_run: Dry = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Take a control down at once, for everybody or in a scope; one person is enough."""
    from ostiary.server.rollout.changing import Wish  # noqa: PLC0415 - as above

    with open_data(data, config) as house:
        check_living(house, tenant)
        desk, wish = _desk(house), Wish(tenant, control, Scope(class_, group, percent), COMMAND_LINE, why)
        if dry_run:
            _say_now(desk, wish.tenant, control, wish.scope, json=json)
        else:
            _done(desk, desk.changes.demote(wish, _phase(to)), json=json)


@command.command
def kill(
    control: Annotated[str, Parameter(help="A control, playbook:NAME, or all of them.")] = "*",
    *,
    why: Why = "",
    dry_run: Dry = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Pull the switch: no model has any effect from now on, or none through one control. One person is enough."""
    from ostiary.server.rollout.changing import Wish  # noqa: PLC0415 - as above

    with open_data(data, config) as house:
        check_living(house, tenant)
        desk = _desk(house)
        if dry_run:
            _say_now(desk, tenant, control, Scope(), json=json)
        else:
            _done(desk, desk.changes.kill(Wish(tenant, control, by=COMMAND_LINE, why=why)), json=json)


@command.command
def history(
    *,
    limit: Annotated[int, Parameter(help="How many at most.")] = 50,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List what was done to the phases, newest first."""
    from ostiary.server.rollout.shown import change_shown  # noqa: PLC0415 - as above

    with open_data(data, config) as house:
        check_living(house, tenant)
        states = house.rollout.chain.history(tenant)[: max(0, limit)]
        found = [change_shown(state).model_dump(mode="json") for state in states]
    if json:
        print_json(found)
    else:
        print_table("changes", ("number", "what", "text", "by", "proposal"), found)


def _desk(house: "House") -> "RolloutDesk":
    from ostiary.server.rollout.desk import rollout_desk  # noqa: PLC0415 - as above

    return rollout_desk(house, _on_fault)


def _on_fault(reason: str, fault: BaseException) -> None:
    err.print(f"{reason}: {fault}", style="yellow", markup=False)


def _phase(name: str | None) -> Phase | None:
    return None if name is None else Phase[name.upper()]


def _done(desk: "RolloutDesk", read: "Read", *, json: bool) -> None:
    from ostiary.server.rollout.shown import change_shown  # noqa: PLC0415 - as above

    desk.tell(read.state, _on_fault)
    shown = change_shown(read.state)
    if json:
        print_json(shown.model_dump(mode="json"))
    else:
        out.print(shown.text, markup=False)


def _say_now(desk: "RolloutDesk", tenant: str, control: str, scope: Scope, *, json: bool) -> None:
    from ostiary.server.rollout.shown import status_shown  # noqa: PLC0415 - as above

    everything = status_shown(desk, tenant).controls
    rows = [one for one in everything if control in {"*", one.control} and (scope.whole or _same(one, scope))]
    if json:
        print_json([row.model_dump(mode="json") for row in rows])
    else:
        print_table("would be taken down", _COLUMNS, [_row(one) for one in rows if one.live or control != "*"])


def _same(one: "ControlShown", scope: Scope) -> bool:
    return (one.scope.resource_class, one.scope.group, one.scope.percent) == (
        scope.resource_class,
        scope.group,
        scope.percent,
    )


def _say_prospect(shown: "ProspectShown", *, json: bool) -> None:
    if json:
        print_json(shown.model_dump(mode="json"))
        return
    out.print(f"{shown.control}: {shown.before} to {shown.after}", markup=False)
    for sentence in shown.unmet:
        out.print(f"  not met: {sentence}", markup=False)
    out.print(f"  agreement: {shown.approval}", markup=False)
    if shown.deed is not None:
        out.print(f"  to agree to: {shown.deed.kind} of {shown.deed.target}", markup=False)
        for name, value in sorted(shown.deed.bound.items()):
            out.print(f"    {name}: {value or '-'}", markup=False)
        out.print(f"  to propose it: {shown.deed.propose}", markup=False)


def _row(one: "ControlShown") -> dict[str, Any]:
    named = Scope(one.scope.resource_class, one.scope.group, one.scope.percent).text
    remarks = ["switched off"] if one.killed else []
    remarks += [one.stalled] if one.stalled else []
    remarks += [f"agreement lost: {one.lapsed}"] if one.lapsed else []
    remarks += [f"gate broken: {sentence}" for sentence in one.broken]
    return {
        "control": one.control if named == Scope().text else f"{one.control}@{named}",
        "phase": one.phase,
        "live": "yes" if one.live else "no",
        "set by": one.set_by,
        "days": f"{one.days:.0f}",
        "next": f"{len(one.unmet)} not met" if one.unmet else "open" if one.next else "",
        "remark": "; ".join(remarks),
    }
