"""Two tenants at every face of the gateway: nothing of one is there for the other, and nobody can tell it from nothing.

Attempts drawn with a seed, two thousand, and ten thousand in a long run: tokens of one tenant at the other's doors, and
names and ids of one at the other's own doors. Each is answered as the same request for what nobody has: status,
headers, and body but for ids of decisions and answers. The application is called inside its own loop, without sockets.
"""

import asyncio
import json
import random
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from tests.stories.inference_scene import NS, STRONG, other_issuer
from tests.stories.llm_scene import LlmScene, llm_fixture
from tests.thoroughness import tries

from ostiary.gateway.conversations import Message
from ostiary.server.faces.mcp import McpFace
from ostiary.server.mcp.connections import Connections
from ostiary.server.retrieval.registering import register_index

ATTEMPTS = tries(2_000, 10_000)
EACH = 6  # conversations of a tenant, and answers
AT_ONCE = 16
TENANTS = ("default", "other")
NOBODY = {"default": "nowhere", "other": "ghost"}  # of the same length: headers tell lengths
WORD = {"default": "Zanzibar", "other": "Montevideo"}  # stands in everything that a tenant has, and nowhere else
ISSUER = other_issuer("other")
CHAT = ["embeddings", "chat"]
MODELS = [
    {"name": "mine", "upstream": "fake", "tenants": ["default"], "aliases": ["nick"], "kinds": CHAT},
    {"name": "their", "upstream": "fake", "tenants": ["other"], "aliases": ["name"], "kinds": CHAT},
    {"name": "both", "upstream": "fake", "tenants": ["default"], "target": "of-default", "kinds": CHAT},
    {"name": "both", "upstream": "fake", "tenants": ["other"], "target": "of-other", "kinds": CHAT},
]
OWN_MODELS = {"default": ("mine", "nick"), "other": ("their", "name")}
OWN_INDEX = {"default": "ledger", "other": "vaults"}
SERVERS = {
    "desk": {"url": "http://127.0.0.1:9/mcp", "tenants": ["default"]},
    "post": {"url": "http://127.0.0.1:9/mcp", "tenants": ["other"]},
    "both": {"url": "http://127.0.0.1:9/mcp", "tenants": ["default", "other"]},
}
OWN_SERVER = {"default": "desk", "other": "post"}
_VARIES = (
    (re.compile(r"\b(dec|req|ret|ins)_[0-9A-Za-z]+"), r"\1_X"),
    (re.compile(r"\b(resp_|chatcmpl-|msg_|fc_|rs_)[0-9A-Za-z_-]+"), r"\1X"),
    (re.compile(r'"(created|created_at|score)":[-0-9.e]+'), r'"\1":0'),
)
_HEADERS = frozenset({"date", "x-request-id", "ostiary-decision", "x-ostiary-decision"})
WORDS = ("my", "secret", "is", "what", "the", "merger", "plan", "tell", "me", "again", "where", "who", "and")
INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
GUARDED = {"texts": ["hello"], "input_type": "request"}

Shot = tuple[str, str, Any, dict[str, str]]
"""Method, path, body, further headers."""
_open = llm_fixture(
    "tenants",
    models=MODELS,
    others=(ISSUER,),
    sections={"mcp": {"servers": SERVERS}, "rag": {"sync_s": 3600}},
)


