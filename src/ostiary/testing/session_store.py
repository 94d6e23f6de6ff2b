"""A session store in memory, for tests: the same port that storage implements on disk."""

from collections.abc import Iterable, Sequence

import msgspec

from ostiary.sessions import Session, StepUpProof, SubjectRevocation, TerminatedSession


class MemorySessionStore:
    """Keeps sessions in dictionaries; what a crash would lose it never loses."""

    def __init__(self) -> None:
        """Begin empty."""
        self._ended: dict[tuple[str, str], TerminatedSession] = {}
        self._living: dict[tuple[str, str], tuple[int, Session]] = {}
        self._revoked: dict[tuple[str, str], SubjectRevocation] = {}
        self._proofs: list[StepUpProof] = []
        self._mark = 0

    def save_terminated(self, session: TerminatedSession) -> None:
        """Store one termination and forget the living session; storing it twice keeps the first."""
        self._ended.setdefault((session.tenant, session.session_id), session)
        self._living.pop((session.tenant, session.session_id), None)

    def terminated_sessions(self) -> Iterable[TerminatedSession]:
        """Return every termination, oldest first."""
        return sorted(self._ended.values(), key=lambda session: session.ended_ns)

    def save_sessions(self, sessions: Sequence[Session]) -> None:
        """Store living sessions, each in place of what was there."""
        self._mark += 1
        self._living.update({(one.tenant, one.session_id): (self._mark, one) for one in sessions})

    def drop_sessions(self, names: Sequence[tuple[str, str]]) -> None:
        """Forget living sessions by tenant and name."""
        for name in names:
            self._living.pop(name, None)

    def living_sessions(self, after: int = 0) -> tuple[list[Session], int]:
        """Return the living sessions that were stored after the mark ``after``, and the mark to ask with next time."""
        newer = sorted((kept for kept in self._living.values() if kept[0] > after), key=lambda kept: kept[0])
        return [session for _, session in newer], newer[-1][0] if newer else after

    def save_revocation(self, revocation: SubjectRevocation) -> None:
        """Store one; of two for a subject the later moment is kept."""
        known = self._revoked.get((revocation.tenant, revocation.subject))
        if known is None or known.before_ns < revocation.before_ns:
            self._revoked[revocation.tenant, revocation.subject] = revocation

    def revocations(self) -> Iterable[SubjectRevocation]:
        """Return every revocation of a subject."""
        return [self._revoked[key] for key in sorted(self._revoked)]

    def save_proof(self, proof: StepUpProof) -> None:
        """Store one proof."""
        self._proofs.append(proof)

    def proofs(self) -> Iterable[StepUpProof]:
        """Return every proof that was stored and not dropped."""
        return list(self._proofs)

    def drop_proofs(self, expired_ns: int) -> None:
        """Drop the proofs that had expired at that moment."""
        self._proofs = [proof for proof in self._proofs if proof.expires_ns > expired_ns]

    def erase_subject(self, tenant: str, subject: str) -> None:
        """Erase what names a subject: its sessions and proofs go, of what ended only the bare end stays."""
        self._living = {
            name: kept for name, kept in self._living.items() if (name[0], kept[1].subject) != (tenant, subject)
        }
        self._proofs = [proof for proof in self._proofs if (proof.tenant, proof.subject) != (tenant, subject)]
        for name, session in self._ended.items():
            if (session.tenant, session.subject) == (tenant, subject):
                self._ended[name] = msgspec.structs.replace(session, subject="")
