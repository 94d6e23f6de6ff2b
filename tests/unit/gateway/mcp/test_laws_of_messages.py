# mypy: disable-error-code="func-returns-value, redundant-expr"
"""Laws of reading MCP: however bytes are cut, whatever stands in them."""

import contextlib
import itertools
import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.gateway.mcp import frames, memory
from ostiary.gateway.mcp.binding import question_of
from ostiary.gateway.mcp.frames import EventReader, write_event
from ostiary.gateway.mcp.memory import Heard, McpMemory
from ostiary.gateway.mcp.message import Kind, read_message
from ostiary.gateway.mcp.pins import definition_digest
from ostiary.gateway.mcp.results import changed, holds_media, texts_of
from ostiary.server.mcp.heads import mismatch, protocol_headers
from ostiary.server.mcp.marks import Marks
from ostiary.vocabulary.inspecting import Verdict
from ostiary.vocabulary.labels import Channel, Integrity, Label

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
STREAM = st.lists(
    st.sampled_from(
        [b"data: a", b"data:\xc3\xa9", b"id: 7", b":hi", b"\n", b"\r\n", b"\n\n", b"\r", b"retry: 5", b"x"]
    ),
    max_size=40,
).map(b"".join)


@given(STREAM, st.lists(st.integers(0, 400), max_size=12))
@example(b"data: a\r\n\r\n", [8])
def test_events_do_not_depend_on_where_bytes_are_cut(stream: bytes, cuts: list[int]) -> None:
    whole = list(EventReader().feed(stream))
    places = sorted({0, *cuts, len(stream)})
    assert read_all([stream[begin:end] for begin, end in itertools.pairwise(places)]) == whole


@given(JSON, st.text(max_size=20), st.text(max_size=6))
def test_what_is_written_is_read_back_as_one_event(value: Any, event_id: str, retry: str) -> None:
    data = msgspec.json.encode({"v": value})
    events = list(EventReader().feed(write_event(data, event_id, retry)))
    assert [one.data.encode() for one in events] == [data]
    assert events[0].id in {event_id, event_id.removeprefix(" "), ""}


def read_all(pieces: list[bytes]) -> list[frames.Event]:
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)]


def test_an_event_that_does_not_end_is_refused_however_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_EVENT", 100)
    for pieces in ([b"data: " + b"x" * 200], [b"x"] * 200, [b"data: xxxxxxx\n"] * 20):
        with pytest.raises(FaultyInputError, match="at most 100"):
            read_all(pieces)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_reading_a_message_answers_or_refuses(raw: bytes) -> None:
    try:
        message = read_message(raw)
    except FaultyInputError as fault:
        code = fault.code
    else:
        code = "" if message.whole["jsonrpc"] == "2.0" else "no message"
    assert code in {"", "mcp_message_invalid", "mcp_message_too_large"}


@given(st.one_of(st.integers(-(2**60), 2**60), st.text(max_size=30)), JSON)
def test_an_id_keeps_its_type(number: Any, params: Any) -> None:
    raw = json.dumps({"jsonrpc": "2.0", "id": number, "method": "m", "params": {"p": params}}).encode()
    message = read_message(raw)
    assert (message.kind, message.id, type(message.id)) == (Kind.REQUEST, number, type(number))


@pytest.mark.parametrize(
    "member", ['"result": "text"', '"result": null', '"result": []', '"error": "no"', '"error": null']
)
def test_a_result_is_an_object(member: str) -> None:
    with pytest.raises(FaultyInputError):
        read_message(f'{{"jsonrpc": "2.0", "id": 1, {member}}}'.encode())


@pytest.mark.parametrize("number", ["true", "1.0", "1e0", "null", "[1]", "{}"])
def test_an_id_of_another_type_is_none(number: str) -> None:
    with pytest.raises(FaultyInputError):
        read_message(f'{{"jsonrpc": "2.0", "id": {number}, "result": {{}}}}'.encode())


