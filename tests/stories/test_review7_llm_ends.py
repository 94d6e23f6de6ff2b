# mypy: disable-error-code="call-overload"
"""Answers that nobody waits for, that outlive their session, or that say something by an id."""

import threading
import time
from collections.abc import Iterator

import openai
import pytest
from tests.stories.llm_scene import HELLO, LlmScene, llm_fixture

from ostiary.testing.fake_upstream import SSE, Script, chat_chunks, chat_script, sse

ASK = {"model": "fake", "messages": HELLO}
SLOW = Script(sse(chat_chunks(["word "] * 4)), kind=SSE, pause_s=0.3, hang=True)
KEY = "AKIA" + "QYLPMN5HHHFPZAM2"


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlmScene]:
    yield from llm_fixture("llm-ends", tenant={"tokens": 2000})(tmp_path_factory)


def _end(llm: LlmScene, sid: str) -> None:
    for name in [one.session_id for one in llm.house.ledger.of_tenant("default") if sid in one.session_id] or [sid]:
        llm.house.ledger.terminate("default", name, at_ns=llm.scene.clock.now_ns(), reason="test")


def test_a_whole_answer_does_not_outlive_its_session(llm: LlmScene) -> None:
    def say(_):
        threading.Timer(0.2, lambda: _end(llm, "over-soon")).start()
        return chat_script("late", pause_s=2.0)

    llm.upstream.say = say
    with pytest.raises(openai.APIStatusError) as no:
        llm.client(sid="over-soon").chat.completions.create(**ASK, max_tokens=5)
    assert no.value.code == "session_terminated"
    assert llm.records()[-1].outcome == "session_terminated"


def test_an_id_of_a_call_tells_nothing(llm: LlmScene) -> None:
    llm.upstream.say = lambda _: chat_script(calls=[(KEY, "weather", "{}")])
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    try:
        told = llm.client().chat.completions.create(**ASK, tools=tools, max_tokens=5).to_json()
    except openai.APIStatusError as no:
        told = no.response.text
    assert KEY not in told


def test_who_goes_before_the_end_gets_nothing_back(llm: LlmScene) -> None:
    llm.upstream.say = lambda _: SLOW
    client = llm.client()
    stream = client.chat.completions.create(**ASK, max_tokens=1200, stream=True)
    next(iter(stream))
    stream.close()
    end = time.monotonic() + 5
    while llm.records()[-1].outcome != "client_gone" and time.monotonic() < end:
        time.sleep(0.05)
    llm.upstream.say = lambda _: chat_script("x")
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(**ASK, max_tokens=1200)
