"""Reads the log for an analyst: the newest decisions of a subject, of one session, and records of other kinds.

1. Every read names a tenant: another tenant's subject has no records here.
2. Every read is bounded; what was erased is passed over.
3. A session is found by its handle alone, or by what a person calls it; two that could be meant are none.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.errors import RefusedError
from ostiary.server.sessions import asserted_id, find_session
from ostiary.server.wiring import House
from ostiary.sessions import Session
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord

MOST: Final = 500
WINDOW: Final = 200_000
_decode = msgspec.json.Decoder(DecisionRecord).decode
_told = msgspec.json.Decoder(dict[str, Any]).decode


def decisions_of(house: House, tenant: str, subject: str, most: int = MOST) -> list[DecisionRecord]:
    """Return the newest decisions about ``type:id``, at most ``most``, oldest first."""
    stored = house.log.iterate(tenant, "decision", subject_key=subject)
    found = deque((one.payload for one in stored if one.payload is not None), maxlen=most)
    return [_decode(payload) for payload in found]


def decisions_in(house: House, session: Session, most: int = MOST) -> list[DecisionRecord]:
    """Return the newest decisions in a session, at most ``most``, oldest first."""
    if not session.subject:
        return []
    name = asserted_id(session.session_id) or session.session_id
    found = deque[DecisionRecord](maxlen=most)
    for stored in house.log.iterate(session.tenant, "decision", subject_key=session.subject):
        record = None if stored.payload is None else _decode(stored.payload)
        if record is not None and record.event is not None and record.event.session_id == name:
            found.append(record)
    return list(found)


def told_of(
    house: House, tenant: str, kind: str, subject: str | None = None
) -> Iterator[tuple[StoredRecord, dict[str, Any]]]:
    """Yield the records of a kind that were not erased, oldest first, as plain values."""
    for stored in house.log.iterate(tenant, kind, subject_key=subject):
        if stored.payload is not None:
            yield stored, _told(stored.payload)


def session_named(house: House, tenant: str, name: str) -> Session:
    """Return the session of a tenant that ``name`` means, ended or living.

    Raises:
        RefusedError: ``session_unknown``, the same for another tenant's.
    """
    found = find_session(house.ledger, tenant, name)
    if found is None:
        raise RefusedError("session_unknown", "there is no such session")
    return found


def findings_of(house: House, tenant: str, since_ns: int, most: int = MOST) -> list[DecisionRecord]:
    """Return the newest decisions since a moment that were no plain ALLOW or on which a model proposed something."""
    found = deque[DecisionRecord](maxlen=most)
    for stored in house.log.iterate(tenant, "decision", since_index(house)):
        if stored.time_ns >= since_ns and stored.payload is not None:
            record = _decode(stored.payload)
            if record.outcome.effect > Effect.ALLOW or (record.adaptive is not None and record.adaptive.hits):
                found.append(record)
    return list(found)


def since_index(house: House) -> int:
    """Return from where in the log the newest records are looked for: further back is for the audit pages."""
    return max(0, house.log.head().size - WINDOW)
