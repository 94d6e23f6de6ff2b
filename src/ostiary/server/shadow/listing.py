"""Candidates as people see them: how each is, since when, and what was compared and left out in the last day."""

from typing import Any, Final

from ostiary.decision.counts import COMPARED, MISSED
from ostiary.decision.shadow import HOUR_NS
from ostiary.server.wiring import House

_HOURS: Final = 24
_MATCH: Final = "flip_match"


def listed(house: House, tenant: str) -> list[dict[str, Any]]:
    """Return a tenant's candidates."""
    return [_listed(house, tenant, started) for started in house.shadow.candidates.all(tenant)]


def _listed(house: House, tenant: str, started: Any) -> dict[str, Any]:
    shadow, now = house.shadow, house.clock.now_ns()
    hour = now // HOUR_NS
    counts: dict[str, int] = {}
    for (_, what), count in shadow.counts.hourly(tenant, started.digest, hour - _HOURS + 1, hour + 1).items():
        counts[what] = counts.get(what, 0) + count
    state, days = shadow.candidates.state(tenant, started.what), started.days(now)
    changed = shadow.candidates.on_disk(tenant, started.what) != started.digest
    stalled = days >= shadow.settings.stalled_days
    differences = sum(count for what, count in counts.items() if what.startswith("flip_") and what != _MATCH)
    return {
        "what": started.what,
        "digest": started.digest,
        "state": "refused" if changed else state.state,
        "fault": "candidate_changed" if changed else state.fault,
        "since": started.since_ns / 10**9,
        "days": round(days, 2),
        "by": started.by,
        "compared": counts.get(COMPARED, 0),
        "differences": differences,
        "missed": sum(counts.get(what, 0) for what in MISSED),
        "missed_by": {what: counts[what] for what in MISSED if counts.get(what)},
        "warning": f"stalled for {days:.0f} days" if stalled else "",
    }
