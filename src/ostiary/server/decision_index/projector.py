"""Follows the audit log and keeps its decisions as columns: beside the answers, never before one.

1. First the log's erasures: what they took away is removed here too. Then each living tenant's new decisions.
2. A batch and the cursor's move are one transaction, which is lost whole where another worker was first
   (``decision.index.ports``); who loses has only worked in vain.
3. A payload that was erased is passed over. So is one that cannot be read, and that is told: the log's verifier is the
   one to judge it, and a list must not end there.
4. A round takes at most so many records of each tenant, so that a long backlog delays nobody else; a transaction takes
   few, so that the log's writer, and with it an answer, never waits long for this.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.audit.entry import SALT_BYTES
from ostiary.audit.log import open_row
from ostiary.audit.ports import RecordRow, Selection, pages
from ostiary.decision.index.ports import DecisionIndex, IndexedDecision
from ostiary.errors import OstiaryError, VerificationError
from ostiary.server.decision_index.erasing import follow_erasures
from ostiary.server.decision_index.reading import row_of

ROUND: Final = 2_000
_STEP: Final = 250
_IDLE_GAP: Final = 10_000
OnFault = Callable[[str, BaseException], None]


class Projector:
    """Keeps the index up with the log; several may run at once."""

    def __init__(
        self, log: AuditLog, index: DecisionIndex, tenants: Callable[[], Iterable[str]], on_fault: OnFault
    ) -> None:
        """Follow ``log`` for the living ``tenants``; ``on_fault`` hears of records that cannot be read."""
        self._log = log
        self._index = index
        self._tenants = tenants
        self._on_fault = on_fault
        self._done_at = -1

    def catch_up(self, most: int = ROUND) -> int:
        """Take one round; return how many records it has looked at, 0 when everything is up to date."""
        follow_erasures(self._log, self._index)
        size = self._log.head().size
        if size == self._done_at:
            return 0  # nothing was written since: no question for each of a thousand quiet tenants
        looked, failed = 0, False
        for tenant in self._tenants():
            try:
                looked += self.follow(tenant, most)
            except OstiaryError as fault:  # of this tenant alone; the others are followed all the same
                failed = True
                self._on_fault("decisions_not_indexed", fault)
        if not looked and not failed:
            self._done_at = size
        return looked

    def catch_up_all(self) -> int:
        """Take rounds until everything is up to date; return how many records that was."""
        looked = 0
        while step := self.catch_up():
            looked += step
        return looked

    def follow(self, tenant: str, most: int) -> int:
        """Take at most ``most`` records of one tenant; return how many were looked at."""
        looked = 0
        while looked < most and (step := self._step(tenant, min(most - looked, _STEP))):
            looked += step
        return looked

    def _step(self, tenant: str, most: int) -> int:
        start, size = self._index.cursor(tenant), self._log.head().size
        if start >= size:
            return 0
        wanted = Selection(tenant, "decision", since_index=start)
        found = list(islice(pages(self._log.store, wanted), most))
        until = found[-1].idx + 1 if len(found) == most else max(size, found[-1].idx + 1 if found else 0)
        if not found and until - start < _IDLE_GAP:
            return 0  # others' records: not worth a transaction for each of a thousand quiet tenants
        self._index.add(tenant, start, until, list(self._rows(found)))
        return len(found)

    def _rows(self, found: Iterable[RecordRow]) -> Iterator[IndexedDecision]:
        keys = self._log.vault.unsealer()
        for row in found:
            try:
                opened = open_row(keys, row)
                if opened is not None:
                    yield row_of(row.idx, row.time_ns, row.record_id, opened[SALT_BYTES:])
            except (VerificationError, msgspec.MsgspecError, UnicodeDecodeError) as fault:
                self._on_fault("decision_unreadable", fault)
