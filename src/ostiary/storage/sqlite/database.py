"""One SQLite file: one connection that writes, a few that read, and faults in our own words.

- WAL, ``synchronous=FULL``: a committed transaction survives a power cut. ``BEGIN IMMEDIATE`` excludes every other
  writer, those of other processes too.
- A transaction entered again by the same thread joins the outer one.
- What is erased is overwritten with zeros (``secure_delete``) and the write-ahead log is emptied afterwards: at
  once, or, while somebody still reads an older state (a verification of the whole log takes long), by a later one.
  Nobody waits for readers: every writer, and with it every answer, would wait with him.
- Full disk = ``disk_full``, anything else that SQLite cannot do = ``storage_unavailable``: callers fail closed.
"""

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from ostiary.errors import UnavailableError
from ostiary.storage.sqlite.migrate import migrate
from ostiary.storage.sqlite.statements import statement
from ostiary.storage.tables.database import Beside, Row
from ostiary.vocabulary.clock import Clock

_BUSY_MS: Final = 10_000
_WRITER_CACHE_KIB: Final = 32_768
_WAL_PAGES: Final = 4_000
_SCRUB_AGAIN_S: Final = 0.5
_LAST_TRIES: Final = 6
_WAL_BYTES: Final = 64 << 20
# Of values: half of a surrogate pair, a number beyond 64 bits.
_FAULTS: Final = (sqlite3.Error, UnicodeEncodeError, OverflowError)

T = TypeVar("T")


class SqliteDatabase:
    """An open database file; safe for many threads."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open or make the file (mode 0600) and bring its schema up to date.

        Raises:
            UnavailableError: ``storage_unavailable`` or ``schema_refused``.
        """
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0
        self._scrub = False
        self._scrub_after = 0.0
        # The one that was used last first; its two ends are atomic, and no lock is waited for.
        self._readers: deque[sqlite3.Connection] = deque()
        with told():
            make_private(path)
            self._writer = connect(path)
            self._writer.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
            self.version = migrate(self._writer, clock)

    @contextmanager
    def transaction(self) -> Iterator["SqliteDatabase"]:
        """Write in one transaction; leaving it commits, an exception rolls back."""
        with self._lock, told():
            if self._depth:
                yield self
                return
            self._writer.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield self
                self._writer.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._depth = 0
            self._empty_wal_if_erased()

    def beside(self) -> AbstractContextManager[Beside]:
        """Write like any other: a file has one writer at a time."""
        return self.transaction()

    def alone(self) -> None:
        """Nothing is to be done: a transaction excludes all others."""

    def write(self, name: str, *values: object) -> int:
        """Run a named statement inside a transaction; return how many rows it changed."""
        return self._inside(self._writer.execute, name, values, _changed)

    def write_named(self, name: str, values: dict[str, object]) -> int:
        """Like ``write``, with named values."""
        return self._inside(self._writer.execute, name, values, _changed)

    def write_many(self, name: str, rows: Iterable[Sequence[object] | Mapping[str, object]]) -> None:
        """Run a named statement for every row, inside a transaction."""
        self._inside(self._writer.executemany, name, rows, _changed)

    def erase(self, name: str, rows: Iterable[Sequence[object]]) -> int:
        """Like ``write_many``, but what goes is overwritten with zeros; return how many rows it changed."""
        with self.transaction():
            self._writer.execute("PRAGMA secure_delete = ON")
            try:
                changed = self._writer.executemany(statement(name), rows).rowcount
            finally:
                self._writer.execute("PRAGMA secure_delete = OFF")
            self._scrub = True
            return changed

    def read_inside(self, name: str, *values: object) -> list[Row]:
        """Run a named query on the writing connection, inside a transaction: sees what it has written so far."""
        return self._inside(self._writer.execute, name, values, sqlite3.Cursor.fetchall)

    def read_inside_named(self, name: str, values: dict[str, object]) -> list[Row]:
        """Like ``read_inside``, with named values."""
        return self._inside(self._writer.execute, name, values, sqlite3.Cursor.fetchall)

    def read(self, name: str, *values: object) -> list[Row]:
        """Run a named query on committed data."""
        return self._committed(name, values)

    def read_named(self, name: str, values: dict[str, object]) -> list[Row]:
        """Run a named query with named values on committed data."""
        return self._committed(name, values)

    def inside(self) -> bool:
        """Return whether this thread is in a transaction."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._depth > 0
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        with self._lock, told():
            for _ in range(_LAST_TRIES if self._scrub else 0):
                if self._emptied_wal():
                    break
                time.sleep(_SCRUB_AGAIN_S)
            while self._readers:
                self._readers.pop().close()
            self._writer.close()

    def _inside(
        self, run: Callable[[str, Any], sqlite3.Cursor], name: str, values: Any, take: Callable[[sqlite3.Cursor], T]
    ) -> T:
        """Run a named statement inside a transaction: this thread's own, if it is in one, else one for it alone.

        What comes of it is taken inside, too: rows that are still to be read belong to whoever writes next.
        """
        # Written out for the thread that is in one: a batch of records makes a dozen of these, and two generators for
        # each were a fifth of what the batch cost.
        with self._lock:
            if not self._depth:
                with self.transaction():
                    return take(run(statement(name), values))
            try:
                return take(run(statement(name), values))
            except _FAULTS as fault:
                raise in_our_words(fault) from fault

    def _committed(self, name: str, values: Any) -> list[Row]:
        try:
            try:
                connection = self._readers.pop()
            except IndexError:
                connection = connect(self.path)
                connection.execute("PRAGMA query_only = ON")
            try:
                return connection.execute(statement(name), values).fetchall()
            finally:
                self._readers.append(connection)
        except _FAULTS as fault:
            raise in_our_words(fault) from fault

    def _roll_back(self) -> None:
        if self._writer.in_transaction:  # SQLite has rolled back by itself after some faults
            self._writer.execute("ROLLBACK")

    def _empty_wal_if_erased(self) -> None:
        if self._scrub and time.monotonic() >= self._scrub_after:
            self._scrub = not self._emptied_wal()
            self._scrub_after = time.monotonic() + _SCRUB_AGAIN_S if self._scrub else 0.0

    def _emptied_wal(self) -> bool:
        """Empty the write-ahead log if nobody reads an older state; return whether that was so."""
        self._writer.execute("PRAGMA busy_timeout = 0")
        try:
            busy = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        return not busy


def _changed(cursor: sqlite3.Cursor) -> int:
    return cursor.rowcount


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection as every one of ours is."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    return connection


def make_private(path: Path) -> None:
    """Make the file if it is missing, for nobody else.

    Raises:
        UnavailableError: ``storage_unavailable``.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as fault:
        text = f"the database `{path}` cannot be opened: {fault.strerror}"
        raise UnavailableError("storage_unavailable", text) from fault


@contextmanager
def told() -> Iterator[None]:
    """Turn every fault of SQLite into ``disk_full`` or ``storage_unavailable``."""
    try:
        yield
    except _FAULTS as fault:
        raise in_our_words(fault) from fault


def in_our_words(fault: Exception) -> UnavailableError:
    """Return what a fault of SQLite means here: ``disk_full`` or ``storage_unavailable``."""
    if not isinstance(fault, sqlite3.Error):
        return UnavailableError("storage_unavailable", f"a value fits no column: {type(fault).__name__}")
    name = getattr(fault, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return UnavailableError("disk_full", "the disk is full")
    return UnavailableError("storage_unavailable", f"the database failed: {fault} {name}".rstrip())
