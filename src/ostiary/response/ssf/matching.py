"""Whether a stream tells of a subject: the receiver's list against the subject of an event (SSF 1.0 §8.1.3.1).

Rules:

- two complex subjects match when every member that both have is the same, and they share at least one;
- a simple subject on the list matches an event about it, and a complex event whose ``user`` it is;
- subjects are compared in canonical JSON, so that the order of members does not matter.

>>> from ostiary.identity.secevent.subjects import Complex, IssSub, Opaque
>>> alice = IssSub("https://idp.example", "alice")
>>> tells_of([canonical(alice)], "NONE", Complex({"user": alice, "session": Opaque("s1")}))
True
>>> tells_of([canonical(alice)], "ALL", alice)
False
"""

from collections.abc import Iterable

import msgspec

from ostiary.identity.secevent.subjects import Complex, SubjectId, read_subject_id
from ostiary.response.ssf.streams import ALL

_ENCODER = msgspec.json.Encoder(order="sorted")
_USER = "user"


def canonical(subject: SubjectId) -> str:
    """Return a subject as JSON with sorted members: the form in which it is listed and compared."""
    return _ENCODER.encode(subject.document()).decode()


class Listed:
    """A stream's list, read once: a receiver may list ten thousand subjects, and every event asks for one."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Take subjects in canonical JSON."""
        self.texts = tuple(texts)
        self._known = frozenset(self.texts)
        self._by_member: dict[tuple[str, str], list[Complex]] = {}
        for text in self.texts:
            self._sort_in(text)

    def __contains__(self, subject: SubjectId) -> bool:
        """Return whether a subject is listed."""
        if canonical(subject) in self._known:
            return True
        if not isinstance(subject, Complex):
            return False
        if _USER in subject.members and canonical(subject.members[_USER]) in self._known:
            return True
        # Only complex subjects are left to match in part: those that have a member in common with this one.
        parts = ((name, canonical(one)) for name, one in subject.members.items())
        return any(_matches(one, subject) for part in parts for one in self._by_member.get(part, ()))

    def _sort_in(self, text: str) -> None:
        one = read_subject_id(msgspec.json.decode(text)) if '"complex"' in text else None
        if isinstance(one, Complex):
            for name, member in one.members.items():
                self._by_member.setdefault((name, canonical(member)), []).append(one)


def tells_of(listed: Iterable[str] | Listed, default: str, subject: SubjectId) -> bool:
    """Return whether a stream with this list tells of ``subject``: with ``ALL`` the list says whom to leave out."""
    known = listed if isinstance(listed, Listed) else Listed(listed)
    return (subject in known) != (default == ALL)


def names(text: str, subject: SubjectId) -> bool:
    """Return whether a listed subject is ``subject``, or has it as its user."""
    one = read_subject_id(msgspec.json.decode(text))
    return one == subject or (isinstance(one, Complex) and one.members.get(_USER) == subject)


def _matches(one: Complex, subject: Complex) -> bool:
    return all(one.members[name] == subject.members[name] for name in one.members.keys() & subject.members.keys())
