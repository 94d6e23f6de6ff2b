"""Laws of the gateway's wire: no cut changes a stream, no bytes make the readers do anything but refuse."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.gateway.openai.chat_answer import ChatAnswer, Head
from ostiary.gateway.openai.collected import Collected, Stopped
from ostiary.gateway.openai.events import EventReader
from ostiary.gateway.openai.reading import Reader, read
from ostiary.gateway.openai.responses_answer import ResponsesAnswer
from ostiary.vocabulary.inspecting import Verdict

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
MEMBERS = st.sampled_from(
    [
        "messages",
        "model",
        "tools",
        "input",
        "stream",
        "n",
        "content",
        "role",
        "type",
        "tool_calls",
        "ostiary",
        "metadata",
    ]
)
BODY = st.dictionaries(MEMBERS, JSON, max_size=6)
EVENT = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["response.output_text.delta", "response.output_item.added", "response.completed"]),
        "choices": JSON,
        "output_index": JSON,
        "content_index": JSON,
        "item": JSON,
        "delta": JSON,
        "usage": JSON,
        "response": JSON,
    },
)


class Through:
    """A scan that lets everything through."""

    verdict = Verdict.PASS
    findings = ()

    def feed(self, text: str) -> str:
        return text

    def close(self) -> str:
        return ""


@given(st.lists(st.text(max_size=20), max_size=6), st.data(), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_no_cut_changes_a_stream(texts: list[str], data: st.DataObject, end: bytes) -> None:
    whole = b"".join(b"data: " + msgspec.json.encode(text) + end + end for text in texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    reader = EventReader(4096)
    found = [event for a, b in pairwise([0, *cuts, len(whole)]) for event in reader.feed(whole[a:b])]
    assert [msgspec.json.decode(one) for one in found] == texts


@given(st.lists(st.binary(max_size=64), max_size=8))
def test_any_bytes_are_events_or_nothing(pieces: list[bytes]) -> None:
    reader = EventReader(256)
    for piece in pieces:
        reader.feed(piece)


@settings(max_examples=tries(100, 200))
@given(st.sampled_from(["chat", "responses", "embeddings"]), BODY)
def test_any_request_is_read_or_refused(face: str, body: dict[str, object]) -> None:
    reader = Reader("default", "user:ada")
    try:
        asked = read(face, {"model": "m", **body}, reader)  # type: ignore[arg-type]
    except FaultyInputError as fault:
        assert fault.code  # noqa: PT017 - any of them is fine
    else:
        assert all(piece.label.tenant for piece in asked.pieces)


@settings(max_examples=tries(100, 200))
@given(st.booleans(), st.lists(EVENT, max_size=5))
def test_any_event_is_understood_or_refused(chat: bool, events: list[dict[str, object]]) -> None:  # noqa: FBT001
    collected = Collected(lambda _: Through())
    head = Head("x", "m", 1)
    answer = ChatAnswer(head, collected, 1) if chat else ResponsesAnswer(head, collected, {})
    try:
        for one in events:
            answer.feed(one)
        answer.close()
    except (OstiaryError, Stopped) as fault:
        assert str(fault)  # noqa: PT017 - any of them is fine
    else:
        assert answer.finish(collected.calls()) is not None


def test_a_request_that_is_too_large_is_refused() -> None:
    reader = Reader("default", "user:ada")
    with pytest.raises(FaultyInputError):
        read("chat", {"model": "m", "messages": [{"role": "user", "content": "x"}] * 513}, reader)
