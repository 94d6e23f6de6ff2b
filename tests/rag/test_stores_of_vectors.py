# mypy: disable-error-code="arg-type"
"""Every store finds the same: what a condition means, and not one row more, at any selectivity."""

import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from pg8000 import native
from tests.rag.conftest import FakeQdrant

from ostiary.errors import RefusedError
from ostiary.rag.book import StoredDocument
from ostiary.rag.conditions import ALWAYS, NEVER, Compare, Condition, Group, holds
from ostiary.rag.exact import ExactStore
from ostiary.rag.ports import Chunk, Facts, Row, VectorStore
from ostiary.storage.lance import LanceVectors
from ostiary.storage.postgres.link import PostgresSource
from ostiary.storage.postgres.vectors import PostgresVectors
from ostiary.storage.qdrant import QdrantVectors
from ostiary.testing.rag import MemoryBook

DIMENSION = 16
ODD = (
    "plain",
    "o'brien",
    "a') OR (1=1",
    'say "x"',
    "back\\slash",
    "percent%_",
    "ünï\u202e",
    "-- comment",
    "; DROP TABLE x",
)
KINDS = ("exact", "lance", "postgres", "qdrant")


class World:
    """One store with a book beside it, filled alike."""

    def __init__(self, kind: str, store: VectorStore, book: MemoryBook) -> None:
        self.kind, self.store, self.book = kind, store, book
        self.rows: dict[tuple[str, str], list[tuple[Row, Any]]] = {}

    def put(self, tenant: str, index: str, rows: list[Row], vectors: Any) -> None:
        for row, vector in zip(rows, vectors, strict=True):
            chunk = Chunk(row.chunk, row.document, row.facts.source, "1", "t", "t", row.facts, "d", "c")
            stored = StoredDocument(row.document, "1", "d", "t", row.facts)
            self.book.put(tenant, index, row.acl, stored, [(chunk, vector.astype("<f4").tobytes())])
        self.store.put(tenant, index, rows, vectors)
        self.rows.setdefault((tenant, index), []).extend(zip(rows, vectors, strict=True))

    def oracle(self, tenant: str, index: str, vector: Any, condition: Condition, k: int) -> list[tuple[str, float]]:
        found = [
            (row.chunk, float(np.dot(mine, vector)))
            for row, mine in self.rows.get((tenant, index), [])
            if holds(condition, {"tenant": tenant, "index": index, **row.facts.of(row.document, row.acl)})
        ]
        return sorted(found, key=lambda one: (-one[1], one[0]))[:k]

    def agrees(self, tenant: str, index: str, vector: Any, condition: Condition, k: int = 10) -> None:
        wanted = self.oracle(tenant, index, vector, condition, k)
        got = self.store.search(tenant, index, vector, condition, k)
        assert [name for name, _ in got] == [name for name, _ in wanted], condition
        assert [score for _, score in got] == pytest.approx([score for _, score in wanted], abs=1e-4)


@pytest.fixture(scope="module")
def make_world(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], World]]:
    closing: list[Callable[[], None]] = []

    def make(kind: str) -> World:
        book = MemoryBook()
        if kind == "exact":
            return World(kind, ExactStore(book, DIMENSION), book)
        if kind == "lance":
            return World(kind, LanceVectors(tmp_path_factory.mktemp("lance"), DIMENSION), book)
        if kind == "qdrant":
            client = httpx.Client(base_url="http://qdrant", transport=httpx.MockTransport(FakeQdrant()))
            return World(kind, QdrantVectors("http://qdrant", "", DIMENSION, client), book)
        server = request.getfixturevalue("pgvector")
        owner = native.Connection(
            "postgres", host="127.0.0.1", port=server.port, database="postgres", ssl_context=False
        )
        owner.run("CREATE EXTENSION IF NOT EXISTS vector")
        owner.run("DROP SCHEMA IF EXISTS ostiary_rag CASCADE")
        owner.run(
            "DO $$ BEGIN CREATE ROLE indexer LOGIN CREATEROLE NOSUPERUSER PASSWORD 'p'; "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        owner.run("GRANT CREATE ON DATABASE postgres TO indexer")
        owner.close()
        store = PostgresVectors(PostgresSource("v", server.dsn("indexer", "p")), DIMENSION)
        closing.append(store.close)
        return World(kind, store, book)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the local mode of qdrant-client says that it has no payload indexes
        yield make
    for close in closing:
        close()


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return {}


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, make_world: Callable[[str], World], worlds: dict[str, World]) -> World:
    kind = request.param
    if kind not in worlds:
        worlds[kind] = make_world(kind)
        fill(worlds[kind], "t", "i", 150)
        fill(worlds[kind], "u", "i", 40)
        fill(worlds[kind], "t", "j", 40)
    return worlds[kind]


def unit(count: int, seed: int) -> Any:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def fill(world: World, tenant: str, index: str, count: int) -> None:
    chance = random.Random(f"{tenant}{index}")  # noqa: S311 - rows of a test
    rows = [
        Row(
            chunk=f"chk_{tenant}{index}{number}",
            document=f"{chance.choice(ODD)}{number}",
            acl=chance.randrange(12) + 1,
            facts=Facts(
                chance.choice(ODD[:4]),
                "memory",
                chance.randrange(5),
                chance.randrange(3),
                chance.choice(("pass", "block")),
            ),
        )
        for number in range(count)
    ]
    world.put(tenant, index, rows, unit(count, count))


