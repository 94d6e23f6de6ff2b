"""Feature rows of requests: for each combination of columns the share refused and how often it was seen.

- A row of the training part is told as if it were new: its own answer and its own count are taken out.
- Counts may come from more requests than those decided: which values go together is known before any decision is.
- Beside shares and counts: how usual the one value is for the other, and how many others a value goes with.
"""

from collections.abc import Sequence

import numpy as np

from ostiary.risk.entitlements.coding import Floats, Ints, Slots
from ostiary.risk.entitlements.combos import Combo
from ostiary.risk.entitlements.ordered import full_share, ordered_share


class Counted:
    """One combination, counted over the reference requests."""

    def __init__(self, combo: Combo, sizes: Sequence[int], codes: Ints, refused: Floats) -> None:
        """Count ``codes``; the first ``len(refused)`` rows are decided, the others only seen."""
        self.combo = combo
        self.slots = Slots.of(codes, combo, tuple(sizes[column] for column in combo))
        at = self.slots.find(codes)
        self.own = at[: len(refused)]
        self.seen = np.bincount(at, minlength=len(self.slots)).astype(float)
        self.decided = np.bincount(self.own, minlength=len(self.slots)).astype(float)
        self.refused = np.bincount(self.own, weights=refused, minlength=len(self.slots)).astype(float)

    def counts(self, at: Ints) -> Floats:
        """Return how often each slot of ``at`` was seen, 0 for -1."""
        return np.where(at >= 0, self.seen[np.maximum(at, 0)], 0.0)


class RequestRows:
    """Turns requests into feature rows, from the statistics of reference requests."""

    def __init__(self, codes: Ints, sizes: Sequence[int], refused: Floats, combos: Sequence[Combo]) -> None:
        """Count ``combos`` over ``codes``; the first ``len(refused)`` rows are decided."""
        self.prior = float(refused.mean())
        self.refused = refused
        self.counted = [Counted(combo, sizes, codes, refused) for combo in combos]
        self._by_combo = {one.combo: one for one in self.counted}
        self._codes = codes[: len(refused)]
        self._spread = {one.combo: self._partners(one) for one in self.counted if len(one.combo) == 2}  # noqa: PLR2004

    @staticmethod
    def names(combos: Sequence[Combo]) -> list[str]:
        """Return the features' names in the order of a row."""
        words = ["x".join(map(str, combo)) for combo in combos]
        two = ["x".join(map(str, combo)) for combo in combos if len(combo) == 2]  # noqa: PLR2004 - a pair
        kinds = [f"share_{word}" for word in words] + [f"count_{word}" for word in words]
        return kinds + [f"{kind}_{word}" for kind in ("first", "second", "wide", "broad") for word in two]

    def training(self, order: Ints) -> Floats:
        """Return the decided requests' rows under ``order``, each told as if it were new."""
        shares = [ordered_share(one.own, self.refused, order) for one in self.counted]
        counts = {one.combo: one.counts(one.own) - 1 for one in self.counted}
        return self._join(shares, counts, self._codes, own=1)

    def new(self, codes: Ints) -> Floats:
        """Return the rows of requests that are not among the reference ones."""
        at = [one.slots.find(codes) for one in self.counted]
        shares = [
            full_share(mine, one.refused, one.decided, self.prior) for mine, one in zip(at, self.counted, strict=True)
        ]
        counts = {one.combo: one.counts(mine) for mine, one in zip(at, self.counted, strict=True)}
        return self._join(shares, counts, codes, own=0)

    def _join(self, shares: Sequence[Floats], counts: dict[Combo, Floats], codes: Ints, own: int) -> Floats:
        two = [one.combo for one in self.counted if len(one.combo) == 2]  # noqa: PLR2004
        first = [(counts[combo] + 0.5) / (counts[combo[:1]] + 1) for combo in two]
        second = [(counts[combo] + 0.5) / (counts[combo[1:]] + 1) for combo in two]
        alone = {combo: own * (counts[combo] == 0) for combo in two}  # the pair's only sight is the row itself
        wide = [np.log1p(self._spread[combo][0][codes[:, combo[0]]] - alone[combo]) for combo in two]
        broad = [np.log1p(self._spread[combo][1][codes[:, combo[1]]] - alone[combo]) for combo in two]
        logs = [np.log1p(count) for count in counts.values()]
        return np.column_stack([*shares, *logs, *first, *second, *wide, *broad])

    def _partners(self, pair: Counted) -> tuple[Floats, Floats]:
        """Return how many values of the other column go with each code, for both columns of ``pair``."""
        left, right = pair.slots.parts()
        sizes = pair.slots.sizes
        return np.bincount(left, minlength=sizes[0]).astype(float), np.bincount(right, minlength=sizes[1]).astype(float)
