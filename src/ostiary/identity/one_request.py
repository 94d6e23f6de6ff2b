"""One HTTP request that asks for many decisions: each subject is verified once.

A DPoP proof is good for one HTTP request, so the second of two evaluations in one AuthZEN batch must not find its
proof used up by the first. Within one request, the same question has the same answer, refusals included.
Not to be kept: make one for each HTTP request. Thread-safe; questions wait for each other.
"""

import threading

from ostiary.errors import OstiaryError
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.vocabulary.entities import Subject

_Question = tuple[PepIdentity, str, str, PresentedSubject]


class OneRequest:
    """A ``SubjectVerifier`` for the length of one HTTP request."""

    def __init__(self, verifier: SubjectVerifier) -> None:
        """Start with nothing verified."""
        self._verifier = verifier
        self._lock = threading.Lock()
        self._answers: dict[_Question, VerifiedIdentity | OstiaryError] = {}

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        """Answer as ``SubjectVerifier.verify`` does, and the same again for the same question."""
        question = (pep, subject.type, subject.id, presented)
        with self._lock:
            answer = self._answers.get(question)
            if answer is None:
                answer = self._answers[question] = self._ask(pep, subject, presented, now_ns)
        if isinstance(answer, OstiaryError):
            raise answer
        return answer

    def identify(self, pep: PepIdentity, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        """Return whom the token is about; ``verify`` then knows the answer for that subject."""
        with self._lock:
            identity = self._verifier.identify(pep, presented, now_ns)
            self._answers[(pep, identity.subject_type, identity.subject_id, presented)] = identity
        return identity

    def believe(self, pep: PepIdentity, presented: PresentedSubject, identity: VerifiedIdentity) -> None:
        """Answer with ``identity``, which was verified in another way: by the exchange of its token."""
        with self._lock:
            self._answers[(pep, identity.subject_type, identity.subject_id, presented)] = identity

    def _ask(
        self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int
    ) -> VerifiedIdentity | OstiaryError:
        try:
            return self._verifier.verify(pep, subject, presented, now_ns)
        except OstiaryError as error:
            return error
