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


def tells_of(listed: Iterable[str], default: str, subject: SubjectId) -> bool:
    """Return whether a stream with this list tells of ``subject``: with ``ALL`` the list says whom to leave out."""
    return _is_listed(listed, subject) != (default == ALL)


def names(text: str, subject: SubjectId) -> bool:
    """Return whether a listed subject is ``subject``, or has it as its user."""
    one = read_subject_id(msgspec.json.decode(text))
    return one == subject or (isinstance(one, Complex) and one.members.get(_USER) == subject)


def _is_listed(listed: Iterable[str], subject: SubjectId) -> bool:
    names = {canonical(subject)}
    if isinstance(subject, Complex) and _USER in subject.members:
        names.add(canonical(subject.members[_USER]))
    known = set(listed)
    if not names.isdisjoint(known):
        return True
    # Only complex subjects are left to match in part; they are few, and begin with one of their sorted members.
    return isinstance(subject, Complex) and any(_matches(text, subject) for text in known if '"complex"' in text)


def _matches(text: str, subject: Complex) -> bool:
    one = read_subject_id(msgspec.json.decode(text))
    if not isinstance(one, Complex):
        return False
    shared = one.members.keys() & subject.members.keys()
    return bool(shared) and all(one.members[name] == subject.members[name] for name in shared)
