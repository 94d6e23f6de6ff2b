"""The profile book of one tenant: one read (``view``), one write (``learn``), bounded, exact to the bit.

Rules:
- ``view`` changes nothing that a later look could see; features at time t come from events before t.
- At most ``max_subjects`` profiles stay in memory; the least recently learned is spilled to the ``ProfileStore``, or
  forgotten when there is none.
- Every method is safe to call from any thread; the lock is held for one look or one lesson only.
- A snapshot restores to a book that answers and learns exactly as the one it was taken of.

>>> from ostiary.vocabulary.events import AccessEvent
>>> book = ProfileBook("default")
>>> event = AccessEvent("1", "default", 10**18, "ann", "read", "database", "payments")
>>> book.view(event).known
False
>>> book.learn(event)
True
>>> book.view(event).known, len(book)
(True, 1)
"""

from threading import Lock
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.history import History
from ostiary.signals.learning import learn
from ostiary.signals.looking import look
from ostiary.signals.ports import ProfileStore
from ostiary.signals.profiles import Group, Subject, Thing
from ostiary.signals.tables import Tables, sound, subject_key
from ostiary.signals.things import scrub
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import LearningGate

VERSION: Final = 1
MAX_SUBJECTS: Final = 100_000


class _Kept(msgspec.Struct, array_like=True):
    """The written form of one profile."""

    version: int
    subject: Subject


class _Snapshot(msgspec.Struct, array_like=True):
    """The written form of a whole book, everything in its order."""

    version: int
    tenant: str
    subjects: dict[str, Subject]
    groups: dict[str, Group]
    everyone: Group
    resources: dict[str, Thing]
    devices: dict[str, Thing]
    networks: dict[str, Thing]
    company: dict[str, dict[str, int]]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_kept: Final = msgspec.msgpack.Decoder(_Kept).decode
_decode_snapshot: Final = msgspec.msgpack.Decoder(_Snapshot).decode


class ProfileBook:
    """All profiles of one tenant."""

    def __init__(
        self,
        tenant: str,
        store: ProfileStore | None = None,
        max_subjects: int = MAX_SUBJECTS,
        gate: LearningGate | None = None,
    ) -> None:
        """Open an empty book; ``store`` keeps what no longer fits, ``gate`` says which events may teach."""
        self.tenant = tenant
        self.max_subjects = max(1, max_subjects)
        self._store = store
        self._gate = gate
        self._lock = Lock()
        self._tables = Tables()

    def __len__(self) -> int:
        """Return how many subjects are in memory."""
        return len(self._tables.subjects)

    def view(self, event: AccessEvent) -> History:
        """Return what is known before ``event``, frozen."""
        event = sound(event)
        with self._lock:
            return look(self._tables, event, self._find(subject_key(event)))

    def learn(self, event: AccessEvent) -> bool:
        """Let ``event`` change the profiles; return whether it did (the gate may hold it back)."""
        if self._gate is not None and not self._gate.may_learn(event):
            return False
        event = sound(event)
        key = subject_key(event)
        with self._lock:
            own = self._find(key) or Subject()
            self._tables.subjects[key] = own
            self._tables.subjects.move_to_end(key)
            learn(self._tables, event, own)
            self._shrink()
        return True

    def forget(self, subject_type: str, subject_id: str) -> bool:
        """Erase one subject's profile from memory and store; return whether there was one in memory.

        Its name also goes from the things it used and from the colleagues who met it. Counts that hold no name stay.
        """
        key = f"{subject_type}:{subject_id}"
        with self._lock:
            if self._store is not None:
                self._store.erase(self.tenant, key)
            scrub(self._tables, key)
            return self._tables.subjects.pop(key, None) is not None

    def snapshot(self) -> bytes:
        """Return the whole book as bytes (what was spilled stays with the store)."""
        with self._lock:
            t = self._tables
            parts = (t.subjects, t.groups, t.everyone, t.resources, t.devices, t.networks, t.company)
            return _encode(_Snapshot(VERSION, self.tenant, *parts))

    def restore(self, data: bytes) -> None:
        """Replace the whole book by a snapshot.

        Raises:
            FaultyInputError: ``profiles_malformed``, ``profiles_version`` or ``profiles_wrong_tenant``.
        """
        kept = _read_snapshot(data)
        if kept.tenant != self.tenant:
            raise FaultyInputError("profiles_wrong_tenant", "the profiles belong to another tenant")
        tables = Tables()
        tables.everyone = kept.everyone
        for name in ("subjects", "groups", "resources", "devices", "networks", "company"):
            getattr(tables, name).update(getattr(kept, name))
        with self._lock:
            self._tables = tables

    def profile_bytes(self, subject_type: str, subject_id: str) -> bytes | None:
        """Return one subject's profile as it would be stored, or ``None``; for export and for measuring."""
        with self._lock:
            own = self._find(f"{subject_type}:{subject_id}")
            return None if own is None else _encode(_Kept(VERSION, own))

    def _find(self, key: str) -> Subject | None:
        own = self._tables.subjects.get(key)
        if own is not None or self._store is None:
            return own
        data = self._store.load(self.tenant, key)
        return None if data is None else _read_profile(data)

    def _shrink(self) -> None:
        while len(self._tables.subjects) > self.max_subjects:
            key, own = self._tables.subjects.popitem(last=False)
            if self._store is not None:
                self._store.save(self.tenant, key, _encode(_Kept(VERSION, own)))


def _read_profile(data: bytes) -> Subject:
    try:
        kept = _decode_kept(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise FaultyInputError("profiles_malformed", "a stored profile cannot be read") from fault
    if kept.version != VERSION:
        raise FaultyInputError("profiles_version", f"profile version `{kept.version}` is not known here")
    return kept.subject


def _read_snapshot(data: bytes) -> _Snapshot:
    try:
        kept = _decode_snapshot(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise FaultyInputError("profiles_malformed", "the stored profiles cannot be read") from fault
    if kept.version != VERSION:
        raise FaultyInputError("profiles_version", f"profiles version `{kept.version}` is not known here")
    return kept
