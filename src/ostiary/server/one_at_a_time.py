"""Lets one HTTP request's verifier be asked from several threads: items of a batch are decided side by side."""

import threading

from ostiary.decision.ports import SubjectVerifier
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.vocabulary.entities import Subject


class OneAtATime:
    """A ``SubjectVerifier`` that lets one thread in at a time."""

    def __init__(self, inner: SubjectVerifier) -> None:
        """Guard ``inner``."""
        self._inner = inner
        self._lock = threading.Lock()

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        """Verify as ``inner`` does."""
        with self._lock:
            return self._inner.verify(pep, subject, presented, now_ns)
