"""The door to conversations with the shipped policy: owners come in, everybody else meets nothing at all."""

import json
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ostiary.gateway.conversations import Conversations, Message
from ostiary.testing.issuer import FakeIssuer
from ostiary.vocabulary.labels import Channel, Label

TENANTS = ("default", "acme")
ISSUERS = {tenant: FakeIssuer(issuer=f"https://{tenant}.example") for tenant in TENANTS}


class Scene:
    def __init__(self, start_server: Callable[..., Any], folder: Path) -> None:
        issuers = []
        for tenant, fake in ISSUERS.items():
            keys = folder / f"{tenant}.json"
            keys.write_text(fake.jwks().inline)
            issuers.append({"issuer": fake.issuer, "audience": fake.audience, "jwks_path": str(keys), "tenant": tenant})
        self.server = start_server(identity={"issuers": issuers}, server={"deadline_ms": 30_000})
        self.house = self.server.house
        self.house.tenants.create("acme")
        for tenant in TENANTS:
            # The shipped bundle instead of the tests' own: what is tested here is what is shipped.
            shutil.rmtree(self.house.places.root / "bundles" / tenant, ignore_errors=True)
            self.house.policies.reload(tenant)
        self.conversations: Conversations = self.house.conversations
        self.client = httpx.Client(base_url=self.server.url, timeout=30)
        self.ann = self.talk("default", "user:ann")
        self.bob = self.talk("default", "user:bob")
        self.eve = self.talk("acme", "user:ann")

    def talk(self, tenant: str, user: str, level: int = 0) -> str:
        made = self.conversations.create(tenant, user, title=f"{user} in {tenant}")
        label = Label(Channel.USER, tenant, confidentiality=level)
        self.conversations.append(
            tenant, user, made.id, [Message("message", {"role": "user", "content": f"of {user} in {tenant}"}, (label,))]
        )
        return made.id

    def token(self, tenant: str, user: str, **more: Any) -> str:
        now = self.house.clock.now_ns()
        told = {"sub": user, "acr": "urn:ostiary:acr:mfa", "auth_time": now // 10**9 - 60, **more}
        return ISSUERS[tenant].token(now, **told)

    def ask(self, method: str, path: str, token: str = "", **headers: str) -> httpx.Response:
        told = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.request(method, path, headers={**told, **headers})

    def records(self, kind: str) -> list[dict[str, Any]]:
        found = self.house.log.iterate("default", kind=kind)
        return [msgspec.json.decode(one.payload) for one in found if one.payload]


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    found = Scene(start_server, tmp_path_factory.mktemp("issuers"))
    yield found
    found.client.close()


def test_an_owner_lists_reads_and_exports(scene: Scene) -> None:
    token = scene.token("default", "ann")
    listed = scene.ask("GET", "/conversations/default", token)
    assert listed.status_code == 200, listed.text
    assert [one["title"] for one in listed.json()["conversations"]] == ["user:ann in default"]
    read = scene.ask("GET", f"/conversations/default/{scene.ann}", token)
    assert read.json()["messages"][0]["content"]["content"] == "of user:ann in default"
    assert read.headers["cache-control"] == "no-store"
    for path in (f"/conversations/default/{scene.ann}/export", "/conversations/default/export"):
        told = scene.ask("GET", path, token)
        (line,) = told.text.splitlines()
        assert json.loads(line).get("id") == scene.ann, line
        record = scene.records("conversation")[-1]
        assert record["action"] == "export"
        assert record["decision"] == told.headers["x-ostiary-decision"]
    assert "of user:ann" not in json.dumps(scene.records("conversation"))


def test_pages_and_bounds(scene: Scene) -> None:
    token = scene.token("default", "pat")
    ids = [scene.talk("default", "user:pat") for _ in range(3)]
    first = scene.ask("GET", "/conversations/default?limit=2", token).json()["conversations"]
    rest = scene.ask("GET", f"/conversations/default?limit=2&before={first[-1]['id']}", token).json()["conversations"]
    assert [one["id"] for one in first + rest] == sorted(ids, reverse=True)
    path = f"/conversations/default/{ids[0]}"
    assert scene.ask("GET", f"{path}?start=-1", token).json()["start"] == 0
    assert scene.ask("GET", f"{path}?start=99&limit=0", token).json()["messages"] == []
    for bad in ("start=x", "limit=1e3", "start=--1", "limit=9999999999", "start=\u0663"):
        assert scene.ask("GET", f"{path}?{bad}", token).status_code == 400


def test_a_stranger_is_told_how(scene: Scene) -> None:
    for path in ("/conversations/default", f"/conversations/default/{scene.ann}", "/conversations/nowhere"):
        answer = scene.ask("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    key = scene.ask("GET", "/conversations/default", "pep-1.secret")
    assert (key.status_code, key.json()["code"]) == (401, "api_key_not_enough")


def same(answer: httpx.Response) -> tuple[Any, ...]:
    """What a caller can tell two answers apart by, but for the ids of the decisions."""
    told = answer.json()
    told.pop("decision_id", None)
    headers = {name: value for name, value in answer.headers.items() if name not in {"date", "x-ostiary-decision"}}
    return answer.status_code, json.dumps(told, sort_keys=True), json.dumps(headers, sort_keys=True)


def test_another_s_is_as_unknown_as_what_never_was(scene: Scene) -> None:
    token = scene.token("default", "ann")
    ids = (scene.bob, scene.eve, "conv_" + "0" * 26)
    for method, form in (("GET", "{}"), ("GET", "{}/export"), ("DELETE", "{}")):
        answers = [scene.ask(method, f"/conversations/default/{form.format(one)}", token) for one in ids]
        assert {same(answer) for answer in answers} == {same(answers[0])}
        assert (answers[0].status_code, answers[0].json()["code"]) == (404, "conversation_unknown")
        for answer in answers:
            assert scene.house.log.get("default", answer.json()["decision_id"]) is not None
    assert scene.conversations.owns("default", "user:bob", scene.bob)
    assert scene.conversations.owns("acme", "user:ann", scene.eve)


@pytest.mark.slow
def test_a_thousand_attempts_across_users_and_tenants(scene: Scene) -> None:
    """Every combination of who, whose, where and how, at random: nothing but one's own ever comes."""
    pick = random.Random(7)  # noqa: S311 - a seed, so that a failure comes again
    tokens = {(tenant, user): scene.token(tenant, user) for tenant in TENANTS for user in ("ann", "bob")}
    own = {("default", "ann"): scene.ann, ("default", "bob"): scene.bob, ("acme", "ann"): scene.eve}
    ids = [*own.values(), "conv_" + "Z" * 26, "..%2fdefault", "%2e%2e%2fx", "own", "x" * 300]
    seen = set()
    for _ in range(1000):
        who, tenant, ident = pick.choice(list(tokens)), pick.choice([*TENANTS, "nowhere"]), pick.choice(ids)
        method, form = pick.choice([("GET", ""), ("GET", "/export"), ("DELETE", "")])
        mine = who[0] == tenant and own.get(who) == ident
        if mine and method == "DELETE":
            continue
        answer = scene.ask(method, f"/conversations/{tenant}/{ident}{form}", tokens[who])
        assert (answer.status_code == 200) == mine, (who, tenant, ident, method, answer.text)
        if not mine:
            assert answer.status_code in {401, 404}, (answer.url, answer.text)
            if who[0] == tenant and ident.isalnum():
                seen.add(same(answer))
        assert ("of user" in answer.text) == mine
    assert len(seen) <= 2
    assert all(scene.conversations.find(tenant, f"user:{user}", ident) for (tenant, user), ident in own.items())


def test_absent_and_forbidden_take_alike(scene: Scene) -> None:
    """Medians in turns; the shares are generous, the machine is shared."""
    token = scene.token("default", "ann")
    took: dict[str, list[float]] = {scene.bob: [], "conv_" + "1" * 26: []}
    for _ in range(30):
        for ident, times in took.items():
            begun = time.perf_counter()
            assert scene.ask("GET", f"/conversations/default/{ident}", token).status_code == 404
            times.append(time.perf_counter() - begun)
    one, other = (sorted(times)[len(times) // 2] for times in took.values())
    assert abs(one - other) < 0.5 * max(one, other)


def test_an_owner_deletes_for_good(scene: Scene) -> None:
    token, ident = scene.token("default", "del"), scene.talk("default", "user:del")
    path = f"/conversations/default/{ident}"
    answer = scene.ask("DELETE", path, token)
    assert (answer.status_code, answer.content) == (204, b"")
    record = scene.records("conversation")[-1]
    assert (record["action"], record["conversation"]) == ("delete", ident)
    assert record["decision"] == answer.headers["x-ostiary-decision"]
    assert scene.ask("GET", path, token).status_code == scene.ask("DELETE", path, token).status_code == 404
    assert not list((scene.house.places.keys / "conversations").rglob(f"{ident}.*"))


def test_what_is_confidential_asks_for_a_recent_sign_in(scene: Scene) -> None:
    ident = scene.talk("default", "user:sam", level=3)
    old = scene.house.clock.now_ns() // 10**9 - 50_000
    answer = scene.ask("GET", f"/conversations/default/{ident}", scene.token("default", "sam", auth_time=old))
    assert answer.status_code == 401
    assert "rule:conversation-confidential" in answer.json()["reasons"]
    assert scene.ask("GET", f"/conversations/default/{ident}", scene.token("default", "sam")).status_code == 200


def test_a_damaged_one_is_refused_and_told_to_whoever_mends(scene: Scene) -> None:
    ident = scene.talk("default", "user:dan")
    parts = scene.conversations.parts
    row = parts.store.find("default", parts.keys.owner("default", "user:dan"), ident)
    assert row is not None
    with scene.house.store.transaction():
        changed = msgspec.structs.replace(row, generation=row.generation + 1, head=row.head)
        parts.store.advance("default", changed, [], 0)
    answer = scene.ask("GET", f"/conversations/default/{ident}", scene.token("default", "dan"))
    assert answer.status_code == 409
    assert answer.json()["code"] in {"conversation_damaged", "sealed_data_refused"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("PUT", "/x"), ("GET", "/x/y"), ("GET", "/x/export/z"), ("DELETE", ""), ("DELETE", "/x/export")],
)
def test_there_is_nothing_else(scene: Scene, method: str, path: str) -> None:
    answer = scene.ask(method, f"/conversations/default{path}", scene.token("default", "ann"))
    assert answer.status_code == 404


def test_forgetting_a_person_takes_the_conversations(scene: Scene) -> None:
    from ostiary.server.forgetting import forget  # noqa: PLC0415 - half a second

    ident = scene.talk("default", "user:gone")
    forget(scene.house, "default", "user", "gone")
    assert scene.conversations.count("default", "user:gone") == 0
    assert scene.ask("GET", f"/conversations/default/{ident}", scene.token("default", "gone")).status_code == 404
    keys, owner = scene.conversations.parts.keys, scene.conversations.parts.keys.owner("default", "user:gone")
    assert keys.epochs("default", owner) == []


def test_the_chore_brings_older_messages_over(scene: Scene) -> None:
    from ostiary.gateway.conversations import Rotation  # noqa: PLC0415
    from ostiary.server.conversations import tend  # noqa: PLC0415

    ident = scene.talk("default", "user:old")
    parts = scene.conversations.parts
    assert Rotation(parts).turn("default", "user:old") == 2
    tend(scene.house)
    assert parts.store.stale_count("default") == 0
    owner = parts.keys.owner("default", "user:old")
    assert parts.keys.epochs("default", owner) == [2]
    assert len(scene.conversations.read("default", "user:old", ident).messages) == 1
