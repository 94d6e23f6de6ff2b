"""What people see of the rollout: where each control stands, since when, what keeps it there, what was done."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from ostiary.decision.gates import Condition, conditions
from ostiary.decision.phases import PLAYBOOK, live_from
from ostiary.response.plan import Planned, StepState
from ostiary.response.playbook import control_name
from ostiary.response.steps import UNDOABLE
from ostiary.server.agreed import propose_command
from ostiary.server.rollout.changing import Changes, Prospect, Wish
from ostiary.server.rollout.desk import RolloutDesk
from ostiary.server.rollout.figures import DAY_NS
from ostiary.server.rollout.force import target_of
from ostiary.server.rollout.in_force import InForce
from ostiary.server.rollout.settling import switches_of
from ostiary.server.rollout.statement import Setting, State
from ostiary.server.rollout.telling import words
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.effects import Control, Phase
from ostiary.vocabulary.rollout import WHOLE, GateFigures, Scope

_NS: Final = 1_000_000_000
STEPS: Final = 500
NAMES: Final = tuple(phase.name.lower() for phase in Phase)


class Shown(BaseModel):
    """Base of what is shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ScopeShown(Shown):
    """A scope; empty = not named."""

    resource_class: str = ""
    group: str = ""
    percent: int = 100


class StepsShown(Shown):
    """What a playbook did, would have done, or waits to do; ``undoable`` names what can be taken back."""

    would_have_done: int = 0
    waiting: int = 0
    done: int = 0
    subjects: int = 0
    undoable: tuple[str, ...] = ()


class ConditionShown(Shown):
    """One condition of a gate: measured, allowed (``least``: needed), and why it is not met, empty when it is."""

    name: str
    label: str
    value: float | None
    limit: float | None
    least: bool
    met: bool
    says: str


class ControlShown(Shown):
    """One control in one scope.

    ``set_by``: ``configured`` (the operator's table), ``people`` (agreed to), ``default`` (nothing was said),
    ``one person`` (downwards). ``stalled`` says for how long, in words, when shadow has lasted past its date.
    """

    control: str
    scope: ScopeShown
    phase: str
    live: bool
    set_by: str
    since: float
    days: float
    shadow_until: float | None = None
    stalled: str = ""
    killed: bool = False
    proposal: str = ""
    lapsed: str = ""
    next: str = ""
    unmet: tuple[str, ...] = ()
    conditions: tuple[ConditionShown, ...] = ()
    figures: dict[str, Any] = {}
    broken: tuple[str, ...] = ()
    steps: StepsShown | None = None


class StatusShown(Shown):
    """The rollout of a tenant; ``verified`` is false when its state cannot be believed: then models do nothing."""

    tenant: str
    verified: bool
    number: int
    digest: str
    killed: tuple[str, ...]
    controls: tuple[ControlShown, ...]


class ChangeShown(Shown):
    """One change."""

    number: int
    time: float
    what: str
    control: str
    scope: ScopeShown
    before: str
    after: str
    by: str
    why: str
    proposal: str
    text: str


class DeedShown(Shown):
    """What people must agree to, and the command that proposes it."""

    kind: str
    target: str
    bound: dict[str, str]
    propose: str


class ProspectShown(Shown):
    """What going up would need now."""

    control: str
    scope: ScopeShown
    before: str
    after: str
    unmet: tuple[str, ...]
    conditions: tuple[ConditionShown, ...]
    approval: str
    open: bool
    figures: dict[str, Any]
    deed: DeedShown | None = None
    steps: StepsShown | None = None


def status_shown(desk: RolloutDesk, tenant: str) -> StatusShown:
    """Return where everything stands."""
    held = desk.house.rollout.look(tenant)
    read = held.read
    rows = tuple(_control(desk, tenant, held, control, scope) for control, scope in _places(desk, tenant, held))
    return StatusShown(
        tenant=tenant,
        verified=not held.broken,
        number=0 if read is None else read.state.number,
        digest="" if read is None else read.digest,
        killed=() if read is None else read.state.killed,
        controls=rows,
    )


def stalled_in(desk: RolloutDesk, tenant: str) -> Iterator[tuple[str, str]]:
    """Yield each control that shadow has held past its date, and for how long in words."""
    held = desk.house.rollout.look(tenant)
    for control, scope in _places(desk, tenant, held):
        days = _days(desk, tenant, control, scope)
        if (
            desk.changes.before(tenant, control, scope) == Phase.SHADOW
            and days > desk.house.settings.rollout.stall_days
        ):
            yield target_of(control, scope), _stalled(days)


def change_shown(state: State) -> ChangeShown:
    """Return one change as it is shown."""
    change = state.change
    return ChangeShown(
        number=state.number,
        time=state.at_ns / _NS,
        what=change.what,
        control=change.control,
        scope=_scope(change.scope),
        before=change.before,
        after=change.after,
        by=change.by,
        why=change.why,
        proposal=change.proposal,
        text=words(change),
    )


def control_shown(desk: RolloutDesk, tenant: str, control: str, scope: Scope = WHOLE) -> ControlShown:
    """Return where one control stands now."""
    return _control(desk, tenant, desk.house.rollout.look(tenant), control, scope)


