"""Trusted state of sessions, with its rules.

1. A session is active until it is terminated; terminated is final.
2. A termination is on disk before ``terminate`` returns, so that a crash cannot revive a session.
3. Another tenant's session of the same id is another session.
4. No clock of its own: times are handed in.
"""

import threading
from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

import msgspec


class SessionState(StrEnum):
    """What may be done in a session."""

    ACTIVE = "active"
    TERMINATED = "terminated"
    UNKNOWN = "unknown"


class TerminatedSession(msgspec.Struct, frozen=True):
    """A session that ended by decision or by hand."""

    tenant: str
    session_id: str
    ended_ns: int
    reason: str


class SessionStore(Protocol):
    """Keeps terminations for ever; writes are durable when the call returns."""

    def save_terminated(self, session: TerminatedSession) -> None:
        """Store one termination; storing it twice keeps the first."""
        ...

    def terminated_sessions(self) -> Iterable[TerminatedSession]:
        """Return every termination, for start-up."""
        ...


class SessionLedger:
    """Answers in memory, writes through to its store; safe for several threads."""

    def __init__(self, store: SessionStore | None = None) -> None:
        """Load what ended before; without a store, remember for this process only."""
        self._store = store
        self._lock = threading.Lock()
        ended = store.terminated_sessions() if store else ()
        self._ended: dict[tuple[str, str], TerminatedSession] = {(s.tenant, s.session_id): s for s in ended}

    def state(self, tenant: str, session_id: str | None) -> SessionState:
        """Return the state of a session; without an id it is unknown."""
        if session_id is None:
            return SessionState.UNKNOWN
        return SessionState.TERMINATED if (tenant, session_id) in self._ended else SessionState.ACTIVE

    def terminate(self, tenant: str, session_id: str, *, at_ns: int, reason: str) -> None:
        """End a session for good; ending it again changes nothing."""
        session = TerminatedSession(tenant, session_id, at_ns, reason)
        with self._lock:
            if (tenant, session_id) in self._ended:
                return
            # INVARIANT: memory first, so that no request slips through while the disk is slow.
            self._ended[tenant, session_id] = session
        if self._store:
            self._store.save_terminated(session)

    def reload(self) -> None:
        """Learn of terminations that another process has stored meanwhile; nothing is ever unlearned."""
        ended = self._store.terminated_sessions() if self._store else ()
        for session in ended:
            self._ended.setdefault((session.tenant, session.session_id), session)

    def ended(self, tenant: str) -> list[TerminatedSession]:
        """Return the terminated sessions of ``tenant``, oldest first."""
        return sorted((s for s in list(self._ended.values()) if s.tenant == tenant), key=lambda s: s.ended_ns)
