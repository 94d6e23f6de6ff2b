"""Turns scores and truth into the curves that are kept. Needs numpy: an extra.

>>> told = curves_of("sessions", [0.1, 0.2, 0.9, 0.8], [0, 0, 1, 0], days=2.0)
>>> [(one.threshold, one.false, one.caught, one.a_day) for one in told.points][:2]
[(0.9, 0.0, 1.0, 0.5), (0.8, 0.3333333333333333, 1.0, 1.0)]
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ostiary.server.model_cards.figures import Band, Bin, Curves, Point

POINTS: Final = 200
BINS: Final = 40
_DAY_NS: Final = 86_400 * 10**9
Numbers = npt.NDArray[np.float64]


def days_of(times_ns: Iterable[int]) -> float:
    """Return how many days lie between the first and the last moment; at least one where there are any.

    >>> days_of([0, 3 * 86_400 * 10**9]), days_of([])
    (3.0, 0.0)
    """
    every = list(times_ns)
    return max(1.0, (max(every) - min(every)) / _DAY_NS) if every else 0.0


def curves_of(
    name: str,
    scores: Sequence[float] | Numbers,
    harmful: Sequence[int] | npt.NDArray[Any],
    *,
    days: float = 0.0,
    bands: tuple[Band, ...] = (),
    levels: Mapping[str, float] | None = None,
    matches: bool = False,
) -> Curves:
    """Return the curves of one measurement.

    Args:
        name: what was measured.
        scores: one a row; those that are no number are left out.
        harmful: 1 a row that shall be flagged (for a match: one's own), 0 one that shall not.
        days: over how many days the rows happened; 0 leaves alerts a day untold.
        bands: the reliability table, where scores are probabilities.
        levels: the model's own thresholds.
        matches: whether this is about recognising somebody.
    """
    told = np.asarray(scores, dtype=np.float64)
    fine = np.isfinite(told)
    told, truth = told[fine], np.asarray(harmful)[fine].astype(bool)
    return Curves(
        name=name,
        harmless=int((~truth).sum()),
        harmful=int(truth.sum()),
        points=_points(told, truth, days),
        bins=_bins(told, truth),
        bands=bands,
        days=days,
        matches=matches,
        levels=dict(levels or {}),
    )


def _points(scores: Numbers, truth: npt.NDArray[np.bool_], days: float) -> tuple[Point, ...]:
    if not len(scores):
        return ()
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], truth[order]
    last = np.flatnonzero(np.r_[np.diff(ranked) != 0, True])
    caught = np.cumsum(hits)[last].astype(np.float64)
    flagged = (last + 1).astype(np.float64)
    false = flagged - caught
    own, others = max(1.0, float((~truth).sum())), max(1.0, float(truth.sum()))
    return tuple(
        Point(
            threshold=float(ranked[last[at]]),
            false=float(false[at] / own),
            caught=float(caught[at] / others),
            a_day=float(flagged[at] / days) if days else None,
            precision=float(caught[at] / flagged[at]),
        )
        for at in _chosen(flagged)
    )


def _chosen(flagged: Numbers) -> list[int]:
    """Return places of which few stand where few are flagged, too: the strict end is where people choose."""
    wanted = np.geomspace(1, flagged[-1], POINTS)
    return sorted({int(np.searchsorted(flagged, want)) for want in wanted if want <= flagged[-1]} | {len(flagged) - 1})


def _bins(scores: Numbers, truth: npt.NDArray[np.bool_]) -> tuple[Bin, ...]:
    if not len(scores):
        return ()
    low, high = float(scores.min()), float(scores.max())
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    harmless, _ = np.histogram(scores[~truth], edges)
    harmful, _ = np.histogram(scores[truth], edges)
    return tuple(Bin(float(edges[at]), float(edges[at + 1]), int(harmless[at]), int(harmful[at])) for at in range(BINS))
