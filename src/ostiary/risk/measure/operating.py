"""What a threshold costs and finds: one for all accounts, one for each account, and the model's own levels.

- Global points take the lowest threshold at which at most a share of all own behaviour is flagged, so an account of odd
  habits may bear most of it. A per-account point allows each account that share of its own; one with fewer rows than
  1 / share is then allowed none. Both look at the measured rows themselves, as every recall at a rate does.
- The model's own levels were set at training, so they say what a deployment would have seen.
"""

from collections.abc import Mapping

import msgspec
import numpy as np

from ostiary.risk.measure.metrics import threshold_at
from ostiary.risk.measure.tally import Counted, Numbers


class Point(msgspec.Struct, frozen=True):
    """One operating point.

    Attributes:
        name: such as ``1% of all``, ``1% of each account`` or ``level high``.
        threshold: scores from it on are flagged; ``None`` when each account has its own.
        flagged: how many rows.
        false_positive_rate, recall, precision: over all rows.
        caught: share of takeovers with a flag.
        accounts_alarmed: share of accounts with at least one false alarm.
    """

    name: str
    threshold: float | None
    flagged: int
    false_positive_rate: float | None
    recall: float | None
    precision: float | None
    caught: float | None
    accounts_alarmed: float | None


def points(told: Counted, rates: Mapping[str, float], levels: Mapping[str, float]) -> tuple[Point, ...]:
    """Return the global point and the per-account point of each rate, then each of the model's levels."""
    found = []
    for name, rate in rates.items():
        threshold = threshold_at(told.scores, told.truth, rate)
        everyone = np.full(len(told.scores), threshold)
        found.append(_point(f"{name} of all", told, everyone, threshold))
        found.append(_point(f"{name} of each account", told, own_thresholds(told, rate)[told.subject], None))
    for name, level in levels.items():
        found.append(_point(f"level {name}", told, np.full(len(told.scores), level), level))
    return tuple(found)


def own_thresholds(told: Counted, rate: float) -> Numbers:
    """Return each account's lowest threshold at which at most ``rate`` of its own rows are flagged."""
    found = np.zeros(int(told.subject.max(initial=-1)) + 1)
    order = np.lexsort((told.scores, told.subject))
    borders = np.searchsorted(told.subject[order], np.arange(len(found) + 1))
    for subject in range(len(found)):
        rows = order[borders[subject] : borders[subject + 1]]
        found[subject] = _own(told.scores[rows][told.truth[rows] == 0], rate)
    return found


def _own(rising: Numbers, rate: float) -> float:
    """Return the lowest number above all but the allowed share of ``rising`` scores."""
    allowed = int(rate * len(rising))
    if allowed >= len(rising):
        return -np.inf
    return float(np.nextafter(rising[len(rising) - 1 - allowed], np.inf))


def _point(name: str, told: Counted, limits: Numbers, threshold: float | None) -> Point:
    flagged, positive = told.scores >= limits, told.truth == 1
    false, right = flagged & ~positive, flagged & positive
    attacks, hit = np.unique(told.attack[told.attack >= 0]), np.unique(told.attack[right & (told.attack >= 0)])
    accounts = np.unique(told.subject[~positive])
    return Point(
        name=name,
        threshold=threshold if threshold is None or np.isfinite(threshold) else None,
        flagged=int(flagged.sum()),
        false_positive_rate=_share(int(false.sum()), int((~positive).sum())),
        recall=_share(int(right.sum()), int(positive.sum())),
        precision=_share(int(right.sum()), int(flagged.sum())),
        caught=_share(len(hit), len(attacks)),
        accounts_alarmed=_share(len(np.unique(told.subject[false])), len(accounts)),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