@given(JSON)
def test_changing_nothing_changes_nothing_and_every_text_is_seen(value: Any) -> None:
    assert changed(value, lambda text: text) == value
    seen: list[str] = []
    changed(value, lambda text: seen.append(text) or text)
    assert sorted(seen) == sorted(texts_of(value))


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def test_what_is_too_deep_is_refused_and_not_a_crash() -> None:
    for look in (lambda value: list(texts_of(value)), lambda value: changed(value, str.upper), holds_media):
        assert look(deep(60)) in (["x"], changed(deep(60), str.upper), False)
        with pytest.raises(FaultyInputError):
            look(deep(100_000))


@given(st.text(max_size=40), JSON, st.text(max_size=10))
def test_a_question_names_its_server_or_there_is_none(method: str, value: Any, server: str) -> None:
    for one in (method, "tools/call", "prompts/get", "resources/read", "tools/list"):
        with contextlib.suppress(FaultyInputError):
            question = question_of(one, {"name": value, "uri": value}, server)
            assert question is None or question.resource_id in {server, f"{server}/{value}"}


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5))
def test_a_digest_hangs_on_what_is_said_and_not_on_its_order(tool: dict[str, Any]) -> None:
    assert definition_digest(tool) == definition_digest(dict(reversed(tool.items())))
    assert definition_digest(tool) != definition_digest({**tool, "description": [tool.get("description")]})


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_the_id_of_an_event_is_of_use_to_its_owner_alone(owner: str, other: str, event_id: str) -> None:
    marks = Marks(b"k" * 32)
    given_id = marks.give(owner, event_id)
    if given_id:
        assert marks.take(owner, given_id) == event_id
        assert other == owner or marks.take(other, given_id) is None
    assert marks.take(owner, event_id) is None


def test_headers_that_say_something_else_are_found() -> None:
    call = read_message(b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "\xc3\xa9"}}')
    assert mismatch({"mcp-method": "tools/call", "mcp-name": "=?base64?w6k=?="}, call) == ""
    assert mismatch({"mcp-name": "=?base64?w6l=?="}, call) == "mcp-name"  # another spelling of the same bytes
    assert mismatch({"mcp-name": "send"}, call) == "mcp-name"
    listed = read_message(b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"": "x"}}')
    assert mismatch({"mcp-name": "x"}, listed) == "mcp-name"
    with pytest.raises(FaultyInputError):
        protocol_headers([(b"Mcp-Name", b"a"), (b"mcp-name", b"b")])
    with pytest.raises(FaultyInputError):
        protocol_headers([(b"mcp-session-id", b"a" * 5000)])


def heard(text: str = "words", **label: Any) -> Heard:
    return Heard("mail/read", text, Label(Channel.TOOL, "default", integrity=Integrity.UNTRUSTED, **label), Verdict.ASK)


HOUR = memory.IDLE_NS


def test_a_label_outlives_its_texts() -> None:
    known = McpMemory()
    known.hear("default", "user:ada", [heard()], 0)
    later = known.of("default", "user:ada", HOUR + 1)
    assert (later.label.untrusted, later.heard, later.verdict) == (True, (), Verdict.ASK)
    assert not known.of("default", "user:ada", 13 * HOUR).label.untrusted
    assert not known.of("other", "user:ada", 1).label.untrusted


def test_who_was_pushed_out_counts_as_untrusted_in_his_tenant_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_SUBJECTS", 2)
    known = McpMemory()
    for number in range(3):
        known.hear("default", f"user:{number}", [heard()], 0)
    assert known.of("default", "user:0", 1).label.untrusted
    assert not known.of("other", "user:0", 1).label.untrusted


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 300)), max_size=40))
def test_texts_are_bounded_over_all_and_labels_stay(heards: list[tuple[int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "MAX_ALL_CHARS", 500)
        patch.setattr(memory, "MAX_CHARS", 200)
        known = McpMemory()
        for who, size in heards:
            known.hear("default", f"user:{who}", [heard("x" * size)], 0)
        kept = [known.of("default", f"user:{who}", 1) for who in range(5)]
        assert sum(len(text.text) for one in kept for text in one.heard) <= 500
        assert all(known.of("default", f"user:{who}", 1).label.untrusted for who, _ in heards)
