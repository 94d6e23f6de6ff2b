"""Reads the log as a stranger would: read-only, verified against what was remembered before it is believed."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from benchmarks.faults.bookkeeper import Bookkeeper, Recorded
from benchmarks.faults.broken import BrokenInvariantError

from ostiary.audit.entry import SALT_BYTES
from ostiary.audit.verifier import Memory, Verifier
from ostiary.audit.verifier.ports import LogSource
from ostiary.server.places import Places
from ostiary.server.settings.store import StoreSection
from ostiary.server.storing import open_source
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.verdicts import Outcome

BUNDLE: Final = 256
PLACED_S: Final = 20.0
"""In this time every record that was handed over must have its place; one that was appended has it at once."""
_AGAIN_S: Final = 0.25


class _Record(msgspec.Struct):
    """What the books need of a decision record."""

    tenant: str
    receipt: Receipt
    outcome: Outcome


class Evidence:
    """What was read of one deployment's log so far."""

    def __init__(self, data: Path, store: StoreSection, books: Bookkeeper) -> None:
        """Read the log of ``store``, whose keys lie in ``data``, into ``books``."""
        self._places = Places(data)
        self._store = store
        self._books = books
        self._memory: Memory | None = None
        self.size = 0

    def look(self, *, whole: bool = False) -> None:
        """Verify what is new in the log (or all of it), read it, and settle the books.

        Raises:
            BrokenInvariantError: ``forked``, or what the books find.
        """
        decisions, acts = self._books.waiting()
        begun = time.monotonic()
        until = begun + (PLACED_S if self._store.backend == "postgres" else 0)
        self._read_on(whole=whole)
        # A record that was handed over is on disk before its answer; its place in the log comes a moment later, or when
        # somebody else has taken a dead sequencer's lease. A reading sees what was there when it began, and may itself
        # take longer than that on a machine that starves: the last word has one that began after the time was over.
        while self._books.missing(decisions) and begun < until:
            time.sleep(_AGAIN_S)
            begun = time.monotonic()
            self._read_on(whole=False)
        self._books.settle(decisions, acts)
        self._books.check()

    def _read_on(self, *, whole: bool) -> None:
        with open_source(self._places, self._store) as source:
            verifier = Verifier(source, self._memory, since=not whole and self._memory is not None)
            memory = verifier.run()
            if memory is None:
                text = "; ".join(f"{one.attack}: {one.text}" for one in verifier.report.findings[:3])
                raise BrokenInvariantError("forked", f"the log does not verify: {text}")
            self._memory = memory
            for kind, record_id, payload in _rows(source, self.size, memory.size):
                self._read(kind, record_id, payload)
            self.size = memory.size

    def _read(self, kind: str, record_id: str, payload: bytes | None) -> None:
        if kind == "admin":
            self._books.act_recorded(record_id)
        if kind != "decision" or payload is None:
            return
        record = msgspec.json.decode(payload, type=_Record)
        if record.receipt.decision_id != record_id:
            raise BrokenInvariantError("forked", f"record {record_id} holds decision {record.receipt.decision_id}")
        asked = record.receipt.request_id or ""
        self._books.recorded(Recorded(record_id, record.tenant, asked, Effect(record.outcome.effect).name))


def _rows(source: LogSource, start: int, end: int) -> Iterator[tuple[str, str, bytes | None]]:
    """Yield kind, id and payload of the entries from ``start`` to ``end``."""
    for index in range(start // BUNDLE, -(-end // BUNDLE)):
        width = min(BUNDLE, end - index * BUNDLE)
        opened = source.openings(index, width) or {}
        for offset, entry in enumerate(source.bundle(index, width)):
            number = index * BUNDLE + offset
            if number < start or entry is None:
                continue
            told = json.loads(entry)
            opening = opened.get(number)
            yield told["kind"], told["id"], None if opening is None else opening[SALT_BYTES:]
