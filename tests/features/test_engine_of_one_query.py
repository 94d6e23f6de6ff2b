"""The engine by itself: what it ends, what it never reads, and that two queries share nothing."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.pipeline.features.budget import Budget
from ostiary.pipeline.features.ports import Limits
from ostiary.pipeline.features.shelf import Shelf, packed
from ostiary.storage.duckdb import DuckEngine
from ostiary.storage.duckdb.child import touch_memory

TABLE = pa.table({"a": [1, 2, 3], "b": ["x", "y", None]})
SECRET_IN_THIS_FRAME = pa.table({"stolen": [42]})


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    made = DuckEngine(memory_mb=64)
    yield made
    made.close()


def code(engine: DuckEngine, sql: str, **limits: Any) -> str:
    with pytest.raises(OstiaryError) as fault:
        engine.run(sql, {"f": TABLE}, Limits(**{"timeout_s": 1.0, **limits}))
    return fault.value.code


def test_an_answer_is_whole_or_none(engine: DuckEngine) -> None:
    assert engine.run("select a from f order by a", {"f": TABLE}, Limits()).to_pydict() == {"a": [1, 2, 3]}
    assert engine.run("select a from f where a > 5", {"f": TABLE}, Limits()).num_rows == 0
    assert code(engine, "select a from f", max_rows=2) == "query_too_large"
    assert code(engine, "select repeat('x', 1000) from range(1000)", max_bytes=10_000) == "query_too_large"


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select count(*) from range(1000000000000)", "query_too_long"),
        ("select list(range) from range(1000000000)", "query_too_large"),
        ("select len(range(1000000000))", "query_too_large"),
        ("with recursive r as (select 1 n union all select n + 1 from r) select count(*) from r", "query_too_long"),
        ("select 1; select 2", "query_not_allowed"),
        ("create table x as select 1", "query_not_allowed"),
        ("set threads = 8", "query_not_allowed"),
        ("select * from read_text('/etc/passwd')", "query_not_allowed"),
        ("select * from '/etc/passwd'", "query_unknown_table"),
        ("select * from SECRET_IN_THIS_FRAME", "query_unknown_table"),
        ("select * from TABLE", "query_invalid"),
        ("select nosuch from f", "query_unknown_column"),
        ("select error('x')", "query_invalid"),
    ],
)
def test_what_is_ended_and_what_is_refused(engine: DuckEngine, sql: str, why: str) -> None:
    assert code(engine, sql) == why
    assert engine.run("select 1 as one", {}, Limits()).num_rows == 1


@pytest.mark.parametrize(
    "sql",
    [
        "select length(repeat('x', 1000000000))",
        "select len(repeat([1], 200000000))",
        "select len(list_resize([1], 200000000))",
        "select length(lpad('x', 1000000000, 'y'))",
        "select length(format('{:>1000000000}', 'x'))",
        "select bit_count(bitstring('1', 2000000000))",
        "select len(string_split(repeat('a,', 20000000), ','))",
        "select len(generate_series(1, 200000000))",
    ],
)
def test_memory_that_the_engine_does_not_count_ends_the_process_and_not_ours(engine: DuckEngine, sql: str) -> None:
    """Measured without the processes: up to 20 GB for a limit of 64 MB, and minutes that nothing interrupts."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert code(engine, sql) in {"query_too_large", "query_too_long", "query_invalid"}
    assert time.monotonic() - start < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert engine.run("select 1 as one", {}, Limits()).num_rows == 1


def test_two_queries_share_nothing(engine: DuckEngine) -> None:
    engine.run("select * from f", {"f": TABLE, "g": TABLE}, Limits())
    assert code(engine, "select * from g") == "query_unknown_table"


def test_the_smallest_memory_that_can_be_set_is_enough() -> None:
    small = DuckEngine(memory_mb=16, ready=1)
    try:
        for _ in range(3):
            assert small.run("select sum(a) as s from f", {"f": TABLE}, Limits()).to_pydict() == {"s": [6]}
        assert small.cpu_ns > 0
    finally:
        small.close()


def test_memory_is_touched_for_the_next_query_only_while_nobody_asks() -> None:
    class Database:
        asked = 0

        def execute(self, sql: str, values: dict[str, int]) -> "Database":
            self.asked += 1
            return self

        def fetchall(self) -> list[Any]:
            return []

    ours, theirs = socket.socketpair()
    with ours, theirs:
        idle, asked = Database(), Database()
        touch_memory(theirs, idle, 64)  # type: ignore[arg-type]
        ours.send(b"a question")
        touch_memory(theirs, asked, 64)  # type: ignore[arg-type]
    assert (idle.asked, asked.asked) == (1, 0)


def test_many_at_once_each_get_their_own(engine: DuckEngine) -> None:
    found: list[int] = []

    def ask(number: int) -> None:
        table = pa.table({"a": [number]})
        found.append(engine.run("select a from f", {"f": table}, Limits()).column("a").to_pylist()[0])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(4))


def test_a_closed_engine_answers_nothing() -> None:
    made = DuckEngine(ready=1)
    made.close()
    with pytest.raises(UnavailableError):
        made.run("select 1", {}, Limits())


def test_the_watch_interrupts_only_what_is_late(engine: DuckEngine) -> None:
    start = time.monotonic()
    assert code(engine, "select count(*) from range(1000000000000)", timeout_s=0.2) == "query_too_long"
    assert time.monotonic() - start < 4
    assert engine.run("select count(*) from range(1000)", {}, Limits(timeout_s=5)).num_rows == 1


def test_the_shelf_keeps_what_fits_and_drops_the_oldest() -> None:
    table = pa.table({"a": list(range(1000))})
    shelf = Shelf(table.nbytes * 2)
    for name in "abc":
        shelf.put(name, table)
    assert (shelf.get("a"), shelf.get("b") is table, shelf.get("c") is table) == (None, True, True)
    shelf.put("large", pa.table({"a": list(range(10_000))}))
    assert (shelf.get("large"), shelf.get("c") is table) == (None, True)


def test_packing_changes_no_value() -> None:
    table = pa.table({"s": ["a", "b", None, "a"] * 100, "n": [1, 2, 3, 4] * 100})
    assert packed(table).to_pylist() == table.to_pylist()
    assert pa.types.is_dictionary(packed(table).column("s").type)


def test_a_budget_is_one_tokens_of_one_tenant() -> None:
    budget = Budget(10)
    budget.spend("t", "a", 7, 100, 1)
    assert (budget.left("t", "a"), budget.left("t", "b"), budget.left("u", "a")) == (3, 10, 10)
    with pytest.raises(OstiaryError):
        budget.spend("t", "a", 4, 100, 1)
    with pytest.raises(OstiaryError):
        budget.left("t", "a")
    assert Budget(0).left("t", "a") is None
