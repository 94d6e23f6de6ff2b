"""A server with the shipped policy, people with tokens, a fake model's server: what stories of the gateway share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import openai
from tests.stories.inference_scene import Person, Scene, open_scene

from ostiary.gateway.record import InspectionRecord
from ostiary.testing.fake_upstream import FakeUpstream
from ostiary.testing.issuer import FakeIssuer

MODELS = [
    {
        "name": "fake",
        "upstream": "fake",
        "target": "upstream-model",
        "aliases": ["gpt-4o"],
        "kinds": ["chat", "embeddings"],
    },
    {"name": "crown", "upstream": "fake", "sensitivity": 4, "labels": ["high-value"]},
    {"name": "theirs", "upstream": "fake", "tenants": ["other"]},
]
TOOLS = {
    "tools": [
        {"name": "read_mail", "reads": "untrusted", "sink": "none"},
        {"name": "send_mail", "reads": "trusted", "sink": "egress", "args": {"to": {"kind": "recipient"}}},
        {"name": "weather", "reads": "trusted", "sink": "none"},
    ]
}
HELLO = [{"role": "user", "content": "hello there"}]


class LlmScene:
    """The served house, and whoever asks."""

    def __init__(self, scene: Scene, upstream: FakeUpstream) -> None:
        self.scene, self.upstream, self.server, self.house = scene, upstream, scene.server, scene.house
        self.clients: list[openai.OpenAI] = []

    def client(self, name: str = "ada", *, token: str | None = None, base: str = "/v1", **claims: Any) -> openai.OpenAI:
        token = token or Person(self.scene, name).token(bound=False, **claims)
        made = openai.OpenAI(base_url=self.server.url + base, api_key=token, max_retries=0)
        self.clients.append(made)
        return made

    def post(self, path: str, body: Any, token: str | None = None, **headers: str) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {token or Person(self.scene).token(bound=False)}"}
        return self.scene.post(path, body, {**bearer, **headers})

    def records(self, tenant: str = "default") -> list[InspectionRecord]:
        found = self.house.log.iterate(tenant, "inspection")
        return [msgspec.json.decode(one.payload or b"", type=InspectionRecord) for one in found]


def open_llm(
    root: Path, others: Sequence[FakeIssuer] = (), sections: Mapping[str, Any] | None = None, **llm: Any
) -> Iterator[LlmScene]:
    """Yield a scene; ``llm`` changes that section of the settings, ``sections`` others."""
    with FakeUpstream() as upstream:
        tools = root.parent / "tools.json"
        tools.write_bytes(msgspec.json.encode(TOOLS))
        given = {
            "upstreams": [{"name": "fake", "base_url": upstream.url, "key": "sk-upstream-secret-000111222333"}],
            "models": MODELS,
            "tools_file": str(tools),
            **llm,
        }
        for scene in open_scene(root, others, llm=given, **(sections or {})):
            llm_scene = LlmScene(scene, upstream)
            yield llm_scene
            for client in llm_scene.clients:
                client.close()


def llm_fixture(name: str, **llm: Any) -> Callable[..., Iterator[LlmScene]]:
    """Return what a module-wide fixture yields from."""

    def make(factory: Any) -> Iterator[LlmScene]:
        yield from open_llm(factory.mktemp(name) / "data", **llm)

    return make
