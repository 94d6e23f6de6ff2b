"""Whatever changes between two searches, nobody finds what he may not read now, and everybody the best of the rest."""

import pytest

from ostiary.rag.embedding import HashedEmbedder
from ostiary.rag.exact import ExactStore
from ostiary.rag.ports import Asker
from ostiary.rag.rights import EVERYBODY, step
from ostiary.storage.lance import LanceVectors
from ostiary.storage.sqlite import open_store
from ostiary.testing.rag import MemoryBook
from ostiary.testing.rag_world import INDEX, PEOPLE, TENANTS, RagWorld
from ostiary.vocabulary.clock import SystemClock

STEPS = 400


@pytest.fixture(params=["memory", "sqlite", "lance"])
def world(request, tmp_path):
    embedder = HashedEmbedder()
    if request.param == "sqlite":
        with open_store(tmp_path / "o.db", SystemClock()) as store:
            yield RagWorld(store.rag, ExactStore(store.rag, embedder.dimension), embedder, 7)
        return
    book = MemoryBook()
    vectors = (
        ExactStore(book, embedder.dimension)
        if request.param == "memory"
        else LanceVectors(tmp_path, embedder.dimension)
    )
    yield RagWorld(book, vectors, embedder, 7)


def steps(world):
    return STEPS // 8 if isinstance(world.retrieval._store, LanceVectors) else STEPS


def test_a_stale_index_shows_nothing_that_may_not_be_read_now(world):
    found = 0
    for number in range(steps(world)):
        world.change()
        if number % 7 == 0:
            world.read()
        asker = world.asker()
        passages = world.retrieval.search(asker, INDEX, world.query(), 5)
        found += len(passages)
        assert world.forbidden(asker, passages) == []
    assert found > steps(world) // 4


def test_a_fresh_index_shows_the_best_of_what_may_be_read(world):
    for _ in range(60):
        world.change()
    for _ in range(steps(world) // 10):
        world.change()
        world.read()
        asker, query = world.asker(), world.query()
        scores = [one.score for one in world.retrieval.search(asker, INDEX, query, 10)]
        assert scores == pytest.approx(world.best(asker, query, 10), abs=1e-5)


def test_another_tenant_is_as_unknown_as_none(world):
    for _ in range(60):
        world.change()
    world.read()
    for person in PEOPLE:
        elsewhere = Asker("nowhere", person, ("g0", "g1", "g2"))
        assert world.retrieval.search(elsewhere, INDEX, "salary", 10) == ()
        for tenant in TENANTS:
            assert world.retrieval.search(Asker(tenant, person), "unknown", "salary", 10) == ()


def test_texts_of_one_tenant_are_never_found_by_another(world):
    for tenant in TENANTS:
        source = world.sources[tenant][0]
        source.put("secret", f"the merger of {tenant}", ((step([EVERYBODY], allow=True),),))
    world.read()
    for tenant in TENANTS:
        passages = world.retrieval.search(Asker(tenant, PEOPLE[0]), INDEX, "merger", 10)
        assert {one.text for one in passages} == {f"the merger of {tenant}"}
        assert {one.label.tenant for one in passages} == {tenant}
