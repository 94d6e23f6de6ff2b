"""A filter as SQL selects no row that policy would not, in real databases, and no value is in its text."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.errors import RefusedError
from ostiary.policy.filter_sql import MAX_DEPTH, where

LEVELS = (None, 0, 1, 2, 7)
NAMES = (None, "", "a", "A", "ab", "a_b", "a%b", "o'brien", 'q"', "ba", "ä", "éa")
ROWS = [{"level": level, "name": name} for level in LEVELS for name in NAMES]
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "contains": lambda a, b: b in a,
    "startswith": lambda a, b: a.startswith(b),
    "endswith": lambda a, b: a.endswith(b),
}
texts = st.sampled_from([name for name in NAMES if name is not None]) | st.sampled_from(["') OR 1=1 --", "$1", "?1"])
numbers = st.integers(-3, 9)


def _test(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"type": "field", "field": f"document.{field}", "operator": operator, "value": value}


leaves = st.one_of(
    st.builds(_test, st.just("level"), st.sampled_from(["eq", "ne", "lt", "lte", "gt", "gte"]), numbers),
    st.builds(_test, st.just("level"), st.just("in"), st.lists(numbers, max_size=3)),
    st.builds(_test, st.just("name"), st.sampled_from(["eq", "ne", "contains", "startswith", "endswith"]), texts),
    st.builds(_test, st.just("name"), st.just("in"), st.lists(texts, max_size=3)),
    st.builds(_test, st.sampled_from(["level", "name"]), st.sampled_from(["eq", "ne"]), st.none()),
)


def _joined(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    many = st.builds(
        lambda op, value: {"type": "compound", "operator": op, "value": value},
        st.sampled_from(["and", "or"]),
        st.lists(parts, min_size=1, max_size=3),
    )
    return many | st.builds(lambda one: {"type": "compound", "operator": "not", "value": [one]}, parts)


conditions = st.recursive(leaves, _joined, max_leaves=6)


def means(told: Any, row: dict[str, Any]) -> bool | None:
    """Say what holds of a row; ``None`` where it hangs on something that is not there."""
    if told["type"] == "field":
        known, value = row[told["field"].removeprefix("document.")], told["value"]
        if value is None or known is not None:
            return bool(_OPERATORS[told["operator"]](known, value))
        return False if value == [] else None
    parts = [means(one, row) for one in told["value"]]
    if told["operator"] == "not":
        return None if parts[0] is None else not parts[0]
    strong = bool(told["operator"] == "or")  # one true part decides an `or`, one false part an `and`
    if strong in parts:
        return strong
    return None if None in parts else not strong


@pytest.fixture(scope="module")
def sqlite() -> sqlite3.Connection:
    line = sqlite3.connect(":memory:")
    line.execute("CREATE TABLE rows (id INTEGER, level INTEGER, name TEXT)")
    line.executemany("INSERT INTO rows VALUES (?, ?, ?)", [(n, r["level"], r["name"]) for n, r in enumerate(ROWS)])
    return line


@given(conditions)
def test_sqlite_selects_what_policy_means(sqlite: sqlite3.Connection, told: Any) -> None:
    found = where(told, "sqlite")
    selected = {row[0] for row in sqlite.execute(f"SELECT id FROM rows WHERE {found.sql}", found.values)}  # noqa: S608 - the thing under test
    assert selected == {number for number, row in enumerate(ROWS) if means(told, row) is True}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(told=st.lists(conditions, min_size=20, max_size=20))
def test_postgresql_selects_what_policy_means(postgres_url: str, told: list[Any]) -> None:
    async def ask() -> None:
        line = await asyncpg.connect(postgres_url)
        try:
            await line.execute("CREATE TEMPORARY TABLE rows (id int, level int, name text)")
            await line.copy_records_to_table("rows", records=[(n, r["level"], r["name"]) for n, r in enumerate(ROWS)])
            for one in told:
                found = where(one, "postgresql")
                rows = await line.fetch(f"SELECT id FROM rows WHERE {found.sql}", *found.values)  # noqa: S608 - as above
                assert {row["id"] for row in rows} == {n for n, row in enumerate(ROWS) if means(one, row) is True}
        finally:
            await line.close()

    asyncio.run(ask())


@given(conditions, st.sampled_from(["postgresql", "sqlite"]))
def test_no_value_is_in_the_text(told: Any, dialect: Any) -> None:
    assert "'" not in where(told, dialect).sql


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "field", "operator", "value"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JUNK)
def test_what_is_not_understood_is_refused_and_never_anything_else(told: Any) -> None:
    try:
        where(told, "sqlite")
    except RefusedError as no:
        assert no.code == "filter_not_understood"  # noqa: PT017 - most are refused, some are not


@pytest.mark.parametrize(
    "told",
    [
        _test("level", "lt", "a text is not ordered"),
        _test("level", "eq", [1]),
        _test("level", "eq", 2**63),
        _test("name", "eq", "a\0b"),
        _test("name", "eq", "\ud800"),
        _test("name", "in", [None]),
        _test('name" = "name', "eq", 1),
        _test("a.b", "eq", 1),
        _test("name", "regex", "a"),
        {"type": "compound", "operator": "and", "value": []},
        {"type": "compound", "operator": "not", "value": [_test("level", "eq", 1)] * 2},
        {"type": "compound", "operator": "or", "value": [_test("level", "eq", 1)] * 600},
    ],
)
def test_odd_conditions_are_refused(told: Any) -> None:
    with pytest.raises(RefusedError, match="cannot be asked of a database"):
        where(told, "postgresql")


def test_a_condition_is_not_nested_without_end() -> None:
    told: Any = _test("level", "eq", 1)
    for _ in range(MAX_DEPTH + 1):
        told = {"type": "compound", "operator": "not", "value": [told]}
    with pytest.raises(RefusedError):
        where(told, "sqlite")
