"""One control of the models, or one playbook, in one scope: its gate, what it would have done, and what moves it."""

from typing import Any, Final

from ostiary.errors import RefusedError
from ostiary.server.admin.overview import show_overview
from ostiary.server.admin.rollout import (
    KillBody,
    ProposeBody,
    RaiseBody,
    ScopeBody,
    WishBody,
    demote,
    kill,
    promote,
    propose_change,
    revive,
    show_history,
    show_rollout,
)
from ostiary.server.admin.shadow import newest_report
from ostiary.server.console.pages.rollout import (
    CHART_DAYS,
    DAYS,
    HERE,
    change_of,
    chart_of,
    link_of,
    query_of,
    row_of,
    scope_text,
    title_of,
)
from ostiary.server.console.reasons import reason_of
from ostiary.server.console.refusing import sentence
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.rollout.desk import rollout_desk
from ostiary.server.rollout.projecting import projections
from ostiary.server.rollout.shown import (
    ConditionShown,
    ControlShown,
    ProspectShown,
    ScopeShown,
    StatusShown,
    control_shown,
)
from ostiary.server.rollout.statement import ALL_PLAYBOOKS
from ostiary.server.wire import Reply

_NS: Final = 1_000_000_000
_HISTORY: Final = 256
_SHARES: Final = frozenset({"subjects_share", "resources_share", "false_positive_rate"})
_JUDGED: Final = frozenset({"redteam_passed", "quality"})
_REPORTS: Final = frozenset({"impact", "redteam_days", "quality_days"}) | _JUDGED
_BACK: Final = ("shadow", "low_risk", "high_impact")


def show(visit: Visit) -> Reply:
    """Show one control."""
    control, scope = visit.told["control"], _scope(visit.query)
    status = show_rollout(visit.tenant, visit.desk)
    one = _found(visit, status, control, scope)
    to = visit.query.get("to", "low_risk")
    prospect, blocked = _prospect(visit, one, scope, to) if status.verified else (None, "")
    would = projections(visit.house, visit.tenant, DAYS).get(control)
    history = [
        change for change in show_history(visit.tenant, visit.desk, _HISTORY) if change.control in {control, "*"}
    ]
    kept = newest_report(visit.tenant, visit.desk, control) if would else None
    return visit.page(
        "rollout_control.html",
        HERE,
        board=status,
        row=row_of(one, would),
        one=one,
        days=DAYS,
        control=control,
        title=title_of(control),
        scope=one.scope,
        scope_text=scope_text(one.scope),
        prospect=prospect,
        conditions=[] if prospect is None else [_condition(each) for each in prospect.conditions],
        blocked=blocked,
        back=_BACK,
        to=to,
        lower=_lower(one),
        would=would,
        report=kept,
        reported=stamp(int(kept.at * _NS)) if kept else "",
        until=stamp(int(one.shadow_until * _NS)) if one.shadow_until else "",
        history=[change_of(change) for change in history],
        chart=chart_of(show_overview(visit.tenant, visit.desk, CHART_DAYS), visit.now_ns),
        path=link_of(control),
    )


def go_up(visit: Visit) -> Reply:
    """Promote it, through its gate and by the agreement that is named."""
    body = RaiseBody(**_wish(visit), why=reason_of(visit), proposal=visit.form.get("proposal", "").strip())
    promote(visit.tenant, body, visit.who, visit.desk)
    return _done(visit, body, f"{title_of(body.control)} was promoted")


def go_down(visit: Visit) -> Reply:
    """Take it down at once."""
    body = WishBody.model_validate({**_wish(visit), "why": reason_of(visit), "to": visit.form.get("to") or None})
    demote(visit.tenant, body, visit.who, visit.desk)
    return _done(visit, body, f"{title_of(body.control)} was taken down")


def switch_off(visit: Visit) -> Reply:
    """Pull its switch."""
    body = KillBody(control=visit.told["control"], why=reason_of(visit))
    kill(visit.tenant, body, visit.who, visit.desk)
    return visit.done(link_of(body.control), f"{title_of(body.control)} was switched off")


def bring_back(visit: Visit) -> Reply:
    """Bring back what was switched off."""
    told = {"why": reason_of(visit), "to": visit.form.get("to") or None, "proposal": visit.form.get("proposal", "")}
    body = RaiseBody.model_validate({"control": visit.told["control"], **told})
    revive(visit.tenant, body, visit.who, visit.desk)
    return _done(visit, body, f"{title_of(body.control)} is back")


