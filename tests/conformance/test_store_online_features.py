"""Online values in memory and on disk keep the same promises."""

from collections.abc import Iterator
from typing import Any

import pytest
from stores import EVERY, Stores

from ostiary.pipeline.features.ports import Cell
from ostiary.storage.tables import Store
from ostiary.testing.online_features import MemoryOnlineStore


@pytest.fixture(params=EVERY)
def store(request: Any, stores: Stores) -> Iterator[Any]:
    if request.param == "memory":
        yield MemoryOnlineStore()
        return
    yield stores(request.param).online_features


def cell(value: str, event_ns: int = 1) -> Cell:
    return Cell(value.encode(), event_ns)


def test_only_the_asked_columns_of_the_asked_keys_come(store: Any) -> None:
    store.put("t", "s", [("[1]", "a", cell("1")), ("[1]", "b", cell("2")), ("[2]", "a", cell("3"))])
    assert store.get("t", "s", ["[1]"], ["a"]) == {"[1]": {"a": cell("1")}}
    assert store.get("t", "s", ["[1]", "[2]", "[3]"], ["a", "c"]) == {"[1]": {"a": cell("1")}, "[2]": {"a": cell("3")}}
    assert store.get("t", "s", [], ["a"]) == store.get("t", "s", ["[1]"], []) == {}


def test_the_newest_event_stays(store: Any) -> None:
    store.put("t", "s", [("[1]", "a", cell("new", 5))])
    store.put("t", "s", [("[1]", "a", cell("old", 4)), ("[1]", "b", cell("b", 4))])
    assert store.get("t", "s", ["[1]"], ["a", "b"]) == {"[1]": {"a": cell("new", 5), "b": cell("b", 4)}}
    store.put("t", "s", [("[1]", "a", cell("again", 5))])
    assert store.get("t", "s", ["[1]"], ["a"])["[1]"]["a"] == cell("again", 5)


def test_tenants_and_sets_are_apart(store: Any) -> None:
    store.put("t", "s", [("[1]", "a", cell("1"))])
    assert store.get("other", "s", ["[1]"], ["a"]) == store.get("t", "other", ["[1]"], ["a"]) == {}
    assert (store.forget("other", "s"), store.forget("t", "s")) == (0, 1)
    assert store.get("t", "s", ["[1]"], ["a"]) == {}


def test_names_are_compared_as_they_are(store: Any) -> None:
    odd = ['["a\'b"]', '["%"]', '["[1]"]', '["ä"]']
    store.put("t", "s", [(key, "a", cell(key)) for key in odd])
    for key in odd:
        assert store.get("t", "s", [key], ["a"]) == {key: {"a": cell(key)}}
    assert store.get("t", "s", odd, ["A", "%"]) == {}


def test_a_tenant_is_forgotten_whole(tables: Store) -> None:
    for tenant in ("t", "u"):
        tables.online_features.put(tenant, "s", [("[1]", "a", cell(tenant))])
    tables.forget_tenant("t")
    assert tables.online_features.get("t", "s", ["[1]"], ["a"]) == {}
    assert tables.online_features.get("u", "s", ["[1]"], ["a"]) == {"[1]": {"a": cell("u")}}


def test_what_is_put_over_is_looked_at_as_it_is_written(store: Any) -> None:
    store.put("t", "s", [("[1]", "a", cell("1"))])
    seen: list[Any] = []

    def never(found: Any) -> bool:
        seen.append(found)
        return False

    new = [("[1]", "b", cell("2")), ("[2]", "a", cell("3"))]
    assert not store.put_over("t", "s", new, ["a"], never)
    assert seen == [{"[1]": {"a": cell("1")}}]
    assert store.get("t", "s", ["[1]", "[2]"], ["a", "b"]) == seen[0]
    assert store.put_over("t", "s", new, ["a"], lambda _found: True)
    assert store.get("t", "s", ["[1]", "[2]"], ["b", "a"])["[2]"] == {"a": cell("3")}
