"""Sessions on disk: what lives, what ended, whose earlier sessions are over, what was proven."""

from collections.abc import Iterable, Sequence

import msgspec

from ostiary.sessions import Session, StepUpProof, SubjectRevocation, TerminatedSession
from ostiary.storage.sqlite.database import Database

_session = msgspec.json.Decoder(Session).decode
_proof = msgspec.json.Decoder(StepUpProof).decode


class SessionTable:
    """Implements ``SessionStore``."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def save_terminated(self, session: TerminatedSession) -> None:
        """Store one termination and forget the living session; storing it twice keeps the first."""
        with self._database.transaction() as database:
            database.write("save_terminated", *msgspec.structs.astuple(session))
            database.write("drop_living_session", session.tenant, session.session_id)

    def terminated_sessions(self) -> Iterable[TerminatedSession]:
        """Return every termination, oldest first."""
        return [TerminatedSession(*row) for row in self._database.read("terminated_sessions")]

    def save_sessions(self, sessions: Sequence[Session]) -> None:
        """Store living sessions in one transaction, each in place of what was there."""
        with self._database.transaction() as database:
            database.write("next_session_mark")
            mark = database.read_inside("session_mark")[0][0]
            rows = [(one.tenant, one.session_id, one.subject, mark, msgspec.json.encode(one)) for one in sessions]
            database.write_many("save_living_session", rows)

    def drop_sessions(self, names: Sequence[tuple[str, str]]) -> None:
        """Forget living sessions by tenant and name."""
        self._database.write_many("drop_living_session", names)

    def living_sessions(self, after: int = 0) -> tuple[list[Session], int]:
        """Return the living sessions that were stored after the mark ``after``, and the mark to ask with next time."""
        rows = self._database.read("living_sessions", after)
        return [_session(row[0]) for row in rows], rows[-1][1] if rows else after

    def save_revocation(self, revocation: SubjectRevocation) -> None:
        """Store one; of two for a subject the later moment is kept."""
        self._database.write("save_revocation", *msgspec.structs.astuple(revocation))

    def revocations(self) -> Iterable[SubjectRevocation]:
        """Return every revocation of a subject."""
        return [SubjectRevocation(*row) for row in self._database.read("revocations")]

    def save_proof(self, proof: StepUpProof) -> None:
        """Store one proof."""
        self._database.write("save_proof", proof.tenant, proof.subject, proof.expires_ns, msgspec.json.encode(proof))

    def proofs(self) -> Iterable[StepUpProof]:
        """Return every proof that was stored and not dropped."""
        return [_proof(row[0]) for row in self._database.read("proofs")]

    def drop_proofs(self, expired_ns: int) -> None:
        """Drop the proofs that had expired at that moment."""
        self._database.write("drop_proofs", expired_ns)

    def erase_subject(self, tenant: str, subject: str) -> None:
        """Erase what names a subject: its sessions and proofs go, of what ended only the bare end stays."""
        with self._database.transaction() as database:
            for name in ("erase_subject_sessions", "erase_subject_proofs", "erase_subject_ends"):
                database.erase(name, [(tenant, subject)])
