"""At the door of an index: whoever searches finds what its own rights let it read, and learns nothing of the rest."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.stories.inference_scene import PUBLIC, Person, Scene, open_scene

from ostiary.pipeline.registered import Registered

pytest.importorskip("numpy")


class Feed:
    """The feed of a source, written anew at each change."""

    def __init__(self, path: Path) -> None:
        self.path, self.version = path, 0
        self.documents: dict[str, dict[str, Any]] = {}

    def put(self, name: str, text: str, *allow: str, deny: tuple[str, ...] = (), level: int = 0) -> None:
        told = {"id": name, "text": text, "allow": list(allow), "deny": list(deny), "confidentiality": level}
        self.documents[name] = told

    def write(self) -> None:
        self.version += 1
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps({"version": self.version, "documents": list(self.documents.values())}))
        beside.rename(self.path)


class Library:
    """A scene with one index over one feed."""

    def __init__(self, scene: Scene, feed: Feed) -> None:
        self.scene, self.feed = scene, feed

    def read(self) -> None:
        self.scene.house.rag.read("default", "handbook")

    def search(
        self, person: Person, query: str, *, index: str = "handbook", tenant: str = "default", k: int = 10
    ) -> httpx.Response:
        path = f"/rag/{tenant}/search"
        return self.scene.post(path, {"index": index, "query": query, "k": k}, person.headers(path))

    def found(self, person: Person, query: str) -> list[str]:
        answer = self.search(person, query)
        assert answer.status_code == 200, answer.text
        return [one["document"] for one in answer.json()["passages"]]

    def register(self, name: str, **more: Any) -> None:
        spec = {"sources": [{"kind": "feed", "name": "wiki", "path": str(self.feed.path)}]}
        one = Registered(type="index", id=name, **{"sensitivity": 1, "spec": spec, **more})
        self.scene.house.registry.put("default", one, 1)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    root = tmp_path_factory.mktemp("library")
    feed = Feed(root / "wiki.json")
    feed.put("plan", "the secret plan of the board for next year", "user:ada")
    feed.put("menu", "what the canteen cooks next year, a plan", "*", deny=("user:eve",))
    feed.put("crown", "the board's crown jewels and the plan for them", "*", level=4)
    feed.write()
    # The chore of the worker is as good as off: tests read when they say so.
    for scene in open_scene(root / "data", rag={"sync_s": 3600}):
        made = Library(scene, feed)
        made.register("handbook")
        made.register("vault", sensitivity=4)
        made.read()
        yield made


@pytest.fixture(scope="module")
def ada(library: Library) -> Person:
    return Person(library.scene, "ada")


@pytest.fixture(scope="module")
def eve(library: Library) -> Person:
    return Person(library.scene, "eve")


def test_each_finds_its_own(library: Library, ada: Person, eve: Person) -> None:
    assert library.found(ada, "plan of the board") == ["plan", "menu"]
    assert library.found(eve, "plan of the board") == []


def test_an_answer_has_a_decision_and_a_record_without_texts(library: Library, ada: Person) -> None:
    told = library.search(ada, "canteen plan").json()
    decision = library.scene.server.records()[-1]
    assert (decision.receipt.decision_id, decision.pep) == (told["decision_id"], "ostiary:rag")
    row = list(library.scene.house.log.iterate("default", "retrieval"))[-1]
    record = msgspec.json.decode(row.payload or b"")
    assert (row.record_id, record["decision"], record["index"]) == (
        told["retrieval_id"], told["decision_id"], "handbook",
    )  # fmt: skip
    assert [one["chunk"] for one in record["passages"]] == [one["chunk"] for one in told["passages"]]
    for text in ("canteen", "board", "menu"):
        assert text not in (row.payload or b"").decode()
        assert text not in bytes(decision.input).decode()


def test_a_passage_has_a_label(library: Library, ada: Person) -> None:
    first = library.search(ada, "plan of the board").json()["passages"][0]
    assert first["label"]["channel"] == "data"
    assert (first["label"]["tenant"], first["label"]["document"], first["label"]["integrity"]) == ("default", "plan", 0)
    assert first["chunk"].startswith("chk_")
    assert "plan" not in first["chunk"]


def test_an_api_key_is_not_enough(library: Library) -> None:
    headers = {"Authorization": f"Bearer {library.scene.server.pep_key}"}
    answer = library.scene.post("/rag/default/search", {"index": "handbook", "query": "x"}, headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_not_enough")


def test_an_index_out_of_reach_and_one_that_never_was_are_one(library: Library, ada: Person) -> None:
    """`vault` is there and too sensitive for analysts; `nosuch` is not there."""
    answers = [library.search(ada, "plan", index=name) for name in ("vault", "nosuch", "a'b\"c", "../handbook")]
    told = [{k: v for k, v in one.json().items() if k != "decision_id"} for one in answers]
    assert {one.status_code for one in answers} == {403}
    assert all(one == told[0] for one in told)
    assert set(told[0]) == {"code", "message"}
    assert len({len(one.content) for one in answers}) == 1


def test_another_tenants_index_is_nowhere(library: Library, ada: Person) -> None:
    made = library.scene.server.admin("POST", "/tenants", json={"tenant": "beta"})
    assert made.status_code == 201, made.text
    for tenant in ("beta", "never"):
        answer = library.search(ada, "plan", tenant=tenant)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_issuer_unknown")


def test_a_right_is_gone_before_the_index_is_read_again(library: Library, ada: Person) -> None:
    library.feed.put("diary", "a diary of the lighthouse keeper", "user:ada")
    library.feed.write()
    library.read()
    assert library.found(ada, "lighthouse diary")[0] == "diary"
    library.feed.put("diary", "a diary of the lighthouse keeper", "user:bob")
    library.feed.write()  # nobody has read it: the index says yes, the source says no
    assert "diary" not in library.found(ada, "lighthouse diary")
    del library.feed.documents["diary"]
    library.feed.write()
    library.read()
    assert "diary" not in library.found(ada, "lighthouse diary")


def test_a_withheld_document_leaves_no_trace_in_the_answer(library: Library, eve: Person, ada: Person) -> None:
    """The answers with and without a document that the asker may not read are the same but for their ids."""

    def seen(person: Person) -> Any:
        told = library.search(person, "wombat logistics of the northern depot").json()
        return [{k: v for k, v in one.items() if k != "label"} for one in told["passages"]], sorted(told)

    before = seen(ada)
    library.feed.put("wombat", "wombat logistics of the northern depot", "user:nobody")
    library.feed.write()
    library.read()
    assert seen(ada) == before
    del library.feed.documents["wombat"]
    library.feed.write()
    library.read()
    assert seen(ada) == before


@pytest.mark.parametrize(
    "body",
    [
        {"index": "handbook"},
        {"index": "handbook", "query": "x", "k": "10"},
        {"index": "handbook", "query": "x", "filter": {"must": []}},
        {"index": "handbook", "query": "x", "subject": "user:ada"},
        {"index": "", "query": "x"},
        {"index": "handbook", "query": 7},
    ],
)
def test_a_body_is_a_search_and_nothing_else(library: Library, ada: Person, body: dict[str, Any]) -> None:
    path = "/rag/default/search"
    answer = library.scene.post(path, body, ada.headers(path))
    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")


def test_too_many_passages_are_refused_by_policy(library: Library, ada: Person) -> None:
    assert library.search(ada, "plan", k=101).status_code == 403
    assert library.search(ada, "plan", k=0).status_code == 403


def test_a_source_that_is_away_is_a_search_that_shows_nothing(library: Library, ada: Person) -> None:
    place = library.feed.path
    place.rename(place.with_suffix(".away"))
    try:
        answer = library.search(ada, "plan of the board")
        assert (answer.status_code, answer.json()["code"]) == (503, "rag_unavailable")
        assert "wiki" not in answer.text
    finally:
        place.with_suffix(".away").rename(place)
    assert library.found(ada, "plan of the board")[0] == "plan"


def test_the_sync_of_the_worker_reads_what_changed(library: Library, ada: Person) -> None:
    face = next(one for one in library.scene.server.assembly.faces if type(one).__name__ == "RagFace")
    library.feed.put("news", "fresh news of the harbour", "user:ada")
    library.feed.write()
    started = time.perf_counter()
    face.sync()  # type: ignore[attr-defined]
    assert library.found(ada, "harbour news")[0] == "news"
    assert time.perf_counter() - started < 5.0


def test_public_address_is_what_a_proof_is_for(library: Library, ada: Person) -> None:
    headers = ada.headers("/rag/beta/search")
    answer = library.scene.post("/rag/default/search", {"index": "handbook", "query": "x"}, headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "dpop_http_uri_wrong"), PUBLIC