def propose(visit: Visit) -> Reply:
    """Ask people to agree to going up."""
    told = {"why": reason_of(visit), "to": visit.form.get("to") or None, "reviving": visit.form.get("reviving") == "1"}
    body = ProposeBody.model_validate({**_wish(visit), **told})
    made = propose_change(visit.tenant, body, visit.who, visit.desk)
    return visit.done(f"/approvals/{made.proposal}", "People were asked to agree")


def _found(visit: Visit, status: StatusShown, control: str, scope: ScopeBody) -> ControlShown:
    """Return where a control stands in a scope.

    Raises:
        RefusedError: ``control_unknown``.
    """
    known = {one.control for one in status.controls} | ({ALL_PLAYBOOKS} & set(status.killed))
    if control not in known:
        raise RefusedError("control_unknown", f"there is no control `{control[:80]}`")
    wanted = ScopeShown(**scope.model_dump())
    found = next((one for one in status.controls if (one.control, one.scope) == (control, wanted)), None)
    return found or control_shown(rollout_desk(visit.house, _faults(visit)), visit.tenant, control, scope.scope())


def _faults(visit: Visit) -> Any:
    return visit.shared.desk.faults


def _prospect(visit: Visit, one: ControlShown, scope: ScopeBody, to: str) -> tuple[ProspectShown | None, str]:
    """Return what going up would need now, or why it cannot."""
    told: dict[str, Any] = {"control": one.control, "scope": scope, "dry_run": True}
    told["proposal"] = visit.query.get("proposal", "")
    try:
        if one.killed:
            back = RaiseBody.model_validate({**told, "to": to})
            found = revive(visit.tenant, back, visit.who, visit.desk)
        elif one.next:
            found = promote(visit.tenant, RaiseBody.model_validate(told), visit.who, visit.desk)
        else:
            return None, "It stands in the last phase."
    except RefusedError as no:
        return None, sentence(no.message)
    return (found, "") if isinstance(found, ProspectShown) else (None, "")


def _condition(one: ConditionShown) -> dict[str, Any]:
    needed = "" if one.limit is None else f"at {'least' if one.least else 'most'} {_figure(one.name, one.limit)}"
    says = "" if one.value is None else one.says
    measured = "not measured" if one.value is None else _figure(one.name, one.value)
    if one.name in _REPORTS:
        measured = _age(one)
    return {"label": one.label, "says": says, "measured": measured, "needed": needed, "met": one.met}


def _figure(name: str, value: float) -> str:
    """Return a figure of a gate for people.

    >>> _figure("subjects_share", 0.8333), _figure("decisions", 5000), _figure("days", 0.0001)
    ('83.3 %', '5,000', '0')
    """
    if name in _SHARES:
        return f"{100 * value:.3g} %"
    return f"{round(value, 2):,g}"


def _age(one: ConditionShown) -> str:
    if one.value is not None:
        return f"{one.value:.1f} days old"
    if one.name in _JUDGED:
        return "yes" if one.met else "not known" if one.says.endswith("not measured") else "no"
    return "there is none"


def _lower(one: ControlShown) -> tuple[str, ...]:
    phases = ("telemetry", *_BACK)
    return tuple(reversed(phases[: phases.index(one.phase)]))


def _scope(told: Any) -> ScopeBody:
    names = ("resource_class", "group", "percent")
    return ScopeBody.model_validate({name: told[name].strip() for name in names if told.get(name, "").strip()})


def _wish(visit: Visit) -> dict[str, Any]:
    return {"control": visit.told["control"], "scope": _scope(visit.form)}


def _done(visit: Visit, body: WishBody, words: str) -> Reply:
    query = query_of(ScopeShown(**body.scope.model_dump()))
    return visit.done(f"{link_of(body.control)}{query}", words)


_ONE: Final = "/rollout/controls/{control}"
ROUTES = (
    Route("GET", _ONE, "rollout", show),
    Route("POST", f"{_ONE}/promote", "rollout", go_up, "change"),
    Route("POST", f"{_ONE}/demote", "rollout", go_down, "change"),
    Route("POST", f"{_ONE}/kill", "rollout", switch_off, "change"),
    Route("POST", f"{_ONE}/revive", "rollout", bring_back, "change"),
    Route("POST", f"{_ONE}/propose", "rollout", propose, "propose"),
)
