"""The linear model of a channel: logistic regression over the buckets of ``learned.ngram``, kept as whole numbers.

- A row is ``1 / sqrt(n)`` in each of its ``n`` buckets, as the margin at run time divides.
- Weights are rounded to ``int16`` by one scale; the rounded model is what gets measured and shipped.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned import ngram
from ostiary.inspection.training.encoder import Piece
from ostiary.inspection.training.extras import need

Floats = npt.NDArray[np.float64]

_WIDEST: Final = 32_000


class Linear(msgspec.Struct, frozen=True):
    """A linear model: ``margin = bias + scale * sum(weights[indices]) / sqrt(len(indices))``."""

    weights: npt.NDArray[np.int16]
    bias: float
    scale: float

    def margins(self, texts: Sequence[str]) -> Floats:
        """Return the margin of every normalised text."""
        found = np.full(len(texts), self.bias)
        for at, text in enumerate(texts):
            ((total, count),) = ngram.sums(text, [(0, len(text))], self.weights)
            if count:
                found[at] += self.scale * total / count**0.5
        return found


def matrix(texts: Sequence[str]) -> Any:
    """Return the sparse rows of the texts."""
    rows = [ngram.indices(text) for text in texts]
    counts = np.array([len(row) for row in rows])
    values = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    ends = np.concatenate([[0], counts.cumsum()])
    return need("scipy.sparse").csr_matrix((values, np.concatenate(rows), ends), shape=(len(rows), ngram.BUCKETS))


def fit(pieces: Sequence[Piece], weights: Sequence[float], *, strength: float = 20.0) -> Linear:
    """Return the model fitted on ``pieces``, each with its weight; ``strength`` is the inverse of regularisation."""
    labels = np.array([piece.label for piece in pieces])
    model = need("sklearn.linear_model").LogisticRegression(C=strength, solver="lbfgs", max_iter=60, tol=1e-3)
    model.fit(matrix([piece.text for piece in pieces]), labels, sample_weight=np.asarray(weights))
    exact = model.coef_[0]
    scale = float(np.abs(exact).max() / _WIDEST) or 1.0
    return Linear(np.rint(exact / scale).astype("<i2"), float(model.intercept_[0]), scale)
