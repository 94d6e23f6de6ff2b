"""Review 14: whose a row is holds in the moment of writing; what a destroyed key made is not shown again."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from ostiary.errors import RefusedError
from ostiary.pipeline.features.masks import Mask, MaskKey
from ostiary.pipeline.features.predicates import Comparison
from ostiary.pipeline.features.view import View

NOW_NS = 1_790_000_000_000_000_000
COLUMNS = ("user_id", "at", "amount", "country")
GERMANY = View(COLUMNS, rows=(Comparison("country", "eq", "de"),))
EVERYTHING = View(COLUMNS)
MASKED = View(COLUMNS, masks={"country": Mask("hash")})


@pytest.fixture
def world(make_worlds: Callable[..., Any]) -> Any:
    _, worlds = make_worlds("parquet", rows_differ=False)
    return worlds[0]


def row(country: str, amount: float) -> Any:
    one = {"user_id": 4040, "at": "2026-03-01T00:00:00Z", "amount": amount, "country": country}
    return pa.table({name: [value] for name, value in one.items()})


def shown(world: Any, view: View) -> list[str]:
    spec = world.door.spec("default", "people")
    found: list[str] = world.door._projected("default", "people", spec, view).column("country").to_pylist()
    return found


def test_whoever_looked_first_does_not_write_over_who_came_between(world: Any) -> None:
    """Two writers of one key both found it free; the later one made the other's row its own, and saw into it."""
    before = len(shown(world, EVERYTHING))
    mine = world.door.check_write("default", "people", GERMANY, row("de", 1.0), NOW_NS)
    others = world.door.check_write("default", "people", EVERYTHING, row("fr", 1234.0), NOW_NS)
    world.door.write("default", "people", EVERYTHING, others, NOW_NS)
    with pytest.raises(RefusedError) as fault:
        world.door.write("default", "people", GERMANY, mine, NOW_NS)
    assert fault.value.code == "feature_rows_outside"
    keys = [{"user_id": 4040}]
    assert world.door.online("default", "people", GERMANY, keys, ["amount"])[0]["amount"] is None
    assert world.door.online("default", "people", EVERYTHING, keys, ["amount"])[0]["amount"] == 1234.0
    assert len(shown(world, EVERYTHING)) == before + 1, "nothing of it came into history either"


def test_what_was_masked_with_a_key_that_is_gone_is_not_shown_again(world: Any) -> None:
    """A tenant that came anew under an old name was shown hashes by the key that had been destroyed."""
    old = shown(world, MASKED)
    world.door._keyed = lambda _tenant: MaskKey(b"2" * 32)
    assert set(shown(world, MASKED)).isdisjoint(set(old) - {None})


def test_tables_of_tenants_that_are_gone_leave_memory(world: Any) -> None:
    shown(world, MASKED)
    world.door.forget_others({"default"})
    assert world.door._shelf._tables
    world.door.forget_others(())
    assert (len(world.door._shelf._tables), world.door._shelf._bytes) == (0, 0)
