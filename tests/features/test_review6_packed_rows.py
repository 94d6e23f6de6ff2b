"""Rows that are bounded are bounded however they are packed: all of a column in one cell is not one row."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from ostiary.errors import RefusedError
from ostiary.pipeline.features.analysis import analyse
from ostiary.pipeline.features.budget import weight
from ostiary.pipeline.features.view import View

COLUMNS = ("user_id", "amount", "country")


@pytest.fixture(scope="module")
def world(make_worlds: Callable[..., Any]) -> Any:
    _, worlds = make_worlds("parquet", rows_differ=False)
    return worlds[0]


def ask(world: Any, sql: str, max_rows: int | None) -> Any:
    view = View(COLUMNS, max_rows=max_rows)
    return world.door.query("default", "people", view, analyse(sql, "people"), sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select list(amount) from people",
        "select list({'a': user_id, 'b': amount}) from people",
        "select map(list(user_id), list(amount)) from people",
        "select string_agg(user_id || ':' || amount || ':' || country || repeat(' ', 40), ',') from people",
        "select to_json(list(people)) from people",
        "select " + ", ".join(f"max(amount) filter (user_id = {n})" for n in range(1, 60)) + " from people",  # noqa: S608
    ],
)
def test_what_is_packed_into_one_row_is_more_than_one(world: Any, sql: str) -> None:
    assert ask(world, sql, None).num_rows == 1
    with pytest.raises(RefusedError) as fault:
        ask(world, sql, 3)
    assert fault.value.code == "query_too_large"


def test_rows_as_they_are_and_what_is_said_of_many_count_as_they_look(world: Any) -> None:
    assert ask(world, "select * from people limit 3", 3).num_rows == 3
    assert ask(world, "select country, avg(amount), count(*) from people group by 1", 3).num_rows == 3


def test_a_token_pays_for_what_is_packed() -> None:
    packed = pa.table({"a": pa.array([list(range(900))])})
    assert 300 <= weight(packed, 3) <= 302
    assert weight(pa.table({"a": pa.array(["x" * 2560])}), 1) >= 10
    assert weight(pa.table({"a": pa.array(["x", None, ""])}), 1) == 3
    assert weight(pa.table({"a": pa.array([], pa.int64())}), 3) == 0
