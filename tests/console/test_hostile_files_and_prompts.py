"""Two hundred hostile strings as names of files, pipelines and models, and as prompts and answers: all stay text."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.console.hostile import HOSTILE, MARK, became

from ostiary.gateway.conversations import Message
from ostiary.pipeline.registered import Registered
from ostiary.testing.console import FakeBrowser
from ostiary.testing.pipeline_records import PipelineHistory
from ostiary.vocabulary.labels import Channel, Label

People = Callable[..., FakeBrowser]
SPEC = {"store": "memory:///lake"}


@pytest.fixture(scope="module")
def history(server: Any) -> PipelineHistory:
    """Each of them is a file that was read, a pipeline, a command, a host that was called, a model, a rule."""
    house, made = server.house, PipelineHistory(server.house.log, server.house.clock)
    house.registry.put("default", Registered(type="dataset", id="sales", sensitivity=3, spec=SPEC), 1)
    for number, name in enumerate(HOSTILE):
        made.read("sales", object=name, outcome="refused", code="dataset_bytes_spent")
        called: dict[str, Any] = {
            "connections": [{"host": name, "sni": name, "verdict": "egress_denied", "at_ns": 1, "port": 443}]
        }
        files: dict[str, Any] = {"outputs": [{"name": name, "size": 1, "sha256": "cd" * 32}]}
        made.run(f"run_{number}", pipeline=name, command=["python3", name], told_by=name, **called, **files)
        told = {"v": 1, "type": "inspection", "face": "chat", "model": name, "subject": f"user:{name}", "outcome": name}
        seen = [{"place": name, "digest": "sha256:0", "channel": "user", "findings": [{"rule": name, "start": 0}]}]
        house.log.append(
            "default",
            "inspection",
            f"ins_{number}",
            house.clock.now_ns(),
            msgspec.json.encode({**told, "seen": seen}),
            "user:dora",
        ).result(10)
    return made


@pytest.mark.parametrize(
    "path", ["/data", "/data/datasets/sales", "/pipelines", "/pipelines/lineage", "/gateway", "/audit", "/defence"]
)
def test_lists_show_text(people: People, history: PipelineHistory, path: str) -> None:
    answer = people("owner").get(path)
    assert answer.status_code == 200
    assert became(answer.text) == []


def test_files_and_hosts_of_a_run_are_text(people: People, history: PipelineHistory) -> None:
    owner = people("owner")
    for number in range(0, len(HOSTILE), 4):
        page = owner.get(f"/sandboxes/run_{number}").text
        assert MARK in page
        assert became(page) == [], HOSTILE[number]


def test_prompts_and_answers_are_text_when_they_are_opened(server: Any, people: People) -> None:
    asked = server.ask(
        "llm.chat", subject={"type": "user", "id": "dora"}, resource={"type": "model", "id": "fake"}
    ).json()
    talks, decision = server.house.conversations, asked["context"]["id"]
    made = talks.create("default", "user:dora", title=HOSTILE[0], decision=decision)
    for number, name in enumerate(HOSTILE):
        said = {"role": "user" if number % 2 else "assistant", "content": name}
        channel = Channel.USER if number % 2 else Channel.TOOL
        talks.append(
            "default", "user:dora", made.id, [Message("message", said, (Label(channel, "default"),))], decision=decision
        )
    gone = people("analyst").deed(f"/gateway/conversations/{made.id}/reveal", {"reason": "case 4711: a leak"}).json()
    page = people("analyst").get(gone["go"]).text
    assert len(re.findall(MARK, page)) >= len(HOSTILE) // 2
    assert became(page) == []
