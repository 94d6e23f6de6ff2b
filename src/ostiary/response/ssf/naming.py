"""How a subject of ours is named to other domains, and whom of ours another domain means.

Rules:

- outward, a subject is named in one format for the whole deployment; what does not fit it is named by issuer and id;
- inward, nothing is guessed: a format that the receiver was not told how to read names nobody;
- a transmitter speaks for the subjects of the issuers it was set up for, its own by default: another domain's
  subjects of the same name are not touched, nor a session that a token says is one of theirs.

>>> SubjectNaming("https://us.example").outward("user:alice")
IssSub(iss='https://us.example', sub='alice')
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from ostiary.identity.secevent.subjects import Aliases, Complex, Email, IssSub, Opaque, PhoneNumber, SubjectId

Format = Literal["iss_sub", "email", "opaque"]
Find = Callable[[str, str, str], str]
"""Returns the subject (``type:id``) of a tenant whose catalogue property has this value, or an empty string."""
IGNORE: Final = "ignore"
BY_ID: Final = "id"
CATALOGUE: Final = "catalogue"
USER: Final = "user"


class SubjectNaming(msgspec.Struct, frozen=True):
    """How subjects are named outward.

    Attributes:
        issuer: the ``iss`` under which receivers know our subjects.
        format: the preferred format.
    """

    issuer: str
    format: Format = "iss_sub"

    def outward(self, subject: str) -> SubjectId:
        """Return the identifier of ``type:id``; users go by their id, every other type by type and id."""
        kind, _, name = subject.partition(":")
        told = name if kind == USER else subject
        if self.format == "email" and "@" in told:
            return Email(told)
        return Opaque(told) if self.format == "opaque" else IssSub(self.issuer, told)


class SubjectReading(msgspec.Struct, frozen=True):
    """How a receiver reads the subjects of its transmitter.

    Attributes:
        issuers: whose ``iss_sub`` subjects are ours.
        subject_type: the type of our subjects.
        email, opaque, phone_number: ``id`` (it is the id itself), ``catalogue`` (some subject's property of that name
            has this value), or ``ignore``.
        sessions: whether the transmitter's session ids are ours.
        devices: whether its device ids are ours; else it may name none, and nobody's device falls by its word.
    """

    issuers: tuple[str, ...]
    subject_type: str = USER
    email: str = IGNORE
    opaque: str = IGNORE
    phone_number: str = IGNORE
    sessions: bool = False
    devices: bool = False


class Meant(msgspec.Struct, frozen=True):
    """Whom of ours an event means; empty where nobody of ours is."""

    subject: str = ""
    session_id: str = ""
    device_id: str = ""


def bare(session_id: str) -> str:
    """Return a session's id as its issuer gave it: where no issuer vouches, the ledger puts the subject before it."""
    return session_id.rpartition("\n")[2]


def inward(subject: SubjectId, reading: SubjectReading, find: Callable[[str, str], str]) -> Meant:
    """Return whom ``subject`` means; ``find`` asks the tenant's catalogue for a property and value."""
    if isinstance(subject, Complex):
        return _of_members(subject.members, reading, find)
    if isinstance(subject, Opaque) and reading.sessions and reading.opaque == IGNORE:
        return Meant(session_id=subject.id)
    return Meant(subject=_person(subject, reading, find))


def _of_members(members: Mapping[str, SubjectId], reading: SubjectReading, find: Callable[[str, str], str]) -> Meant:
    user, session, device = (members.get(name) for name in (USER, "session", "device"))
    person = _person(user, reading, find) if user is not None else ""
    ours = bool(person) or user is None or not _is_read(user, reading)
    return Meant(
        subject=person,
        session_id=session.id if ours and reading.sessions and isinstance(session, Opaque) else "",
        device_id=_device(device, reading),
    )


def _is_read(subject: SubjectId, reading: SubjectReading) -> bool:
    """Return whether a format is read at all: then a subject that names nobody of ours is somebody else's."""
    if isinstance(subject, Aliases):
        return any(_is_read(one, reading) for one in subject.identifiers)
    how = {Email: reading.email, Opaque: reading.opaque, PhoneNumber: reading.phone_number, IssSub: BY_ID}
    return how.get(type(subject), IGNORE) != IGNORE


def _device(device: SubjectId | None, reading: SubjectReading) -> str:
    if not reading.devices:
        return ""
    if isinstance(device, IssSub) and device.iss in reading.issuers:
        return device.sub
    return device.id if isinstance(device, Opaque) else ""


def _person(subject: SubjectId, reading: SubjectReading, find: Callable[[str, str], str]) -> str:
    if isinstance(subject, Aliases):
        named = {_person(one, reading, find) for one in subject.identifiers} - {""}
        return named.pop() if len(named) == 1 else ""  # aliases of two people of ours name neither
    if isinstance(subject, IssSub):
        return f"{reading.subject_type}:{subject.sub}" if subject.iss in reading.issuers else ""
    if isinstance(subject, Email):
        return _by(reading.email, "email", subject.email, reading, find)
    if isinstance(subject, PhoneNumber):
        return _by(reading.phone_number, "phone_number", subject.phone_number, reading, find)
    return _by(reading.opaque, "opaque", subject.id, reading, find) if isinstance(subject, Opaque) else ""


def _by(how: str, name: str, value: str, reading: SubjectReading, find: Callable[[str, str], str]) -> str:
    if how == BY_ID:
        return f"{reading.subject_type}:{value}"
    return find(name, value) if how == CATALOGUE else ""
