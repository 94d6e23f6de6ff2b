"""The grant model on disk and in use: who holds what, and how unusual each pair is.

- An existing grant has the number it got when it was held out; another pair is told from the whole matrix.
- ``score`` is one minus the chance that a pair is a grant rather than a random pair, both equally likely: a ranking
  of unusualness between 0 and 1, not a share of wrong grants.
- An unknown user holds nothing and an unknown permission is held by nobody; neither is a fault.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

import msgspec
import numpy as np

from ostiary.artifacts import VerifiedArtifact
from ostiary.artifacts.tensors import Array, pack, unpack
from ostiary.errors import FaultyInputError
from ostiary.risk.entitlements.coding import Floats, Ints
from ostiary.risk.entitlements.factors import Matrix
from ostiary.risk.entitlements.forest import Forest
from ostiary.risk.entitlements.grant_fit import FittedGrants, matrix_of
from ostiary.risk.entitlements.grant_words import Standing, sentences
from ostiary.risk.entitlements.lines import ScoredLine, ids_of
from ostiary.risk.entitlements.pair_rows import NAMES, pair_rows
from ostiary.risk.entitlements.shape import SCHEMA_FILE, TABLES_FILE, GrantSchema, file_of, malformed, read_schema
from ostiary.risk.entitlements.table import Table
from ostiary.risk.schema import Thresholds
from ostiary.risk.trees import parse_trees

FOREST_FILE: Final = "forest.txt"
PEERS: Final = 20
_MEDIUM_SHARE: Final = 0.95  # of the grants lie below: one in twenty is worth a look
_HIGH_SHARE: Final = 0.99


def grant_files(
    fitted: FittedGrants, pairs: Ints, users: list[str], permissions: list[str], columns: tuple[str, str]
) -> dict[str, bytes]:
    """Return the model's files, the card not among them."""
    scores = 1.0 - fitted.held
    told = scores[np.bincount(pairs[:, 0])[pairs[:, 0]] > 1]  # a user's only grant has nothing to be compared with
    medium, high = (float(np.quantile(told if len(told) else scores, share)) for share in (_MEDIUM_SHARE, _HIGH_SHARE))
    schema = GrantSchema(users, permissions, columns[0], columns[1], Thresholds(medium=medium, high=high))
    tables: dict[str, Array] = {"pairs": pairs.astype(np.int32), "scores": scores}
    return {
        SCHEMA_FILE: msgspec.json.encode(schema),
        TABLES_FILE: pack(tables),
        FOREST_FILE: fitted.forest.text.encode(),
    }


