"""Retrieval over HTTP with the shipped policy: sources keep their rights, and nothing tells what is withheld."""

import json
import os
import subprocess
import sys

import pytest
from tests.conftest import InProcess, _run

from ostiary.server.bootstrap import bootstrap
from ostiary.server.places import Places
from ostiary.server.retrieval.registering import register_index
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.testing.identity_provider import FakeProvider
from ostiary.testing.issuer import FakeIssuer
from ostiary.vocabulary.clock import SystemClock

CATALOGUE = """
subjects:
  - {type: user, id: ada, groups: [analysts]}
  - {type: user, id: bob, groups: [analysts]}
  - {type: user, id: guest}
"""
ISSUER = FakeIssuer()
STRONG = {"acr": "urn:ostiary:acr:phishing-resistant", "amr": ["hwk"], "sid": "s-1"}


class Scene:
    def __init__(self, server, feed):
        self.server, self.feed = server, feed

    def write(self, *documents, revision):
        told = {"version": revision, "documents": documents}
        beside = self.feed.with_suffix(".new")
        beside.write_text(json.dumps(told))
        beside.replace(self.feed)

    def ask(self, who="ada", query="the merger plan", index="wiki", tenant="default", **more):
        now_ns = SystemClock().now_ns()
        token = ISSUER.token(now_ns, sub=who, **STRONG, auth_time=now_ns // 10**9)
        body = {"index": index, "query": query, **more}
        headers = {"authorization": f"Bearer {token}"}
        return self.server.client.post(f"/rag/{tenant}/search", json=body, headers=headers)

    def found(self, who="ada", **more):
        answer = self.ask(who, **more)
        assert answer.status_code == 200, answer.text
        return [one["document"] for one in answer.json()["passages"]]


def document(name, text, allow, deny=(), **more):
    return {"id": name, "text": text, "allow": list(allow), "deny": list(deny), **more}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    root = tmp_path_factory.mktemp("house") / "data"
    (root / "catalogue").mkdir(parents=True)
    (root / "catalogue" / "default.yaml").write_text(CATALOGUE)
    root.chmod(0o700)
    keys = tmp_path_factory.mktemp("keys") / "jwks.json"
    keys.write_text(ISSUER.jwks().inline)
    believed = {"issuer": ISSUER.issuer, "audience": ISSUER.audience, "jwks_path": str(keys)}
    sections = {"identity": {"issuers": [believed]}, "server": {"deadline_ms": 10_000}, "rag": {"sync_s": 3600}}
    settings = load(None, environ={}, options=sections).settings
    faults = []
    house = open_house(Places(root), settings, SystemClock(), lambda reason, fault: faults.append((reason, fault)))
    house.policies.load("default")
    bootstrap(house)
    house.warm_up(lambda reason, fault: faults.append((reason, fault)))
    feed = tmp_path_factory.mktemp("feed") / "feed.json"
    served: list[InProcess] = []
    end = _run(house, served.append, 0)
    yield Scene(served[0], feed)
    end()
    house.close()


def test_each_finds_what_the_source_lets_him_read(scene):
    house = scene.server.house
    scene.write(
        document("plan", "the merger plan of this year", ["user:ada"]),
        document("menu", "the lunch plan of this week", ["*"]),
        document("both", "the merger plan of last year", ["group:analysts"], ["user:bob"]),
        revision=1,
    )
    spec = {"sources": [{"kind": "feed", "name": "feed", "path": str(scene.feed)}]}
    register_index(house, "test", "default", {"id": "wiki", "sensitivity": 1, "spec": spec})
    house.rag.read("default", "wiki")
    assert sorted(scene.found("ada")) == ["both", "menu", "plan"]
    assert scene.found("bob") == ["menu"]


def test_a_right_that_is_gone_is_gone_before_anybody_reads_the_source(scene):
    scene.write(
        document("plan", "the merger plan of this year", ["user:bob"]),
        document("menu", "the lunch plan of this week", ["*"]),
        revision=2,
    )
    assert scene.found("ada") == ["menu"]


def test_an_index_that_is_not_there_and_one_that_is_forbidden_answer_alike(scene):
    there, absent = scene.ask("guest"), scene.ask("guest", index="nowhere")
    assert there.status_code == absent.status_code == 403

    def told(answer):
        return {name: value for name, value in answer.json().items() if name != "decision_id"}

    assert told(there) == told(absent)


def test_each_search_leaves_a_decision_and_a_record_without_words(scene):
    answer = scene.ask("bob", query="the lunch plan").json()
    found = [
        one for one in scene.server.house.log.iterate("default", "retrieval") if one.record_id == answer["retrieval_id"]
    ]
    told = json.loads(found[0].payload)
    assert told["decision"] == answer["decision_id"]
    assert [one["chunk"] for one in told["passages"]] == [one["chunk"] for one in answer["passages"]]
    assert b"lunch" not in found[0].payload
    assert answer["passages"][0]["label"]["integrity"] == 0


def test_who_proves_nothing_finds_nothing(scene):
    client = scene.server.client
    for headers in ({}, {"authorization": "Bearer sk.key"}, {"authorization": "Bearer a.b.c"}):
        assert (
            client.post("/rag/default/search", json={"index": "wiki", "query": "x"}, headers=headers).status_code == 401
        )
    assert scene.ask("ada", tenant="acme").status_code == 401


@pytest.mark.parametrize(
    "more",
    [
        {"k": 0},
        {"k": 101},
        {"query": ""},
        {"query": " "},
        {"query": "x" * 20_000},
        {"index": ""},
        {"index": "a" * 200},
        {"filter": "1=1"},
        {"tenant_": 1},
    ],
)
def test_what_is_no_search_is_refused(scene, more):
    assert scene.ask("ada", **more).status_code in {400, 403}


@pytest.mark.parametrize("name", ["wiki' OR '1'='1", 'wiki"', "wiki;--", "../wiki", "wiki\x00"])
def test_names_are_no_queries(scene, name):
    assert scene.ask("ada", index=name).status_code in {400, 403}


def ostiary(*arguments, **variables):
    command = [sys.executable, "-m", "ostiary.cli", *arguments]
    return subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=90
    )


