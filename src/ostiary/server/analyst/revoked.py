"""What a fall or an end took away: rights, tokens, sessions, and whom shared signals tell.

- A token falls with the session that it carries, with the session in which it was exchanged, and with the session of
  whoever acts with it, about whomever it is. Those are told that the
  log knows and that had not run out; a token of an issuer elsewhere is refused with its session, and nobody here knows
  how many there are.
- A stream of shared signals is told within a second; what waits is in its outbox until the receiver takes it.
- Live answers and the feed of enforcement points end with the session at once; nothing of them is kept.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ostiary.identity.secevent.subjects import Complex, Opaque
from ostiary.identity.secevent.types import URIS
from ostiary.response.ssf.matching import tells_of
from ostiary.response.ssf.naming import bare
from ostiary.response.ssf.streams import DISABLED, Stream
from ostiary.server.analyst.reading import told_of
from ostiary.server.responses import Shown
from ostiary.server.signalling import naming_of
from ostiary.server.tokens.records import ACTS
from ostiary.server.wiring import House
from ostiary.sessions import Session, SessionState, handle_of

_REVOKED: Final = "session-revoked"
_CHANGED: Final = "assurance-level-change"
_MADE: Final = frozenset({"exchanged", "minted"})
_CARRIES: Final = "carries this session"
_CAME: Final = "was exchanged in this session"
_ACTS: Final = "is used by who acts in this session"
_MOST_WAITING: Final = 200


class RevokedToken(Shown):
    """A token that is refused from now on; ``session`` is the handle of its own session."""

    token: str
    session: str
    made_ns: int
    expires_ns: int
    why: str


class RevokedSession(Shown):
    """A session that fell."""

    session: str
    why: str


class ToldStream(Shown):
    """A stream of shared signals that is told; ``waiting`` is how many events of this fall it has not taken yet."""

    stream: str
    owner: str
    event: str
    waiting: int


class RevokedShown(Shown):
    """What fell, exactly.

    Attributes:
        what: ``ended``, ``expired``, ``step_up``, ``reduced`` or ``nothing``.
        privileges: those that the session lost.
        expires_ns: the end that a reduction set; 0 = none.
    """

    what: str
    at_ns: int
    reason: str
    cause: str
    privileges: tuple[str, ...] = ()
    expires_ns: int = 0
    sessions: tuple[RevokedSession, ...] = ()
    tokens: tuple[RevokedToken, ...] = ()
    streams: tuple[ToldStream, ...] = ()


def revoked_of(house: House, session: Session) -> RevokedShown:
    """Return what a session's latest fall or end took away."""
    now = house.clock.now_ns()
    what, at = _fall(session, now)
    if what == "nothing":
        return RevokedShown(what=what, at_ns=0, reason="", cause="")
    over = session.state(now).over
    tokens = tuple(_tokens(house, session, at)) if over else ()
    return RevokedShown(
        what=what,
        at_ns=at,
        reason=session.reason,
        cause=session.cause,
        privileges=session.dropped if session.is_reduced else (),
        expires_ns=session.expires_ns if session.is_reduced else 0,
        sessions=tuple(_sessions(session, tokens)) if over else (),
        tokens=tokens,
        streams=tuple(_streams(house, session, _REVOKED if over else _CHANGED)),
    )


def _fall(session: Session, now_ns: int) -> tuple[str, int]:
    state = session.state(now_ns)
    if state is SessionState.TERMINATED:
        return "ended", session.ended_ns
    if state is SessionState.EXPIRED:
        return "expired", session.expires_ns
    if session.demands_step_up:
        return "step_up", session.step_up_ns
    return ("reduced", session.reduced_ns) if session.is_reduced else ("nothing", 0)


def _tokens(house: House, session: Session, at_ns: int) -> Iterator[RevokedToken]:
    if not session.subject:
        return
    for stored, told in told_of(house, session.tenant, "token", session.subject):
        if (
            told.get("action") not in {*_MADE, ACTS}
            or stored.time_ns > at_ns
            or int(told.get("expires_ns", 0)) <= at_ns
        ):
            continue
        own = str(told.get("session_id", ""))
        carries, came = own == session.session_id, told.get("origin_session") == session.handle
        acts = told.get("acting_session") == session.handle
        if carries or came or acts:
            yield RevokedToken(
                token=str(told.get("token_id", "")),
                session=handle_of(session.tenant, own),
                made_ns=stored.time_ns,
                expires_ns=int(told["expires_ns"]),
                why=_CARRIES if carries else _CAME if came else _ACTS,
            )


def _sessions(session: Session, tokens: tuple[RevokedToken, ...]) -> Iterator[RevokedSession]:
    yield RevokedSession(session=session.handle, why="this session")
    for name in dict.fromkeys(one.session for one in tokens if one.session != session.handle):
        why = {one.why for one in tokens if one.session == name}
        yield RevokedSession(session=name, why=f"of a token that {_CAME if _CAME in why else _ACTS}")


def _streams(house: House, session: Session, event: str) -> Iterator[ToldStream]:
    store = house.store.signals
    if not house.settings.ssf.enabled or not session.subject:
        return
    user = naming_of(house, session.tenant).outward(session.subject)
    subject = Complex({"user": user, "session": Opaque(bare(session.session_id))})
    for stream in store.streams(session.tenant):
        if stream.status == DISABLED or URIS[event] not in stream.delivered:
            continue
        if tells_of(store.subjects(session.tenant, stream.stream_id), stream.default_subjects, subject):
            waiting = _waiting(house, stream, session.cause)
            yield ToldStream(stream=stream.stream_id, owner=stream.owner, event=event, waiting=waiting)


def _waiting(house: House, stream: Stream, cause: str) -> int:
    rows = house.store.signals.waiting(stream.tenant, stream.stream_id, _MOST_WAITING)
    return sum(bool(cause) and _claims(row.token).get("txn") == cause for row in rows)


def _claims(token: str) -> dict[str, Any]:
    """Return what an event token of our own says; we signed it ourselves, so nothing is verified."""
    try:
        part = token.split(".")[1]
        found = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
