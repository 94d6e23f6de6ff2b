"""How far features and scores have moved since training: stability index, Kolmogorov-Smirnov, missing rates.

- Counted against the reference's points while events stream by, so memory does not grow with them.
- The index (PSI) is over at most ten bins between the reference's deciles, each share floored at 1e-4; deciles that are
  equal join.
- The KS distance is the largest gap between the two distributions at the reference's points: never more than the exact
  one, less by two percent at most for a continuous column, equal to it for one of few values.
- Below 0.1 is quiet, to 0.25 watch, above act: a habit of credit scoring, not a law. A missing rate that moved by a
  tenth, or by a quarter, says the same. Below 500 rows nothing is said: chance alone moves the index by 9 / rows.

>>> from ostiary.risk.measure.reference import spread_of
>>> import numpy as np
>>> before, watch = spread_of(np.arange(1000.0)), Counter(spread_of(np.arange(1000.0)))
>>> watch.add(np.arange(500.0))
>>> moved = watch.moved("age")
>>> moved.verdict, round(moved.ks, 2)
('act', 0.5)
"""

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.risk.measure.reference import Spread

QUIET: Final = "quiet"
WATCH: Final = "watch"
ACT: Final = "act"
FEW: Final = "too few rows"
LEAST_ROWS: Final = 500
_WATCH_FROM: Final = 0.1
_ACT_FROM: Final = 0.25
_FLOOR: Final = 1e-4
_BINS: Final = 10
Floats = npt.NDArray[np.float64]


class Moved(msgspec.Struct, frozen=True):
    """How far one column moved.

    Attributes:
        name: of the column.
        rows: how many rows were seen.
        psi, ks: of the told values, ``None`` when one side has none.
        missing_before, missing_now: shares.
        verdict: ``quiet``, ``watch``, ``act``, or ``too few rows``; the worst of the index and the missing rate counts.
    """

    name: str
    rows: int
    psi: float | None
    ks: float | None
    missing_before: float
    missing_now: float
    verdict: str


class Counter:
    """Counts one column against its reference."""

    def __init__(self, spread: Spread) -> None:
        """Start with nothing seen."""
        self._spread = spread
        self._points = np.array(spread.points, dtype=np.float64)
        self._counts = np.zeros(len(spread.points) + 1, dtype=np.int64)
        self._rows = 0

    def add(self, values: Floats) -> None:
        """Count ``values``; what is not finite is missing."""
        told = values[np.isfinite(values)]
        self._rows += len(values)
        places = np.searchsorted(self._points, told, side="left")
        self._counts += np.bincount(places, minlength=len(self._counts))

    @property
    def seen(self) -> tuple[int, list[int]]:
        """What was counted so far: rows, and told values below each point; ``join`` takes it."""
        return self._rows, self._counts.tolist()

    def join(self, rows: int, counts: list[int]) -> None:
        """Add what another counter of the same spread has seen; what does not fit is another spread's, and left out."""
        if len(counts) == len(self._counts):
            self._rows += rows
            self._counts += np.array(counts, dtype=np.int64)

    def moved(self, name: str) -> Moved:
        """Return how far the column moved."""
        told = int(self._counts.sum())
        missing = 1.0 - told / self._rows if self._rows else self._spread.missing
        before = np.array(self._spread.below, dtype=np.float64)
        both = told > 0 and len(before) > 0
        now = np.cumsum(self._counts)[:-1] / max(told, 1)
        psi = stability(before, now) if both else None
        ks = float(np.abs(before - now).max()) if both else None
        worst = max(psi or 0.0, abs(missing - self._spread.missing))
        verdict = verdict_of(worst) if self._rows >= LEAST_ROWS else FEW
        return Moved(name, self._rows, psi, ks, self._spread.missing, missing, verdict)


def stability(before: Floats, now: Floats) -> float:
    """Return the stability index of two distributions, given as shares at or below the same rising points."""
    picked = np.unique(np.searchsorted(before, np.arange(1, _BINS) / _BINS - 1e-9))
    old = np.maximum(np.diff(np.r_[0.0, before[picked], 1.0]), _FLOOR)
    new = np.maximum(np.diff(np.r_[0.0, now[picked], 1.0]), _FLOOR)
    return float(((new - old) * np.log(new / old)).sum())


def verdict_of(worst: float) -> str:
    """Return what a stability index, or a moved missing rate, asks for."""
    if worst > _ACT_FROM:
        return ACT
    return WATCH if worst >= _WATCH_FROM else QUIET
