"""How a session changes: pure functions from one ``Session`` to the next. No I/O, no clock.

The rules:

1. A session may fall at any time: shorter, reduced, asked for a step-up, ended. It rises by ``proven`` alone.
2. What ended stays ended: no function returns a living session for an ended or expired one.
3. A proof lifts what fell strictly before it, if it is as strong as what was asked for; a fall at the same moment wins.
4. Reductions add up: privileges are joined, of two ends the earlier holds. After a proof they begin anew. More
   privileges than can be kept are lost all the same: then the session must step up before anything.
5. ``joined`` does not care which version is which, and what it returns is never milder than either.

>>> from ostiary.sessions.session import Session, StepUpProof
>>> fallen = demanded(Session("default", "s1", subject="user:ann"), 10, ("urn:strong",), "risk")
>>> proof = StepUpProof("default", "user:ann", "s1", "urn:weak", (), 20, 320, "read", "doc", "1", "dec_1")
>>> proven(fallen, proof).demands_step_up
True
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from ostiary.sessions.hysteresis import Held
from ostiary.sessions.session import Session, StepUpProof
from ostiary.vocabulary.scoring import RiskScore

MAX_DROPPED: Final = 256
MAX_KEYS: Final = 16
MAX_DEVICES: Final = 16
_replace = msgspec.structs.replace


def ended(session: Session, at_ns: int, reason: str, cause: str = "") -> Session:
    """Return it ended; one that has ended already stays as it was."""
    return session if session.ended_ns else _replace(session, ended_ns=max(1, at_ns), reason=reason, cause=cause)


def reduced(
    session: Session, at_ns: int, privileges: tuple[str, ...], expires_ns: int, reason: str, cause: str = ""
) -> Session:
    """Return it without ``privileges`` and with an end at ``expires_ns`` (0 = no new end)."""
    if session.ended_ns:
        return session
    before, end = (session.dropped, session.expires_ns) if session.is_reduced else ((), 0)
    lost = {*before, *privileges}
    fallen = _replace(
        session,
        reduced_ns=_later(session.reduced_ns, at_ns, session.proven_ns),
        dropped=tuple(sorted(lost)) if len(lost) <= MAX_DROPPED else before,
        expires_ns=_earlier_end(end, expires_ns),
        reason=reason,
        cause=cause,
    )
    return fallen if len(lost) <= MAX_DROPPED else demanded(fallen, at_ns, (), reason, cause)


def demanded(session: Session, at_ns: int, acr_values: tuple[str, ...], reason: str, cause: str = "") -> Session:
    """Return it asking for a step-up; of two demands the stricter one holds."""
    if session.ended_ns:
        return session
    asked = _stricter(session.acr_values, acr_values) if session.demands_step_up else acr_values
    at = _later(session.step_up_ns, at_ns, session.proven_ns)
    return _replace(session, step_up_ns=at, acr_values=asked, reason=reason, cause=cause)


def proven(session: Session, proof: StepUpProof) -> Session:
    """Return it risen by ``proof``; a proof that is too weak, too old or for an ended session changes nothing."""
    if session.state(proof.proven_ns).over or not satisfies(session, proof):
        return session
    at = max(session.proven_ns, proof.proven_ns)
    return _replace(session, proven_ns=at, proven_acr=proof.acr, answered=session.level, level="low", level_ns=at)


def satisfies(session: Session, proof: StepUpProof) -> bool:
    """Return whether a proof came after all that fell, and is what was asked for."""
    if proof.proven_ns <= max(session.step_up_ns, session.reduced_ns):
        return False
    return not session.demands_step_up or not session.acr_values or proof.acr in session.acr_values


def used_on(session: Session, device_id: str) -> tuple[str, ...]:
    """Return the devices of a session with this one as the latest."""
    others = tuple(one for one in session.devices if one != device_id)
    return (*others, device_id)[-MAX_DEVICES:] if device_id else session.devices


def judged(session: Session, risk: RiskScore, held: Held) -> Session:
    """Return it with what a model said of it last, and the level that is held."""
    if session.ended_ns:
        return session
    return _replace(
        session,
        level=held.level,
        level_ns=held.at_ns,
        score=risk.score,
        uncertainty=risk.uncertainty,
        model=risk.model,
    )


def held_of(session: Session) -> Held:
    """Return the level that a session holds, with what a step-up has answered of it."""
    return Held(session.level, session.level_ns, session.proven_ns, session.answered)


def joined(one: Session, other: Session) -> Session:
    """Return what two versions of one session know together."""
    first, second = sorted((one, other), key=_order)
    reductions = [version for version in (first, second) if version.reduced_ns]
    ends = [version.ended_ns for version in (first, second) if version.ended_ns]
    starts = [version.started_ns for version in (first, second) if version.started_ns]
    proof_ns = max(first.proven_ns, second.proven_ns)
    fresh = [version for version in reductions if version.reduced_ns >= proof_ns]
    demands = [version for version in (first, second) if version.step_up_ns >= max(proof_ns, 1)]
    return _replace(
        second,
        subject=second.subject or first.subject,
        started_ns=min(starts, default=0),
        seen_ns=max(first.seen_ns, second.seen_ns),
        reduced_ns=max(first.reduced_ns, second.reduced_ns),
        dropped=tuple(sorted({name for version in fresh for name in version.dropped})),
        expires_ns=min((version.expires_ns for version in fresh if version.expires_ns), default=0),
        step_up_ns=max(first.step_up_ns, second.step_up_ns),
        acr_values=_meet([version.acr_values for version in demands]),
        proven_ns=proof_ns,
        devices=tuple(dict.fromkeys((*first.devices, *second.devices)))[-MAX_DEVICES:],
        authenticated_ns=max(first.authenticated_ns, second.authenticated_ns),
        keys=tuple(dict.fromkeys((*first.keys, *second.keys))),
        ended_ns=min(ends, default=0),
    )


def weighed_down(session: Session, others: Iterable[Session]) -> Session:
    """Return ``session`` with all that holds ``others`` down: the same session under its other names."""
    for other in others:
        why = (other.reason, other.cause)
        if other.is_reduced:
            session = reduced(session, other.reduced_ns, other.dropped, other.expires_ns, *why)
        if other.demands_step_up:
            session = demanded(session, other.step_up_ns, other.acr_values, *why)
    return session


def caught_up(sessions: Iterable[Session], unread: Iterable[Session]) -> list[Session]:
    """Return ``sessions``, each joined with the version that its writer has not read."""
    newer = {(one.tenant, one.session_id): one for one in unread}
    return [
        joined(one, newer[one.tenant, one.session_id]) if (one.tenant, one.session_id) in newer else one
        for one in sessions
    ]


def _order(session: Session) -> tuple[object, ...]:
    """Order versions by how new they are; ties by content, so that the order is total."""
    newest = max(session.seen_ns, session.level_ns, session.proven_ns, session.step_up_ns, session.reduced_ns)
    return newest, session.proven_ns, msgspec.json.encode(session)


def _later(before_ns: int, at_ns: int, proven_ns: int) -> int:
    """Return the moment of a fall: never before an earlier one, and never undone by a clock that went back."""
    return max(before_ns, at_ns, proven_ns, 1)


def _earlier_end(one: int, other: int) -> int:
    return min((end for end in (one, other) if end), default=0)


def _stricter(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes that satisfy both demands; where no one class can, the newer demand stands.

    A demand that names no class wants the strongest: beside it a class that is named cannot make it milder.
    """
    if not one or not other:
        return ()
    return tuple(value for value in other if value in one) or other


def _meet(demands: list[tuple[str, ...]]) -> tuple[str, ...]:
    told = sorted({tuple(sorted(values)) for values in demands})
    if not told or not told[0]:
        return ()
    common = set(told[0]).intersection(*told[1:])
    return tuple(sorted(common)) or told[-1]
