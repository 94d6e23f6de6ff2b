"""Sessions on disk, and the word of each change to all replicas; ``ToldSessions`` implements ``SessionStore``.

The store below is the truth of what has ended. A word is said of what others must know before they decide: ends,
revocations, proofs, sessions that fell or rose. A session that was merely seen is read when somebody looks.
"""

from collections.abc import Iterable, Sequence

from ostiary.sessions import Session, SessionNews, SessionStore, StepUpProof, SubjectRevocation, TerminatedSession
from ostiary.storage.valkey.news import News


class ToldSessions:
    """A ``SessionStore`` over another one."""

    def __init__(self, kept: SessionStore, news: News) -> None:
        """Keep in ``kept``, tell by ``news``."""
        self._kept, self._news = kept, news

    def save_terminated(self, session: TerminatedSession) -> None:
        """Store one termination for ever, then tell of it."""
        self._kept.save_terminated(session)
        self._news.say(session.tenant)

    def terminated_sessions(self) -> Iterable[TerminatedSession]:
        """Return every termination, oldest first."""
        return self._kept.terminated_sessions()

    def news(self, after: int) -> SessionNews:
        """Return what was stored after a mark."""
        return self._kept.news(after)

    def save_sessions(self, sessions: Sequence[Session], read: int = 0) -> None:
        """Store living sessions, then tell of those that fell or rose."""
        self._kept.save_sessions(sessions, read)
        for tenant in {one.tenant for one in sessions if one.fell or one.proven_ns}:
            self._news.say(tenant)

    def drop_sessions(self, names: Sequence[tuple[str, str]], read: int = 0) -> None:
        """Forget living sessions."""
        self._kept.drop_sessions(names, read)

    def save_revocation(self, revocation: SubjectRevocation) -> None:
        """Store one, then tell of it."""
        self._kept.save_revocation(revocation)
        self._news.say(revocation.tenant)

    def save_proof(self, proof: StepUpProof) -> None:
        """Store one, then tell of it."""
        self._kept.save_proof(proof)
        self._news.say(proof.tenant)

    def drop_proofs(self, expired_ns: int) -> None:
        """Drop the proofs that had expired at that moment."""
        self._kept.drop_proofs(expired_ns)

    def erase_subject(self, tenant: str, subject: str) -> None:
        """Erase what names a subject, then tell of it."""
        self._kept.erase_subject(tenant, subject)
        self._news.say(tenant)
