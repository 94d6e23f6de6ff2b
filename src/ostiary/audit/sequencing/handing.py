"""Handing records over: sealed here, kept in the inbox, given their place in the log by whoever sequences.

- Decisions are handed over; an answer may leave when its record is on disk in the inbox, for nothing but the log's own
  transaction can take it out again. Every other kind, and every effect, is appended under the log's exclusive
  transaction, after all that waits: whoever reads back what it has just written finds it, and order holds.
- When the database fell silent the same rows are handed over once more, under the same numbers.
- A batch that fails is reported as failed. Should it have arrived all the same, it is in the log once, or, where later
  rows of this replica were faster, not at all: no answer stands on it.
"""

from collections.abc import Callable, Sequence
from typing import Final

from ostiary.audit.batch import BatchWriter, Result
from ostiary.audit.entry import SALT_BYTES, commitment, record_aad
from ostiary.audit.pending import Appended, Pending
from ostiary.audit.ports import AuditStore
from ostiary.audit.sequencing.marks import Marks
from ostiary.audit.sequencing.ports import Handed
from ostiary.audit.sequencing.settings import Sequencing
from ostiary.errors import RefusedError, UnavailableError
from ostiary.keys import SubjectVault, random_bytes

HANDED_KINDS: Final = frozenset({"decision"})
HANDED: Final = Appended(-1, b"")
_ATTEMPTS: Final = 5
_LOOK_EVERY: Final = 64


class HandOver:
    """Writes batches for a ``GroupWriter``; used by one thread at a time."""

    def __init__(
        self,
        batches: BatchWriter,
        store: AuditStore,
        vault: SubjectVault,
        shared: Sequencing,
        on_handed: Callable[[], None],
    ) -> None:
        """Append by ``batches`` what must be; ``on_handed`` is told whenever something waits."""
        self._batches = batches
        self._store = store
        self._vault = vault
        self._marks = Marks(vault)
        self._shared = shared
        self._on_handed = on_handed
        self._next = 1
        self._epoch = -1
        self._living: frozenset[str] = frozenset()
        self._until_look = 0

    def write(self, batch: Sequence[Pending]) -> list[Result]:
        """Hand a batch over, or append it; return for each record where it went, or why it alone failed.

        Raises:
            UnavailableError: nothing of the batch may be relied on.
        """
        if not batch or any(one.effect or one.kind not in HANDED_KINDS for one in batch):
            return self._batches.write(batch)
        self._check_room()
        first, self._next = self._next, self._next + len(batch)
        for _ in range(_ATTEMPTS):
            if self._epoch < 0:
                self._learn_epoch()
            rows, results = self._sealed(batch, first)
            if self._handed(rows):
                self._on_handed()
                return results
            self._epoch = -1
        raise UnavailableError("record_failed", "tenants or keys changed each time the record was to be handed over")

    def _handed(self, rows: Sequence[Handed]) -> bool:
        inbox = self._shared.inbox
        try:
            return inbox.hand_over(rows, self._epoch)
        except UnavailableError as fault:
            if fault.code != "storage_unavailable":
                raise
            return inbox.hand_over(rows, self._epoch)

    def _sealed(self, batch: Sequence[Pending], first: int) -> tuple[list[Handed], list[Result]]:
        salts = random_bytes(SALT_BYTES * len(batch))
        sealer = self._vault.sealer(len(batch))
        rows: list[Handed] = []
        results: list[Result] = []
        for number, one in enumerate(batch):
            opening = salts[number * SALT_BYTES : (number + 1) * SALT_BYTES] + one.payload
            if one.tenant not in self._living:
                results.append(RefusedError("tenant_unknown", f"there is no tenant `{one.tenant[:80]}`"))
                continue
            try:
                aad = record_aad(one.tenant, one.kind, one.record_id)
                tag, sealed = sealer.seal(one.tenant, one.subject_key, opening, aad)
            except RefusedError as fault:
                results.append(fault)
                continue
            name = (self._shared.replica, first + number, one.tenant, one.kind, one.record_id, one.time_ns)
            rows.append(self._marks.marked(Handed(*name, tag, commitment(opening), sealed)))
            results.append(HANDED)
        return rows, results

    def _learn_epoch(self) -> None:
        epoch = self._store.head().epoch  # before what it dates: if that changes meanwhile, the hand-over is refused
        self._vault.drop_cache()
        self._living = frozenset(row.tenant for row in self._store.tenants() if row.deleted_ns is None)
        self._epoch = epoch

    def _check_room(self) -> None:
        """Look now and then how much waits: nobody sequences, or not fast enough."""
        if self._until_look > 0:
            self._until_look -= 1
            return
        waiting = self._shared.inbox.waiting()
        if waiting >= self._shared.inbox_limit:
            raise UnavailableError("overloaded", f"{waiting} records wait for their place in the log")
        self._until_look = _LOOK_EVERY
