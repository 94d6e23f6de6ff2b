"""Forgetting: how payloads leave the log while its proofs stay.

- Every erasure is itself a record, of the tenant ``system``, that lists the erased entries by index and names nobody.
  The verifier accepts a missing payload only when such a record stands for it.
- Order: the record and the loss of the key are one transaction, then the sealed bytes are overwritten in pieces, so
  that the writer never waits long. A crash in between leaves bytes that nobody can open,
  and ``finish`` overwrites them at the next start.

>>> ranges([1, 2, 3, 7, 9, 10])
[(1, 4), (7, 8), (9, 11)]
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from ostiary.audit.log import AuditLog
from ostiary.audit.ports import AuditTransaction, Selection
from ostiary.audit.settings import SYSTEM_TENANT
from ostiary.keys import random_bytes
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.unreadable import UNREADABLE

_PIECE: Final = 2_000
Choose = Callable[[AuditTransaction], Sequence[Selection]]
"""Does what must happen together with the erasure's record, and says what is to be erased."""


class ErasureRecord(msgspec.Struct, frozen=True, tag_field="type", tag="erasure"):
    """Payload of the record that an erasure leaves. ``erased`` lists index ranges, the second number exclusive."""

    v: int
    action: str
    erased: list[tuple[int, int]]
    note: str = ""


class Erased(msgspec.Struct, frozen=True):
    """What an erasure did: how many payloads went, and which record tells of it (empty when nothing had to go)."""

    count: int
    record_id: str


def ranges(indexes: Iterable[int]) -> list[tuple[int, int]]:
    """Return ascending indexes as ranges, the second number exclusive."""
    found: list[tuple[int, int]] = []
    for index in indexes:
        if found and found[-1][1] == index:
            found[-1] = (found[-1][0], index + 1)
        else:
            found.append((index, index + 1))
    return found


def erase(log: AuditLog, clock: Clock, action: str, choose: Choose, note: str = "") -> Erased:
    """Erase the payloads that ``choose`` selects; it runs in the same transaction as the record.

    Everything that was queued before is written before, so it is erased as well.

    Raises:
        RefusedError: ``choose`` refused; then nothing was erased.
        UnavailableError: the log cannot be written; then nothing was erased.
    """
    gone: list[int] = []

    def effect(transaction: AuditTransaction) -> bytes:
        wanted = choose(transaction)
        gone.extend(sorted(index for one in wanted for index in transaction.sealed_indexes(one)))
        return msgspec.json.encode(ErasureRecord(1, action, ranges(gone), note))

    now = clock.now_ns()
    record_id = make_id("adm", now, random_bytes(RANDOM_BYTES))
    log.append_effect(SYSTEM_TENANT, "admin", record_id, now, effect).result()
    overwrite(log, gone)
    return Erased(len(gone), record_id)


def erase_indexes(log: AuditLog, clock: Clock, action: str, indexes: Sequence[int]) -> Erased:
    """Erase the payloads of just these entries, with a record of it.

    Raises:
        UnavailableError: the log cannot be written; then nothing was erased.
    """
    gone, now = sorted(indexes), clock.now_ns()
    payload = msgspec.json.encode(ErasureRecord(1, action, ranges(gone)))
    record_id = make_id("adm", now, random_bytes(RANDOM_BYTES))
    log.append_effect(SYSTEM_TENANT, "admin", record_id, now, lambda _: payload).result()
    overwrite(log, gone)
    return Erased(len(gone), record_id)


def finish(log: AuditLog) -> int:
    """Overwrite what an erasure that a crash cut short has left; return how many payloads that were."""
    left: list[int] = []
    for record in log.iterate(SYSTEM_TENANT, kind="admin"):
        told = read_erasure(record.payload)
        for start, end in told.erased if told else []:
            left.extend(row.idx for row in log.store.rows(start, end) if row.sealed is not None)
    overwrite(log, left)
    return len(left)


def read_erasure(payload: bytes | None) -> ErasureRecord | None:
    """Return what a record of `system` says was erased, ``None`` when it is about something else."""
    try:
        return msgspec.json.decode(payload or b"", type=ErasureRecord)
    except UNREADABLE:  # another kind of admin record
        return None


def overwrite(log: AuditLog, indexes: Sequence[int]) -> None:
    """Overwrite sealed payloads piece by piece."""
    for start in range(0, len(indexes), _PIECE):
        with log.store.transaction() as transaction:
            transaction.erase_sealed(indexes[start : start + _PIECE])
