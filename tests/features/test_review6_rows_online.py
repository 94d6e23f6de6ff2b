"""Online values keep to the same rows as history: their number, and whose they are."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from ostiary.errors import RefusedError
from ostiary.pipeline.features.predicates import Comparison
from ostiary.pipeline.features.view import View

NOW_NS = 1_790_000_000_000_000_000
COLUMNS = ("user_id", "at", "amount", "country")
GERMANY = View(COLUMNS, rows=(Comparison("country", "eq", "de"),))


@pytest.fixture
def world(make_worlds: Callable[..., Any]) -> Any:
    _, worlds = make_worlds("parquet", rows_differ=False)
    return worlds[0]


def put(world: Any, view: View, **row: Any) -> None:
    rows = world.door.check_write("default", "people", view, pa.table({k: [v] for k, v in row.items()}), NOW_NS)
    world.door.write("default", "people", view, rows, NOW_NS)


def get(world: Any, view: View, *users: int) -> list[Any]:
    keys = [{"user_id": user} for user in users]
    return [row["amount"] for row in world.door.online("default", "people", view, keys, ["amount"])]


def test_a_limit_of_rows_holds_online(world: Any) -> None:
    few = View(COLUMNS, max_rows=2)
    assert len(get(world, few, 1, 2)) == 2
    with pytest.raises(RefusedError) as fault:
        get(world, few, 1, 2, 3)
    assert fault.value.code == "query_too_large"


def test_nobody_makes_a_row_his_own_to_see_what_stands_in_it(world: Any) -> None:
    put(world, View(COLUMNS), user_id=1, at="2026-03-01T00:00:00Z", amount=1234.0, country="fr")
    assert get(world, GERMANY, 1) == [None]
    with pytest.raises(RefusedError) as fault:
        put(world, GERMANY, user_id=1, at="2026-03-02T00:00:00Z", country="de")
    assert fault.value.code == "feature_rows_outside"
    assert get(world, GERMANY, 1) == [None]
    assert get(world, View(COLUMNS), 1) == [1234.0]


def test_a_row_of_which_nobody_knows_whose_it_is_is_not_taken_either(world: Any) -> None:
    put(world, View(COLUMNS), user_id=2, at="2026-03-01T00:00:00Z", amount=1234.0)
    with pytest.raises(RefusedError):
        put(world, GERMANY, user_id=2, at="2026-03-02T00:00:00Z", country="de")


def test_new_rows_and_own_rows_are_written_as_before(world: Any) -> None:
    put(world, GERMANY, user_id=3, at="2026-03-01T00:00:00Z", amount=1.0, country="de")
    put(world, GERMANY, user_id=3, at="2026-03-02T00:00:00Z", amount=2.0, country="de")
    assert get(world, GERMANY, 3) == [2.0]
