"""What the log has forgotten goes from the index: every erasure is a record of the log, and it is followed from there.

Erasing a person, retention and the end of a tenant all write one (``audit.erasure``). Whoever erases calls this when he
is done, so that it is gone at once; workers call it again and again, so that it is gone after a crash in between too.
An erasure is done with only when every payload that it names is gone: before, a worker that has read one already could
still write a row of it.
"""

from typing import Final

import msgspec

from ostiary.audit import SYSTEM_TENANT, AuditLog
from ostiary.audit.erasure import ErasureRecord
from ostiary.audit.pending import StoredRecord
from ostiary.decision.index.ports import DecisionIndex
from ostiary.vocabulary.unreadable import UNREADABLE

_IDLE_GAP: Final = 10_000


def follow_erasures(log: AuditLog, index: DecisionIndex) -> int:
    """Remove the rows of what was erased since the last time; return how many erasures that were."""
    start, size = index.erasures(), log.head().size
    done, until = 0, start
    for record in log.iterate(SYSTEM_TENANT, "admin", start) if start < size else ():
        told = _erasure(record)
        if told is not None:
            if not index.erase(told.erased):
                break
            done += 1
        until = record.index + 1
    else:
        until = max(until, size)
    if done or until - start >= _IDLE_GAP:
        index.followed(start, until)
    return done


def _erasure(record: StoredRecord) -> ErasureRecord | None:
    try:
        return msgspec.json.decode(record.payload or b"", type=ErasureRecord)
    except UNREADABLE:  # another kind of deed
        return None
