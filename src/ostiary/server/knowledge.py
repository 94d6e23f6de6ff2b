"""What is kept of each tenant: its catalogue, and its profiles with their way to disk and back.

1. A tenant's own catalogue wins over the configured one; a file that changed is read again, a broken one keeps the old
   in force and is told.
2. Profiles are saved now and then, and when the process ends, with the place in the log up to which they have learned.
   After a crash the rest is learned again from the log: what was answered is never forgotten.
3. Imported history (``ostiary events import``) comes before the log. When it changed since the profiles were saved, or
   they cannot be read, they are learned anew: the history from its first event, then the whole log.
"""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.defence.lessons import LessonGate, Lessons
from ostiary.defence.quarantine import Quarantine
from ostiary.errors import OstiaryError
from ostiary.server.learnable import decode, may_teach
from ostiary.server.overflow import Borrowed
from ostiary.server.places import Places
from ostiary.server.settings.sections import SignalsSection
from ostiary.signals import eventfile
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.signals.inventory import Catalogue
from ostiary.signals.ports import LAST, ProfileStore
from ostiary.signals.settled import Book, SettledBook
from ostiary.vocabulary.events import AccessEvent

KIND: Final = "profiles"
NAME: Final = "book"
NO_FILE: Final = (0, 0)
_LOOK_EVERY_NS: Final = 1_000_000_000
OnFault = Callable[[str, BaseException], None]


class SnapshotStore(Protocol):
    """Keeps opaque bytes by tenant, kind and name."""

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one, replacing what was there."""
        ...

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        ...


class RecordSource(Protocol):
    """Reads a tenant's records back, oldest first."""

    def iterate(
        self, tenant: str, kind: str | None = None, since_index: int = 0, subject_key: str | None = None
    ) -> Iterator[StoredRecord]:
        """Yield records."""
        ...


class _Saved(msgspec.Struct, array_like=True, frozen=True):
    """A book on disk, the first index of the log that it has not learned, and which imported history it has."""

    next_index: int
    book: bytes
    history: tuple[int, int] = (0, 0)


class _Catalogues:
    """One tenant's enricher and the file it was made of."""

    def __init__(self, enricher: Enricher, file: Path | None, stamp: tuple[int, int]) -> None:
        self.enricher = enricher
        self.file = file
        self.stamp = stamp
        self.looked_ns = 0


