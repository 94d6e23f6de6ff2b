"""Queries that pass the analysis and hurt by what PostgreSQL says, or by how it reads what was written anew."""

import socket
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pg8000 import native

from ostiary.errors import OstiaryError
from ostiary.pipeline.features.analysis import analyse
from ostiary.pipeline.features.masks import MaskKey
from ostiary.pipeline.features.ports import Limits
from ostiary.pipeline.features.view import View
from ostiary.storage.postgres.link import Link, PostgresSource
from ostiary.storage.postgres.rows import read_rows
from ostiary.storage.postgres.streaming import StreamingConnection

LOUD = "SELECT CAST(REPEAT('x', 30000000) AS INT) AS n FROM people"
BREAKS_OUT = "SELECT '\\' AS a, ' AS b, (SELECT max(rolname) FROM pg_roles) AS c --' AS d FROM people"


@pytest.fixture(scope="module")
def world(make_worlds: Callable[..., Any], postgres: Any) -> Any:
    scene, worlds = make_worlds("postgres", rows_differ=False, server=postgres)
    worlds[0].scene = scene
    return worlds[0]


def ask(world: Any, sql: str, **limits: Any) -> Any:
    spec, view = world.door.spec("default", "people"), View(world.scene.seen)
    written = analyse(sql, "people", "postgres").canonical
    return world.relations.run("default", "people", spec, view, MaskKey(b"k" * 32), written, Limits(**limits))


def test_a_fault_that_holds_a_huge_value_is_not_read(world: Any) -> None:
    """The server's words of a value that is no number hold all of it: thirty megabytes, or a gigabyte."""
    ask(world, "SELECT amount FROM people")
    tracemalloc.start()
    try:
        with pytest.raises(OstiaryError) as fault:
            ask(world, LOUD, max_bytes=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fault.value.code == "query_invalid"
    assert peak < 4_000_000
    assert ask(world, "SELECT amount FROM people").num_rows == world.rows.num_rows


@pytest.fixture
def odd_strings(postgres: Any) -> Iterator[None]:
    """Have the database read backslashes in plain strings, as it was usual before 9.1 and still can be set."""
    owner = native.Connection("postgres", host="127.0.0.1", port=postgres.port, database="postgres")
    owner.run("ALTER DATABASE postgres SET standard_conforming_strings = off")
    yield
    owner.run("ALTER DATABASE postgres RESET standard_conforming_strings")
    owner.close()


@pytest.mark.usefixtures("odd_strings")
def test_a_database_that_reads_backslashes_does_not_read_another_query(world: Any) -> None:
    world.relations.close()  # what was made before this knew nothing of it
    found = ask(world, BREAKS_OUT)
    assert found.column_names == ["a", "d"]
    assert set(found.column("d").to_pylist()) == {" AS b, (SELECT max(rolname) FROM pg_roles) AS c --"}


def test_a_length_that_is_none_does_not_read_to_the_end_of_the_line() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"D" + struct.pack("!i", 3) + b"x" * 1000)
        theirs.shutdown(socket.SHUT_WR)
        line = StreamingConnection.__new__(StreamingConnection)
        line._sock = ours.makefile("rwb")
        line._client_encoding = "utf8"
        with pytest.raises(native.InterfaceError, match="length"):
            line.stream("SELECT 1", Nothing())


class Nothing:
    def described(self, columns: list[dict[str, Any]]) -> None:
        raise AssertionError

    def check(self, length: int, *, row: bool) -> None:
        assert row

    def row(self, data: bytes) -> None:
        raise AssertionError


@pytest.fixture
def link(postgres: Any) -> Iterator[Link]:
    made = Link(PostgresSource("one", postgres.dsn()), 20)
    yield made
    made.close()


def test_a_fault_of_usual_length_leaves_the_line(link: Link) -> None:
    with pytest.raises(native.DatabaseError):
        read_rows(link, "SELECT CAST(REPEAT('x', 100000) AS INT)", Limits(max_bytes=1000))
    assert not link.broken


def test_a_text_that_no_text_of_the_server_can_be_is_the_querys_own_fault(world: Any) -> None:
    """A zero byte ends the text on the wire: what follows would be read as something else."""
    with pytest.raises(OstiaryError) as fault:
        ask(world, "SELECT amount FROM people WHERE country = 'd\0e'")
    assert fault.value.code == "query_invalid"
