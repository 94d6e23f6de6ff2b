"""LiteLLM's proxy asks before and after a call, as an enforcement point."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from tests.stories.llm_scene import LlmScene, llm_fixture

_open = llm_fixture("llm-guardrail")
PLACES = ("/llm/default/guardrail", "/llm/default/guardrail/beta/litellm_basic_guardrail_api")


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlmScene]:
    yield from _open(tmp_path_factory)


def _ask(llm: LlmScene, place: str = PLACES[0], key: str = "", **body: Any) -> httpx.Response:
    head = {"Authorization": f"Bearer {key or llm.server.pep_key}", "Content-Type": "application/json"}
    answer: httpx.Response = llm.server.client.post(place, content=msgspec.json.encode(body), headers=head)
    return answer


@pytest.mark.parametrize("place", PLACES)
def test_a_plain_text_passes_with_its_record(llm: LlmScene, place: str) -> None:
    assert _ask(llm, place, texts=["What is the capital of France?"], input_type="request").json() == {"action": "NONE"}
    record = llm.records()[-1]
    assert (record.model, record.outcome) == ("litellm", "none")
    assert record.subject.startswith("pep:")


def test_what_must_not_leave_is_taken_out(llm: LlmScene) -> None:
    secret = "AKIA" + "QX7ZKJ2M4NPL5RTW"
    told = _ask(llm, texts=["fine", f"the key is {secret}"], input_type="response").json()
    assert told["action"] == "GUARDRAIL_INTERVENED"
    assert told["texts"][0] == "fine"
    assert secret not in told["texts"][1]


def test_what_cannot_be_looked_into_is_blocked(llm: LlmScene) -> None:
    told = _ask(llm, texts=["see"], images=["data:image/png;base64,AA=="], input_type="request").json()
    assert told["action"] == "BLOCKED"


def test_nobody_else_is_answered(llm: LlmScene) -> None:
    assert _ask(llm, key="osk_nobody.secret", texts=[]).status_code == 401
    assert _ask(llm, "/llm/other/guardrail", texts=[]).status_code == 401
    assert _ask(llm, texts="x").status_code == 400
