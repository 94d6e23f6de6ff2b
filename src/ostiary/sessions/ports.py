"""What the sessions need from the world, as Protocols that storage and testing fill."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from ostiary.sessions.session import Session, SessionNews, StepUpProof, SubjectRevocation, TerminatedSession


class SessionStore(Protocol):
    """Keeps sessions; every write is durable when the call returns."""

    def save_terminated(self, session: TerminatedSession) -> None:
        """Store one termination for ever and forget the living session; storing it twice keeps the first."""
        ...

    def terminated_sessions(self) -> Iterable[TerminatedSession]:
        """Return every termination, oldest first."""
        ...

    def news(self, after: int) -> SessionNews:
        """Return what was stored after the mark ``after`` (0 = everything), and the mark to ask with next time."""
        ...

    def save_sessions(self, sessions: Sequence[Session], read: int = 0) -> None:
        """Store living sessions in one transaction.

        Each is joined with what was stored after the mark ``read``, which its writer has not seen yet. One that has
        ended is not stored again.
        """
        ...

    def drop_sessions(self, names: Sequence[tuple[str, str]], read: int = 0) -> None:
        """Forget living sessions by tenant and name, except those that fell by what was stored after ``read``."""
        ...

    def save_revocation(self, revocation: SubjectRevocation) -> None:
        """Store one; of two for a subject the later moment is kept."""
        ...

    def save_proof(self, proof: StepUpProof) -> None:
        """Store one proof."""
        ...

    def drop_proofs(self, expired_ns: int) -> None:
        """Drop the proofs that had expired at that moment."""
        ...

    def erase_subject(self, tenant: str, subject: str) -> None:
        """Erase what names a subject: its sessions and proofs go, of what ended only the bare end stays."""
        ...
