"""The directions in which shapes of blocks tell people apart: linear discriminants with a shrunken spread within."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.window import Floats

SHRINK: Final = 0.1
MOST: Final = 30
CLIP: Final = 4.0
_FLOOR: Final = 1e-3


class Directions(msgspec.Struct, frozen=True):
    """Where blocks are placed: ``((x - mean) / wide clipped) @ into``."""

    mean: Floats
    wide: Floats
    into: Floats

    def placed(self, shapes: Floats) -> Floats:
        """Return the places of blocks' shapes."""
        placed: Floats = np.clip((shapes - self.mean) / self.wide, -CLIP, CLIP) @ self.into
        return placed


def directions(shapes: Sequence[Floats]) -> Directions:
    """Return the directions that the blocks of people teach, one table a person."""
    from scipy.linalg import eigh  # noqa: PLC0415 - the extra `biometrics`

    together = np.concatenate(list(shapes))
    mean, wide = together.mean(axis=0), together.std(axis=0) + _FLOOR
    standard = [np.clip((one - mean) / wide, -CLIP, CLIP) for one in shapes]
    centres = np.array([one.mean(axis=0) for one in standard])
    rest = np.concatenate([one - centre for one, centre in zip(standard, centres, strict=True)])
    within = rest.T @ rest / len(rest)
    within = (1 - SHRINK) * within + SHRINK * np.trace(within) / len(within) * np.eye(len(within))
    between = np.atleast_2d(np.cov(centres.T))
    values, vectors = eigh(between, within)
    best = np.argsort(-values)[: min(MOST, len(shapes) - 1)]
    values, vectors = np.maximum(values[best], 0.0), _signed(vectors[:, best])
    return Directions(mean, wide, vectors * np.sqrt(values / (1 + values)))


def _signed(vectors: npt.NDArray[Any]) -> Floats:
    """Return each column with its largest entry above 0: a solver's choice of sign is not kept."""
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    signed: Floats = vectors * np.sign(largest)
    return signed