class Two:
    """Both tenants, with everything that each has, and one client without sockets."""

    def __init__(self, llm: LlmScene, folder: Any) -> None:
        self.llm, self.house = llm, llm.house
        now_ns = llm.scene.clock.now_ns()
        told = {"sub": "ada", "sid": "s-1", "auth_time": now_ns // NS - 5, **STRONG}
        self.tokens = {"default": llm.scene.issuer.token(now_ns, **told), "other": ISSUER.token(now_ns, **told)}
        self.peps = {"default": llm.server.pep_key}
        self.conversations: dict[str, list[str]] = {tenant: [] for tenant in TENANTS}
        self.answers: dict[str, list[str]] = {tenant: [] for tenant in TENANTS}
        self.connections: dict[str, str] = {}
        self.chunks: dict[str, str] = {}
        (face,) = (one for one in llm.server.assembly.faces if isinstance(one, McpFace))
        for tenant in TENANTS:
            self._fill(tenant, folder)
            connection = f"{tenant[:5]}-{random.Random(tenant).getrandbits(128):032x}"  # noqa: S311
            for server in (OWN_SERVER[tenant], "both"):
                face._connections.begin(connection, (tenant, "user:ada", server))
            self.connections[tenant] = connection

    def _fill(self, tenant: str, folder: Any) -> None:
        word = WORD[tenant]
        feed = folder / f"{tenant}.json"
        document = {"id": f"plan-{word}", "text": f"the merger plan: {word}", "allow": ["*"], "deny": []}
        feed.write_text(json.dumps({"version": 1, "documents": [document]}))
        spec = {"sources": [{"kind": "feed", "name": "feed", "path": str(feed)}]}
        for index in ("wiki", OWN_INDEX[tenant]):
            register_index(self.house, "test", tenant, {"id": index, "sensitivity": 1, "spec": spec})
            self.house.rag.read(tenant, index)
        for number in range(EACH):
            made = self.house.conversations.create(tenant, "user:ada", title=word)
            said = Message("message", {"role": "user", "content": f"my secret is {word} {number}"})
            self.house.conversations.append(tenant, "user:ada", made.id, [said])
            self.conversations[tenant].append(made.id)
            body = {"model": "both", "input": f"my secret is {word} {number}", "store": True}
            answer = self.one(tenant, "POST", f"/llm/{tenant}/v1/responses", body)
            self.answers[tenant].append(answer.json()["id"])
        found = self.one(tenant, "POST", f"/rag/{tenant}/search", {"index": "wiki", "query": "merger plan"}).json()
        self.chunks[tenant] = found["passages"][0]["chunk"]

    def one(self, tenant: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with self.client() as client:
                return await self.send(client, tenant, (method, path, body, headers))

        answer: httpx.Response = self.inside(ask())
        return answer

    def inside(self, work: Any) -> Any:
        loop = self.llm.server.loop
        assert loop is not None
        return asyncio.run_coroutine_threadsafe(work, loop).result(180)

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.llm.server.assembly.app)
        return httpx.AsyncClient(transport=transport, base_url="http://pdp.example", timeout=60)

    async def send(self, client: httpx.AsyncClient, tenant: str, shot: Shot) -> httpx.Response:
        method, path, body, more = shot
        headers = {"authorization": f"Bearer {self.tokens[tenant]}", "accept": "application/json, text/event-stream"}
        content = None if body is None else msgspec.json.encode(body)
        kind = {} if content is None else {"content-type": "application/json"}
        return await client.request(method, path, content=content, headers={**headers, **kind, **more})


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    for llm in _open(tmp_path_factory):
        yield Two(llm, tmp_path_factory.mktemp("feeds"))


def model_doors(tenant: str, model: str) -> list[Shot]:
    base, said = f"/llm/{tenant}", [{"role": "user", "content": "hello"}]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    bases = [f"{base}/v1", "/v1"] if tenant == "default" else [f"{base}/v1"]
    shots: list[Shot] = [
        ("POST", f"{base}/quarantine/extract", {"model": model, "schema": schema, "text": "one"}, {}),
    ]
    for at in bases:
        shots += [
            ("POST", f"{at}/chat/completions", {"model": model, "messages": said}, {}),
            ("POST", f"{at}/chat/completions", {"model": model, "messages": said, "stream": True}, {}),
            ("POST", f"{at}/responses", {"model": model, "input": "hello"}, {}),
            ("POST", f"{at}/responses", {"model": model, "input": "hello", "stream": True}, {}),
            ("POST", f"{at}/embeddings", {"model": model, "input": "hello"}, {}),
            ("GET", f"{at}/models/{model}", None, {}),
        ]
    return shots


def answer_doors(tenant: str, ident: str) -> list[Shot]:
    at, model = f"/llm/{tenant}/v1/responses", {"model": "both", "input": "what is in my notes?", "store": False}
    return [
        ("POST", at, {**model, "previous_response_id": ident}, {}),
        ("POST", at, {**model, "previous_response_id": ident, "stream": True}, {}),
    ]


def conversation_doors(tenant: str, ident: str) -> list[Shot]:
    at, model = f"/llm/{tenant}/v1/responses", {"model": "both", "input": "what is in my notes?", "store": False}
    path = f"/conversations/{tenant}/{ident}"
    return [
        ("GET", path, None, {}),
        ("GET", f"{path}/export", None, {}),
        ("DELETE", path, None, {}),
        ("GET", f"/conversations/{tenant}?before={ident}&limit=0", None, {}),
        ("POST", at, {**model, "conversation": ident}, {}),
        ("POST", at, {**model, "previous_response_id": f"resp_{ident[5:]}-1-{'0' * 36}"}, {}),
    ]


def index_doors(tenant: str, index: str) -> list[Shot]:
    return [
        ("POST", f"/rag/{tenant}/search", {"index": index, "query": "the merger plan", "k": 3}, {}),
        ("GET", f"/rag/{tenant}/indexes/{index}", None, {}),
    ]


def chunk_doors(tenant: str, chunk: str) -> list[Shot]:
    return [("POST", f"/rag/{tenant}/search", {"index": OWN_INDEX[tenant], "query": chunk, "k": 3}, {})]


def server_doors(tenant: str, server: str) -> list[Shot]:
    wrapped = {"from": "client", "message": INITIALIZE, "connection": "c"}
    return [
        ("POST", f"/mcp/{tenant}/{server}", INITIALIZE, {}),
        ("GET", f"/mcp/{tenant}/{server}", None, {}),
        ("POST", f"/mcp/{tenant}/{server}/guard", wrapped, {}),
    ]


def connection_doors(tenant: str, connection: str) -> list[Shot]:
    head = {"mcp-session-id": connection}
    wrapped = {"from": "client", "message": INITIALIZE, "connection": connection}
    return [
        *((method, f"/mcp/{tenant}/both", None, head) for method in ("GET", "DELETE")),
        ("POST", f"/mcp/{tenant}/both", INITIALIZE, head),
        ("POST", f"/mcp/{tenant}/{OWN_SERVER[tenant]}", INITIALIZE, head),
        ("POST", f"/mcp/{tenant}/both/guard", wrapped, {}),
    ]


def tenant_doors(two: Two, tenant: str, victim: str) -> list[Shot]:
    """Return every door of ``tenant`` with what ``victim`` has there: the right names at the wrong place."""
    own, ident = victim, two.conversations[victim][0]
    return [
        *(
            shot
            for model in ("both", OWN_MODELS[own][0])
            for shot in model_doors(tenant, model)
            if shot[1][:3] != "/v1"
        ),
        ("GET", f"/llm/{tenant}/v1/models", None, {}),
        ("POST", f"/llm/{tenant}/guardrail", GUARDED, {}),
        ("POST", f"/llm/{tenant}/guardrail/beta/litellm_basic_guardrail_api", GUARDED, {}),
        *answer_doors(tenant, two.answers[own][0]),
        *conversation_doors(tenant, ident),
        ("GET", f"/conversations/{tenant}", None, {}),
        ("GET", f"/conversations/{tenant}/export", None, {}),
        *(shot for index in ("wiki", OWN_INDEX[own]) for shot in index_doors(tenant, index)),
        *(shot for server in ("both", OWN_SERVER[own]) for shot in server_doors(tenant, server)),
        ("POST", f"/mcp/{tenant}/both", INITIALIZE, {"mcp-session-id": two.connections[own]}),
    ]


def like(rng: random.Random, name: str, start: int = 0) -> str:
    """Return a name of the same shape that nobody has."""
    letters = {"0": string.digits, "a": "abcdef", "A": "ABCDEFGH"}

    def other(one: str) -> str:
        kind = "0" if one.isdigit() else "a" if one in "abcdef" else "A" if one in "ABCDEFGH" else ""
        return rng.choice(letters[kind]) if kind else one

    return name[:start] + "".join(map(other, name[start:]))


Doors = Callable[[str, str], list[Shot]]
Trial = tuple[str, Doors, str, str]


def trials(two: Two, attacker: str) -> list[Trial]:
    """Return what an attacker knows of the other tenant: by kind the doors, the thing, and a thing that nobody has."""
    (victim,) = (one for one in TENANTS if one != attacker)
    rng = random.Random(attacker)  # noqa: S311

    def nobodys(answer: str) -> str:
        head, count, nonce = answer.split("-")
        return f"{like(rng, head, 10)}-{count}-{nonce}"

    return [
        *(("model", model_doors, model, "q" * len(model)) for model in OWN_MODELS[victim]),
        *(("answer", answer_doors, one, nobodys(one)) for one in two.answers[victim]),
        *(("conversation", conversation_doors, one, like(rng, one, 15)) for one in two.conversations[victim]),
        ("index", index_doors, OWN_INDEX[victim], "q" * len(OWN_INDEX[victim])),
        ("chunk", chunk_doors, two.chunks[victim], like(rng, two.chunks[victim], 4)),
        ("server", server_doors, OWN_SERVER[victim], "q" * len(OWN_SERVER[victim])),
        ("connection", connection_doors, two.connections[victim], like(rng, two.connections[victim], 6)),
        ("tenant", lambda tenant, _: tenant_doors(two, tenant, victim), victim, NOBODY[victim]),
    ]


def shown(answer: httpx.Response, *things: str) -> tuple[int, str, str]:
    """Return what somebody sees of an answer, but for what he asked for himself and what is drawn anew each time."""
    varies = _HEADERS | ({"content-length"} if '"score":' in answer.text else set())
    headers = sorted(f"{name}: {value}" for name, value in answer.headers.items() if name not in varies)
    body, head = answer.text, "\n".join(headers)
    for thing in things:
        body, head = body.replace(thing, "THING"), head.replace(thing, "THING")
    for pattern, instead in _VARIES:
        body, head = pattern.sub(instead, body), pattern.sub(instead, head)
    return answer.status_code, head, body


def salted(body: Any, said: str) -> Any:
    """Return a body that says something else: no two attempts are quite the same."""
    if not isinstance(body, dict):
        return body
    if body.get("query", "").startswith("chk_"):
        return body
    told = {"input": said, "query": said, "text": said, "messages": [{"role": "user", "content": said}]}
    return {name: told.get(name, value) for name, value in body.items()}


def test_each_tenant_has_what_it_has(two: Two) -> None:
    for tenant in TENANTS:
        (foe,) = (one for one in TENANTS if one != tenant)
        for method, path, body, more in [
            *model_doors(tenant, OWN_MODELS[tenant][0]),
            *answer_doors(tenant, two.answers[tenant][0]),
            *conversation_doors(tenant, two.conversations[tenant][0])[:2],
            *index_doors(tenant, OWN_INDEX[tenant]),
            *index_doors(tenant, "wiki"),
        ]:
            answer = two.one(tenant, method, path, body, **more)
            assert answer.status_code in {200, 422}, (tenant, path, answer.text)
            assert WORD[foe] not in answer.text
        said = two.one(tenant, "POST", *answer_doors(tenant, two.answers[tenant][0])[0][1:3])
        assert said.status_code == 200
        sent = two.llm.upstream.asked[-1]
        assert sent["model"] == f"of-{tenant}"
        assert WORD[tenant] in json.dumps(sent)
        models = two.one(tenant, "GET", f"/llm/{tenant}/v1/models").json()["data"]
        assert {one["id"] for one in models} == {"both", "embedded-extractive", OWN_MODELS[tenant][0]}
        found = two.one(tenant, "POST", *chunk_doors(tenant, two.chunks[foe])[0][1:3])
        assert WORD[foe] not in found.text
    assert two.one("default", "POST", "/llm/default/guardrail", GUARDED, **_pep(two)).json() == {"action": "NONE"}


def _pep(two: Two) -> dict[str, str]:
    return {"authorization": f"Bearer {two.peps['default']}"}


class Attack:
    """Attempts of both tenants on each other, drawn with a seed."""

    def __init__(self, two: Two, seed: int) -> None:
        self.two, self.rng = two, random.Random(seed)  # noqa: S311 - a seed, so that a failure comes again
        self.known: dict[str, dict[str, list[Trial]]] = {attacker: {} for attacker in TENANTS}
        for attacker in TENANTS:
            for trial in trials(two, attacker):
                self.known[attacker].setdefault(trial[0], []).append(trial)
        self.controls: dict[str, tuple[int, str, str]] = {}
        self.told: Counter[str] = Counter()
        self.faults: list[Any] = []

    def draw(self) -> tuple[str, Trial, list[Shot], str]:
        """Return an attacker, what it tries, the request for it and for what nobody has, and what stands for both."""
        rng = self.rng
        attacker = rng.choice(TENANTS)
        trial = kind, doors, thing, nothing = rng.choice(self.known[attacker][rng.choice(list(self.known[attacker]))])
        places = (thing, nothing) if kind == "tenant" else (attacker, attacker)
        at = rng.randrange(len(doors(places[0], thing)))
        shots = [doors(place, one)[at] for place, one in zip(places, (thing, nothing), strict=True)]
        if "/guardrail" in shots[0][1] and attacker == "default" and rng.random() < 0.5:
            shots = [(method, path, body, _pep(self.two)) for method, path, body, _ in shots]
        key = json.dumps([attacker, *shots[1]])
        said = " ".join(rng.choices(WORDS, k=3))
        return attacker, trial, [(method, path, salted(body, said), more) for method, path, body, more in shots], key

    async def one(self, client: httpx.AsyncClient) -> None:
        """Make one attempt."""
        attacker, (kind, _, thing, nothing), shots, key = self.draw()
        got = await self.two.send(client, attacker, shots[0])
        seen = shown(got, thing)
        if self.controls.get(key) != seen:  # asked again, for time and words change some answers
            self.controls[key] = shown(await self.two.send(client, attacker, shots[1]), nothing)
        (victim,) = (one for one in TENANTS if one != attacker)
        self.told[f"{kind} {got.status_code}"] += 1
        if self.controls[key] != seen or WORD[victim] in got.text:
            self.faults.append((attacker, kind, shots[0], seen, self.controls[key]))

    async def all(self, attempts: int) -> None:
        """Make all attempts, some at once."""
        left = iter(range(attempts))

        async def some(client: httpx.AsyncClient) -> None:
            for _ in left:
                await self.one(client)

        async with self.two.client() as client:
            await asyncio.gather(*(some(client) for _ in range(AT_ONCE)))


@pytest.mark.slow
def test_nothing_of_one_tenant_is_there_for_another(two: Two) -> None:
    attack, asked_before = Attack(two, 7), len(two.llm.upstream.asked)
    two.inside(attack.all(ATTEMPTS))
    assert not attack.faults, (len(attack.faults), attack.told, attack.faults[:3])
    assert sum(attack.told.values()) == ATTEMPTS
    assert {one.split()[0] for one in attack.told} == set(attack.known["default"])
    for sent in two.llm.upstream.asked[asked_before:]:  # what was asked of a model was the asker's own
        assert not any(word in json.dumps(sent) for word in WORD.values())
    for tenant in TENANTS:  # nothing was deleted
        assert all(two.house.conversations.owns(tenant, "user:ada", one) for one in two.conversations[tenant])


def test_the_attack_finds_a_door_that_is_open(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    attack = Attack(two, 7)
    for attacker in TENANTS:  # an id that somebody has, and one that nobody has
        attack.known[attacker] = {"connection": attack.known[attacker]["connection"]}
    monkeypatch.setattr(Connections, "holds", lambda self, connection, _: any(connection == c for _, c in self._owners))
    two.inside(attack.all(40))
    assert attack.faults
