"""People as they are known by their behaviour: read from the book, kept at hand while they are busy, written back.

- What is at hand is only what stands in the book at that generation: a change by another process is seen at once, and
  somebody who withdrew is not known any more.
- Prints of windows are written some at a time: a crash forgets the latest few, and nothing else.
- Some megabytes are at hand of whoever types for long, so few people are; the others are read again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ostiary.biometrics.book import Read, TemplateBook
from ostiary.biometrics.evidence import Stage, stage_of
from ostiary.biometrics.habits import Habits, usual_of_traits
from ostiary.biometrics.liveness import History, Prints, Seeing, Verdict, judged
from ostiary.biometrics.model import Model, Template
from ostiary.biometrics.updating import State, Whose, pack_state
from ostiary.biometrics.window import Modality
from ostiary.server.biometrics.kept import MOST_PRINTS, Kept, kept_of, prints_kept, prints_sealed
from ostiary.server.biometrics.records import TemplateRecords, new_line

MOST_AT_HAND: Final = 500
FLUSH_AT: Final = 8
PRINTS: Final = "-prints"
Name = tuple[str, str, Modality]


class Person:
    """One person in one modality."""

    def __init__(
        self,
        read: Read,
        kept: Kept,
        state: State | None,
        model: Model,
        prints: list[Prints],
        strangers: Iterable[bytes] = (),
    ) -> None:
        """Make what is needed for judging out of what is kept; ``state`` is that of somebody who is enrolled."""
        self.read, self.kept, self.state, self._model = read, kept, state, model
        self.prints, self.unsaved = prints, 0
        self._history, self._latest = History(prints), list[Prints]()
        self.lock = threading.RLock()
        self.strangers = set(strangers)
        self.template, self.stage, self.habits = _known(kept, state, model)

    def change(self, read: Read, kept: Kept, state: State | None) -> None:
        """Take in what was written."""
        self.read, self.kept, self.state = read, kept, state
        self.template, self.stage, self.habits = _known(kept, state, self._model)

    def live(self, ready: Seeing) -> Verdict:
        """Return whether a window is live, given what was seen of this person; and remember it if it is.

        Doings are always live: people do the same things in the same order again, and that is what makes them known.
        """
        if self._model.modality is Modality.SEQUENCE:
            return Verdict(1.0)
        with self.lock:
            found = min((judged(ready, self._history), judged(ready, History(self._latest))), key=lambda one: one.score)
            if found.live:  # a replay is remembered already: again and again, it would push out everything else
                seen = ready.prints.remembered
                self._latest.append(seen)
                self.prints = [*self.prints, seen]
                self.unsaved += 1
                self._make_room()
            return found

    def strange(self, ready: Seeing) -> None:
        """Note that a window speaks against its person: it is the first to be forgotten."""
        with self.lock:
            self.strangers.add(ready.prints.whole)

    def _make_room(self) -> None:
        if len(self.prints) > MOST_PRINTS:
            places = (at for at, one in enumerate(self.prints) if one.whole in self.strangers)
            gone = self.prints.pop(next(places, 0))
            self.strangers.discard(gone.whole)

    def saved(self) -> None:
        """Note that the prints are in the book."""
        self._history, self._latest, self.unsaved = History(self.prints), [], 0


class People:
    """Reads and writes people; the caller holds the person's lock."""

    def __init__(
        self, book: TemplateBook, records: TemplateRecords, on_fault: Callable[[str, BaseException], None]
    ) -> None:
        """Take the book, what signs versions, and whom to tell of what cannot be written."""
        self._book, self._records, self._on_fault = book, records, on_fault
        self._lock = threading.Lock()
        self._at_hand: OrderedDict[Name, Person] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are at hand."""
        return len(self._at_hand)

    def person(self, tenant: str, subject: str, model: Model) -> Person | None:
        """Return a person as it stands in the book now, or ``None`` where nobody may be watched.

        Raises:
            OstiaryError: it cannot be read.
        """
        name = (tenant, subject, model.modality)
        read = self._book.read(tenant, subject, model.modality.value)
        if read is None:
            self.forget(tenant, subject)
            return None
        with self._lock:
            known = self._at_hand.pop(name, None)
        same = known is not None and _same(known.read, read) and known.kept.model == model.digest
        person = known if known is not None and same else self._made(tenant, subject, model, read)
        with self._lock:
            self._at_hand[name] = person
            over = self._at_hand.popitem(last=False) if len(self._at_hand) > MOST_AT_HAND else None
        if over is not None:
            self.save_prints(*over[0], over[1])
        return person

    def write(self, whose: Whose, person: Person, kept: Kept, state: State | None = None) -> bool:
        """Write a person; false when somebody else did meanwhile, or it may not be.

        What has a ``state`` is written as the next signed version, together with its record.

        Raises:
            OstiaryError: it cannot be written.
        """
        if state is None:
            written = self._change(whose, person, kept)()
        else:
            kept = self._versioned(whose, kept, state)
            version, change = kept.version, self._change(whose, person, kept)
            written = version is not None and self._records.commit(kept.line, version, change)
        again = self._book.read(whose.tenant, whose.subject, whose.modality.value) if written else None
        if again is not None:
            person.change(again, kept, state)
        return again is not None

    def _versioned(self, whose: Whose, kept: Kept, state: State) -> Kept:
        before = kept.version
        version = self._records.first(whose, state) if before is None else self._records.following(before, state)
        return msgspec.structs.replace(kept, line=kept.line or new_line(), version=version, state=pack_state(state))

    def _change(self, whose: Whose, person: Person, kept: Kept) -> Callable[[], bool]:
        content = msgspec.msgpack.encode(kept)
        return self._book.change(whose.tenant, whose.subject, whose.modality.value, person.read, content)

    def save_prints(self, tenant: str, subject: str, modality: Modality, person: Person) -> None:
        """Write the prints of a person's latest windows."""
        part = modality.value + PRINTS
        with person.lock:  # what comes meanwhile is not saved, and must not count as if it were
            if not person.unsaved:
                return
            try:
                read = self._book.read(tenant, subject, part)
                if read is not None and read.standing == person.read.standing:
                    self._book.write(tenant, subject, part, read, prints_sealed(person.prints, person.strangers))
                person.saved()
            except Exception as fault:  # noqa: BLE001 - the next windows bring it about again
                self._on_fault("biometrics_not_saved", fault)

    def flush(self) -> None:
        """Write the prints of everybody at hand."""
        with self._lock:
            everybody = list(self._at_hand.items())
        for name, person in everybody:
            self.save_prints(*name, person)

    def save(self, tenant: str, subject: str) -> None:
        """Write the prints of one person, if it is at hand."""
        for modality in Modality:
            with self._lock:
                person = self._at_hand.get((tenant, subject, modality))
            if person is not None:
                self.save_prints(tenant, subject, modality, person)

    def forget(self, tenant: str, subject: str) -> None:
        """Have a person at hand no more."""
        with self._lock:
            for name in [name for name in self._at_hand if name[:2] == (tenant, subject)]:
                del self._at_hand[name]

    def _made(self, tenant: str, subject: str, model: Model, read: Read) -> Person:
        printed = self._book.read(tenant, subject, model.modality.value + PRINTS)
        prints, strangers = prints_kept(printed.content if printed is not None else b"", model.modality)
        kept, state = kept_of(read.content, model.digest), None
        if kept.version is not None:
            whose = Whose(tenant, subject, model.modality)
            state = self._records.state(whose, kept.line, kept.version, kept.state)
        return Person(read, kept, state, model, prints, strangers)


def _same(one: Read, other: Read) -> bool:
    return (one.generation, one.standing) == (other.generation, other.standing)


def _known(kept: Kept, state: State | None, model: Model) -> tuple[Template | None, Stage, Habits]:
    """Return template, stage and habits: of the adaptive template where there is one, else of what enrols."""
    habits = usual_of_traits([one.traits for one in kept.enrolling])
    if state is not None:
        return state.adaptive, Stage.ENROLLED, habits
    if not kept.enrolling:
        return None, Stage.NONE, habits
    template = model.enrol(kept.rows, kept.sessions)
    return template, stage_of(model.modality, template.windows, template.sessions), habits
