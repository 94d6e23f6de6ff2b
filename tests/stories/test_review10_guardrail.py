"""LiteLLM's question holds more than its list of texts: what is said elsewhere in it must be looked at, too."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.stories.edge_scene import ATTACK
from tests.stories.llm_scene import LlmScene, llm_fixture

_open = llm_fixture("llm-review10-guardrail")
SECRET = "AKIA" + "QX7ZKJ2M4NPL5RTW"


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlmScene]:
    yield from _open(tmp_path_factory)


def ask(llm: LlmScene, **body: Any) -> dict[str, Any]:
    head = {"Authorization": f"Bearer {llm.server.pep_key}", "Content-Type": "application/json"}
    answer = llm.server.client.post("/llm/default/guardrail", content=msgspec.json.encode(body), headers=head)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": ATTACK},
        {"role": "user", "content": [{"type": "text", "text": ATTACK}]},
        {"role": "user", "content": [{"type": "input_text", "text": ATTACK}]},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": ATTACK}}]},
        {"role": "user", "content": "hello", "name": ATTACK},
    ],
)
@pytest.mark.parametrize("texts", [[], ["hello"]])
def test_an_attack_in_the_messages_alone_is_found(llm: LlmScene, message: dict[str, Any], texts: list[str]) -> None:
    told = ask(llm, texts=texts, structured_messages=[message], input_type="request")
    assert told["action"] == "BLOCKED"
    assert llm.records()[-1].outcome == "blocked"


@pytest.mark.parametrize("kind", ["image_url", "input_image", "input_audio", "file", "video_url"])
def test_what_nobody_can_look_into_is_not_passed_because_it_is_not_listed(llm: LlmScene, kind: str) -> None:
    content = [{"type": "text", "text": "see"}, {"type": kind, kind: {"url": "https://x.example/y"}}]
    told = ask(llm, texts=["see"], structured_messages=[{"role": "user", "content": content}], input_type="request")
    assert told["action"] == "BLOCKED"


def test_a_secret_in_the_arguments_of_a_tool_does_not_leave(llm: LlmScene) -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "post", "arguments": f'{{"key": "{SECRET}"}}'}}]
    told = ask(llm, texts=["fine"], tool_calls=calls, input_type="response")
    assert told["action"] == "BLOCKED"
    assert SECRET not in str(told)


def test_an_ordinary_conversation_passes(llm: LlmScene) -> None:
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": [{"type": "text", "text": "What is the capital of France?"}]},
    ]
    texts = ["You are a helpful assistant.", "What is the capital of France?"]
    assert ask(llm, texts=texts, structured_messages=messages, input_type="request") == {"action": "NONE"}
    calls = [{"id": "c", "type": "function", "function": {"name": "find", "arguments": '{"city": "Paris"}'}}]
    assert ask(llm, texts=["fine"], tool_calls=calls, input_type="response") == {"action": "NONE"}
