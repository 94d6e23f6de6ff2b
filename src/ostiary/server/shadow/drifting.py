"""How far a live model's features and scores moved since its training, counted a day at a time.

- Against the reference that lies in the model's own signed folder; a model without one has no drift to tell.
- Rows are counted in batches; a day is kept as one small document and joins with others of the same model.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from ostiary.artifacts import verify_artifact
from ostiary.decision.numbers import unpack
from ostiary.errors import OstiaryError
from ostiary.keys import VerifyingKey
from ostiary.risk.measure.drift import Counter, Moved
from ostiary.risk.measure.reference import REFERENCE_FILE, Reference, Spread, parse_reference
from ostiary.risk.measure.watching import worst_of
from ostiary.risk.schema import KIND
from ostiary.signals import features

BATCH: Final = 256
SCORE: Final = "score"
Rows = list[tuple[bytes, float]]


class Seen(msgspec.Struct, frozen=True):
    """What one day's counters have seen: rows and counts by column."""

    columns: dict[str, tuple[int, list[int]]]


class Drifting:
    """Counts one model's rows against its reference."""

    def __init__(self, reference: Reference) -> None:
        """Start with nothing seen."""
        self._reference = reference
        self._places = [(place, name) for place, name in enumerate(features.NAMES) if name in reference.columns]
        self._columns = {name: Counter(spread) for name, spread in _spreads(reference).items()}
        self._rows: Rows = []

    def add(self, row: bytes, score: float) -> None:
        """Count one packed feature row and its score."""
        self._rows.append((row, score))
        if len(self._rows) >= BATCH:
            self._count()

    def encode(self) -> bytes:
        """Return what was counted so far; ``join`` takes it."""
        self._count()
        return msgspec.msgpack.encode(Seen({name: counter.seen for name, counter in self._columns.items()}))

    def join(self, data: bytes) -> None:
        """Add what was counted elsewhere."""
        for name, (rows, counts) in msgspec.msgpack.decode(data, type=Seen).columns.items():
            if name in self._columns:
                self._columns[name].join(rows, counts)

    def moved(self) -> list[Moved]:
        """Return how far each column moved, the score first, then those that moved most."""
        self._count()
        found = [counter.moved(name) for name, counter in self._columns.items()]
        return sorted(found, key=lambda one: (one.name != SCORE, -worst_of(one), one.name))

    def _count(self) -> None:
        import numpy as np  # noqa: PLC0415 - with the extra that this whole module needs

        rows, self._rows = self._rows, []
        whole = [(unpack(row), score) for row, score in rows if len(row) == 8 * len(features.NAMES)]
        if not whole:
            return
        table = np.array([row for row, _ in whole], dtype=np.float64)
        for place, name in self._places:
            self._columns[name].add(table[:, place])
        self._columns[SCORE].add(np.array([score for _, score in whole], dtype=np.float64))


def reference_in(place: Path, keys: Iterable[VerifyingKey], digest: str) -> Reference | None:
    """Return the reference of the very model that is in force, ``None`` when it has none or is another one by now."""
    try:
        files: Mapping[str, bytes] = verify_artifact(place, keys, kind=KIND, pinned=digest).files
        return parse_reference(files[REFERENCE_FILE]) if REFERENCE_FILE in files else None
    except OstiaryError:  # no drift can be told then, and whoever loads the model tells why
        return None


def _spreads(reference: Reference) -> dict[str, Spread]:
    named = {name: reference.columns[name] for name in features.NAMES if name in reference.columns}
    return {SCORE: reference.score, **named}
