"""What is kept of typing and moving: one suite for every backend."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import EVERY, Stores

from ostiary.biometrics.ports import STANDING, PartRow, TemplateStore
from ostiary.storage.sqlite import open_store
from ostiary.storage.tables import Store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.template_store import MemoryTemplates

ANN, BOB = "a" * 32, "b" * 32


@pytest.fixture(params=EVERY)
def store(request: Any, stores: Stores) -> Iterator[TemplateStore]:
    if request.param == "memory":
        yield MemoryTemplates()
        return
    yield stores(request.param).templates


def row(part: str = "keystroke", generation: int = 7, owner: str = ANN, sealed: bytes = b"sealed") -> PartRow:
    return PartRow(owner, part, generation, 1, sealed, generation * 10)


def begun(store: TemplateStore, owner: str = ANN, tenant: str = "t") -> None:
    assert store.put(tenant, row(STANDING, 5, owner), 0, 0)


def test_a_part_comes_back_as_it_was_kept(store: TemplateStore) -> None:
    begun(store)
    assert store.put("t", row(), 0, 5)
    assert store.find("t", ANN, "keystroke") == row()
    assert store.of_owner("t", ANN) == [row(), row(STANDING, 5)]
    assert store.counts("t") == {"keystroke": 1, STANDING: 1}


def test_another_tenant_or_owner_has_none_of_it(store: TemplateStore) -> None:
    begun(store)
    store.put("t", row(), 0, 5)
    for tenant, owner in (("u", ANN), ("t", BOB)):
        assert store.find(tenant, owner, "keystroke") is None
        assert store.of_owner(tenant, owner) == []
        assert store.delete(tenant, owner) == 0
    assert store.counts("u") == {}
    assert store.find("t", ANN, "keystroke") == row()


def test_nothing_is_kept_of_who_did_not_agree(store: TemplateStore) -> None:
    assert not store.put("t", row(), 0, 0 + 5)
    assert store.of_owner("t", ANN) == []


def test_what_is_made_while_somebody_withdraws_is_lost(store: TemplateStore) -> None:
    begun(store)
    assert store.put("t", row(STANDING, 6), 5, 0)
    assert not store.put("t", row(), 0, 5)
    assert store.put("t", row(), 0, 6)
    store.delete("t", ANN)
    begun(store)
    assert not store.put("t", row(generation=8), 7, 5)
    assert not store.put("t", row(generation=8), 0, 6)


def test_of_two_writers_one_wins(store: TemplateStore) -> None:
    begun(store)
    assert store.put("t", row(generation=7), 0, 5)
    assert not store.put("t", row(generation=8), 0, 5)
    assert store.put("t", row(generation=8), 7, 5)
    assert not store.put("t", row(generation=9), 7, 5)
    assert not store.put("t", row(generation=8), 8, 5)


def test_an_owner_is_erased_whole(store: TemplateStore) -> None:
    for owner in (ANN, BOB):
        begun(store, owner)
        store.put("t", row(owner=owner), 0, 5)
    assert store.delete("t", ANN) == 2
    assert store.of_owner("t", ANN) == []
    assert len(store.of_owner("t", BOB)) == 2


def test_what_is_erased_or_replaced_is_not_in_the_file(tmp_path: Path) -> None:
    needles = [b"NEEDLE-one" * 20, b"NEEDLE-two" * 20]
    with open_store(tmp_path / "o.db", FakeClock()) as opened:
        begun(opened.templates)
        opened.templates.put("t", row(sealed=needles[0]), 0, 5)
        opened.templates.put("t", row(generation=8, sealed=needles[1]), 7, 5)
        opened.templates.delete("t", ANN)
    for path in tmp_path.iterdir():
        assert not any(needle in path.read_bytes() for needle in needles), path


def test_a_tenant_that_goes_takes_all_of_it_along(tables: Store) -> None:
    begun(tables.templates)
    begun(tables.templates, tenant="u")
    tables.forget_tenant("t")
    assert tables.templates.of_owner("t", ANN) == []
    assert len(tables.templates.of_owner("u", ANN)) == 1
