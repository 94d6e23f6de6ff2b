"""Reading inside a transaction of its own: what comes of it is there before anybody else may write."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.storage.sqlite.database import SqliteDatabase
from ostiary.vocabulary.clock import SystemClock


class Between(SqliteDatabase):
    """Somebody else writes, and has not committed, as soon as a statement has let go of the writing connection."""

    others: Any = None

    def _inside(self, *told: Any) -> Any:
        found = super()._inside(*told)
        if self.others is not None:
            others, self.others = self.others, None
            others()
        return found


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Between]:
    made = Between(tmp_path / "o.db", SystemClock())
    for number in (1, 3):
        made.write("save_pep", f"pep_{number}", "default", b"%d" % number, 0)
    yield made
    made.close()


def test_what_another_thread_has_not_committed_is_not_read(database: Between) -> None:
    written, read = threading.Event(), threading.Event()

    def write() -> None:
        with contextlib.suppress(ZeroDivisionError), database.transaction():
            database.write("save_pep", "pep_2", "default", b"2", 0)
            written.set()
            read.wait(5)
            raise ZeroDivisionError

    thread = threading.Thread(target=write)

    def others() -> None:
        thread.start()
        written.wait(5)

    database.others = others
    found = database.read_inside("peps")
    read.set()
    thread.join()
    assert found == [(b"1",), (b"3",)]


def test_a_statement_that_writes_and_returns_is_committed(database: Between) -> None:
    numbers = [database.read_inside("next_number", "default", "drawer", "topic")[0][0] for _ in range(2)]
    assert numbers == [1, 2]


def test_reading_while_the_log_is_to_be_emptied_is_no_fault(database: Between) -> None:
    database._scrub = True  # as after an erasure while somebody read an older state
    assert len(database.read_inside("peps")) == 2
    assert not database._scrub, "what was erased is gone from the write-ahead log"