class GrantModel:
    """Scores pairs of user and permission with a verified model."""

    def __init__(self, schema: GrantSchema, pairs: Ints, scores: Floats, forest: Forest) -> None:
        """Join the parts; use ``load_grants``."""
        self.schema = schema
        self.pairs = pairs
        self.scores = scores
        self.forest = forest
        self._users = {name: number for number, name in enumerate(schema.users)}
        self._permissions = {name: number for number, name in enumerate(schema.permissions)}
        self._held = {(int(user), int(item)): at for at, (user, item) in enumerate(pairs)}

    @cached_property
    def matrix(self) -> Matrix:
        """The grants, with one more user and one more permission at the end that stand for unknown ones."""
        return matrix_of(self.pairs, (len(self.schema.users) + 1, len(self.schema.permissions) + 1))

    @cached_property
    def _columns(self) -> Matrix:
        return self.matrix.tocsc()

    @cached_property
    def _both(self) -> Matrix:
        return (self.matrix.T @ self.matrix).tocsr()

    @cached_property
    def _sizes(self) -> Floats:
        sizes: Floats = np.asarray(self.matrix.sum(axis=1), dtype=float).ravel()
        return sizes

    def numbers(self, users: Sequence[str], permissions: Sequence[str]) -> Ints:
        """Return the pairs' numbers; unknown names get the number after the last."""
        strange_user, strange_item = len(self._users), len(self._permissions)
        return np.array(
            [
                (self._users.get(user, strange_user), self._permissions.get(item, strange_item))
                for user, item in zip(users, permissions, strict=True)
            ],
            np.int64,
        ).reshape(-1, 2)

    def chances(self, pairs: Ints) -> Floats:
        """Return how unusual each pair is."""
        held = [self._held.get((int(user), int(item)), -1) for user, item in pairs]
        at = np.array(held, np.int64)
        answer = np.where(at >= 0, self.scores[np.maximum(at, 0)], 0.0)
        fresh = np.flatnonzero(at < 0)
        if len(fresh):
            rows = pair_rows(self.matrix, pairs[fresh, 0], pairs[fresh, 1])
            answer[fresh] = 1.0 - self.forest.chance(rows)
        return answer

    def score(self, table: Table, identifier: str = "") -> Iterator[ScoredLine]:
        """Yield one line a pair, in order.

        Raises:
            FaultyInputError: ``table_column_missing``.
        """
        pairs = self.numbers(table.column(self.schema.user_column), table.column(self.schema.permission_column))
        ids = ids_of(table, identifier)
        for at, score in enumerate(self.chances(pairs).tolist()):
            level = self.level(int(pairs[at, 0]), int(pairs[at, 1]), score)
            reasons: tuple[str, ...] = ()
            if level != "low":
                reasons = sentences(self.standing(int(pairs[at, 0]), int(pairs[at, 1])))
            yield ScoredLine(ids[at], score, level, reasons)

    def level(self, user: int, item: int, score: float) -> str:
        """Return the level of a pair's score; a user's only grant is low, there is nothing to compare it with."""
        return "low" if self.lone(user, item) else self.schema.levels.level(score)

    def lone(self, user: int, item: int) -> bool:
        """Return whether the pair is the only grant of its user."""
        mine = self._row(user)
        return len(mine) == 1 and mine[0] == item

    def standing(self, user: int, item: int, *, used: bool | None = None) -> Standing:
        """Return what is known of the pair; the pair itself is never counted."""
        mine = self._row(user)
        others = mine[mine != item]
        own = len(mine) - len(others)  # 1 when this user holds the permission: that is no evidence
        peers = self.peers(user, item)
        names = self.schema.permissions
        both = np.asarray(self._both[others][:, [item]].todense()).ravel() if len(others) else np.zeros(0)
        return Standing(
            permission=names[item] if item < len(names) else "",
            known_user=user < len(self.schema.users),
            known_permission=item < len(names),
            holders=len(self._holders(item)) - own,
            users=len(self.schema.users),
            peers=len(peers),
            peers_with=int(np.isin(peers, self._holders(item)).sum()),
            others=len(others),
            together=int((both > own).sum()),
            used=used,
        )

    def peers(self, user: int, item: int) -> Ints:
        """Return the users most similar in everything but ``item``, the nearest first; none without anything else."""
        others = self._row(user)
        others = others[others != item]
        shared = np.asarray(self._columns[:, others].sum(axis=1)).ravel()
        sizes = self._sizes.copy()
        sizes[self._holders(item)] -= 1
        alike = shared / np.sqrt(np.maximum(sizes, 1.0))
        alike[user] = 0.0
        best = np.argsort(-alike, kind="stable")[:PEERS]
        return np.asarray(best[alike[best] > 0], np.int64)

    def who_else(self, user: int, item: int, most: int) -> list[str]:
        """Return others who hold the permission, those with the most similar access first."""
        holders = self._holders(item)
        near = [int(one) for one in self.peers(user, item) if one in holders]
        rest = [int(one) for one in holders if one != user and int(one) not in near]
        return [self.schema.users[one] for one in [*near, *rest][:most]]

    def _row(self, user: int) -> Ints:
        begin, end = self.matrix.indptr[user], self.matrix.indptr[user + 1]
        return np.asarray(self.matrix.indices[begin:end], np.int64)

    def _holders(self, item: int) -> Ints:
        begin, end = self._columns.indptr[item], self._columns.indptr[item + 1]
        return np.asarray(self._columns.indices[begin:end], np.int64)


def load_grants(verified: VerifiedArtifact) -> GrantModel:
    """Return the model in a verified artefact.

    Raises:
        FaultyInputError: ``model_malformed``.
    """
    schema = read_schema(verified, GrantSchema)
    tables = unpack(file_of(verified, TABLES_FILE))
    if tables.keys() != {"pairs", "scores"}:
        raise malformed("its tables are others than expected")
    pairs, scores = tables["pairs"].astype(np.int64), tables["scores"].astype(float)
    shape = np.array([len(schema.users), len(schema.permissions)])
    if pairs.ndim != 2 or pairs.shape != (len(scores), 2) or not len(pairs):  # noqa: PLR2004 - user and permission
        raise malformed("its tables do not fit each other")
    if (pairs < 0).any() or (pairs >= shape).any() or not ((scores >= 0) & (scores <= 1)).all():
        raise malformed("its tables hold numbers without a meaning")
    return GrantModel(schema, pairs, scores, _forest(verified))


def _forest(verified: VerifiedArtifact) -> Forest:
    text = file_of(verified, FOREST_FILE).decode()
    try:
        known = parse_trees(text).names
    except FaultyInputError as fault:
        raise malformed(f"its forest cannot be read: {fault.message}") from fault
    if known != NAMES:
        raise malformed("its forest looks at other columns")
    return Forest(text)
