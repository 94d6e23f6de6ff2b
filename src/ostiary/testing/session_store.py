"""A session store in memory, for tests: the same port that storage implements on disk."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from ostiary.sessions import Session, SessionNews, StepUpProof, SubjectRevocation, TerminatedSession, rules

T = TypeVar("T")
_Name = tuple[str, str]


class MemorySessionStore:
    """Keeps sessions in dictionaries, each thing with the mark of its writing; what a crash loses it never loses."""

    def __init__(self) -> None:
        """Begin empty."""
        self._mark = 0
        self._ended: dict[_Name, tuple[int, TerminatedSession]] = {}
        self._living: dict[_Name, tuple[int, Session]] = {}
        self._revoked: dict[_Name, tuple[int, SubjectRevocation]] = {}
        self._proofs: list[tuple[int, StepUpProof]] = []

    def save_terminated(self, session: TerminatedSession) -> None:
        """Store one termination and forget the living session; storing it twice keeps the first."""
        self._ended.setdefault((session.tenant, session.session_id), (self._next(), session))
        self._living.pop((session.tenant, session.session_id), None)

    def terminated_sessions(self) -> Iterable[TerminatedSession]:
        """Return every termination, oldest first."""
        return sorted((session for _, session in self._ended.values()), key=lambda session: session.ended_ns)

    def news(self, after: int) -> SessionNews:
        """Return what was stored after the mark ``after``."""
        return SessionNews(
            self._mark,
            _after(after, self._living.values()),
            _after(after, self._ended.values()),
            _after(after, self._revoked.values()),
            _after(after, self._proofs),
        )

    def save_sessions(self, sessions: Sequence[Session], read: int = 0) -> None:
        """Store living sessions, each joined with what was stored after the mark ``read``; no ended one."""
        after = rules.caught_up(sessions, _after(read, self._living.values()))
        mark = self._next()
        named = {(one.tenant, one.session_id): (mark, one) for one in after}
        self._living.update({name: kept for name, kept in named.items() if name not in self._ended})

    def drop_sessions(self, names: Sequence[_Name], read: int = 0) -> None:
        """Forget living sessions by tenant and name, except those that fell by what was stored after ``read``."""
        fell = {(one.tenant, one.session_id) for one in _after(read, self._living.values()) if one.fell}
        for name in names:
            if name not in fell:
                self._living.pop(name, None)

    def save_revocation(self, revocation: SubjectRevocation) -> None:
        """Store one; of two for a subject the later moment is kept."""
        known = self._revoked.get((revocation.tenant, revocation.subject))
        if known is None or known[1].before_ns < revocation.before_ns:
            self._revoked[revocation.tenant, revocation.subject] = (self._next(), revocation)

    def save_proof(self, proof: StepUpProof) -> None:
        """Store one proof."""
        self._proofs.append((self._next(), proof))

    def drop_proofs(self, expired_ns: int) -> None:
        """Drop the proofs that had expired at that moment."""
        self._proofs = [kept for kept in self._proofs if kept[1].expires_ns > expired_ns]

    def erase_subject(self, tenant: str, subject: str) -> None:
        """Erase what names a subject: its sessions and proofs go, of what ended only the bare end stays."""
        whose = (tenant, subject)
        self._living = {name: kept for name, kept in self._living.items() if (name[0], kept[1].subject) != whose}
        self._proofs = [kept for kept in self._proofs if (kept[1].tenant, kept[1].subject) != whose]
        for name, (mark, session) in self._ended.items():
            if (session.tenant, session.subject) == whose:
                self._ended[name] = mark, msgspec.structs.replace(session, subject="")

    def _next(self) -> int:
        self._mark += 1
        return self._mark


def _after(mark: int, kept: Iterable[tuple[int, T]]) -> tuple[T, ...]:
    return tuple(thing for _, thing in sorted((one for one in kept if one[0] > mark), key=lambda one: one[0]))
