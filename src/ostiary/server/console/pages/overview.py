"""The first page: what came of requests, where the models' controls stand, what needs somebody."""

from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.server.admin.overview import show_overview
from ostiary.server.admin.rollout import show_rollout
from ostiary.server.console.routes import Route
from ostiary.server.console.visit import Visit
from ostiary.server.rollout.shown import ControlShown
from ostiary.server.wire import Reply
from ostiary.vocabulary.effects import Phase

HERE: Final = "/"
_SPANS: Final = {"1": "day", "7": "7 days", "30": "30 days"}
_NEEDS: Final = {
    "/approvals": ("proposal waits for you", "proposals wait for you"),
    "/access": ("request for access waits", "requests for access wait"),
    "/detections": ("case is open", "cases are open"),
}


def show(visit: Visit) -> Reply:
    """Show how things stand."""
    span = visit.query.get("days", "1")
    if span not in _SPANS:
        raise FaultyInputError("request_invalid", "`days` is 1, 7 or 30")
    told = show_overview(visit.tenant, visit.desk, int(span))
    rollout = show_rollout(visit.tenant, visit.desk)
    counts = visit.shared.needs.of(visit)
    needs = [(path, counts[path], words[counts[path] > 1]) for path, words in _NEEDS.items() if counts.get(path)]
    stalled = [one for one in rollout.controls if one.stalled]
    return visit.page(
        "overview.html",
        HERE,
        told=told,
        span=span,
        spans=_SPANS,
        total=sum(told.totals.values()),
        rollout=rollout,
        phase=_furthest(rollout.controls),
        phases=_by_phase(rollout.controls),
        needs=needs,
        stalled=stalled,
        chart=_chart(told),
    )


def _furthest(controls: tuple[ControlShown, ...]) -> str:
    """Return the furthest phase that any control of the whole tenant has reached."""
    found = [Phase[one.phase.upper()] for one in controls if not one.killed]
    return max(found, default=Phase.TELEMETRY).name.lower()


def _by_phase(controls: tuple[ControlShown, ...]) -> dict[str, str]:
    """Return which controls stand in which phase, in words."""
    found: dict[str, list[str]] = {}
    for one in controls:
        name = one.control.replace("_", " ").replace(":", " ")
        found.setdefault(one.phase, []).append(f"{name} (off)" if one.killed else name)
    return {phase: ", ".join(names[:4]) + (" …" if len(names) > 4 else "") for phase, names in found.items()}  # noqa: PLR2004


def _chart(told: Any) -> dict[str, Any]:
    marks = [{"at": one.at_ms, "text": one.text} for one in told.marks]
    return {"times": told.series.times, "series": told.series.counts, "marks": marks}


ROUTES = (Route("GET", HERE, "overview", show),)
