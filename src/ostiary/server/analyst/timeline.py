"""What happened in a session, in order: accesses, falls, proofs, deeds of people, answers of playbooks, its end.

Everything but the end comes from the log; a record that was erased is missing, and its end still stands.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from ostiary.audit.pending import StoredRecord
from ostiary.server.analyst.curve import Mark
from ostiary.server.analyst.reading import told_of
from ostiary.server.responses import Shown
from ostiary.server.sessions import asserted_id
from ostiary.server.wiring import House
from ostiary.sessions import Session
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord

_DEEDS: Final = {
    "session.reduce": "reduced by a person",
    "session.step_up": "step-up demanded by a person",
    "session.terminate": "ended by a person",
}
MOST: Final = 300


class Happening(Shown):
    """One thing that happened.

    Attributes:
        kind: ``access``, ``fall``, ``proof``, ``deed``, ``response`` or ``end``.
        text: what, in words of ours; ``about`` what the caller named, as it came.
        effect: of a decision; empty otherwise.
        by: who, where somebody did it.
        record: id of the record that tells of it; empty of an end that the ledger alone knows.
    """

    time_ns: int
    kind: str
    text: str
    about: str = ""
    effect: str = ""
    by: str = ""
    reason: str = ""
    record: str = ""


def timeline_of(house: House, session: Session, records: Sequence[DecisionRecord]) -> list[Happening]:
    """Return what happened in a session, the newest first; ``records`` are its decisions."""
    found = [*map(_access, records), *_deeds(house, session), *_proofs(house, session), *_responses(house, session)]
    if session.ended_ns:
        told = {"reason": session.reason, "record": session.cause}
        found.append(Happening(time_ns=session.ended_ns, kind="end", text="the session ended", **told))
    return sorted(found, key=lambda one: -one.time_ns)[:MOST]


def marks_of(happenings: Iterable[Happening]) -> Iterator[Mark]:
    """Yield the marks of a curve that decisions do not tell of."""
    for one in happenings:
        if one.kind in {"proof", "deed", "end"}:
            words = {"proof": "proven" if one.reason == "proven" else "not proven", "end": "ended"}
            yield Mark(time_ns=one.time_ns, kind=one.kind, text=words.get(one.kind, one.text))


def _access(record: DecisionRecord) -> Happening:
    effect = record.outcome.effect
    event = record.event
    about = f"{event.action} {event.resource_type}:{event.resource_id}" if event is not None else ""
    return Happening(
        time_ns=record.receipt.received_ns,
        kind="access" if effect in {Effect.ALLOW, Effect.DENY} else "fall",
        text="",
        about=about,
        effect=effect.name,
        reason=", ".join(record.outcome.reasons[:3]),
        record=record.receipt.decision_id,
    )


def _deeds(house: House, session: Session) -> Iterator[Happening]:
    for stored, told in told_of(house, session.tenant, "admin"):
        action = str(told.get("action"))
        if action in _DEEDS and told.get("session") == session.handle:
            yield _told(stored, told, "deed", _DEEDS[action], str(told.get("by", "")))


def _proofs(house: House, session: Session) -> Iterator[Happening]:
    names = {session.session_id, asserted_id(session.session_id)} - {""}
    for stored, told in told_of(house, session.tenant, "step_up", session.subject) if session.subject else ():
        if told.get("session") in names:
            proven = told.get("outcome") == "proven"
            text = "the person confirmed that it is really them" if proven else "a confirmation failed"
            yield _told(stored, {**told, "reason": told.get("outcome", "")}, "proof", text, "")


def _responses(house: House, session: Session) -> Iterator[Happening]:
    for stored, told in told_of(house, session.tenant, "response", session.subject) if session.subject else ():
        if told.get("session") == session.handle and told.get("what") != "begin":
            text = f"{str(told.get('do', '')).replace('_', ' ')}: {told.get('what', '')}"
            yield _told(stored, {"reason": told.get("outcome", "")}, "response", text, str(told.get("playbook", "")))


def _told(stored: StoredRecord, told: dict[str, Any], kind: str, text: str, by: str) -> Happening:
    return Happening(
        time_ns=stored.time_ns, kind=kind, text=text, by=by, reason=str(told.get("reason", "")), record=stored.record_id
    )
