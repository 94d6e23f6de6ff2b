"""Ids as numbers: a vocabulary a column, and a slot for each combination of values that was seen.

- A value that was never seen has the code 0; a combination with one in it has no slot. Neither is a fault.
- A combination's key is one integer in mixed radix, so it is exact: nothing is hashed and nothing collides.

>>> import numpy as np
>>> words = Vocabulary.of({"team": ["a", "b", "a"]})
>>> words.codes({"team": ["b", "new"]}).tolist()
[[2], [0]]
>>> slots = Slots.of(np.array([[1], [2], [1]]), (0,), (3,))
>>> slots.find(np.array([[1], [2], [0]])).tolist()
[0, 1, -1]
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.errors import FaultyInputError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MAX_VALUES: Final = 1_000_000  # three columns of so many values still fit one 64-bit key
_UNSEEN: Final = 0


class Vocabulary:
    """The known values of each column, numbered from 1 in the order of first sight."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        """Take the known ``values`` by column.

        Raises:
            FaultyInputError: ``table_too_large``, when a column has more values than a key can hold.
        """
        self.values = {name: list(known) for name, known in values.items()}
        self._numbers: dict[str, dict[str, int]] = {}
        for name, known in self.values.items():
            if len(known) > MAX_VALUES:
                text = f"column `{name[:80]}` has {len(known):,} values, {MAX_VALUES:,} are allowed"
                raise FaultyInputError("table_too_large", text)
            self._numbers[name] = {value: number for number, value in enumerate(known, 1)}

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[str]]) -> "Vocabulary":
        """Return the vocabulary of ``columns``."""
        return cls({name: list(dict.fromkeys(cells)) for name, cells in columns.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(self.values)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each column, the one for unseen values counted."""
        return tuple(len(known) + 1 for known in self.values.values())

    def codes(self, columns: Mapping[str, Sequence[str]]) -> Ints:
        """Return one row of codes a row of ``columns``; unseen values are 0."""
        coded = [
            np.fromiter((numbers.get(cell, _UNSEEN) for cell in columns[name]), np.int64, len(columns[name]))
            for name, numbers in self._numbers.items()
        ]
        return np.column_stack(coded) if coded else np.zeros((0, 0), np.int64)


class Slots:
    """The combinations of some columns' values that were seen, as sorted exact keys."""

    def __init__(self, keys: Ints, columns: tuple[int, ...], sizes: tuple[int, ...]) -> None:
        """Take sorted, unique ``keys`` over ``columns``, whose numbers of codes are ``sizes``."""
        self.keys = keys
        self.columns = columns
        self.sizes = sizes

    @classmethod
    def of(cls, codes: Ints, columns: tuple[int, ...], sizes: tuple[int, ...]) -> "Slots":
        """Return the slots of ``codes``, which must hold known values only."""
        return cls(np.unique(_keys(codes, columns, sizes)), columns, sizes)

    def __len__(self) -> int:
        """Return how many combinations were seen."""
        return len(self.keys)

    def find(self, codes: Ints) -> Ints:
        """Return each row's slot, -1 where the combination was never seen."""
        wanted = _keys(codes, self.columns, self.sizes)
        at = np.minimum(np.searchsorted(self.keys, wanted), max(len(self.keys) - 1, 0))
        known = (codes[:, list(self.columns)] != _UNSEEN).all(axis=1)
        if len(self.keys):
            known &= self.keys[at] == wanted
        return np.where(known, at, -1)

    def parts(self) -> list[Ints]:
        """Return the codes of each slot, one array a column."""
        rest, found = self.keys, []
        for size in reversed(self.sizes):
            found.append(rest % size)
            rest = rest // size
        return found[::-1]


def _keys(codes: Ints, columns: tuple[int, ...], sizes: tuple[int, ...]) -> Ints:
    key = np.zeros(len(codes), np.int64)
    for column, size in zip(columns, sizes, strict=True):
        key = key * size + codes[:, column]
    return key
