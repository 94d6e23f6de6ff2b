"""What indexes remember, in memory and on disk, by the same promises."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from stores import EVERY, Stores

from ostiary.rag.book import Book, Counts, SourceState, StoredDocument, Verdicted
from ostiary.rag.ports import Chunk, Facts, Known
from ostiary.rag.rights import allow_deny, digest
from ostiary.storage.sqlite import open_store
from ostiary.testing.rag import MemoryBook

ONE, TWO = allow_deny(["user:ada"]), allow_deny(["*"], ["user:o'brien"])


@pytest.fixture(params=EVERY)
def book(request: Any, stores: Stores) -> Iterator[Book]:
    if request.param == "memory":
        yield MemoryBook()
        return
    yield stores(request.param).rag


def put(book: Book, name: str, *, acl: int = 1, revision: str = "1", tenant: str = "t", index: str = "i") -> Chunk:
    facts = Facts("s", "memory", 2)
    chunk = Chunk(f"chk_{tenant}{index}{name}{revision}", name, "s", revision, f"text of {name}", name, facts, "d", "c")
    book.put(tenant, index, acl, StoredDocument(name, revision, "d", name, facts), [(chunk, b"\0\0\0\0")])
    return chunk


def test_numbers_are_given_once_and_never_again(book: Book) -> None:
    book.bind("t", "i", "e")
    first = book.number("t", "i", "s", [ONE, TWO])
    assert sorted(first.values()) == [1, 2]
    assert book.number("t", "i", "s", [TWO]) == {digest(TWO): first[digest(TWO)]}
    other = book.number("t", "i", "other", [ONE])
    assert set(other.values()).isdisjoint(first.values())
    assert [(number, source) for number, source, _ in book.rules("t", "i", 0)] == [(1, "s"), (2, "s"), (3, "other")]
    assert book.rules("t", "i", 2) == [(3, "other", ONE)]
    book.forget("t", "i")
    assert book.rules("t", "i", 0) == []
    assert set(book.number("t", "i", "s", [ONE]).values()).isdisjoint({1, 2, 3})


def test_what_changes_raises_the_generation_by_one(book: Book) -> None:
    book.bind("t", "i", "e")
    book.number("t", "i", "s", [ONE, TWO])
    seen = [book.generation("t", "i")]
    for change in (
        lambda: put(book, "a"),
        lambda: book.move("t", "i", "s", {"a": 2}),
        lambda: put(book, "a", acl=2, revision="2"),
        lambda: book.remove("t", "i", "s", ["a", "nosuch"]),
        lambda: book.forget("t", "i"),
    ):
        change()
        seen.append(book.generation("t", "i"))
    assert [after - before for before, after in pairwise(seen)] == [1, 1, 1, 1, 1]
    book.note("t", "i", "s", SourceState("v"))
    assert book.generation("t", "i") == seen[-1]


def test_a_document_is_replaced_whole(book: Book) -> None:
    book.bind("t", "i", "e")
    book.number("t", "i", "s", [ONE, TWO])
    old, new = put(book, "a"), put(book, "a", acl=2, revision="2")
    assert book.known("t", "i", "s") == {"a": Known("2", digest(TWO))}
    assert book.chunks("t", "i", [old.id, new.id, "chk_nosuch"]) == {new.id: new}
    assert [(row.chunk, row.acl, row.facts, raw) for row, raw in book.rows("t", "i")] == [
        (new.id, 2, new.facts, b"\0\0\0\0")
    ]
    assert book.counts("t", "i") == Counts(1, 1, 2)
    book.remove("t", "i", "s", ["a"])
    assert (book.known("t", "i", "s"), book.chunks("t", "i", [new.id])) == ({}, {})


def test_other_tenants_and_indexes_know_nothing(book: Book) -> None:
    for tenant, index in (("t", "i"), ("t", "j"), ("u", "i")):
        book.bind(tenant, index, f"e-{tenant}{index}")
        book.number(tenant, index, "s", [ONE])
        put(book, "a", tenant=tenant, index=index)
        book.keep_verdicts(tenant, "m", {"d": Verdicted("flag" if tenant == "t" else "pass", 0.5)})
    mine = next(iter(book.rows("t", "i")))[0].chunk
    assert book.chunks("t", "j", [mine]) == book.chunks("u", "i", [mine]) == {}
    book.remove("t", "i", "s", ["a"])
    assert (book.counts("t", "j").documents, book.counts("u", "i").documents) == (1, 1)
    assert (book.embedder("t", "j"), book.embedder("u", "nosuch")) == ("e-tj", "")
    assert book.verdicts("u", "m", ["d"]) == {"d": Verdicted("pass", 0.5)}
    assert book.verdicts("t", "other", ["d"]) == {}
    assert book.generation("nobody", "i") == 0


def test_states_are_kept(book: Book) -> None:
    book.bind("t", "i", "e")
    book.note("t", "i", "s", SourceState("v", 7, "", 1))
    book.note("t", "i", "s", SourceState("v", 7, "source_unavailable", 1))
    assert book.states("t", "i") == {"s": SourceState("v", 7, "source_unavailable", 1)}


def test_a_tenant_is_erased_with_everything(tmp_path: Path) -> None:
    with open_store(tmp_path / "o.db") as store:
        store.rag.bind("t", "i", "e")
        store.rag.number("t", "i", "s", [ONE])
        put(store.rag, "a")
        store.rag.note("t", "i", "s", SourceState())
        store.rag.keep_verdicts("t", "m", {"d": Verdicted("flag", 1.0)})
        store.forget_tenant("t")
        assert store.rag.counts("t", "i") == Counts()
        assert (store.rag.states("t", "i"), store.rag.verdicts("t", "m", ["d"])) == ({}, {})
        assert store.rag.embedder("t", "i") == ""
    assert b"text of a" not in (tmp_path / "o.db").read_bytes()
