"""The rows of a training as units: windows, or the pieces of long ones where people have too few windows."""

from collections.abc import Sequence
from typing import Final, cast

import msgspec
import numpy as np

from ostiary.biometrics.keystroke.tensor import LEAST, pieces
from ostiary.biometrics.keystroke.training.bank import Numbers
from ostiary.biometrics.training import Row
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import FaultyInputError

_FEW_WINDOWS: Final = 4
_SPARED: Final = 0.1
_MOST_SPARED: Final = 300
_LEAST_SPARED: Final = 8
_ENOUGH_PEOPLE: Final = 40


class Units(msgspec.Struct, frozen=True):
    """Windows of numbered people, in each person's order.

    Attributes:
        windows: as they are judged.
        people: number of the person of each, from 0, in order of their names.
        spared: people held out of the encoder; nobody where there are too few.
    """

    windows: list[Window]
    people: Numbers
    spared: frozenset[int]

    def taught(self) -> tuple[list[Floats], Numbers]:
        """Return the pieces that the encoder learns from, and their people numbered without gaps."""
        cut = [
            (piece, int(person))
            for window, person in zip(self.windows, self.people, strict=True)
            if person not in self.spared
            for piece in pieces(cast("Floats", window.content))
        ]
        _, people = np.unique([person for _, person in cut], return_inverse=True)
        return [piece for piece, _ in cut], people

    def judged(self) -> frozenset[int]:
        """Return the people of whom the trials are: the spared ones, everybody where nobody was spared."""
        return self.spared or frozenset(self.people.tolist())


def units_of(rows: Sequence[Row], seed: int) -> Units:
    """Return the units of rows; windows with too few keys and people with a single unit are left out.

    Raises:
        FaultyInputError: ``training_people``.
    """
    by_person: dict[str, list[Window]] = {}
    for row in sorted(rows, key=lambda one: (one.subject, one.order)):
        if len(row.window.content) >= LEAST:
            by_person.setdefault(row.subject, []).append(row.window)
    counts = [len(windows) for windows in by_person.values()]
    if counts and np.median(counts) < _FEW_WINDOWS:
        by_person = {name: _cut(windows) for name, windows in by_person.items()}
    kept = [windows for windows in by_person.values() if len(windows) > 1]
    if len(kept) < 2:  # noqa: PLR2004 - one person has nobody to be told from
        raise FaultyInputError("training_people", f"training needs two people with two windows of {LEAST} keys or more")
    people = np.repeat(np.arange(len(kept)), [len(windows) for windows in kept])
    return Units([window for windows in kept for window in windows], people, _spared(len(kept), seed))


def _cut(windows: Sequence[Window]) -> list[Window]:
    return [
        Window(Modality.KEYSTROKE, piece)
        for window in windows
        for piece in pieces(cast("Floats", window.content))
        if len(piece) >= LEAST
    ]


def _spared(people: int, seed: int) -> frozenset[int]:
    if people < _ENOUGH_PEOPLE:
        return frozenset()
    count = min(max(int(people * _SPARED), _LEAST_SPARED), _MOST_SPARED)
    return frozenset(np.random.default_rng(seed).permutation(people)[:count].tolist())
