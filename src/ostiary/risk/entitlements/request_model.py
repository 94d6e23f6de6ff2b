"""The request model on disk and in use: written as signed files, loaded only from a verified artefact.

- The artefact holds the reference requests as numbers and the known values; the statistics are counted from them at
  load, by the code that counted them in training.
- Each request is scored by itself: what else is in the file changes nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np

from ostiary.artifacts import VerifiedArtifact
from ostiary.artifacts.tensors import Array, pack, unpack
from ostiary.errors import FaultyInputError
from ostiary.risk.entitlements.coding import Floats, Ints, Vocabulary
from ostiary.risk.entitlements.forest import Forest
from ostiary.risk.entitlements.linear import Linear, slots_of
from ostiary.risk.entitlements.lines import ScoredLine, ids_of
from ostiary.risk.entitlements.request_fit import Fitted, Parts
from ostiary.risk.entitlements.request_rows import RequestRows
from ostiary.risk.entitlements.request_words import RequestWords
from ostiary.risk.entitlements.shape import (
    SCHEMA_FILE,
    TABLES_FILE,
    RequestSchema,
    file_of,
    malformed,
    read_schema,
)
from ostiary.risk.entitlements.table import Table
from ostiary.risk.schema import Thresholds
from ostiary.risk.trees import parse_trees

MOST_FORESTS: Final = 64
_MEDIUM_SHARE: Final = 0.90  # of the decided requests lie below: one in ten is looked at twice
_HIGH_SHARE: Final = 0.98
_PIECE: Final = 4096


def levels_of(inner: Floats) -> Thresholds:
    """Return the scores above which a tenth and a fiftieth of the decided requests lie."""
    medium, high = (float(np.quantile(inner, share)) for share in (_MEDIUM_SHARE, _HIGH_SHARE))
    return Thresholds(medium=min(max(medium, 0.0), 1.0), high=min(max(high, medium), 1.0))


def request_files(
    fitted: Fitted, words: Vocabulary, codes: Ints, refused: Floats, identifier: str, resource: str
) -> dict[str, bytes]:
    """Return the model's files, the card not among them."""
    parts = fitted.parts
    schema = RequestSchema(
        columns=words.values,
        identifier=identifier,
        resource=resource,
        combos=parts.combos,
        linear_combos=parts.linear_combos,
        intercept=parts.linear.intercept,
        blend=fitted.blend,
        forests=len(parts.forests),
        levels=levels_of(fitted.inner),
    )
    tables: dict[str, Array] = {
        "codes": codes.astype(np.int32),
        "refused": refused.astype(np.int32),
        "weights": parts.linear.weights,
    }
    forests = {f"forest_{at}.txt": forest.text.encode() for at, forest in enumerate(parts.forests)}
    return {SCHEMA_FILE: msgspec.json.encode(schema), TABLES_FILE: pack(tables), **forests}


class RequestModel:
    """Scores requests with a verified model."""

    def __init__(self, schema: RequestSchema, parts: Parts, words: Vocabulary) -> None:
        """Join the parts; use ``load_requests``."""
        self.schema = schema
        self._parts = parts
        self._words = words
        self._sentences = RequestWords(parts.rows, words.names, schema.resource)

    def chances(self, columns: Mapping[str, list[str]]) -> Floats:
        """Return the probability of a refusal for each row of ``columns``."""
        return self._chances(self._words.codes(columns))

    def _chances(self, codes: Ints) -> Floats:
        return self.schema.blend.chance(self._parts.chances(codes))

    def score(self, table: Table, identifier: str = "") -> Iterator[ScoredLine]:
        """Yield one line a request, in order.

        Raises:
            FaultyInputError: ``table_column_missing``.
        """
        columns = {name: table.column(name) for name in self._words.names}
        ids = ids_of(table, identifier or self.schema.identifier)
        for begin in range(0, table.rows, _PIECE):
            piece = {name: cells[begin : begin + _PIECE] for name, cells in columns.items()}
            codes = self._words.codes(piece)
            for at, score in enumerate(self._chances(codes).tolist()):
                level = self.schema.levels.level(score)
                reasons: tuple[str, ...] = ()
                if level != "low":
                    reasons = self._sentences.reasons(codes[at], [cells[at] for cells in piece.values()])
                yield ScoredLine(ids[begin + at], score, level, reasons)


def load_requests(verified: VerifiedArtifact) -> RequestModel:
    """Return the model in a verified artefact.

    Raises:
        FaultyInputError: ``model_malformed``.
    """
    schema = read_schema(verified, RequestSchema)
    words = Vocabulary(schema.columns)
    tables = unpack(file_of(verified, TABLES_FILE))
    codes, refused, weights = _tables(tables, words)
    _check_combos(schema, len(words.names))
    rows = RequestRows(codes, words.sizes, refused, schema.combos)
    names = rows.names(schema.combos)
    forests = [_forest(verified, at, names) for at in range(schema.forests)]
    slots = slots_of(codes[: len(refused)], words.sizes, schema.linear_combos)
    if len(weights) != sum(map(len, slots)):
        raise malformed("its weights do not fit its combinations")
    parts = Parts(
        rows=rows,
        combos=schema.combos,
        linear_combos=schema.linear_combos,
        forests=forests,
        linear=Linear(slots, weights, schema.intercept),
    )
    return RequestModel(schema, parts, words)


def _tables(tables: Mapping[str, Any], words: Vocabulary) -> tuple[Ints, Floats, Floats]:
    if tables.keys() != {"codes", "refused", "weights"}:
        raise malformed("its tables are others than expected")
    codes, refused, weights = tables["codes"].astype(np.int64), tables["refused"].astype(float), tables["weights"]
    sizes = np.array(words.sizes)
    if codes.ndim != 2 or codes.shape[1] != len(sizes) or not 0 < refused.size <= len(codes):  # noqa: PLR2004 - a table
        raise malformed("its tables do not fit its columns")
    if (codes < 1).any() or (codes >= sizes).any() or not np.isin(refused, (0.0, 1.0)).all():
        raise malformed("its tables hold numbers without a meaning")
    if not np.isfinite(weights).all():
        raise malformed("its weights are no numbers")
    return codes, refused, weights.astype(float)


def _check_combos(schema: RequestSchema, width: int) -> None:
    given = [*schema.combos, *schema.linear_combos]
    fine = all(1 <= len(combo) <= 3 and all(0 <= at < width for at in combo) for combo in given)  # noqa: PLR2004 - ones to triples
    alone = {combo for combo in schema.combos if len(combo) == 1}
    whole = all((at,) in alone for combo in schema.combos for at in combo)
    if not fine or not whole or not 0 < schema.forests <= MOST_FORESTS or len(set(schema.combos)) != len(schema.combos):
        raise malformed("its combinations or its number of forests are not in range")


def _forest(verified: VerifiedArtifact, at: int, names: list[str]) -> Forest:
    text = file_of(verified, f"forest_{at}.txt").decode()
    try:
        known = list(parse_trees(text).names)
    except FaultyInputError as fault:
        raise malformed(f"forest {at} cannot be read: {fault.message}") from fault
    if known != names:
        raise malformed(f"forest {at} looks at other columns")
    return Forest(text)