def test_an_administrator_registers_reads_looks_and_removes(tmp_path):
    data, folder = tmp_path / "data", tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("the travel policy")
    (folder / "b.exe").write_bytes(b"\x00")
    told = ("--data", str(data), "--json")
    dry = ostiary("rag", "index", "handbook", "--folder", str(folder), "--dry-run", *told)
    assert json.loads(dry.stdout) == {"index": "handbook", "sources": ["folder"]}, dry.stderr
    assert json.loads(ostiary("rag", "sources", *told).stdout) == []
    done = ostiary("rag", "index", "handbook", "--folder", str(folder), *told)
    assert json.loads(done.stdout)["read"]["folder"]["documents"] == 1, done.stderr
    assert json.loads(ostiary("rag", "status", "handbook", *told).stdout)["documents"] == 1
    assert json.loads(ostiary("rag", "remove", "handbook", *told).stdout) == {"removed": "handbook"}
    assert ostiary("rag", "status", "handbook", *told).returncode == 3


def test_a_person_searches_from_a_terminal(scene, tmp_path):
    with FakeProvider("ada") as provider:
        provider.approve = True
        provider.bound = False
        provider.issuer = ISSUER
        provider.claims |= {**STRONG, "auth_time": SystemClock().now_ns() // 10**9}
        home = {"OSTIARY_HOME": str(tmp_path)}
        assert ostiary("login", "--issuer", provider.url, "--client-id", "cli", **home).returncode == 0
        found = ostiary("rag", "search", "lunch plan", "--index", "wiki", "--url", scene.server.url, "--json", **home)
        assert found.returncode == 0, found.stderr
        assert [one["document"] for one in json.loads(found.stdout)["passages"]] == ["menu"]
        no = ostiary("rag", "search", "lunch", "--index", "none", "--url", scene.server.url, **home)
        assert no.returncode == 3
