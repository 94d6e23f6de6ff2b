"""How a window becomes a row, in two ways; which one a model uses was decided by how its streams were delivered.

- ``Direct``: streams straight from a browser or a desktop. Blocks of 128 events; each is placed by the encoder and by
  the hand-made shapes in the directions that tell people apart best; a row is both, side by side, of length 1.
- ``Relayed``: streams that something batches (a remote desktop). Actions on a steady grid; a row is the mean log-chance
  that each person of the training did them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.pointer.actions import NAMES, actions
from ostiary.biometrics.pointer.blocks import BLOCK, cut
from ostiary.biometrics.pointer.network import Network
from ostiary.biometrics.pointer.shapes import WIDTH, shapes
from ostiary.biometrics.pointer.tensor import CHANNELS, tensor
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

Tables = Mapping[str, npt.NDArray[Any]]
LEAST_CHANCE: Final = 1e-4
_FARTHEST: Final = 4.0
_TINY: Final = 1e-12
_SOME: Final = 512


class Reader(Protocol):
    """Turns windows into rows."""

    @property
    def size(self) -> int:
        """How many numbers a row has."""
        ...

    def pieces(self, events: Floats) -> Floats:
        """Return what is judged of a window: blocks or actions; none where there is too little."""
        ...

    def placed(self, pieces: Floats) -> Floats:
        """Return one row a piece."""
        ...

    def pooled(self, rows: Floats) -> Floats:
        """Return the row of all of a window's pieces."""
        ...


class Direct:
    """Encoder and shapes of blocks."""

    def __init__(self, graph: bytes, tables: Tables) -> None:
        """Open the encoder, and keep centres and directions.

        Raises:
            FaultyInputError: ``biometrics_model_malformed``.
        """
        self._network = Network(graph, (CHANNELS, BLOCK))
        self._middle, self._wide = _vector(tables, "shape_mean", WIDTH), _vector(tables, "shape_wide", WIDTH)
        self._into = _finite(tables, "shape_into")
        if self._into.ndim != 2 or len(self._into) != WIDTH or not (self._wide > 0).all():  # noqa: PLR2004 - a matrix
            raise malformed("its directions do not fit")
        self._shape_centre = _vector(tables, "shape_centre", self._into.shape[1])
        self._encoder_centre = _vector(tables, "encoder_centre", self._network.size)
        self.size: Final = self._network.size + self._into.shape[1]

    def pieces(self, events: Floats) -> Floats:
        """Return the blocks."""
        return cut(events)

    def placed(self, pieces: Floats) -> Floats:
        """Return both embeddings of each block, each of length √½; some at a time, so that memory stays small."""
        parts = [self._some(pieces[at : at + _SOME]) for at in range(0, len(pieces), _SOME)]
        return np.concatenate(parts) if parts else np.zeros((0, self.size))

    def _some(self, pieces: Floats) -> Floats:
        encoded = unit(unit(self._network.told(tensor(pieces))) - self._encoder_centre)
        standard = np.clip((shapes(pieces) - self._middle) / self._wide, -_FARTHEST, _FARTHEST)
        both = [encoded, unit(standard @ self._into - self._shape_centre)]
        return np.asarray(np.concatenate(both, axis=1) * np.sqrt(0.5))

    def pooled(self, rows: Floats) -> Floats:
        """Return their mean direction."""
        return unit(rows.mean(axis=0))


class Relayed:
    """A forest over actions."""

    def __init__(self, graph: bytes) -> None:
        """Open the forest.

        Raises:
            FaultyInputError: ``biometrics_model_malformed``.
        """
        self._network = Network(graph, (len(NAMES),))
        self.size: Final = self._network.size

    def pieces(self, events: Floats) -> Floats:
        """Return the actions."""
        return actions(events)

    def placed(self, pieces: Floats) -> Floats:
        """Return log-chances of each action, floored: one odd action does not outweigh a session."""
        raw = self._network.told(pieces.astype(np.float32))
        chances = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(np.log(chances / chances.sum(axis=1, keepdims=True) + LEAST_CHANCE))

    def pooled(self, rows: Floats) -> Floats:
        """Return their mean."""
        mean: Floats = rows.mean(axis=0)
        return mean


def embedded(reader: Reader, windows: Sequence[Floats]) -> Floats:
    """Return one row a window, ``[n, size]``; NaN where there is too little to judge."""
    parts = [reader.pieces(window) for window in windows]
    counts = [len(part) for part in parts]
    found = np.full((len(windows), reader.size), np.nan)
    if not sum(counts):
        return found
    placed = reader.placed(np.concatenate([part for part in parts if len(part)]))
    ends = np.cumsum(counts)
    for number, (count, end) in enumerate(zip(counts, ends, strict=True)):
        if count:
            found[number] = reader.pooled(placed[end - count : end])
    return found


def unit(rows: Floats) -> Floats:
    """Return the rows at length 1."""
    return cast("Floats", rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), _TINY))


def _finite(tables: Tables, name: str) -> Floats:
    if name not in tables or not np.isfinite(tables[name]).all():
        raise malformed(f"table `{name}` is missing or not finite")
    return np.asarray(tables[name], dtype=np.float64)


def _vector(tables: Tables, name: str, size: int) -> Floats:
    found = _finite(tables, name)
    if found.shape != (size,):
        raise malformed(f"table `{name}` has another shape")
    return found


def malformed(text: str) -> FaultyInputError:
    """Return the fault of a model whose parts do not fit."""
    return FaultyInputError("biometrics_model_malformed", f"the pointer model is malformed: {text}")
