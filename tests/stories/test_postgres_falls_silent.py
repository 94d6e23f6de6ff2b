"""A wire is pulled, a machine between forgets a connection: nothing comes any more, and nobody is told.

The link swallows what open connections say (`FlakyLink.deaden`); the database behind it is a real one.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from ostiary.errors import UnavailableError
from ostiary.storage.hurry import hurrying
from ostiary.storage.postgres import silence
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.store import PostgresStore, open_store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.flaky_link import FlakyLink

ANSWER_S = 0.5
CONNECT_S = 2.0
FOUND_S = 2 * ANSWER_S
"""Half of an answer's time until it is looked for, and a fresh line; the rest is for a busy machine."""


@pytest.fixture
def link(postgres_place: Callable[[str], PostgresPlace]) -> Iterator[FlakyLink]:
    with FlakyLink("127.0.0.1", urlsplit(postgres_place("postgres_18").url).port or 5432) as opened:
        yield opened


@pytest.fixture
def store(postgres_place: Callable[[str], PostgresPlace], link: FlakyLink) -> Iterator[PostgresStore]:
    place = postgres_place("postgres_18")
    near = msgspec.structs.replace(place, url=link.address(place.url), answer_s=ANSWER_S, connect_s=CONNECT_S)
    with open_store(near, FakeClock()) as opened:
        opened.snapshots.save("acme", "k", "n", b"x", 1)
        _ask_at_once(opened, 4)  # so that all lines of the pool are open
        yield opened


def _ask_at_once(store: PostgresStore, times: int) -> None:
    with ThreadPoolExecutor(times) as pool:
        for told in [pool.submit(store.snapshots.load, "acme", "k", "n") for _ in range(times)]:
            assert told.result(10) == b"x"


def _took(work: Callable[[], object]) -> float:
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def test_the_silence_of_all_lines_costs_one_wait_and_not_one_each(store: PostgresStore, link: FlakyLink) -> None:
    assert link.deaden() >= 5
    assert _took(lambda: store.snapshots.load("acme", "k", "n")) < FOUND_S + 0.6
    assert _took(lambda: _ask_at_once(store, 4)) < FOUND_S
    assert _took(lambda: store.snapshots.save("acme", "k", "n", b"x", 2)) < FOUND_S


def test_a_write_on_a_silent_line_is_said_to_have_failed_and_the_next_one_holds(
    store: PostgresStore, link: FlakyLink
) -> None:
    def write_once_more() -> None:
        with store.transaction():
            store.snapshots.save("acme", "k", "n", b"y", 2)
            link.deaden()
            store.snapshots.save("acme", "k", "m", b"y", 3)

    begin = time.monotonic()
    with pytest.raises(UnavailableError):
        write_once_more()
    assert time.monotonic() - begin < FOUND_S + 0.6
    store.snapshots.save("acme", "k", "m", b"z", 4)
    assert (store.snapshots.load("acme", "k", "n"), store.snapshots.load("acme", "k", "m")) == (b"x", b"z")


def test_rows_beside_others_are_added_after_a_silence(store: PostgresStore, link: FlakyLink) -> None:
    assert store.inbox.hand_over([], store.head().epoch)
    link.deaden()
    assert _took(lambda: store.inbox.hand_over([], store.head().epoch)) < 2 * FOUND_S + 0.6


def test_a_statement_that_the_server_is_at_may_take_its_time(store: PostgresStore) -> None:
    database = store.database
    line = database._writer
    database._run(line.ask(line.connection.execute(f"SELECT pg_sleep({3 * ANSWER_S})")))
    assert line.is_open
    assert database._lines.is_good(line)


def test_a_server_without_a_line_for_our_question_tells_nothing_of_the_others(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise asyncpg.TooManyConnectionsError("remaining connection slots are reserved")

    monkeypatch.setattr(silence, "connect", full)
    database = store.database
    line = database._writer
    database._run(line.ask(line.connection.execute(f"SELECT pg_sleep({3 * ANSWER_S})")))
    assert line.is_open


def test_a_process_of_another_server_with_the_same_number_is_not_ours(store: PostgresStore) -> None:
    database = store.database
    line = database._writer
    line.server = (line.server[0], "the one that was in charge before")
    begin = time.monotonic()
    with pytest.raises(UnavailableError):
        database._run(line.ask(line.connection.execute("SELECT pg_sleep(20)")))
    assert time.monotonic() - begin < FOUND_S + 0.6
    store.snapshots.save("acme", "k", "n", b"y", 2)


def test_a_server_that_says_nothing_at_all_holds_nobody_up(store: PostgresStore, link: FlakyLink) -> None:
    link.behave(held=True)  # new connections are silent, too
    begin = time.monotonic()
    with pytest.raises(UnavailableError):
        store.snapshots.load("acme", "k", "n")
    assert time.monotonic() - begin < 4 * ANSWER_S + CONNECT_S + 0.6  # found, and tried on a fresh line once more
    link.behave()
    assert store.snapshots.load("acme", "k", "n") == b"x"


def test_who_decides_waits_no_longer_than_for_an_answer(store: PostgresStore, link: FlakyLink) -> None:
    link.behave(held=True)
    for _ in range(3):
        begin = time.monotonic()
        with hurrying(), pytest.raises(UnavailableError):
            store.snapshots.load("acme", "k", "n")
        assert time.monotonic() - begin < ANSWER_S + 0.3
    link.behave()


def test_who_decides_does_not_wait_for_another_writer_without_end(store: PostgresStore) -> None:
    inside, go = threading.Event(), threading.Event()

    def hold() -> None:
        with store.transaction():
            inside.set()
            go.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    begin = time.monotonic()
    with hurrying(), pytest.raises(UnavailableError):
        store.snapshots.save("acme", "k", "n", b"y", 2)
    assert time.monotonic() - begin < ANSWER_S + 0.3
    go.set()
    holder.join()
