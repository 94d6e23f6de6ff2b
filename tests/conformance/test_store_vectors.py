"""Every store of vectors ranks exactly the rows that the condition picks, and forgets what it is told to forget.

pgvector is asked where a PostgreSQL has it: ``tools/pgvector.sh`` brings one and runs this with it.
"""

import contextlib
import math
import os
import random
import shutil
import tempfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from pg8000 import native

from ostiary.rag.book import StoredDocument
from ostiary.errors import UnavailableError
from ostiary.rag.conditions import NEVER, Group, acls_of, both, either, holds
from ostiary.rag.conditions import Test as Comparison
from ostiary.rag.exact import ExactStore
from ostiary.rag.ports import Chunk, Facts, Row
from ostiary.storage.lance import LanceVectors
from ostiary.storage.postgres.link import PostgresSource
from ostiary.storage.postgres.vectors import PostgresVectors
from ostiary.storage.qdrant import QdrantVectors
from ostiary.storage.sqlite import open_store
from ostiary.testing.postgres import PostgresServer
from ostiary.testing.qdrant import LocalQdrant
from ostiary.testing.rag import MemoryBook

DIMENSION = 16
PLACES = (("acme", "handbook"), ("beta", "handbook"), ("acme", "other"))


class Exact:
    """The embedded store follows a book; each change is the book's first."""

    def __init__(self):
        self.book = MemoryBook()
        self.store = ExactStore(self.book, DIMENSION)
        self.search = self.store.search

    def put(self, tenant, index, rows, vectors):
        for name in sorted({(one.facts.source, one.document) for one in rows}):
            mine = [at for at, one in enumerate(rows) if (one.facts.source, one.document) == name]
            facts = rows[mine[0]].facts
            chunks = [
                (Chunk(rows[at].chunk, name[1], name[0], "1", "", "", facts, "", ""), vectors[at].tobytes())
                for at in mine
            ]
            self.book.put(tenant, index, rows[mine[0]].acl, StoredDocument(name[1], "1", "", "", facts), chunks)
            self.store.put(tenant, index, [rows[at] for at in mine], vectors[mine])

    def remove(self, *what):
        self.book.remove(*what)
        self.store.remove(*what)

    def move(self, *what):
        self.book.move(*what)
        self.store.move(*what)

    def forget(self, *what):
        self.book.forget(*what)
        self.store.forget(*what)


@contextlib.contextmanager
def pgvector():
    programs = os.environ.get("OSTIARY_PGVECTOR", "")
    if not programs:
        pytest.skip("there is no pgvector here: tools/pgvector.sh runs this with it")
    root = Path(tempfile.mkdtemp(prefix="ostiary-pgvector-"))
    root.chmod(0o755)
    with PostgresServer(root / "cluster", Path(programs)) as server:
        link = native.Connection("postgres", host="127.0.0.1", port=server.port, database="postgres")
        link.run("CREATE EXTENSION vector")
        link.run("CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'p'")
        link.run("GRANT CREATE ON DATABASE postgres TO keeper")
        link.close()
        store = PostgresVectors(PostgresSource("v", server.dsn("keeper", "p")), DIMENSION)
        with contextlib.closing(store):
            yield store
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module", params=["exact", "lance", "qdrant", "pgvector"])
def store(request, tmp_path_factory):
    if request.param == "exact":
        yield Exact()
    elif request.param == "lance":
        yield LanceVectors(tmp_path_factory.mktemp("lance"), DIMENSION)
    elif request.param == "qdrant":
        client = httpx.Client(base_url="http://qdrant.test", transport=LocalQdrant().transport)
        yield QdrantVectors("http://qdrant.test", "", DIMENSION, client)
    else:
        with pgvector() as made:
            yield made