class Knowledge:
    """Enrichers and profile books by tenant; safe for several threads."""

    def __init__(
        self,
        places: Places,
        settings: SignalsSection,
        now_ns: Callable[[], int],
        on_fault: OnFault,
        overflow: ProfileStore | None = None,
        *,
        borrowed: bool = False,
        lessons: Lessons | None = None,
    ) -> None:
        """Take where files lie, whom to tell of broken ones, and what keeps profiles that do not fit in memory.

        ``borrowed`` says that another process may be the one that writes to ``overflow``; ``lessons`` how much a
        profile may learn a day.
        """
        self._places = places
        self._settings = settings
        self._now_ns = now_ns
        self._on_fault = on_fault
        self._overflow = Borrowed(overflow) if borrowed and overflow is not None else overflow
        self._ends_epochs = not borrowed
        self._lessons = lessons or Lessons()
        self._lock = threading.Lock()
        self._catalogues: dict[str, _Catalogues] = {}
        self._books: dict[str, Book] = {}
        self._gates: dict[str, LessonGate] = {}
        self._histories: dict[str, tuple[int, int]] = {}
        self.next_index = 0
        """The first index of the log that was not learned when the profiles were restored."""

    def enricher(self, tenant: str) -> Enricher:
        """Return a tenant's enricher with the catalogue as it is now on disk."""
        known = self._catalogues.get(tenant)
        now = self._now_ns()
        if known is not None and 0 <= now - known.looked_ns < _LOOK_EVERY_NS:
            return known.enricher
        with self._lock:
            known = self._catalogues.get(tenant)
            file = self._file(tenant)
            if known is None:
                known = _Catalogues(self._make(file), file, _stamp(file))
                self._catalogues[tenant] = known
            elif (file, _stamp(file)) != (known.file, known.stamp):
                self._renew(known, file)
            known.looked_ns = now
            return known.enricher

    def book(self, tenant: str) -> Book:
        """Return a tenant's profiles."""
        book = self._books.get(tenant)
        if book is None:
            with self._lock:
                book = self._books.setdefault(tenant, self._new_book(tenant))
        return book

    def learn(self, event: AccessEvent, *, teaches: bool = True) -> None:
        """Let an event change its tenant's profiles; what may not teach is counted and becomes no habit."""
        self.book(event.tenant).learn(event, teaches=teaches)

    def restore(self, tenant: str, store: SnapshotStore, records: RecordSource, end: int = LAST) -> int:
        """Load a tenant's profiles and learn what came since, up to ``end``; return how many events that was."""
        saved = self._saved(tenant, store)
        history = self._places.history(tenant)
        learned, since = 0, saved.next_index
        if saved.book and saved.history == _stamp(history):
            self._histories[tenant] = saved.history
        else:
            learned, since = self._learn_history(tenant, history), 0
        for record in records.iterate(tenant, "decision", since):
            if record.index >= end:
                break
            told = None if record.payload is None else decode(record.payload)
            if told is not None and told.event is not None:
                self.learn(told.event, teaches=may_teach(told))
                learned += 1
        return learned

    def _saved(self, tenant: str, store: SnapshotStore) -> _Saved:
        data = store.load(tenant, KIND, NAME)
        if data is None:
            return _Saved(0, b"")
        try:
            saved = msgspec.msgpack.decode(data, type=_Saved)
            self.book(tenant).restore(saved.book)
            self._gates[tenant].begin_known()
        except (msgspec.MsgspecError, OstiaryError, UnicodeDecodeError) as fault:
            self._on_fault("profiles_malformed", fault)  # history and log have everything: learn them anew
            return _Saved(0, b"")
        return saved

    def _learn_history(self, tenant: str, file: Path) -> int:
        """Begin a tenant's profiles anew with its imported history; a broken file is told, and learned up to there."""
        if self._overflow is not None:
            self._overflow.rewind(tenant, 0)
        book = self._new_book(tenant)
        stamp, learned = _stamp(file), 0
        try:
            for event in eventfile.read(file) if stamp != NO_FILE else ():
                learned += book.learn(event)
        except OstiaryError as fault:
            self._on_fault(fault.code, fault)
        with self._lock:
            self._books[tenant], self._histories[tenant] = book, stamp
        return learned

    def save(self, tenant: str, store: SnapshotStore, next_index: int) -> None:
        """Store a tenant's profiles; ``next_index`` is the first index of the log that they have not learned."""
        saved = _Saved(
            next_index, self.book(tenant).snapshot(ends_epoch=self._ends_epochs), self._histories.get(tenant, NO_FILE)
        )
        store.save(tenant, KIND, NAME, msgspec.msgpack.encode(saved), self._now_ns())
        self.book(tenant).settle()

    def forget(self, tenant: str, subject_type: str, subject_id: str, store: SnapshotStore) -> None:
        """Erase one subject's profile, in memory and in what was saved, and its events in the imported history."""
        data = store.load(tenant, KIND, NAME)
        if data is not None and tenant not in self._books:  # what is saved below must be what was saved, less one
            self._histories[tenant] = self._saved(tenant, store).history
        self._forget_history(tenant, subject_type, subject_id)
        self.book(tenant).forget(subject_type, subject_id)
        if data is not None:
            self.save(tenant, store, msgspec.msgpack.decode(data, type=_Saved).next_index)

    def _forget_history(self, tenant: str, subject_type: str, subject_id: str) -> None:
        history = self._places.history(tenant)
        Quarantine(self._places.quarantine(tenant)).forget(subject_id)
        if not history.exists():
            return
        learned = self._histories.get(tenant) == _stamp(history)
        eventfile.keep_only(history, lambda event: (event.subject_type, event.subject_id) != (subject_type, subject_id))
        if learned:
            self._histories[tenant] = _stamp(history)

    def forget_tenant(self, tenant: str) -> None:
        """Drop what is kept of a tenant that is gone, its imported history included."""
        self._places.history(tenant).unlink(missing_ok=True)
        Quarantine(self._places.quarantine(tenant)).clear()
        with self._lock:
            self._books.pop(tenant, None)
            self._gates.pop(tenant, None)
            self._histories.pop(tenant, None)
            self._catalogues.pop(tenant, None)

    def tenants(self) -> list[str]:
        """Return the tenants with profiles in memory."""
        return sorted(self._books)

    def _new_book(self, tenant: str) -> Book:
        gate = self._gates[tenant] = LessonGate(self._lessons)
        days, most = self._settings.settled_days, self._settings.profiles_in_memory
        lately = ProfileBook(tenant, self._overflow, most, gate)
        return SettledBook(tenant, days, lately=lately, late=ProfileBook(tenant, None, most)) if days else lately

    def _file(self, tenant: str) -> Path | None:
        own = self._places.catalogue(tenant)
        return own if own.exists() else self._settings.catalogue

    def _make(self, file: Path | None) -> Enricher:
        catalogue = Catalogue.load(file) if file is not None else None
        mmdb = (self._settings.mmdb,) if self._settings.mmdb else ()
        return Enricher(catalogue, mmdb, tuple(str(network) for network in self._settings.trusted_networks))

    def _renew(self, known: _Catalogues, file: Path | None) -> None:
        stamp = _stamp(file)
        try:
            known.enricher = self._make(file)
        except OstiaryError as fault:
            self._on_fault(fault.code, fault)
        known.file, known.stamp = file, stamp


def _stamp(file: Path | None) -> tuple[int, int]:
    try:
        status = file.stat() if file is not None else None
    except OSError:
        return NO_FILE
    return (status.st_mtime_ns, status.st_size) if status else NO_FILE
