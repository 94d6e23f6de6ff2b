"""Which columns are looked at together: each alone, every pair, and the triples that told most about a refusal.

- A combination that splits the rows exactly as an earlier one does adds nothing and is left out.
- Triples are ranked by how well their ordered statistic, which never sees a row's own answer, tells the answers.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

from ostiary.risk.entitlements.coding import Floats, Ints, Slots
from ostiary.risk.entitlements.ordered import ordered_share

TRIPLES: Final = 16
_TINY: Final = 1e-9

Combo = tuple[int, ...]


def distinct_columns(codes: Ints) -> list[int]:
    """Return the columns that split the rows in another way than every earlier one."""
    kept: list[int] = []
    for column in range(codes.shape[1]):
        mine = codes[:, column]
        if not any(_same_split(codes[:, other], mine) for other in kept):
            kept.append(column)
    return kept


def _same_split(one: Ints, other: Ints) -> bool:
    count = len(np.unique(one))
    return count == len(np.unique(other)) == len(np.unique(one * (other.max(initial=0) + 1) + other))


def pairs(columns: Sequence[int]) -> list[Combo]:
    """Return every column alone, then every pair."""
    return [*((column,) for column in columns), *combinations(columns, 2)]


def best_triples(
    codes: Ints, sizes: Sequence[int], columns: Sequence[int], refused: Floats, order: Ints
) -> list[Combo]:
    """Return the triples whose ordered statistic tells most, the best first."""
    ranked: list[tuple[float, Combo]] = []
    for combo in combinations(columns, 3):
        slots = Slots.of(codes, combo, tuple(sizes[column] for column in combo))
        share = np.clip(ordered_share(slots.find(codes), refused, order), _TINY, 1 - _TINY)
        loss = -np.mean(np.where(refused > 0, np.log(share), np.log1p(-share)))
        ranked.append((float(loss), combo))
    return [combo for _, combo in sorted(ranked)[:TRIPLES]]
