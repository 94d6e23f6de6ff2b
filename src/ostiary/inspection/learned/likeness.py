"""How much a sentence speaks of what its document speaks of, which is taken from its log-odds.

- A sentence's place is the mean of its tokens after the layers of the encoder that do not learn, less a centre and a
  few directions that all sentences share. Its likeness is the cosine of that place and the mean of the others'.
- A sentence has a likeness beside sentences with other words only: who says the same twice gains nothing by it. One
  that is alone is judged as if nobody had asked.
- What is taken off is bounded: no more than ``times * (1 - usual)``, and no more than ``times * (1 + usual)`` is added.
  Rules do not hear of it.

``likeness.f32`` holds the centre and then the directions, ``float32`` little-endian, each as long as a place.

>>> plain = Likeness(np.zeros(2, np.float32), np.zeros((1, 2), np.float32), times=2.0, usual=0.5)
>>> plain.less(["a", "b"], np.array([[1, 0], [1, 0]], np.float32)).tolist(), plain.less(["a"], np.ones((1, 2))).tolist()
([1.0, 1.0], [0.0])
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned.files import LearnedFiles, unavailable
from ostiary.inspection.learned.thresholds import LikenessNumbers

DIRECTIONS: Final = 4
_WIDEST: Final = 4096
_LEAST: Final = 1e-6
_SIGNS: Final = re.compile(r"[\W\d_]+")

Places = npt.NDArray[np.float32]


class Likeness:
    """What all places share, and how much a likeness counts."""

    def __init__(self, centre: Places, directions: Places, times: float, usual: float) -> None:
        """Keep the centre, the directions (rows of length one, or zero) and both numbers."""
        self.centre, self.directions = centre, directions
        self.times, self.usual = times, usual

    @property
    def width(self) -> int:
        """How long a place is."""
        return len(self.centre)

    def less(self, texts: Sequence[str], places: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return what is to be taken from the log-odds of each sentence of one document.

        ``texts`` are the sentences as they were read and ``places`` their places, a row each.
        """
        near, known = self.cosines(texts, places)
        found: npt.NDArray[np.float64] = np.where(known, self.times * (near - self.usual), 0.0)
        return found

    def cosines(
        self, texts: Sequence[str], places: npt.NDArray[Any]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return the likeness of each sentence, and whether it has one."""
        bare = self._bare(places)
        words = np.array(_numbered(texts), np.int64)
        others = words[:, None] != words[None, :]
        counts = others.sum(1)
        means = (others @ bare) / np.maximum(counts, 1)[:, None]
        sizes = np.linalg.norm(means, axis=1)
        near = (bare * means).sum(1) / np.maximum(sizes, _LEAST)
        return near, (counts > 0) & (sizes > _LEAST) & (np.linalg.norm(bare, axis=1) > _LEAST)

    def _bare(self, places: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        moved = places.astype(np.float64) - self.centre
        moved -= (moved @ self.directions.T) @ self.directions
        sizes: npt.NDArray[np.float64] = np.linalg.norm(moved, axis=1, keepdims=True)
        return moved / np.maximum(sizes, _LEAST)


def _numbered(texts: Sequence[str]) -> list[int]:
    """Return a number for each text, the same for those that say the same."""
    bare = [" ".join(_SIGNS.sub(" ", text.lower()).split()) for text in texts]
    numbers = {text: at for at, text in enumerate(dict.fromkeys(bare))}
    return [numbers[text] for text in bare]


def shared(places: npt.NDArray[Any]) -> tuple[Places, Places]:
    """Return the centre of many places and the directions in which they differ most."""
    centre = places.mean(0)
    _, _, axes = np.linalg.svd(places - centre, full_matrices=False)
    return centre.astype(np.float32), axes[:DIRECTIONS].astype(np.float32)


def packed(likeness: Likeness) -> bytes:
    """Return the file of a likeness."""
    return np.concatenate([likeness.centre[None], likeness.directions]).astype("<f4").tobytes()


def opened(files: LearnedFiles, numbers: LikenessNumbers) -> Likeness:
    """Return the likeness of a file whose digest was right.

    Raises:
        UnavailableError: ``detector_unavailable``.
    """
    return parse_likeness(files.read(numbers.file), numbers)


def parse_likeness(data: bytes, numbers: LikenessNumbers) -> Likeness:
    """Return the same of the bytes of a file.

    Raises:
        UnavailableError: ``detector_unavailable``.
    """
    width, left = divmod(len(data), 4 * (1 + DIRECTIONS))
    if left or not 0 < width <= _WIDEST:
        raise unavailable(f"`{numbers.file}` is no centre with {DIRECTIONS} directions")
    rows = np.frombuffer(data, "<f4").astype(np.float32).reshape(1 + DIRECTIONS, width)
    if not np.isfinite(rows).all() or (np.linalg.norm(rows[1:].astype(np.float64), axis=1) > 1.0 + 1e-3).any():
        raise unavailable(f"`{numbers.file}` holds what is no number, or directions that are longer than one")
    return Likeness(rows[0], rows[1:], numbers.times, numbers.usual)
