"""What a worker does with one part of a history: learn it, or look at each of its events as it was looked at online.

A look at an event depends on everything before it, of everybody: peers, things and the tenant are part of it. So events
cannot be dealt out by subject without changing features. Instead:

- *pass one* learns part after part and leaves the profile book as it stood before each (``learn_part``);
- *pass two* begins at any of these books and looks, extracts and learns its part by ``signals.replay``, the very code
  that runs online (``replay_part``); parts are independent of each other, so that any number of workers share them.

A snapshot restores to a book that answers and learns exactly alike, so the features are the same to the bit.
"""

import msgspec
import numpy as np
import pyarrow as pa

from ostiary.errors import FaultyInputError
from ostiary.server.history.parts import Part, read_events, write_table
from ostiary.server.history.shelf import Shelf
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import NAMES, SET_DIGEST
from ostiary.signals.replay import replay


class Ask(msgspec.Struct, frozen=True):
    """Where a worker reads and writes, and what must be alike on every machine.

    Attributes:
        address: of the history.
        run: folder of this run below it.
        tenant: whose events they are.
        feature_set: digest of the catalogue that the coordinator has; a worker with another refuses.
        max_subjects: profiles that a book holds; more are forgotten, the longest unused first.
    """

    address: str
    run: str
    tenant: str
    feature_set: str = SET_DIGEST
    max_subjects: int = 1_000_000


class Written(msgspec.Struct, frozen=True):
    """A file that a worker wrote."""

    name: str
    digest: str
    rows: int = 0


def first_book(ask: Ask) -> Written:
    """Write the book that knows nothing."""
    return _keep(ask, 0, _book(ask).snapshot())


def learn_part(ask: Ask, number: int, part: Part, before: Written) -> Written:
    """Pass one: learn part ``number`` on top of the book ``before`` it; return the book after it."""
    book = _restored(ask, before)
    for event in read_events(Shelf(ask.address), part, ask.tenant):
        book.learn(event)
    return _keep(ask, number + 1, book.snapshot())


def replay_part(ask: Ask, number: int, part: Part, before: Written) -> Written:
    """Pass two: write the features of part ``number``, each from what came before its event."""
    book, shelf = _restored(ask, before), Shelf(ask.address)
    events = read_events(shelf, part, ask.tenant)
    rows = np.array([row for _, row in replay(events, book)], dtype=np.float64)
    columns = {
        "event_id": pa.array([event.event_id for event in events], pa.string()),
        "time_ns": pa.array([event.time_ns for event in events], pa.int64()),
        "subject": pa.array([f"{event.subject_type}:{event.subject_id}" for event in events], pa.string()),
    }
    columns |= {name: pa.array(rows[:, place], pa.float64()) for place, name in enumerate(NAMES)}
    name = f"{ask.run}/features/part-{number:05}.parquet"
    return Written(name, shelf.write(name, write_table(pa.table(columns))), len(events))


def _keep(ask: Ask, number: int, book: bytes) -> Written:
    name = f"{ask.run}/books/before-{number:05}.bin"
    return Written(name, Shelf(ask.address).write(name, book))


def _book(ask: Ask) -> ProfileBook:
    if ask.feature_set != SET_DIGEST:
        text = "this worker has another catalogue of signals than the coordinator: install the same version"
        raise FaultyInputError("history_other_version", text)
    return ProfileBook(ask.tenant, max_subjects=ask.max_subjects)


def _restored(ask: Ask, kept: Written) -> ProfileBook:
    book = _book(ask)
    book.restore(Shelf(ask.address).read(kept.name, kept.digest))
    return book