def conditions(count: int) -> Iterator[Condition]:
    chance = random.Random(7)  # noqa: S311 - conditions of a test

    def test() -> Condition:
        kind = chance.randrange(6)
        if kind == 0:
            return Compare("acl", "in", tuple(chance.sample(range(1, 14), chance.randrange(0, 4))))
        if kind == 1:
            return Compare("confidentiality", chance.choice(("le", "lt", "ge", "gt", "eq", "ne")), chance.randrange(5))
        if kind == 2:
            return Compare("source", chance.choice(("eq", "ne")), chance.choice(ODD))
        if kind == 3:
            return Compare("document", "in", tuple(f"{name}{chance.randrange(150)}" for name in ODD))
        if kind == 4:
            return Compare("verdict", "in", ("block", "ask"))
        return Compare("integrity", "ge", chance.randrange(3))

    def some(depth: int) -> Condition:
        if depth == 0 or chance.random() < 0.3:
            return test()
        kind = chance.choice(("and", "or", "not"))
        return Group(kind, tuple(some(depth - 1) for _ in range(1 if kind == "not" else chance.randrange(1, 4))))

    for _ in range(count):
        yield some(3)


def test_random_conditions_mean_the_same_everywhere(world: World) -> None:
    vectors = unit(60, 99)
    for vector, condition in zip(vectors, conditions(60), strict=True):
        world.agrees("t", "i", vector, condition)


def test_always_and_never(world: World) -> None:
    vector = unit(1, 5)[0]
    world.agrees("t", "i", vector, ALWAYS, 25)
    assert world.store.search("t", "i", vector, NEVER, 10) == []


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_a_name_whatever_it_says(world: World, name: str) -> None:
    world.agrees("t", "i", unit(1, 6)[0], Compare("source", "eq", name), 200)


def test_other_tenants_and_other_indexes_are_not_there(world: World) -> None:
    vector = unit(1, 8)[0]
    for tenant, index in (("t", "i"), ("u", "i"), ("t", "j")):
        found = world.store.search(tenant, index, vector, ALWAYS, 300)
        assert {name.removeprefix("chk_")[:2] for name, _ in found} == {tenant + index}
    assert world.store.search("nobody", "i", vector, ALWAYS, 10) == []
    assert world.store.search("t", "none", vector, ALWAYS, 10) == []


@pytest.mark.parametrize("bad", ["half \ud800", "nul \0"])
def test_what_is_no_text_is_asked_of_nobody(world: World, bad: str) -> None:
    condition = Compare("source", "eq", bad)
    if world.kind == "exact":
        assert world.store.search("t", "i", unit(1, 1)[0], condition, 5) == []
    else:
        with pytest.raises(RefusedError, match="filter"):
            world.store.search("t", "i", unit(1, 1)[0], condition, 5)


def test_moved_replaced_and_removed(world: World) -> None:
    tenant, index = "m", f"moving-{world.kind}"
    facts = Facts("s'1", "memory")
    rows = [Row(f"chk_m{n}", f"d'{n}", 1, facts) for n in range(6)]
    world.put(tenant, index, rows, unit(6, 3))
    vector = unit(1, 4)[0]
    one, two = Compare("acl", "in", (1,)), Compare("acl", "in", (2,))

    def names(condition: Condition) -> set[str]:
        return {name for name, _ in world.store.search(tenant, index, vector, condition, 50)}

    world.book.move(tenant, index, "s'1", {"d'0": 2, "d'1": 2})
    world.store.move(tenant, index, "s'1", {"d'0": 2, "d'1": 2})
    assert (names(one), names(two)) == ({"chk_m2", "chk_m3", "chk_m4", "chk_m5"}, {"chk_m0", "chk_m1"})
    world.book.remove(tenant, index, "s'1", ["d'2", "d'0"])
    world.store.remove(tenant, index, "s'1", ["d'2", "d'0"])
    assert (names(one), names(two)) == ({"chk_m3", "chk_m4", "chk_m5"}, {"chk_m1"})
    world.put(tenant, index, [Row("chk_new", "d'3", 2, facts)], unit(1, 9))
    assert (names(one), names(two)) == ({"chk_m4", "chk_m5"}, {"chk_m1", "chk_new"})
    world.book.forget(tenant, index)
    world.store.forget(tenant, index)
    assert names(ALWAYS) == set()


def test_behind_a_wrong_condition_stands_the_second_wall(make_world: Callable[[str], World]) -> None:
    """As the reader's role, without any condition at all: the settings of the transaction bound what is seen."""
    world = make_world("postgres")
    fill(world, "t", "i", 60)
    fill(world, "u", "i", 20)
    assert isinstance(world.store, PostgresVectors)
    with world.store._transaction() as link:
        world.store._wall(link, "t", "i", frozenset({3, 4}))
        seen = link.run("SELECT DISTINCT tenant, acl FROM ostiary_rag.vectors").rows
    assert {tuple(row) for row in seen} == {("t", 3), ("t", 4)}
    with world.store._transaction() as link:
        link.run("SET LOCAL ROLE ostiary_rag_reader")
        assert link.run("SELECT count(*) FROM ostiary_rag.vectors").rows == [[0]]
