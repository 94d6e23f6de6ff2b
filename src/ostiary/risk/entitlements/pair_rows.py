"""Feature rows of pairs of user and permission: what each way of telling says about whether the one has the other.

- Popularity, the user's number of grants, cosine over the 20 and 80 nearest users, how the user's other permissions go
  with this one (mean, largest and summed conditional share, cosine, log-lift), and the embedding at several ranks.
- A pair that is itself a grant must not be in the matrix when its row is made, or it tells itself.
- Work is done for the users and permissions of the pairs only, in pieces of bounded memory.
"""

from typing import Final

import numpy as np
from scipy import sparse

from ostiary.risk.entitlements.coding import Floats, Ints
from ostiary.risk.entitlements.factors import Matrix, decompose

RANKS: Final = (8, 16, 32, 64)
NEAR: Final = (20, 80)
NAMES: Final = (
    "popularity",
    "grants",
    *(f"near_{count}" for count in NEAR),
    "share_mean",
    "share_largest",
    "share_sum",
    "cosine_mean",
    "cosine_largest",
    "lift",
    "lift_mean",
    "together",
    *(f"factor_{rank}" for rank in RANKS),
    *(f"factor_{rank}_scaled" for rank in RANKS),
)
_PIECE: Final = 512
_DOUBT: Final = 5.0  # grants that a permission's independence counts for


def pair_rows(grants: Matrix, users: Ints, items: Ints) -> Floats:
    """Return one row a pair, in the order of ``NAMES``."""
    table = sparse.csr_matrix(grants, dtype=float)
    held = np.asarray(table.sum(axis=1)).ravel()
    holders = np.asarray(table.sum(axis=0)).ravel()
    columns = [np.log1p(holders[items]), np.log1p(held[users])]
    columns += _near(table, users, items)
    columns += _together(table, holders, users, items)
    factors = _factors(table, users, items)
    scale = np.sqrt((held[users] + 1) * (holders[items] + 1))
    return np.column_stack([*columns, *factors, *(one * scale for one in factors)])


def nearest(table: Matrix, users: Ints, count: int) -> tuple[Ints, Floats]:
    """Return the ``count`` most similar other users of each of ``users`` and their cosines, the nearest first."""
    lengths = np.sqrt(np.maximum(np.asarray(table.sum(axis=1)).ravel(), 1.0))
    unit = (sparse.diags(1.0 / lengths) @ table).tocsr()
    turned = unit.T.tocsr()
    count = min(count, table.shape[0] - 1)
    who = np.zeros((len(users), count), np.int64)
    cosine = np.zeros((len(users), count))
    for begin in range(0, len(users), _PIECE):
        piece = users[begin : begin + _PIECE]
        likeness = np.asarray((unit[piece] @ turned).todense())
        likeness[np.arange(len(piece)), piece] = -1.0
        best = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
        who[begin : begin + _PIECE] = best
        cosine[begin : begin + _PIECE] = np.maximum(np.take_along_axis(likeness, best, axis=1), 0.0)
    return who, cosine


def _near(table: Matrix, users: Ints, items: Ints) -> list[Floats]:
    """Return the share of the nearest users, weighted by likeness, who hold each pair's permission."""
    asked, place = np.unique(users, return_inverse=True)
    who, cosine = nearest(table, asked, max(NEAR))
    found = []
    for count in NEAR:
        mine, weight = who[:, :count], cosine[:, :count]
        begins = np.arange(0, mine.size + 1, mine.shape[1]) if mine.shape[1] else np.zeros(len(asked) + 1, np.int64)
        web = sparse.csr_matrix((weight.ravel(), mine.ravel(), begins), shape=(len(asked), table.shape[0]))
        held = _pick((web @ table).tocsr(), place, items)
        found.append(held / (weight.sum(axis=1)[place] + 1e-9))
    return found


def _together(table: Matrix, holders: Floats, users: Ints, items: Ints) -> list[Floats]:
    """Return what the user's other permissions say of this one, from how often the two are held together."""
    both = (table.T @ table).tocsr()
    found = np.zeros((8, len(users)))
    for begin in range(0, len(users), _PIECE):
        part = slice(begin, begin + _PIECE)
        found[:, part] = _together_piece(table[users[part]], both[items[part]], holders, items[part], table.shape[0])
    return list(found)


def _together_piece(mine: Matrix, both: Matrix, holders: Floats, items: Ints, people: int) -> Floats:
    common = both.multiply(mine).tocsr()
    common.sort_indices()
    held = np.diff(mine.indptr).astype(float)
    counts = np.diff(common.indptr)
    row = np.repeat(np.arange(len(items)), counts)
    other, count = common.indices, common.data
    share = count / (holders[other] + 1.0)  # of those who hold the other, how many hold this one
    cosine = count / np.sqrt(holders[other] * holders[items[row]] + 1.0)
    expected = _DOUBT * holders[other] / people
    lift = np.log((count + expected) / expected)
    width = len(items)
    lifts = np.bincount(row, weights=lift, minlength=width).astype(float)
    lifts += held * np.log(_DOUBT / (holders[items] + _DOUBT))
    shares = np.bincount(row, weights=share, minlength=width)
    cosines = np.bincount(row, weights=cosine, minlength=width)
    means = shares / (held + 1), _largest(share, counts), shares, cosines / (held + 1), _largest(cosine, counts)
    return np.vstack([*means, lifts, lifts / (np.sqrt(held) + 1), counts / (held + 1)])


def _largest(values: Floats, counts: Ints) -> Floats:
    """Return the largest of each run of ``values``, 0 for an empty run."""
    answer = np.zeros(len(counts))
    filled = counts > 0
    if filled.any():
        answer[filled] = np.maximum.reduceat(values, (np.cumsum(counts) - counts)[filled])
    return answer


def _factors(table: Matrix, users: Ints, items: Ints) -> list[Floats]:
    embedding = decompose(table, max(RANKS))
    steps = np.cumsum(embedding.users[users] * embedding.items[items], axis=1)
    return [steps[:, min(rank, embedding.rank) - 1] for rank in RANKS]


def _pick(table: Matrix, rows: Ints, columns: Ints) -> Floats:
    return np.asarray(table[rows, columns], dtype=float).ravel()
