"""Answers of PostgreSQL as they come: values as the driver reads them, limits while it comes, nothing but a query."""

from collections.abc import Iterator
from typing import Any

import pytest
from pg8000 import converters, native

from ostiary.errors import OstiaryError
from ostiary.pipeline.features.ports import Limits
from ostiary.storage.postgres.link import Link, PostgresSource
from ostiary.storage.postgres.rows import read_rows

PID = "SELECT pg_backend_pid() AS pid"
PLAIN_READING = {
    "bool": lambda text: converters.bool_in(text[:1]),
    "date": converters.date_in,
    "float4": float,
    "float8": float,
    "int2": int,
    "int8": int,
    "numeric": float,
    "text": str,
    "timestamp": converters.timestamp_in,
    "timestamptz": converters.timestamptz_in,
}


@pytest.fixture
def link(postgres: Any) -> Iterator[Link]:
    made = Link(PostgresSource("one", postgres.dsn()), 20)
    made.run("SET timezone = 'UTC'")
    yield made
    made.close()


def pid(link: Link) -> Any:
    return link.run(PID).rows[0][0]


def refusal(link: Link, sql: str, **limits: int) -> str:
    with pytest.raises(OstiaryError) as fault:
        read_rows(link, sql, Limits(**limits))
    return fault.value.code


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("bool", ("t", "f")),
        ("date", ("2026-02-28", "0001-01-01", "9999-12-31")),
        ("float4", ("1.5", "-0", "3.4e38")),
        ("float8", ("0.1", "-0", "1e-320", "1.7976931348623157e308", "Infinity", "-Infinity", "123456789.12345678")),
        ("int2", ("-32768", "32767")),
        ("int8", ("-9223372036854775808", "9223372036854775807", "0")),
        ("numeric", ("0.1", "12345678901234567890.5", "-1e-30", "7")),
        ("text", ("", "ü😀\n", "null")),
        ("timestamp", ("2026-01-01 00:00:00", "2026-01-01 00:00:00.5", "1969-12-31 23:59:59.999999")),
        ("timestamptz", ("2026-01-01 00:00:00+00", "2026-07-01 12:30:00.000001+05:30", "0001-01-02 00:00:00+00")),
    ],
)
def test_a_value_is_what_the_driver_reads_from_the_same_text(link: Link, kind: str, texts: tuple[str, ...]) -> None:
    rows = ", ".join(f"('{text}'::{kind})" for text in texts)
    sent = link.run(f"SELECT v::text FROM (VALUES {rows}) AS t(v)").rows  # noqa: S608 - our own words
    found = read_rows(link, f"SELECT v FROM (VALUES {rows}, (NULL)) AS t(v)", Limits())  # noqa: S608 - our own words
    assert found.column("v").to_pylist() == [*(PLAIN_READING[kind](text) for (text,) in sent), None]


def test_what_has_no_place_in_arrow_is_told_and_the_line_goes_on(link: Link) -> None:
    before = pid(link)
    for text in ("'infinity'::timestamp", "'294276-01-01'::timestamptz", "'infinity'::date"):
        assert refusal(link, f"SELECT {text} AS at") == "query_invalid"
    assert (pid(link), link.broken) == (before, False)


def test_not_a_number_is_a_number_of_arrow(link: Link) -> None:
    found = read_rows(link, "SELECT 'NaN'::float8 AS a, 'NaN'::numeric AS b", Limits()).to_pylist()[0]
    assert found["a"] != found["a"]
    assert found["b"] != found["b"]


def test_many_rows_come_whole_and_in_their_order(link: Link) -> None:
    found = read_rows(link, "SELECT n, 'x' || n AS s FROM generate_series(1, 12001) AS n", Limits())
    assert found.column("n").to_pylist() == list(range(1, 12002))
    assert found.column("s").to_pylist()[-1] == "x12001"


def test_no_rows_and_no_columns_are_answers_too(link: Link) -> None:
    assert read_rows(link, "SELECT 1 AS a WHERE false", Limits()).to_pydict() == {"a": []}
    assert read_rows(link, "SELECT FROM generate_series(1, 3)", Limits()).num_columns == 0
    assert read_rows(link, "SELECT 1 AS a, 2 AS a", Limits()).column_names == ["a", "a"]


def test_a_little_too_much_leaves_the_line_and_a_lot_cuts_it(link: Link) -> None:
    before = pid(link)
    assert refusal(link, "SELECT * FROM generate_series(1, 100)", max_rows=10) == "query_too_large"
    assert (pid(link), link.broken) == (before, False)
    assert refusal(link, "SELECT * FROM generate_series(1, 300000)", max_rows=10) == "query_too_large"
    assert link.broken


def test_bytes_are_bounded_by_the_batch_and_by_the_row(link: Link) -> None:
    wide = "SELECT repeat('x', 1000) AS s FROM generate_series(1, 5200)"
    assert refusal(link, wide, max_bytes=1_000_000) == "query_too_large"
    assert not link.broken
    assert refusal(link, "SELECT repeat('x', 10000000) AS s", max_bytes=1_000_000) == "query_too_large"
    assert link.broken


def test_a_fault_of_the_query_leaves_the_line_ready(link: Link) -> None:
    before = pid(link)
    for sql in ("SELECT 1 / 0", "SELECT nosuch", "SELECT 1 / (n - 7000) FROM generate_series(1, 9000) AS n"):
        with pytest.raises(native.DatabaseError):
            read_rows(link, sql, Limits())
    assert (pid(link), link.broken) == (before, False)
    assert link.connection._transaction_status == b"I", "no transaction was left open"


@pytest.mark.parametrize(
    "sql",
    [
        "SET ROLE postgres",
        "COPY (SELECT 1) TO STDOUT",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "CREATE TABLE stream_x (a int)",
        "INSERT INTO stream_w VALUES (1) RETURNING a",
        "WITH w AS (INSERT INTO stream_w VALUES (1) RETURNING a) SELECT a FROM w",
        "SELECT 1) AS answer; COMMIT; CREATE TABLE stream_x (a int); SELECT (1",
        "SELECT 1 AS a INTO stream_x",
        "EXPLAIN SELECT 1",
        "COMMIT",
        "SELECT 1 -- ) AS answer",
    ],
)
def test_nothing_but_a_query_can_stand_where_a_table_stands(link: Link, sql: str) -> None:
    """Sent as the owner, who may do all of it: the place alone keeps it out."""
    link.run("CREATE TABLE IF NOT EXISTS stream_w (a int)")
    if sql.startswith("SELECT 1 --"):
        assert read_rows(link, sql, Limits()).num_rows == 1, "a comment ends with its line"
    else:
        with pytest.raises(native.DatabaseError):
            read_rows(link, sql, Limits())
    left = link.run("SELECT (SELECT count(*) FROM stream_w), to_regclass('stream_x')").rows
    assert left == [[0, None]]


def test_what_writes_by_a_function_meets_a_transaction_that_reads(link: Link) -> None:
    link.run("CREATE SEQUENCE IF NOT EXISTS stream_s")
    with pytest.raises(native.DatabaseError):
        read_rows(link, "SELECT nextval('stream_s')", Limits())
