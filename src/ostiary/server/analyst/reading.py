"""Reads the log for an analyst: the newest decisions of a subject, of one session, and records of other kinds.

1. Every read names a tenant: another tenant's subject has no records here.
2. Every read is bounded; what was erased is passed over.
3. A session is found by its handle alone, or by what a person calls it; two that could be meant are none.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.decision.index.ports import IndexedDecision
from ostiary.decision.index.query import DecisionQuery
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.sessions import asserted_id, find_session
from ostiary.server.wiring import House
from ostiary.sessions import Session
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord

MOST: Final = 500
WINDOW: Final = 200_000
NOTABLE: Final = 10_000  # one in a hundred, in millionths: below it no shipped rule proposes anything
_HARSHER: Final = tuple(effect for effect in Effect if effect > Effect.ALLOW)
_decode = msgspec.json.Decoder(DecisionRecord).decode
_told = msgspec.json.Decoder(dict[str, Any]).decode


def decisions_of(house: House, tenant: str, subject: str, most: int = MOST) -> list[DecisionRecord]:
    """Return the newest decisions about ``type:id``, at most ``most``, oldest first."""
    return _about(house, tenant, subject, None, most)


def decisions_in(house: House, session: Session, most: int = MOST) -> list[DecisionRecord]:
    """Return the newest decisions in a session, at most ``most``, oldest first."""
    name = asserted_id(session.session_id) or session.session_id
    found = _about(house, session.tenant, session.subject, name, most)
    return [record for record in found if record.event is not None and record.event.session_id == name]


def _about(house: House, tenant: str, subject: str, session: str | None, most: int) -> list[DecisionRecord]:
    if not subject or not _is_text(subject):
        return []
    try:
        query = DecisionQuery(subject=subject, session=session, limit=most)
    except FaultyInputError:  # a name that the index does not take; the log finds it by its tag
        return _joined(house, tenant, (), subject, most, since=0)
    return _joined(house, tenant, house.store.decisions.rows(tenant, query), subject, most)


def findings_of(house: House, tenant: str, since_ns: int, most: int = MOST) -> list[DecisionRecord]:
    """Return the newest decisions since a moment that were no plain ALLOW or on which a model proposed something.

    Of those that stayed an ALLOW whatever a model said, only such with a score of ``NOTABLE`` or more are looked at.
    """
    index, at = house.store.decisions, max(0, since_ns)
    rows = [
        *index.rows(tenant, DecisionQuery(effects=_HARSHER, since_ns=at, limit=most)),
        *index.rows(tenant, DecisionQuery(effects=(Effect.ALLOW,), risk_at_least=NOTABLE, since_ns=at, limit=most)),
    ]
    newest = sorted(rows, key=lambda row: -row.idx)[:most]
    found = _joined(house, tenant, newest, None, most)
    return [one for one in found if one.receipt.received_ns >= since_ns and _speaks(one)]


def _speaks(record: DecisionRecord) -> bool:
    return record.outcome.effect > Effect.ALLOW or bool(record.adaptive is not None and record.adaptive.hits)


def _is_text(name: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _joined(
    house: House,
    tenant: str,
    rows: Sequence[IndexedDecision],
    subject: str | None,
    most: int,
    *,
    since: int | None = None,
) -> list[DecisionRecord]:
    """Return the records of rows, newest first, with those that the index has not read yet; as they came."""
    stored = (house.log.get(tenant, row.id) for row in reversed(rows))
    found = [_decode(one.payload) for one in stored if one is not None and one.payload is not None]
    if since is None:
        since = max(house.store.decisions.cursor(tenant), rows[0].idx + 1 if rows else 0)
    everything = [*found, *_tail(house, tenant, since, subject, most)][-most:]
    return sorted(everything, key=lambda record: record.receipt.received_ns)


def _tail(house: House, tenant: str, since: int, subject: str | None, most: int) -> list[DecisionRecord]:
    newer = house.log.iterate(tenant, "decision", since, subject)
    found = deque((one.payload for one in newer if one.payload is not None), maxlen=most)
    return [_decode(payload) for payload in found]


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


def since_index(house: House) -> int:
    """Return from where in the log the newest records are looked for: further back is for the audit pages."""
    return max(0, house.log.head().size - WINDOW)
