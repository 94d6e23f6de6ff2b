"""Error rates of trials at one threshold for everybody, or at each person's own.

- FMR: share of impostor trials accepted. FNMR: share of genuine trials rejected. Accepted is score >= threshold.
- *Global*: one threshold serves everybody. *Per user*: each person's own threshold, chosen afterwards, and the mean of
  the people's rates; it flatters, for no deployment can choose so.

>>> import numpy as np
>>> genuine, impostor = np.array([2.0, 3.0, 4.0, 1.0]), np.array([0.0, 1.5, 0.5, -1.0])
>>> eer(genuine, impostor), fnmr_at_fmr(genuine, impostor, 0.0), auc(genuine, impostor)
(0.25, 0.25, 0.9375)
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.window import Floats

Flags = npt.NDArray[np.bool_]
Rate = Callable[[Floats, Floats], float]


def det_points(genuine: Floats, impostor: Floats) -> tuple[Floats, Floats, Floats]:
    """Return thresholds, FMR and FNMR at each: every distinct score, rising, and one above all; FMR falls to 0."""
    genuine, impostor = np.sort(_finite(genuine)), np.sort(_finite(impostor))
    thresholds = np.append(np.unique(np.concatenate([genuine, impostor])), np.inf)
    rejected = np.searchsorted(genuine, thresholds, side="left") / len(genuine)
    accepted = 1.0 - np.searchsorted(impostor, thresholds, side="left") / len(impostor)
    return thresholds, accepted, rejected


def eer(genuine: Floats, impostor: Floats) -> float:
    """Return the equal error rate: where FMR and FNMR cross, on the line between two thresholds; NaN of no trials."""
    if not _both(genuine, impostor):
        return float("nan")
    _, fmr, fnmr = det_points(genuine, impostor)
    after = int(np.argmax(fnmr >= fmr))
    if after == 0 or fnmr[after] == fmr[after]:
        return float((fmr[after] + fnmr[after]) / 2)
    gap, past = fmr[after - 1] - fnmr[after - 1], fnmr[after] - fmr[after]
    share = gap / (gap + past)
    return float(fmr[after - 1] + share * (fmr[after] - fmr[after - 1]))


def fnmr_at_fmr(genuine: Floats, impostor: Floats, fmr: float = 0.01) -> float:
    """Return the FNMR at the lowest threshold whose FMR is at most ``fmr``; NaN of no trials."""
    if not _both(genuine, impostor):
        return float("nan")
    _, accepted, rejected = det_points(genuine, impostor)
    return float(rejected[int(np.argmax(accepted <= fmr))])


def threshold_at_fmr(genuine: Floats, impostor: Floats, fmr: float = 0.01) -> float:
    """Return that threshold; infinite when every impostor must be kept out by refusing everybody."""
    thresholds, accepted, _ = det_points(genuine, impostor)
    return float(thresholds[int(np.argmax(accepted <= fmr))])


def auc(genuine: Floats, impostor: Floats) -> float:
    """Return how often a genuine trial scores above an impostor trial, ties counting half; NaN of no trials."""
    if not _both(genuine, impostor):
        return float("nan")
    genuine, impostor = _finite(genuine), np.sort(_finite(impostor))
    below = np.searchsorted(impostor, genuine, side="left") + np.searchsorted(impostor, genuine, side="right")
    return float(below.mean() / (2 * len(impostor)))


def per_user_eer(scores: Floats, same: Flags, users: npt.NDArray[np.int64]) -> float:
    """Return the mean over users of their own EER; ``users`` says whose template each trial was against."""
    return by_user(eer, scores, same, users)


def per_user_auc(scores: Floats, same: Flags, users: npt.NDArray[np.int64]) -> float:
    """Return the mean over users of their own AUC."""
    return by_user(auc, scores, same, users)


def by_user(rate: Rate, scores: Floats, same: Flags, users: npt.NDArray[np.int64]) -> float:
    """Return the mean of ``rate`` over the users with trials of both kinds; NaN where nobody has."""
    order = np.argsort(users, kind="stable")
    edges = np.flatnonzero(np.diff(users[order])) + 1
    found = [rate(scores[part][same[part]], scores[part][~same[part]]) for part in np.split(order, edges) if len(part)]
    known = [value for value in found if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _finite(scores: Floats) -> Floats:
    kept: Floats = scores[np.isfinite(scores)]
    return kept


def _both(genuine: Floats, impostor: Floats) -> bool:
    return bool(np.isfinite(genuine).any() and np.isfinite(impostor).any())
