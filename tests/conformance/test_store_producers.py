"""One promise, two stores: producers in memory and in SQLite."""

from collections.abc import Iterator

import msgspec
import pytest
from stores import EVERY, Stores

from ostiary.defence.producers import Producer, ProducerStore
from ostiary.storage.tables import Store
from ostiary.testing.producers import MemoryProducers


@pytest.fixture(params=EVERY)
def store(request: pytest.FixtureRequest, stores: Stores) -> Iterator[ProducerStore]:
    if request.param == "memory":
        yield MemoryProducers()
        return
    yield stores(request.param).producers


def producer(name: str = "door", tenant: str = "acme", key: bytes = b"k" * 32) -> Producer:
    return Producer(tenant, name, key, "ab" * 8, 5)


def test_what_is_added_comes_back(store: ProducerStore) -> None:
    assert store.add(producer("b", key=b"b" * 32))
    assert store.add(producer("a"))
    assert store.add(producer("a", "rival"))
    assert [one.name for one in store.of_tenant("acme")] == ["a", "b"]
    assert store.find("acme", "a") == producer("a")
    assert store.find("acme", "c") is None


def test_neither_name_nor_key_is_given_twice(store: ProducerStore) -> None:
    assert store.add(producer())
    assert not store.add(producer(key=b"other" * 8))
    assert not store.add(producer("gate"))
    assert store.revoke("acme", "door", 7, None)
    assert not store.add(producer())


def test_a_chain_moves_only_from_where_it_was_seen(store: ProducerStore) -> None:
    store.add(producer())
    seen = producer()
    assert store.advance(seen, 1, "sha256:1", 8)
    assert not store.advance(seen, 1, "sha256:2", 9)
    now = store.find("acme", "door")
    assert now == msgspec.structs.replace(seen, sequence=1, head="sha256:1", head_ns=8)
    assert now is not None
    assert store.revoke("acme", "door", 10, None)
    assert not store.advance(now, 2, "sha256:2", 11)
    assert not store.advance(producer("nobody"), 1, "sha256:1", 8)


def test_revoking_keeps_the_first_time_and_the_earliest_distrust(store: ProducerStore) -> None:
    store.add(producer())
    assert store.revoke("acme", "door", 7, None)
    assert store.revoke("acme", "door", 9, 50)
    assert store.revoke("acme", "door", 9, 80)
    assert store.revoke("acme", "door", 9, None)
    found = store.find("acme", "door")
    assert found is not None
    assert (found.revoked_ns, found.distrusted_ns) == (7, 50)
    assert not store.revoke("rival", "door", 7, None)


def test_refusals_are_counted_by_tenant(store: ProducerStore) -> None:
    for code in ("batch_gap", "batch_gap", "batch_body"):
        store.refused("acme", code)
    assert store.refusals("acme") == {"batch_body": 1, "batch_gap": 2}
    assert store.refusals("rival") == {}


def test_a_tenant_that_goes_takes_its_producers_along(tables: Store) -> None:
    tables.producers.add(producer())
    tables.producers.add(producer("door", "rival"))
    tables.producers.refused("acme", "batch_gap")
    tables.forget_tenant("acme")
    assert tables.producers.of_tenant("acme") == []
    assert tables.producers.refusals("acme") == {}
    assert len(tables.producers.of_tenant("rival")) == 1
