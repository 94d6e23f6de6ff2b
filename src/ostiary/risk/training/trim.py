"""Leaves out of the fit what looks most like an attack that nobody labelled.

A history without verdicts may hold attacks, and an attack learned as own behaviour teaches the model to wave the next
one through. So models that never saw a subject judge its own accesses; those they are sure about are left out of the
fit (never out of thresholds or figures, which stay on everything).
"""

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.risk.training.fit import FitSettings, Floats, Ints, fit, margins

_FOLDS: Final = 3
_TREES: Final = 150


def suspects(
    rows: Floats,
    labels: Ints,
    subject: Ints,
    *,
    above: float,
    names: tuple[str, ...],
    monotone: tuple[int, ...],
    settings: FitSettings,
    seed: int,
) -> npt.NDArray[np.bool_]:
    """Return which own rows get a probability above ``above`` from models that never saw their subject."""
    margin = np.full(len(rows), -np.inf)
    quick = msgspec.structs.replace(settings, most_trees=min(_TREES, settings.most_trees))
    for fold in range(_FOLDS):
        out = subject % _FOLDS == fold
        if not out.any() or len(np.unique(labels[~out])) < 2:  # noqa: PLR2004 - both classes
            continue
        fitted = fit(rows[~out], labels[~out], names=names, monotone=monotone, settings=quick, seed=seed)
        margin[out] = margins(fitted.text, rows[out])
    found: npt.NDArray[np.bool_] = (labels == 0) & (margin > np.log(above / (1 - above)))
    return found
