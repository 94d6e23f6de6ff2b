"""The rollout: which control stands in which phase, what keeps it there, what it would have done, who moved it.

1. Going up is asked about first: a control's page shows what its next phase needs now, and who must agree.
2. Going down and the switch take one person and a reason, and hold at once.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from ostiary.server.admin.overview import Overview, show_overview
from ostiary.server.admin.rollout import KillBody, kill, show_history, show_rollout
from ostiary.server.console.reasons import reason_of
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.rollout.changing import EVERY
from ostiary.server.rollout.projecting import Projection, projections
from ostiary.server.rollout.shown import ChangeShown, ControlShown, ScopeShown
from ostiary.server.wire import Reply
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.rollout import Scope

HERE: Final = "/rollout"
DAYS: Final = 14
CHART_DAYS: Final = 30
_NS: Final = 1_000_000_000
_HISTORY: Final = 30
SET_BY: Final = {
    "configured": "set by the configuration",
    "people": "set by people",
    "one person": "taken down by one person or its gate",
    "default": "as it says itself",
}


def board(visit: Visit) -> Reply:
    """Show where everything stands."""
    told = show_rollout(visit.tenant, visit.desk)
    would = projections(visit.house, visit.tenant, DAYS)
    return visit.page(
        "rollout.html",
        HERE,
        told=told,
        days=DAYS,
        controls=[row_of(one, would[one.control]) for one in told.controls if one.control in would],
        playbooks=[row_of(one, None) for one in told.controls if one.control not in would],
        phases=by_phase(told.controls),
        furthest=_furthest(told.controls),
        killed=[(name, link_of(name)) for name in told.killed],
        history=[change_of(one) for one in show_history(visit.tenant, visit.desk, _HISTORY)],
        chart=chart_of(show_overview(visit.tenant, visit.desk, CHART_DAYS), visit.now_ns),
    )


def kill_everything(visit: Visit) -> Reply:
    """Pull the switch of everything that a model may cause."""
    kill(visit.tenant, KillBody(control=EVERY, why=reason_of(visit)), visit.who, visit.desk)
    return visit.done(HERE, "No model has any effect now; rules work on")


def row_of(one: ControlShown, would: Projection | None) -> dict[str, Any]:
    """Return one control as pages show it."""
    return {
        "name": title_of(one.control),
        "href": link_of(one.control, one.scope),
        "scope": scope_text(one.scope),
        "since": stamp(int(one.since * _NS)),
        "set_by": SET_BY.get(one.set_by, one.set_by),
        "next": one.next.replace("_", " "),
        "met": sum(asked.met for asked in one.conditions),
        "asked": len(one.conditions),
        "would": would,
        "one": one,
    }


def change_of(one: ChangeShown) -> dict[str, str]:
    """Return one change as pages show it."""
    return {"text": one.text, "by": one.by, "at": stamp(int(one.time * _NS)), "what": one.what}


def chart_of(told: Overview, now_ns: int) -> dict[str, Any]:
    """Return what came of requests over time, with marks where policy, models or phases changed."""
    marks = [{"at": one.at_ms, "text": one.text} for one in told.marks]
    return {"times": told.series.times, "series": told.series.counts, "marks": marks, "until": now_ns // 1_000_000}


def link_of(control: str, scope: ScopeShown | None = None) -> str:
    """Return the path of a control's page."""
    return f"{HERE}/controls/{quote(control, safe='')}{query_of(scope)}"


def query_of(scope: ScopeShown | None, more: Mapping[str, str] | None = None) -> str:
    """Return the query that names a scope, empty for everybody."""
    named: dict[str, str] = {}
    if scope is not None:
        percent = "" if scope.percent >= 100 else str(scope.percent)  # noqa: PLR2004 - everybody
        told = {"resource_class": scope.resource_class, "group": scope.group, "percent": percent}
        named = {name: value for name, value in told.items() if value}
    parts = {**named, **(more or {})}
    return f"?{urlencode(parts)}" if parts else ""


def scope_text(scope: ScopeShown) -> str:
    """Return a scope in words."""
    return Scope(scope.resource_class, scope.group, scope.percent).text


def title_of(control: str) -> str:
    """Return a control's name for people."""
    return control.replace("_", " ")


def by_phase(controls: tuple[ControlShown, ...]) -> dict[str, str]:
    """Return how many controls stand in each phase, in words."""
    found: dict[str, int] = {}
    for one in controls:
        found[one.phase] = found.get(one.phase, 0) + 1
    return {phase: f"{count} {'control' if count == 1 else 'controls'}" for phase, count in found.items()}


def _furthest(controls: tuple[ControlShown, ...]) -> str:
    found = [Phase[one.phase.upper()] for one in controls if not one.killed]
    return max(found, default=Phase.TELEMETRY).name.lower()


ROUTES = (
    Route("GET", HERE, "rollout", board),
    Route("POST", "/rollout/kill", "rollout", kill_everything, "change"),
)