class World:
    """Rows of three indexes, and what a search of them should say."""

    def __init__(self, store, seed=1):
        self.store, self.dice = store, random.Random(seed)  # noqa: S311 - a world, not a secret
        self.rows, self.vectors = {}, {}
        for tenant, index in PLACES:
            store.forget(tenant, index)
            rows, vectors = self.some(f"{tenant}-{index}", 60)
            store.put(tenant, index, rows, vectors)
            self.rows[tenant, index] = rows
            self.vectors |= {row.chunk: vector for row, vector in zip(rows, vectors, strict=True)}

    def some(self, prefix, count):
        rows = [
            Row(
                f"{prefix}-{number}",
                f"d'{number // 3}",
                (number // 3) % 5 + 1,
                Facts(("one", 'tw"o')[number // 3 % 2], "feed", confidentiality=number // 3 % 3),
            )
            for number in range(count)
        ]
        vectors = np.array([[self.dice.gauss(0, 1) for _ in range(DIMENSION)] for _ in rows], np.float32)
        return rows, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def check(self, tenant, index, condition, k):
        query = self.some("q", 1)[1][0]
        placed = both(Comparison("tenant", "eq", tenant), Comparison("index", "eq", index), condition)
        found = self.store.search(tenant, index, query, placed, k)
        best = [
            (row.chunk, float(self.vectors[row.chunk] @ query))
            for row in self.rows[tenant, index]
            if holds(placed, {"tenant": tenant, "index": index, **row.facts.of(row.document, row.acl)})
        ]
        best = sorted(best, key=lambda one: -one[1])[:k]
        assert [name for name, _ in found] == [name for name, _ in best]
        assert [score for _, score in found] == pytest.approx([score for _, score in best], abs=1e-4)


def acl(*numbers):
    return Comparison("acl", "in", tuple(numbers))


CONDITIONS = [
    acl(1),
    acl(1, 4),
    acl(),
    acl(99),
    NEVER,
    both(acl(1, 2, 3), Comparison("confidentiality", "lt", 2)),
    both(acl(2), Comparison("source", "eq", 'tw"o')),
    either(acl(3), both(Comparison("source", "eq", "one"), Comparison("document", "in", ("d'0", "d'2", "d'4")))),
    both(acl(1, 2, 3, 4, 5), Group("not", (Comparison("document", "eq", "d'1"),))),
    both(acl(1, 2, 3, 4, 5), Comparison("document", "eq", "' OR '1'='1")),
]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("k", [1, 7, 100])
def test_exactly_the_rows_that_may_be_seen_are_ranked(store, condition, k):
    world = World(store)
    for tenant, index in PLACES[:1] if k == 7 else PLACES:
        world.check(tenant, index, condition, k)


def test_what_changes_is_changed_for_one_index_and_source_alone(store):
    world = World(store)
    place = PLACES[0]
    store.move(*place, "one", {"d'0": 77, "d'2": 77, "d'none": 1})
    store.remove(*place, 'tw"o', ["d'1", "d'none", "d'4"])
    world.rows[place] = [
        Row(one.chunk, one.document, 77, one.facts) if one.document in {"d'0", "d'2"} else one
        for one in world.rows[place]
        if one.document != "d'1"  # d'4 is of the other source
    ]
    fresh, vectors = world.some("again", 2)
    store.put(*place, fresh, vectors)  # replaces all rows of its document
    world.rows[place] = [one for one in world.rows[place] if one.document != "d'0"] + fresh
    world.vectors |= {row.chunk: vector for row, vector in zip(fresh, vectors, strict=True)}
    for where in PLACES:
        for condition in (acl(77), acl(1, 2, 3, 4, 5, 77), acl(1)):
            world.check(*where, condition, 100)


def test_what_is_forgotten_is_gone_and_nothing_else(store):
    world = World(store)
    store.forget(*PLACES[0])
    world.rows[PLACES[0]] = []
    for where in PLACES:
        world.check(*where, acl(1, 2, 3, 4, 5), 100)
    store.forget(*PLACES[0])


def test_a_text_without_a_word_is_no_fault(store):
    world = World(store)
    nothing = np.zeros(DIMENSION, np.float32)
    place = both(Comparison("tenant", "eq", "acme"), Comparison("index", "eq", "handbook"), acl(1))
    found = store.search("acme", "handbook", nothing, place, 3)
    assert all(math.isfinite(score) for _, score in found)
    store.put("acme", "handbook", world.some("zero", 1)[0], nothing[None])
    assert all(
        math.isfinite(score) for _, score in store.search("acme", "handbook", world.some("q", 1)[1][0], place, 99)
    )


def test_the_second_wall_stands_behind_a_condition_that_says_too_much():
    with pgvector() as store:
        world = World(store)
        everything = either(acl(1), acl(1))
        assert acls_of(both(acl(1), Comparison("confidentiality", "ge", 0))) == frozenset({1})
        with store._transaction() as link:
            store._wall(link, "acme", "handbook", acls_of(everything))
            seen = link.run("SELECT tenant, index_name, acl FROM ostiary_rag.vectors").rows
        assert {tuple(row) for row in seen} == {("acme", "handbook", 1)}
        with store._transaction() as link:
            store._wall(link, "nobody' OR true", "handbook", None)
            assert list(link.run("SELECT chunk FROM ostiary_rag.vectors").rows) == []
        with store._transaction() as link:
            store._wall(link, "acme", "handbook", frozenset())
            assert list(link.run("SELECT chunk FROM ostiary_rag.vectors").rows) == []
        with pytest.raises(UnavailableError), store._transaction() as link:
            store._wall(link, "acme", "handbook", None)
            link.run("DELETE FROM ostiary_rag.vectors")
        world.check("acme", "handbook", acl(1, 2), 10)


def test_a_book_and_its_store_over_a_file(tmp_path):
    """Two processes share a book: what one removes, the other no longer ranks."""
    with contextlib.closing(open_store(tmp_path / "o.db")) as opened:
        book = opened.rag
        mine, other = ExactStore(book, DIMENSION), ExactStore(book, DIMENSION)
        rows, vectors = World(Exact()).some("x", 3)
        chunk = Chunk("x-0", "d'0", "one", "1", "t", "", rows[0].facts, "", "")
        book.bind("acme", "handbook", "e")
        book.put(
            "acme", "handbook", 1, StoredDocument("d'0", "1", "", "", rows[0].facts), [(chunk, vectors[0].tobytes())]
        )
        assert [name for name, _ in other.search("acme", "handbook", vectors[0], acl(1), 5)] == ["x-0"]
        book.move("acme", "handbook", "one", {"d'0": 2})
        mine.move("acme", "handbook", "one", {"d'0": 2})
        assert other.search("acme", "handbook", vectors[0], acl(1), 5) == []
