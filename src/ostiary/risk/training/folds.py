"""What models that never saw a subject say of its accesses: for leaving suspects out, and for trails to learn from.

- Subjects are cut into three by checksum; each third is judged by a forest grown on the two others.
- A history without verdicts may hold attacks, and an attack learned as own behaviour teaches the model to wave the next
  one through. Own accesses that these forests are sure about are left out of every later fit (never out of thresholds
  or figures, which stay on everything).
- Session risk learns from the risk that single accesses *would* have had. Risk from forests that knew the subject
  would look surer than it is in life.
"""

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.risk.training.fit import FitSettings, Floats, Ints, Rows, fit, margins

FOLDS: Final = 3
_TREES: Final = 300

Mask = npt.NDArray[np.bool_]


class Folds(msgspec.Struct, frozen=True):
    """One forest a fold, as native text, and the margin of every row by the forest that never saw its subject."""

    texts: tuple[str, ...]
    margin: Floats


def fit_folds(
    rows: Rows,
    labels: Ints,
    subject: Ints,
    *,
    names: tuple[str, ...],
    monotone: tuple[int, ...],
    settings: FitSettings,
    seed: int,
) -> Folds:
    """Return the forests of all folds; a fold without both classes elsewhere is judged by a forest grown on all."""
    quick = msgspec.structs.replace(settings, most_trees=min(_TREES, settings.most_trees))
    margin, texts = np.zeros(len(rows)), []
    for fold in range(FOLDS):
        out = subject % FOLDS == fold
        others = ~out if len(np.unique(labels[~out])) == 2 else np.ones(len(rows), dtype=np.bool_)  # noqa: PLR2004 - both classes
        fitted = fit(rows[others], labels[others], names=names, monotone=monotone, settings=quick, seed=seed + fold)
        texts.append(fitted.text)
        if out.any():
            margin[out] = margins(fitted.text, rows[out], settings.threads)
    return Folds(tuple(texts), margin)


def suspects(folds: Folds, labels: Ints, above: float) -> Mask:
    """Return which own rows get a probability above ``above`` from forests that never saw their subject."""
    if above >= 1:
        return np.zeros(len(labels), dtype=np.bool_)
    found: Mask = (labels == 0) & (folds.margin > np.log(above / (1 - above)))
    return found
