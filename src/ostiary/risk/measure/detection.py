"""How soon a takeover is seen: sessions and hours from its first access to its first flag.

- Only takeovers that were caught have a time; how many were not is told beside it, so that a quick few do not flatter.
"""

import msgspec
import numpy as np

from ostiary.risk.measure.tally import Counted

_HOUR_NS = 3_600 * 10**9
_LATE = 0.9


class Detection(msgspec.Struct, frozen=True):
    """Time to detect at one threshold.

    Attributes:
        takeovers, caught: how many.
        at_once: share of all takeovers whose first session was flagged.
        sessions_median, sessions_late: place of the first flagged session, 1 for the first; half are at most the
            median, nine in ten of the caught at most the late one.
        hours_median, hours_late: from the takeover's first access to the first flag.
    """

    takeovers: int
    caught: int
    at_once: float | None
    sessions_median: float | None
    sessions_late: float | None
    hours_median: float | None
    hours_late: float | None


def detection(told: Counted, threshold: float) -> Detection:
    """Return the time to detect when scores from ``threshold`` on are flagged; rows are in order of time."""
    steps, hours = first_flags(told, threshold)
    count = int(told.attack.max(initial=-1)) + 1
    return Detection(
        takeovers=count,
        caught=len(steps),
        at_once=steps.count(1) / count if count else None,
        sessions_median=_quantile(steps, 0.5),
        sessions_late=_quantile(steps, _LATE),
        hours_median=_quantile(hours, 0.5),
        hours_late=_quantile(hours, _LATE),
    )


def first_flags(told: Counted, threshold: float) -> tuple[list[int], list[float]]:
    """Return place and hours of the first flag of each takeover that was caught."""
    steps, hours = [], []
    for attack in range(int(told.attack.max(initial=-1)) + 1):
        rows = np.flatnonzero(told.attack == attack)
        rows = rows[np.argsort(told.time_ns[rows], kind="stable")]
        flagged = np.flatnonzero(told.scores[rows] >= threshold)
        if len(flagged):
            steps.append(int(flagged[0]) + 1)
            hours.append(float(told.time_ns[rows[flagged[0]]] - told.time_ns[rows[0]]) / _HOUR_NS)
    return steps, hours


def _quantile(values: list[int] | list[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None
