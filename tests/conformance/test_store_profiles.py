"""What every profile store does: the newest version, epochs, erasure; one tenant never sees another's."""

from collections.abc import Iterator

import msgspec
import pytest
from stores import EVERY, Stores

from ostiary.signals.book import ProfileBook
from ostiary.signals.ports import ProfileStore
from ostiary.testing.profile_store import MemoryProfileStore
from ostiary.vocabulary.events import AccessEvent

BASE = AccessEvent("e", "acme", 1_700_000_000 * 10**9, "ann", "read", "database", "db/orders")


@pytest.fixture(params=EVERY)
def store(request: pytest.FixtureRequest, stores: Stores) -> Iterator[ProfileStore]:
    if request.param == "memory":
        yield MemoryProfileStore()
    else:
        yield stores(request.param).profiles


def test_the_version_saved_last_is_loaded(store: ProfileStore) -> None:
    assert store.load("acme", "user:ann") is None
    store.save("acme", 1, {"user:ann": b"one", "user:bob": b"other"})
    store.save("acme", 1, {"user:ann": b"two"})
    assert store.load("acme", "user:ann") == b"two"
    store.save("acme", 2, {"user:ann": b"three"})
    assert store.load("acme", "user:ann") == b"three"
    assert store.load("acme", "user:ann", until=1) == b"two"
    assert store.load("acme", "user:ann", until=0) is None
    assert store.load("acme", "user:bob") == b"other"


def test_rewinding_takes_back_what_came_after_the_epoch(store: ProfileStore) -> None:
    store.save("acme", 1, {"user:ann": b"one"})
    store.save("acme", 2, {"user:ann": b"two", "user:bob": b"new"})
    store.rewind("acme", 1)
    assert store.load("acme", "user:ann") == b"one"
    assert store.load("acme", "user:bob") is None
    store.rewind("acme", 0)
    assert store.load("acme", "user:ann") is None


def test_settling_forgets_old_versions_but_never_the_last(store: ProfileStore) -> None:
    store.save("acme", 1, {"user:ann": b"one", "user:bob": b"only"})
    store.save("acme", 2, {"user:ann": b"two"})
    store.save("acme", 3, {"user:ann": b"three"})
    store.settle("acme", 2)
    assert store.load("acme", "user:ann") == b"three"
    assert store.load("acme", "user:bob") == b"only"
    store.rewind("acme", 2)
    assert store.load("acme", "user:ann") == b"two"
    store.rewind("acme", 1)
    assert store.load("acme", "user:ann") is None, "the first version was settled away"
    assert store.load("acme", "user:bob") == b"only"


def test_erasing_leaves_no_version(store: ProfileStore) -> None:
    store.save("acme", 1, {"user:ann": b"one"})
    store.save("acme", 2, {"user:ann": b"two"})
    store.erase("acme", "user:ann")
    store.erase("acme", "user:nobody")
    assert store.load("acme", "user:ann") is None
    store.rewind("acme", 1)
    assert store.load("acme", "user:ann") is None


def test_profiles_that_name_somebody_are_found(store: ProfileStore) -> None:
    store.save("acme", 1, {"user:ann": b"..user:bob..", "user:eve": b"..", "user:kim": "ü user:bob".encode()})
    store.save("other", 1, {"user:max": b"user:bob"})
    assert [key for key, _ in store.naming("acme", "user:bob")] == ["user:ann", "user:kim"]
    assert list(store.naming("acme", "ü")) == [("user:kim", 1)]
    assert list(store.naming("acme", "%")) == []


def test_a_version_is_rewritten_in_its_place(store: ProfileStore) -> None:
    store.save("acme", 1, {"user:ann": b"one bob"})
    store.save("acme", 2, {"user:ann": b"two bob"})
    for key, epoch in store.naming("acme", "bob"):
        data = store.load("acme", key, epoch)
        assert data is not None
        store.rewrite("acme", key, epoch, data.replace(b"bob", b"---"))
    assert list(store.naming("acme", "bob")) == []
    assert store.load("acme", "user:ann") == b"two ---"
    store.rewind("acme", 1)
    assert store.load("acme", "user:ann") == b"one ---"


def test_tenants_are_apart(store: ProfileStore) -> None:
    store.save("acme", 1, {"user:ann": b"ours"})
    store.save("other", 5, {"user:ann": b"theirs"})
    store.rewind("other", 0)
    store.erase("other", "user:ann")
    store.settle("other", 9)
    assert store.load("acme", "user:ann") == b"ours"


def test_a_book_spills_and_finds_again(store: ProfileStore) -> None:
    book, roomy = ProfileBook("acme", store, max_subjects=2, max_open=1), ProfileBook("acme")
    for number in range(60):
        event = msgspec.structs.replace(BASE, subject_id=f"s{number % 7}", time_ns=BASE.time_ns + number * 10**12)
        book.learn(event)
        roomy.learn(event)
    assert len(book) == 2
    for number in range(7):
        name = f"s{number}"
        assert book.profile_bytes("user", name) == roomy.profile_bytes("user", name)
    assert book.forget("user", "s0") in {True, False}
    assert book.profile_bytes("user", "s0") is None
    assert not list(store.naming("acme", "user:s0"))
