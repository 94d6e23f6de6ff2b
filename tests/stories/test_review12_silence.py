"""Attacks on the search for silent lines: what is slow is not silent, and who goes leaves nobody behind."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from ostiary.errors import UnavailableError
from ostiary.storage.hurry import hurrying
from ostiary.storage.postgres.lines import connect
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.store import PostgresStore, open_store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.flaky_link import FlakyLink

ANSWER_S = 0.5
LARGE = b"x" * 4_000_000
SLOW = "SELECT pg_sleep(15)"


@pytest.fixture
def link(postgres_place: Callable[[str], PostgresPlace]) -> Iterator[FlakyLink]:
    with FlakyLink("127.0.0.1", urlsplit(postgres_place("postgres_18").url).port or 5432) as opened:
        # What lies in buffers of machines between is not on its way.
        opened._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        yield opened


@pytest.fixture
def store(postgres_place: Callable[[str], PostgresPlace], link: FlakyLink) -> Iterator[PostgresStore]:
    place = postgres_place("postgres_18")
    near = msgspec.structs.replace(place, url=link.address(place.url), answer_s=ANSWER_S)
    with open_store(near, FakeClock()) as opened:
        yield opened


def test_what_takes_long_to_arrive_is_written(store: PostgresStore, link: FlakyLink) -> None:
    """Until the last byte is there the server is at nothing, and its line was cut: no large row could be written."""
    store.snapshots.save("acme", "k", "n", b"x", 1)  # the statement is known: all that comes is values
    link.behave(delay_s=0.008)  # 250 pieces, two seconds and more
    store.snapshots.save("acme", "k", "n", LARGE, 2)
    link.behave()
    assert store.snapshots.load("acme", "k", "n") == LARGE


def test_what_takes_long_to_come_back_is_read(store: PostgresStore, link: FlakyLink) -> None:
    """The server has said all, and is at nothing, while its answer is still on its way."""
    store.snapshots.save("acme", "k", "n", LARGE, 1)
    link.behave(delay_s=0.008)
    assert store.snapshots.load("acme", "k", "n") == LARGE
    link.behave()


def test_a_line_is_known_by_its_server_whatever_a_pooler_says(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooler in session mode tells a number of its own: each statement of a second was cut."""
    monkeypatch.setattr(asyncpg.Connection, "get_server_pid", lambda _self: 1)
    database = store.database
    line = database._writer
    database._run(line.ask(line.connection.execute(f"SELECT pg_sleep({3 * ANSWER_S})")))
    assert line.is_open


async def _asleep(place: PostgresPlace) -> int:
    line = await connect(place, as_owner=True)
    try:
        return int(await line.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query = $1", SLOW))
    finally:
        await line.close()


def test_who_gave_up_waiting_leaves_no_process_behind(
    store: PostgresStore, postgres_place: Callable[[str], PostgresPlace]
) -> None:
    """Each kept a process of a slow server busy for half a minute, and the next try took another one."""
    database, place = store.database, postgres_place("postgres_18")

    async def ask() -> None:
        line = await database._lines.open()
        await line.ask(line.connection.execute(SLOW))

    with hurrying():
        for _ in range(3):
            with pytest.raises(UnavailableError):
                database._run(ask())
    until = time.monotonic() + 4.0
    while (left := asyncio.run(_asleep(place))) and time.monotonic() < until:
        time.sleep(0.1)
    assert left == 0
