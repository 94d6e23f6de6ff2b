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

from ostiary.signals.baselines import distances, frozen_habits, ripe
from ostiary.signals.history import History
from ostiary.signals.learning import learn
from ostiary.signals.looking import STRANGER, Glance, glance, look
from ostiary.signals.merging import merge_shared, subject_of
from ostiary.signals.ports import ProfileStore
from ostiary.signals.profiles import Subject
from ostiary.signals.shelf import MAX_OPEN, MAX_SUBJECTS, Shelf, packed, unpacked
from ostiary.signals.snapshot import read_snapshot, tables_of, write_snapshot
from ostiary.signals.tables import Tables, sound, subject_key
from ostiary.signals.things import scrub
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import LearningGate

_AT_ONCE: Final = 256


class _Seen(NamedTuple):
    """An event that was looked at last, and the glance at it; worth nothing once anything was learned."""

    told: AccessEvent
    event: AccessEvent
    key: str
    own: Subject | None
    glance: Glance


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

    def learn(self, event: AccessEvent, *, teaches: bool = True) -> bool:
        """Let ``event`` change the profiles; return whether it became a habit (the gate may hold it back).

        What is held back is counted all the same: a burst that teaches nothing is still a burst. Whoever knows that the
        event may not teach says so with ``teaches``.
        """
        teaches = teaches and (self._gate is None or self._gate.may_learn(event))
        with self._lock:
            seen, self._seen = self._seen, None
            if seen is None or seen.told is not event:
                seen = self._glance(event)
            own = seen.own or Subject()
            learn(self._tables, seen.event, own, seen.glance, teaches=teaches)
            self._tables.subjects.keep(seen.key, own)
        return teaches

    def forget(self, subject_type: str, subject_id: str) -> bool:
        """Erase one subject's profile from memory and store; return whether there was one in memory.

        Its name also goes from the things it used and from the colleagues who met it. Counts that hold no name stay.
        """
        key = f"{subject_type}:{subject_id}"
        with self._lock:
            self._seen = None
            there = self._tables.subjects.drop(key)
            scrub(self._tables, key)
            others = list(self._tables.subjects)
        for begin in range(0, len(others), _AT_ONCE):  # decisions wait for the lock: a few profiles at a time
            with self._lock:
                self._tables.subjects.forget_colleague(key, others[begin : begin + _AT_ONCE])
        for other, epoch in self._tables.subjects.spilled_naming(key):
            with self._lock:
                self._tables.subjects.forget_spilled(key, other, epoch)
        return there

    def names(self) -> list[str]:
        """Return whom it has in memory, as ``type:id``."""
        with self._lock:
            return list(self._tables.subjects)

    def freeze(self, subject_type: str, subject_id: str, now_s: int) -> bool:
        """Take a subject's baseline anew; return whether that was done.

        It is not for one that is unknown, has too little behind it, or whose baseline is younger than thirty days: who
        could freeze at will could freeze an intruder's habits in.
        """
        key = f"{subject_type}:{subject_id}"
        with self._lock:
            own = self._tables.subjects.find(key)
            if own is None or not ripe(own, now_s):
                return False
            self._seen = None
            own.baseline = frozen_habits(own, now_s)
            own.drift = distances(own, now_s)
            self._tables.subjects.put_back(key, own)
            return True

    def snapshot(self, *, ends_epoch: bool = True) -> bytes:
        """Return the whole book as bytes; what was spilled stays with the store.

        The store's epoch ends here, unless this process only borrows the store (``ends_epoch=False``).
        """
        with self._lock:
            shelf = self._tables.subjects
            epoch = shelf.epoch if ends_epoch else shelf.epoch - 1
            if self._store is not None and ends_epoch:
                shelf.epoch += 1
            return write_snapshot(self.tenant, self._tables, epoch)

    def settle(self) -> None:
        """Say that the last snapshot is safe, so that the store need not remember what came before it."""
        if self._store is not None:
            self._store.settle(self.tenant, self._tables.subjects.epoch - 1)

    def restore(self, data: bytes) -> None:
        """Replace the whole book by a snapshot, and take back what was spilled since.

        Raises:
            FaultyInputError: ``profiles_malformed``, ``profiles_version`` or ``profiles_wrong_tenant``.
        """
        kept = read_snapshot(data, self.tenant)
        old = self._tables.subjects
        tables = tables_of(kept, Shelf(self.tenant, self._store, max(old.most, len(kept.subjects)), old.most_open))
        tables.subjects.most, tables.subjects.epoch = old.most, kept.epoch + (self._store is not None)
        with self._lock:
            if self._store is not None:
                self._store.rewind(self.tenant, kept.epoch)
            self._tables, self._seen = tables, None

    def absorb(self, data: bytes) -> None:
        """Take in what another shard of this tenant learned; see ``merging`` for the rules.

        Raises:
            FaultyInputError: ``profiles_malformed``, ``profiles_version`` or ``profiles_wrong_tenant``.
        """
        kept = read_snapshot(data, self.tenant)
        theirs = {key: unpacked(own) for key, own in kept.subjects.items()}
        with self._lock:
            self._seen = None
            merge_shared(self._tables, kept)
            for key, own in theirs.items():
                mine = self._tables.subjects.find(key)
                self._tables.subjects.keep(key, own if mine is None else subject_of(mine, own))

    def profile_bytes(self, subject_type: str, subject_id: str) -> bytes | None:
        """Return one subject's profile as it lies in memory, packed (``shelf.unpacked``), or ``None``."""
        with self._lock:
            own = self._tables.subjects.find(f"{subject_type}:{subject_id}")
            return None if own is None else packed(own)

    def _glance(self, told: AccessEvent) -> _Seen:
        event = sound(told)
        key = subject_key(event)
        own = self._tables.subjects.find(key)
        return _Seen(told, event, key, own, glance(self._tables, event, own or STRANGER))
