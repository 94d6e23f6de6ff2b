"""One book, twice: in memory and in SQLite. What is erased of a tenant leaves nothing, not even on disk."""

import contextlib

import pytest

from ostiary.rag.book import Counts, SourceState, StoredDocument, Verdicted
from ostiary.rag.ports import Chunk, Facts, Known, Row
from ostiary.rag.rights import NOBODY, allow_deny, digest
from ostiary.storage.sqlite import open_store
from ostiary.storage.sqlite.rag import RAG_ERASURES
from ostiary.testing.rag import MemoryBook

ADA, OPS = allow_deny(["user:ada"]), allow_deny(["group:ops"], ["user:eve"])
HERE, ELSEWHERE, THERE = ("acme", "handbook"), ("acme", "other"), ("beta", "handbook")
FACTS = Facts("one", "feed", 2)


@pytest.fixture(params=["memory", "sqlite"])
def book(request, tmp_path):
    if request.param == "memory":
        yield MemoryBook()
        return
    with contextlib.closing(open_store(tmp_path / "o.db")) as store:
        yield store.rag


def chunk(name, document="plan", text="the merger plan"):
    return Chunk(name, document, "one", "1", text, "Plan", FACTS, "sha256:00", "ostc-1")


def put(book, place=HERE, document="plan", acl=1, names=("c1", "c2"), revision="1"):
    chunks = [(chunk(name, document), bytes([at] * 8)) for at, name in enumerate(names)]
    book.put(*place, acl, StoredDocument(document, revision, "d", "Plan", FACTS), chunks)


def test_a_rules_number_is_for_ever(book):
    first = book.number(*HERE, "one", [ADA, OPS, ADA])
    assert book.number(*HERE, "one", [OPS]) == {digest(OPS): first[digest(OPS)]}
    other = book.number(*HERE, "two", [ADA])
    assert set(other.values()).isdisjoint(first.values())
    told = book.rules(*HERE, 0)
    assert [one[0] for one in told] == sorted({*first.values(), *other.values()})
    assert book.rules(*HERE, told[-1][0]) == []
    book.forget(*HERE)
    again = book.number(*HERE, "one", [NOBODY])
    assert min(again.values()) > told[-1][0]


def test_documents_are_put_moved_and_removed(book):
    numbers = book.number(*HERE, "one", [ADA, OPS])
    put(book, acl=numbers[digest(ADA)])
    before = book.generation(*HERE)
    assert book.known(*HERE, "one") == {"plan": Known("1", digest(ADA))}
    assert set(book.chunks(*HERE, ["c1", "c2", "c3"])) == {"c1", "c2"}
    put(book, acl=numbers[digest(ADA)], names=("c3",), revision="2")
    assert set(book.chunks(*HERE, ["c1", "c2", "c3"])) == {"c3"}
    book.move(*HERE, "one", {"plan": numbers[digest(OPS)], "none": 1})
    assert book.known(*HERE, "one") == {"plan": Known("2", digest(OPS))}
    assert list(book.rows(*HERE)) == [(Row("c3", "plan", numbers[digest(OPS)], FACTS), bytes(8))]
    assert book.generation(*HERE) == before + 2
    book.remove(*HERE, "two", ["plan"])  # of another source
    assert book.counts(*HERE) == Counts(1, 1, 2)
    book.remove(*HERE, "one", ["plan", "none"])
    assert (book.counts(*HERE), book.chunks(*HERE, ["c3"])) == (Counts(0, 0, 2), {})


def test_another_tenant_and_another_index_know_nothing(book):
    numbers = book.number(*HERE, "one", [ADA])
    put(book, acl=numbers[digest(ADA)])
    book.note(*HERE, "one", SourceState("7", 5))
    book.bind(*HERE, "model")
    for place in (ELSEWHERE, THERE):
        assert book.chunks(*place, ["c1", "c2"]) == {}
        assert (book.known(*place, "one"), book.rules(*place, 0), book.states(*place)) == ({}, [], {})
        assert (list(book.rows(*place)), book.embedder(*place), book.generation(*place)) == ([], "", 0)
        book.remove(*place, "one", ["plan"])
        book.move(*place, "one", {"plan": 9})
        book.forget(*place)
    assert (book.embedder(*HERE), book.states(*HERE)) == ("model", {"one": SourceState("7", 5)})
    assert set(book.chunks(*HERE, ["c1", "c2"])) == {"c1", "c2"}


def test_what_is_forgotten_is_gone(book):
    numbers = book.number(*HERE, "one", [ADA])
    put(book, acl=numbers[digest(ADA)])
    book.note(*HERE, "one", SourceState("7", 5))
    book.bind(*HERE, "model")
    before = book.generation(*HERE)
    book.forget(*HERE)
    assert (book.counts(*HERE), book.states(*HERE), book.embedder(*HERE)) == (Counts(), {}, "")
    assert book.generation(*HERE) > before
    assert list(book.rows(*HERE)) == []


def test_verdicts_are_of_a_tenant_and_an_inspector(book):
    book.keep_verdicts("acme", "one", {"d1": Verdicted("block", 0.9)})
    assert book.verdicts("acme", "one", ["d1", "d2"]) == {"d1": Verdicted("block", 0.9)}
    assert book.verdicts("acme", "two", ["d1"]) == book.verdicts("beta", "one", ["d1"]) == {}


def test_an_erased_tenant_leaves_no_word_on_disk(tmp_path):
    with contextlib.closing(open_store(tmp_path / "o.db")) as store:
        for place in (HERE, THERE):
            numbers = store.rag.number(*place, "one", [allow_deny([f"user:secretname-{place[0]}"])])
            chunks = [(chunk("c1", text=f"secretword-{place[0]}"), b"secretvec" * 4)]
            store.rag.put(*place, next(iter(numbers.values())), StoredDocument("plan", "1", "d", "t", FACTS), chunks)
            store.rag.keep_verdicts(place[0], "one", {"secretdigest": Verdicted("pass", 0.1)})
        store.forget_tenant("acme")
        assert len(RAG_ERASURES) == 6
        assert store.rag.counts(*HERE) == Counts()
        assert store.rag.verdicts("acme", "one", ["secretdigest"]) == {}
        assert store.rag.counts(*THERE) == Counts(1, 1, 1)
    left = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert b"-beta" in left
    for word in (b"secretword-acme", b"secretname-acme"):
        assert word not in left
