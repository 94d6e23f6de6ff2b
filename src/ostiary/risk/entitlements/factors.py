"""An embedding of the access graph: users and permissions as vectors whose product says how expected a grant is.

- ``decompose`` is the whole fit: a truncated SVD of the grants, each divided by the square roots of what its user and
  its permission have (so that neither who has much nor what all have drowns the rest), by subspace iteration from a
  fixed start.
- ``Embedding.update`` follows a change without a new fit: the touched users' vectors are solved anew against the
  permissions' (one half-step of alternating least squares), then the touched permissions' against the users', a few
  times; everyone else's vector stays. New users and permissions start at nothing and are folded in the same way.
- A half-step needs one small system over the rank, shared by all rows, so an update costs as much as what changed.

>>> import numpy as np
>>> from scipy import sparse
>>> grants = sparse.csr_matrix(np.kron(np.eye(2), np.ones((3, 3))))
>>> embedding = decompose(grants, rank=2)
>>> embedding.score(np.array([0]), np.array([1]))[0] > embedding.score(np.array([0]), np.array([4]))[0]
np.True_
"""

from typing import Any, Final

import msgspec
import numpy as np
from scipy import sparse

from ostiary.risk.entitlements.coding import Floats, Ints

Matrix = Any  # scipy.sparse.csr_matrix; scipy has no types

_SEED: Final = 0
_DENSE: Final = 64  # below this a dense decomposition is exact and quick
_SPARE: Final = 16  # dimensions beyond the rank, so that its last ones settle too
_ROUNDS: Final = 6
_RIDGE: Final = 0.001


class Embedding(msgspec.Struct, frozen=True):
    """Vectors of users and permissions.

    Attributes:
        users: one row a user.
        items: one row a permission.
    """

    users: Floats
    items: Floats

    @property
    def rank(self) -> int:
        """Length of a vector."""
        return int(self.users.shape[1])

    def score(self, users: Ints, items: Ints) -> Floats:
        """Return how expected each pair is; higher is more."""
        answer: Floats = np.einsum("ij,ij->i", self.users[users], self.items[items])
        return answer

    def update(self, grants: Matrix, users: Ints, items: Ints, *, steps: int = 2, ridge: float = _RIDGE) -> "Embedding":
        """Return the embedding after a change.

        Args:
            grants: the whole matrix as it is now; it may have more rows and columns than before.
            users: rows that changed or are new.
            items: columns that changed or are new.
            steps: how often both sides are solved.
            ridge: pull towards nothing, so that a user with one grant gets a small vector.
        """
        table = normalised(grants)
        mine, theirs = _grown(self.users, grants.shape[0]), _grown(self.items, grants.shape[1])
        columns = table.T.tocsr()
        for _ in range(steps):
            mine[users] = _solve(table[users], theirs, ridge)
            theirs[items] = _solve(columns[items], mine, ridge)
        return Embedding(mine, theirs)


def normalised(grants: Matrix) -> Matrix:
    """Return the grants, each divided by the square roots of its user's and its permission's numbers plus one."""
    table = sparse.csr_matrix(grants, dtype=float)
    users = 1.0 / np.sqrt(np.asarray(table.sum(axis=1)).ravel() + 1.0)
    items = 1.0 / np.sqrt(np.asarray(table.sum(axis=0)).ravel() + 1.0)
    return (sparse.diags(users) @ table @ sparse.diags(items)).tocsr()


def decompose(grants: Matrix, rank: int) -> Embedding:
    """Return the embedding of ``grants``, its dimensions in order of weight; the same grants give the same bits."""
    table = normalised(grants)
    if min(table.shape) <= _DENSE:
        left, weights, right = np.linalg.svd(table.toarray(), full_matrices=False)
    else:
        left, weights, right = _by_powers(table, rank)
    order = np.argsort(-weights, kind="stable")[:rank]
    roots = np.sqrt(np.maximum(weights[order], 0.0))
    return Embedding(left[:, order] * roots, right[order].T * roots)


def _by_powers(table: Matrix, rank: int) -> tuple[Floats, Floats, Floats]:
    """Return the leading singular vectors by subspace iteration (Halko, Martinsson, Tropp 2011, algorithm 4.4)."""
    width = min(rank + _SPARE, *table.shape)
    turned = table.T.tocsr()
    basis = np.linalg.qr(table @ np.random.default_rng(_SEED).standard_normal((table.shape[1], width)))[0]
    for _ in range(_ROUNDS):
        basis = np.linalg.qr(table @ np.linalg.qr(turned @ basis)[0])[0]
    small, weights, right = np.linalg.svd((turned @ basis).T, full_matrices=False)
    return basis @ small, weights, right


def _solve(rows: Matrix, others: Floats, ridge: float) -> Floats:
    gram = others.T @ others + ridge * np.eye(others.shape[1])
    answer: Floats = np.linalg.solve(gram, np.asarray(rows @ others).T).T
    return answer


def _grown(vectors: Floats, length: int) -> Floats:
    fresh = np.zeros((length, vectors.shape[1]))
    fresh[: len(vectors)] = vectors
    return fresh
