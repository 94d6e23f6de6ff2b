"""One promise, two books: the registry of models in memory and in SQLite."""

from collections.abc import Iterator

import pytest
from stores import EVERY, Stores

from ostiary.pipeline.registry.model import Kept
from ostiary.pipeline.registry.ports import ModelBook
from ostiary.storage.tables import Store
from ostiary.testing.memory_store import MemoryStore
from ostiary.testing.model_book import MemoryModelBook

Either = Store | MemoryStore
ONE, TWO = Kept(b"1", "mdl_1"), Kept(b"2", "mdl_2")


@pytest.fixture(params=EVERY)
def store(request: pytest.FixtureRequest, stores: Stores) -> Iterator[Either]:
    if request.param == "memory":
        yield MemoryStore()
        return
    yield stores(request.param)


@pytest.fixture
def book(store: Either) -> ModelBook:
    return store.models if isinstance(store, Store) else MemoryModelBook(store)


def test_numbers_are_given_once_for_each_model(book: ModelBook) -> None:
    assert [book.next_number("acme", "fraud") for _ in range(3)] == [1, 2, 3]
    assert book.next_number("acme", "churn") == book.next_number("beta", "fraud") == 1


def test_a_version_stands_under_one_number_and_a_digest_too(book: ModelBook) -> None:
    assert book.add_version("acme", "fraud", 1, "sha256:a", ONE)
    assert not book.add_version("acme", "fraud", 1, "sha256:b", TWO)
    assert not book.add_version("acme", "fraud", 2, "sha256:a", TWO)
    assert book.add_version("acme", "churn", 1, "sha256:a", TWO)
    assert book.find_version("acme", "fraud", 1) == ONE
    assert [row.number for row in book.versions("acme", "fraud")] == [1]
    assert book.names("acme") == ["churn", "fraud"]


def test_another_tenants_is_unknown(book: ModelBook) -> None:
    book.add_version("acme", "fraud", 1, "sha256:a", ONE)
    book.put_live("acme", "fraud", "production", 1, ONE)
    book.revoke("acme", "sha256:c", 5)
    assert book.find_version("beta", "fraud", 1) is None
    assert book.find_digest("beta", "fraud", "sha256:a") is None
    assert book.find_live("beta", "fraud", "production") is None
    assert not book.names("beta")
    assert not book.versions("beta", "fraud")
    assert not book.is_revoked("beta", "sha256:c")


def test_a_version_is_replaced_by_the_one_that_follows(book: ModelBook) -> None:
    assert not book.replace_version("acme", "fraud", 1, 1, TWO)
    book.add_version("acme", "fraud", 1, "sha256:a", ONE)
    assert not book.replace_version("acme", "fraud", 1, 2, TWO)
    assert book.replace_version("acme", "fraud", 1, 1, TWO)
    assert not book.replace_version("acme", "fraud", 1, 1, ONE)
    found = book.find_digest("acme", "fraud", "sha256:a")
    assert found is not None
    assert (found.number, found.kept) == (1, TWO)


def test_what_is_live_is_replaced_by_what_follows(book: ModelBook) -> None:
    assert not book.put_live("acme", "fraud", "production", 2, ONE)
    assert book.put_live("acme", "fraud", "production", 1, ONE)
    assert not book.put_live("acme", "fraud", "production", 1, TWO)
    assert book.put_live("acme", "fraud", "production", 2, TWO)
    assert book.put_live("acme", "fraud", "canary", 1, ONE)
    assert book.find_live("acme", "fraud", "production") == TWO
    assert book.lives("acme", "fraud") == [ONE, TWO]


def test_a_nonce_is_good_once_and_a_revocation_stays(book: ModelBook) -> None:
    assert book.use_nonce("acme", "n", 5)
    assert not book.use_nonce("acme", "n", 9)
    assert book.use_nonce("beta", "n", 5)
    assert book.revoke("acme", "sha256:c", 1)
    assert not book.revoke("acme", "sha256:c", 2)
    assert book.is_revoked("acme", "sha256:c")


def test_what_a_failed_transaction_wrote_is_gone(book: ModelBook, store: Either) -> None:
    book.put_live("acme", "fraud", "production", 1, ONE)

    def fail() -> None:
        with store.transaction():
            assert book.use_nonce("acme", "n", 5)
            assert book.put_live("acme", "fraud", "production", 2, TWO)
            assert book.find_live("acme", "fraud", "production") == TWO
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert book.find_live("acme", "fraud", "production") == ONE
    assert book.use_nonce("acme", "n", 5)


def test_a_tenant_is_forgotten_whole(book: ModelBook, store: Either) -> None:
    for tenant in ("acme", "beta"):
        book.add_version(tenant, "fraud", book.next_number(tenant, "fraud"), "sha256:a", ONE)
        book.put_live(tenant, "fraud", "production", 1, ONE)
        book.use_nonce(tenant, "n", 5)
        book.revoke(tenant, "sha256:c", 5)
    if isinstance(store, Store):
        store.forget_tenant("acme")
    else:
        MemoryModelBook(store).forget("acme")
    assert not book.names("acme")
    assert book.find_live("acme", "fraud", "production") is None
    assert book.use_nonce("acme", "n", 5)
    assert not book.is_revoked("acme", "sha256:c")
    assert book.next_number("acme", "fraud") == 1
    assert book.names("beta") == ["fraud"]
