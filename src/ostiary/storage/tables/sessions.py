"""Sessions on disk: what lives, what ended, whose earlier sessions are over, what was proven."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from ostiary.sessions import Session, SessionNews, StepUpProof, SubjectRevocation, TerminatedSession, rules
from ostiary.storage.tables.database import Database

_FEW: Final = 64
"""Up to so many are looked up one by one; past that all that is new is looked through."""
_session = msgspec.json.Decoder(Session).decode
_proof = msgspec.json.Decoder(StepUpProof).decode


class SessionTable:
    """Implements ``SessionStore``."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def save_terminated(self, session: TerminatedSession) -> None:
        """Store one termination and forget the living session; storing it twice keeps the first."""
        with self._marked() as mark:
            self._database.write("save_terminated", *msgspec.structs.astuple(session), mark)
            self._database.write("drop_living_session", session.tenant, session.session_id)

    def terminated_sessions(self) -> Iterable[TerminatedSession]:
        """Return every termination, oldest first."""
        return [TerminatedSession(*row) for row in self._database.read("terminated_sessions")]

    def news(self, after: int) -> SessionNews:
        """Return what was stored after the mark ``after``, and the mark to ask with next time."""
        # INVARIANT: the mark is read first, so that what is written meanwhile is read again and not missed.
        mark = int(self._database.read("session_mark")[0][0])
        if mark == after:
            return SessionNews(mark)
        read = self._database.read
        return SessionNews(
            mark,
            tuple(_session(row[0]) for row in read("new_living_sessions", after)),
            tuple(TerminatedSession(*row) for row in read("new_terminated_sessions", after)),
            tuple(SubjectRevocation(*row) for row in read("new_revocations", after)),
            tuple(_proof(row[0]) for row in read("new_proofs", after)),
        )

    def save_sessions(self, sessions: Sequence[Session], read: int = 0) -> None:
        """Store living sessions in one transaction, each joined with what was stored after ``read``; no ended one."""
        with self._marked() as mark:
            unread = self._unread([(one.tenant, one.session_id) for one in sessions], read)
            after = rules.caught_up(sessions, unread)
            rows = [(one.tenant, one.session_id, one.subject, mark, msgspec.json.encode(one)) for one in after]
            self._database.write_many("save_living_session", rows)

    def drop_sessions(self, names: Sequence[tuple[str, str]], read: int = 0) -> None:
        """Forget living sessions by tenant and name, except those that fell by what was stored after ``read``."""
        with self._database.transaction():
            fell = {(one.tenant, one.session_id) for one in self._unread(names, read) if one.fell}
            self._database.write_many("drop_living_session", [name for name in names if tuple(name) not in fell])

    def save_revocation(self, revocation: SubjectRevocation) -> None:
        """Store one; of two for a subject the later moment is kept."""
        with self._marked() as mark:
            self._database.write("save_revocation", *msgspec.structs.astuple(revocation), mark)

    def save_proof(self, proof: StepUpProof) -> None:
        """Store one proof."""
        with self._marked() as mark:
            row = (proof.tenant, proof.subject, proof.expires_ns, mark, msgspec.json.encode(proof))
            self._database.write("save_proof", *row)

    def drop_proofs(self, expired_ns: int) -> None:
        """Drop the proofs that had expired at that moment."""
        self._database.write("drop_proofs", expired_ns)

    def erase_subject(self, tenant: str, subject: str) -> None:
        """Erase what names a subject: its sessions and proofs go, of what ended only the bare end stays."""
        with self._database.transaction() as database:
            for name in ("erase_subject_sessions", "erase_subject_proofs", "erase_subject_ends"):
                database.erase(name, [(tenant, subject)])

    def _unread(self, names: Iterable[tuple[str, str]], read: int) -> list[Session]:
        """Return those of the named sessions that were stored after the mark ``read``, as the transaction sees them."""
        asked, inside = set(names), self._database.read_inside
        if len(asked) <= _FEW:
            return [_session(row[0]) for name in asked for row in inside("unread_living_session", *name, read)]
        found = inside("unread_living_sessions", read)
        return [_session(session) for tenant, session_id, session in found if (tenant, session_id) in asked]

    @contextmanager
    def _marked(self) -> Iterator[int]:
        """Enter a transaction with a mark of its own."""
        with self._database.transaction() as database:
            database.write("next_session_mark")
            yield database.read_inside("session_mark")[0][0]
