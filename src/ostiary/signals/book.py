"""The profile book of one tenant: one read (``view``), one write (``learn``), bounded, exact to the bit.

Rules:
- ``view`` changes nothing that a later look could see; features at time t come from events before t.
- Who looks at an event and learns it next pays once: what both need is kept between the two.
- At most ``max_subjects`` profiles stay in memory, most of them packed; the least recently learned is spilled to the
  ``ProfileStore``, or forgotten when there is none.
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
from typing import Final, NamedTuple

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.history import History
from ostiary.signals.learning import learn
from ostiary.signals.looking import STRANGER, Glance, glance, look
from ostiary.signals.ports import ProfileStore
from ostiary.signals.profiles import Group, Subject, Thing
from ostiary.signals.shelf import MAX_OPEN, MAX_SUBJECTS, VERSION, Shelf, packed, written
from ostiary.signals.tables import Tables, sound, subject_key
from ostiary.signals.things import scrub
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import LearningGate


class _Snapshot(msgspec.Struct, array_like=True):
    """The written form of a whole book, everything in its order."""

    version: int
    tenant: str
    subjects: dict[str, msgspec.Raw]
    groups: dict[str, Group]
    everyone: Group
    resources: dict[str, Thing]
    devices: dict[str, Thing]
    networks: dict[str, Thing]
    company: dict[str, dict[str, int]]
    epoch: int = 0
    regulars: dict[str, dict[str, tuple[float, int]]] = {}


class _Seen(NamedTuple):
    """An event that was looked at last, and the glance at it; worth nothing once anything was learned."""

    told: AccessEvent
    event: AccessEvent
    key: str
    own: Subject | None
    glance: Glance


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_snapshot: Final = msgspec.msgpack.Decoder(_Snapshot).decode


class ProfileBook:
    """All profiles of one tenant."""

    def __init__(
        self,
        tenant: str,
        store: ProfileStore | None = None,
        max_subjects: int = MAX_SUBJECTS,
        gate: LearningGate | None = None,
        max_open: int = MAX_OPEN,
    ) -> None:
        """Open an empty book.

        Args:
            tenant: whose subjects they are.
            store: keeps what no longer fits.
            max_subjects: profiles in memory.
            gate: says which events may teach.
            max_open: how many profiles may lie open; the others are packed.
        """
        self.tenant = tenant
        self._store = store
        self._gate = gate
        self._lock = Lock()
        self._tables = Tables(Shelf(tenant, store, max_subjects, max_open))
        self._seen: _Seen | None = None

    def __len__(self) -> int:
        """Return how many subjects are in memory."""
        return len(self._tables.subjects)

    def view(self, event: AccessEvent) -> History:
        """Return what is known before ``event``, frozen."""
        with self._lock:
            seen = self._seen = self._glance(event)
            return look(self._tables, seen.event, seen.own, seen.glance)

    def learn(self, event: AccessEvent) -> bool:
        """Let ``event`` change the profiles; return whether it did (the gate may hold it back)."""
        if self._gate is not None and not self._gate.may_learn(event):
            return False
        with self._lock:
            seen, self._seen = self._seen, None
            if seen is None or seen.told is not event:
                seen = self._glance(event)
            own = seen.own or Subject()
            learn(self._tables, seen.event, own, seen.glance)
            self._tables.subjects.keep(seen.key, own)
        return True

    def forget(self, subject_type: str, subject_id: str) -> bool:
        """Erase one subject's profile from memory and store; return whether there was one in memory.

        Its name also goes from the things it used and from the colleagues who met it. Counts that hold no name stay.
        """
        key = f"{subject_type}:{subject_id}"
        with self._lock:
            self._seen = None
            there = self._tables.subjects.drop(key)
            scrub(self._tables, key)
            return there

    def snapshot(self) -> bytes:
        """Return the whole book as bytes (what was spilled stays with the store); the store's epoch ends here."""
        with self._lock:
            t, shelf = self._tables, self._tables.subjects
            parts = (shelf.all_packed(), t.groups, t.everyone, t.resources, t.devices, t.networks, t.company)
            epoch = shelf.epoch
            if self._store is not None:
                shelf.epoch += 1
            return _encode(_Snapshot(VERSION, self.tenant, *parts, epoch, t.regulars))

    def settle(self) -> None:
        """Say that the last snapshot is safe, so that the store need not remember what came before it."""
        if self._store is not None:
            self._store.settle(self.tenant, self._tables.subjects.epoch - 1)

    def restore(self, data: bytes) -> None:
        """Replace the whole book by a snapshot, and take back what was spilled since.

        Raises:
            FaultyInputError: ``profiles_malformed``, ``profiles_version`` or ``profiles_wrong_tenant``.
        """
        kept = _read_snapshot(data)
        if kept.tenant != self.tenant:
            raise FaultyInputError("profiles_wrong_tenant", "the profiles belong to another tenant")
        old = self._tables.subjects
        tables = Tables(Shelf(self.tenant, self._store, max(old.most, len(kept.subjects)), old.most_open))
        tables.subjects.load(kept.subjects)
        tables.subjects.most, tables.subjects.epoch = old.most, kept.epoch + (self._store is not None)
        tables.everyone = kept.everyone
        for name in ("groups", "resources", "devices", "networks", "company", "regulars"):
            getattr(tables, name).update(getattr(kept, name))
        for group in (tables.everyone, *tables.groups.values()):
            group.widen()
        with self._lock:
            if self._store is not None:
                self._store.rewind(self.tenant, kept.epoch)
            self._tables, self._seen = tables, None

    def profile_bytes(self, subject_type: str, subject_id: str) -> bytes | None:
        """Return one subject's profile as it would be stored, or ``None``; for export and for measuring."""
        with self._lock:
            own = self._tables.subjects.find(f"{subject_type}:{subject_id}")
            return None if own is None else written(packed(own))

    def _glance(self, told: AccessEvent) -> _Seen:
        event = sound(told)
        key = subject_key(event)
        own = self._tables.subjects.find(key)
        return _Seen(told, event, key, own, glance(self._tables, event, own or STRANGER))


def _read_snapshot(data: bytes) -> _Snapshot:
    try:
        kept = _decode_snapshot(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise FaultyInputError("profiles_malformed", "the stored profiles cannot be read") from fault
    if kept.version != VERSION:
        raise FaultyInputError("profiles_version", f"profiles version `{kept.version}` is not known here")
    return kept
