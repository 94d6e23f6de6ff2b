"""Reasons for a request's score, in plain words with the counts they rest on.

- First who holds it: with which of the requester's attributes the resource was never granted.
- Then the combinations whose requests were refused more often than usual, the most telling first.
- Words are for requests at or above the step-up threshold; what is usual needs none.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ostiary.risk.entitlements.coding import Ints
from ostiary.risk.entitlements.request_rows import Counted, RequestRows

MOST: Final = 3
_FEW: Final = 3
_LONG: Final = 60


class RequestWords:
    """Puts the statistics of one request into sentences."""

    def __init__(self, rows: RequestRows, columns: Sequence[str], resource: str) -> None:
        """Take the reference statistics, the columns' names and which of them names what is asked for."""
        self._rows = rows
        self._columns = columns
        self._resource = columns.index(resource) if resource in columns else 0

    def reasons(self, codes: Ints, cells: Sequence[str]) -> tuple[str, ...]:
        """Return up to three reasons for one request, given by its codes and its cells."""
        told = [*self._strange(codes, cells), *self._nobody(codes), *self._refused(codes, cells)]
        return tuple(told[:MOST])

    def _strange(self, codes: Ints, cells: Sequence[str]) -> list[str]:
        names = [self._columns[at] for at, code in enumerate(codes) if code == 0]
        if not names:
            return []
        shown = ", ".join(f"{name} `{cells[self._columns.index(name)][:_LONG]}`" for name in names[:_FEW])
        return [f"never seen before: {shown}"]

    def _nobody(self, codes: Ints) -> list[str]:
        """Return which of the requester's attributes nobody shared who was granted this."""
        names = []
        for one in self._rows.counted:
            if len(one.combo) == 2 and self._resource in one.combo and codes[list(one.combo)].all():  # noqa: PLR2004 - a pair
                at = int(one.slots.find(codes[None, :])[0])
                other = next(column for column in one.combo if column != self._resource)
                if at < 0 or one.decided[at] == one.refused[at]:
                    names.append(self._columns[other])
        if not names:
            return []
        what = self._columns[self._resource]
        shown = " or ".join(names[:_FEW])
        return [f"nobody with the same {shown} was granted this {what} before"]

    def _refused(self, codes: Ints, cells: Sequence[str]) -> list[str]:
        ranked: list[tuple[float, str]] = []
        for one in self._rows.counted:
            at = int(one.slots.find(codes[None, :])[0])
            if at < 0 or one.decided[at] < 1:
                continue
            refused, decided = one.refused[at], one.decided[at]
            excess = (refused - decided * self._rows.prior) / np.sqrt(decided + 1.0)
            if excess > 0:
                ranked.append((-float(excess), self._sentence(one, int(refused), int(decided), cells)))
        return [text for _, text in sorted(ranked)]

    def _sentence(self, one: Counted, refused: int, decided: int, cells: Sequence[str]) -> str:
        what = " with ".join(f"{self._columns[column]} `{cells[column][:_LONG]}`" for column in one.combo)
        usual = f"{self._rows.prior:.1%} of all"
        return f"{refused} of {decided} requests with {what} {'was' if refused == 1 else 'were'} refused ({usual})"