def prospect_shown(desk: RolloutDesk, wish: Wish, found: Prospect) -> ProspectShown:
    """Return what going up would need, and whom a playbook would have hit."""
    deed = found.deed
    return ProspectShown(
        control=wish.control,
        scope=_scope(wish.scope),
        before=found.before.name.lower(),
        after=found.after.name.lower(),
        unmet=found.unmet,
        conditions=_conditions_shown(found.conditions),
        approval=found.approval,
        open=not found.unmet and found.approval in {"holds", "not needed"},
        figures=_figures_shown(found.figures),
        deed=None if deed is None else _deed(deed),
        steps=steps_of(desk, wish.tenant, wish.control),
    )


def steps_of(desk: RolloutDesk, tenant: str, control: str) -> StepsShown | None:
    """Return what a playbook did and would have done, of the newest steps; ``None`` for a control of the models."""
    if not control.startswith(PLAYBOOK):
        return None
    listed = desk.house.response.approvals.listed(tenant, (), STEPS)
    steps = [step for step in listed if control_name(step.playbook) == control]
    return StepsShown(
        would_have_done=_count(steps, StepState.DRY),
        waiting=_count(steps, StepState.WAITING),
        done=_count(steps, StepState.DONE),
        subjects=len({step.trigger.subject for step in steps if step.trigger.subject}),
        undoable=tuple(one.name for one in steps if one.state == StepState.DONE and one.step.do in UNDOABLE),
    )


def _deed(deed: Deed) -> DeedShown:
    return DeedShown(kind=deed.kind, target=deed.target, bound=dict(deed.bound), propose=propose_command(deed))


def _count(steps: list[Planned], state: StepState) -> int:
    return sum(step.state == state for step in steps)


def _places(desk: RolloutDesk, tenant: str, held: InForce) -> list[tuple[str, Scope]]:
    books = [control_name(book.name) for book in desk.house.response.shelf.playbooks(tenant)]
    places = [(control, WHOLE) for control in (*(one.value for one in Control), *books)]
    settings = () if held.read is None else held.read.state.settings
    known = [(one.control, one.scope) for one in settings if one.control in {name for name, _ in places}]
    return places + [place for place in known if not place[1].whole]


def _control(desk: RolloutDesk, tenant: str, held: InForce, control: str, scope: Scope) -> ControlShown:
    changes, read = desk.changes, held.read
    setting = None if read is None else read.state.find(control, scope)
    phase, since = changes.before(tenant, control, scope), changes.since_ns(tenant, control, scope)
    days, shadow = _days(desk, tenant, control, scope), phase == Phase.SHADOW
    patience = desk.house.settings.rollout.stall_days
    after = None if phase == Phase.HIGH_IMPACT else Phase(phase + 1)
    dead = read is not None and any(read.state.is_killed(one) for one in switches_of(control))
    live = phase >= live_from(control) and not dead
    evidence = desk.gathering.evidence(tenant, control, since, desk.house.clock.now_ns())
    asked = () if after is None else conditions(desk.gates.gate(control, after), evidence)
    return ControlShown(
        control=control,
        scope=_scope(scope),
        phase=phase.name.lower(),
        live=live,
        set_by=_set_by(setting, phase, control),
        since=since / _NS,
        days=days,
        shadow_until=since / _NS + patience * DAY_NS / _NS if shadow else None,
        stalled=_stalled(days) if shadow and days > patience else "",
        killed=dead,
        proposal=next((one.proposal for one in setting.rungs if one.phase == phase), "") if setting else "",
        lapsed=dict(held.lapsed).get(target_of(control, scope), ""),
        next="" if after is None else after.name.lower(),
        unmet=tuple(one.says for one in asked if not one.met),
        conditions=_conditions_shown(asked),
        figures=_figures_shown(evidence.figures),
        broken=desk.watch.broken(tenant, control) if live else (),
        steps=steps_of(desk, tenant, control),
    )


def _conditions_shown(asked: tuple[Condition, ...]) -> tuple[ConditionShown, ...]:
    return tuple(
        ConditionShown(
            name=one.name,
            label=one.label,
            value=one.value,
            limit=one.limit,
            least=one.least,
            met=one.met,
            says=one.says,
        )
        for one in asked
    )


def _figures_shown(figures: GateFigures) -> dict[str, Any]:
    told = {name: getattr(figures, name) for name in figures.__struct_fields__}
    return {name: value for name, value in told.items() if value is not None}


def _set_by(setting: Setting | None, phase: Phase, control: str) -> str:
    if setting is not None and any(one.phase == phase for one in setting.rungs):
        return "people"
    if setting is not None and setting.base is not None:
        return "one person"
    return "default" if control.startswith(PLAYBOOK) else "configured"


def _days(desk: RolloutDesk, tenant: str, control: str, scope: Scope) -> float:
    changes: Changes = desk.changes
    return round(max(0, desk.house.clock.now_ns() - changes.since_ns(tenant, control, scope)) / DAY_NS, 2)


def _stalled(days: float) -> str:
    return f"stalled for {int(days)} days"


def _scope(scope: Scope) -> ScopeShown:
    return ScopeShown(resource_class=scope.resource_class, group=scope.group, percent=scope.percent)
