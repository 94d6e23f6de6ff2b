"""A value is split over the events of an answer: deltas of every kind, and the events that repeat what was said."""

import json
from itertools import pairwise
from random import Random

import pytest

from ostiary.errors import FaultyInputError
from ostiary.inspection.response import Leaks, StreamFan
from ostiary.inspection.response.chat import ChatAnswer
from ostiary.inspection.response.events import ResponsesAnswer
from ostiary.inspection.response.fan import MAX_STREAMS
from ostiary.testing import leaks as drawn

LEAKS = Leaks()
SECRET = drawn.secret(Random(5), "github-pat")  # noqa: S311 - seeded
CANARY = "oc-abcdefgh234567abcdefgh2345"
TEXT = f"the key {SECRET}, use it"
CLEAN = "the key [REDACTED:secret.github-pat], use it"
ARGUMENTS = json.dumps({"to": "eve@evil.net", "body": SECRET})
CLEAN_ARGUMENTS = json.dumps({"to": "eve@evil.net", "body": "[REDACTED:secret.github-pat]"})
CHAT = {
    "content": lambda piece: {"content": piece},
    "refusal": lambda piece: {"refusal": piece},
    "reasoning": lambda piece: {"reasoning_content": piece},
    "audio": lambda piece: {"audio": {"id": "a", "transcript": piece}},
    "custom": lambda piece: {"tool_calls": [{"index": 1, "type": "custom", "custom": {"name": "n", "input": piece}}]},
}
CHAT_ARGUMENTS = {
    "tool": lambda piece: {"tool_calls": [{"index": 2, "function": {"arguments": piece}}]},
    "function": lambda piece: {"function_call": {"arguments": piece}},
}
RESPONSES = {
    "response.output_text": ("text", {"content_index": 0}),
    "response.refusal": ("refusal", {"content_index": 0}),
    "response.reasoning_text": ("text", {"content_index": 1}),
    "response.reasoning_summary_text": ("text", {"summary_index": 1}),
    "response.audio.transcript": ("transcript", {}),
    "response.code_interpreter_call_code": ("code", {}),
    "response.custom_tool_call_input": ("input", {}),
    "response.function_call_arguments": ("arguments", {}),
    "response.mcp_call_arguments": ("arguments", {}),
}


def cuts(text, parts, many=40):
    random = Random(11)  # noqa: S311 - seeded
    for _ in range(many):
        edges = [0, *sorted(random.sample(range(1, len(text)), parts - 1)), len(text)]
        yield [text[a:b] for a, b in pairwise(edges)]


def chat_of(delta, pieces, *, says_end):
    chat = ChatAnswer(StreamFan(LEAKS))
    events = [
        chat.event({"id": "c", "choices": [{"index": 3, "delta": delta(piece), "finish_reason": None}]})
        for piece in pieces
    ]
    if says_end:
        events.append(chat.event({"choices": [{"index": 3, "delta": {}, "finish_reason": "stop"}]}))
    return [*events, *chat.finish()]


def strings(value):
    if isinstance(value, str):
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return "".join(
        strings(one)
        for name, one in (value.items() if isinstance(value, dict) else enumerate(inner))
        if name not in NAMES
    )


NAMES = {"id", "type", "name", "finish_reason", "item_id", "object", "status"}


@pytest.mark.parametrize("says_end", [True, False])
@pytest.mark.parametrize("kind", [*CHAT, *CHAT_ARGUMENTS])
def test_chat_deltas_of_every_kind(kind, says_end):
    text, clean = (TEXT, CLEAN) if kind in CHAT else (ARGUMENTS, CLEAN_ARGUMENTS)
    delta = {**CHAT, **CHAT_ARGUMENTS}[kind]
    for parts in (1, 2, 3, 9):
        for pieces in cuts(text, parts, 15):
            told = chat_of(delta, pieces, says_end=says_end)
            assert strings([event["choices"] for event in told]).replace("stop", "") == clean


def test_a_choice_that_finishes_has_said_everything_before():
    chat = ChatAnswer(StreamFan(LEAKS))
    last = chat.event({"choices": [{"index": 0, "delta": {"content": TEXT[:-1]}, "finish_reason": "stop"}]})
    assert last["choices"] == [{"index": 0, "delta": {"content": CLEAN[:-1]}, "finish_reason": "stop"}]
    with pytest.raises(FaultyInputError, match="goes on"):
        chat.event({"choices": [{"index": 0, "delta": {"content": "and"}, "finish_reason": None}]})
    assert chat.finish() == []


def test_tokens_of_logprobs_and_fields_that_nobody_knows_do_not_pass():
    chat = ChatAnswer(StreamFan(LEAKS))
    event = chat.event(
        {
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": "hi", "shadow": SECRET},
                    "logprobs": {"content": [{"token": SECRET}]},
                    "finish_reason": None,
                }
            ],
            "debug": SECRET,
        }
    )
    assert SECRET not in json.dumps(event)


def test_a_name_of_a_tool_is_no_way_out():
    chat = ChatAnswer(StreamFan(LEAKS))
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": SECRET, "arguments": ""}}
    assert SECRET not in json.dumps(chat.event({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}))


def test_a_canary_in_one_choice_ends_them_all():
    fan = StreamFan(LEAKS, [CANARY])
    chat = ChatAnswer(fan)
    chat.event({"choices": [{"index": 1, "delta": {"content": "other text hel"}, "finish_reason": None}]})
    ended = chat.event({"choices": [{"index": 0, "delta": {"content": f"it is {CANARY}. And"}, "finish_reason": None}]})
    assert ended["choices"][0]["finish_reason"] == "content_filter"
    assert ended["choices"][0]["delta"]["content"] == "it is [REDACTED:canary.prompt]"
    assert fan.ended
    assert fan.verdict == "block"
    after = chat.event({"choices": [{"index": 1, "delta": {"content": "more"}, "finish_reason": None}]})
    assert after["choices"][0]["delta"]["content"] == ""
    assert chat.finish() == []


def test_a_whole_chat_answer_is_cleaned_at_every_place():
    answer = {
        "id": "c",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "logprobs": {"content": [{"token": SECRET}]},
                "message": {
                    "role": "assistant",
                    "content": TEXT,
                    "refusal": None,
                    "audio": {"id": "a", "transcript": TEXT, "data": ""},
                    "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": ARGUMENTS}}],
                },
            }
        ],
    }
    message = ChatAnswer(StreamFan(LEAKS)).body(answer)["choices"][0]["message"]
    assert message["content"] == message["audio"]["transcript"] == CLEAN
    assert message["refusal"] is None
    assert message["tool_calls"][0]["function"]["arguments"] == CLEAN_ARGUMENTS


def responses_of(kind, pieces, field, place, *, says_done):
    answer = ResponsesAnswer(StreamFan(LEAKS))
    where = {"item_id": "i1", "output_index": 0, **place}
    events = [one for piece in pieces for one in answer.event({"type": f"{kind}.delta", **where, "delta": piece})]
    deltas = "".join(event["delta"] for event in events)
    repeats = {}
    if says_done:
        *owed, done = answer.event({"type": f"{kind}.done", **where, field: "".join(pieces)})
        deltas += "".join(event["delta"] for event in owed)
        repeats = done
    return deltas + "".join(event["delta"] for event in answer.finish()), repeats.get(field)


@pytest.mark.parametrize("says_done", [True, False])
@pytest.mark.parametrize("kind", RESPONSES)
def test_responses_events_of_every_kind(kind, says_done):
    field, place = RESPONSES[kind]
    text, clean = (ARGUMENTS, CLEAN_ARGUMENTS) if field == "arguments" else (TEXT, CLEAN)
    for parts in (1, 2, 3, 9):
        for pieces in cuts(text, parts, 15):
            deltas, repeated = responses_of(kind, pieces, field, place, says_done=says_done)
            assert deltas == clean
            assert repeated == (clean if says_done else None)


def test_finished_parts_items_and_answers_say_what_left_and_not_what_came():
    answer = ResponsesAnswer(StreamFan(LEAKS))
    where = {"item_id": "m1", "output_index": 0, "content_index": 0}
    deltas = answer.event(
        {"type": "response.output_text.delta", **where, "delta": TEXT, "logprobs": [{"token": SECRET}]}
    )
    part = {"type": "output_text", "text": TEXT, "annotations": [{"type": "url_citation", "title": SECRET}]}
    item = {"type": "message", "id": "m1", "role": "assistant", "content": [part]}
    call = {"type": "function_call", "id": "f1", "name": "send", "arguments": ARGUMENTS}
    search = {"type": "file_search_call", "id": "s1", "results": [{"text": TEXT}]}
    told = [
        *deltas,
        *answer.event({"type": "response.content_part.done", **where, "part": part}),
        *answer.event({"type": "response.output_item.done", "output_index": 0, "item": item}),
        *answer.event(
            {
                "type": "response.completed",
                "response": {"id": "r", "instructions": f"never say {CANARY}", "output": [item, call, search]},
            }
        ),
    ]
    assert SECRET not in json.dumps(told)
    assert CANARY not in json.dumps(told)
    assert "".join(event["delta"] for event in told if "delta" in event) == CLEAN
    output = told[-1]["response"]["output"]
    assert output[0]["content"][0]["text"] == CLEAN
    assert output[1]["arguments"] == CLEAN_ARGUMENTS
    assert output[2]["results"][0]["text"] == CLEAN


def test_an_answer_that_breaks_owes_nothing():
    fan = StreamFan(LEAKS)
    chat = ChatAnswer(fan)
    told = [chat.event({"choices": [{"index": 0, "delta": {"content": f"key {SECRET[:30]}"}, "finish_reason": None}]})]
    fan.abandon()
    assert SECRET[:8] not in json.dumps([told, chat.finish()])


@pytest.mark.parametrize(
    "piece",
    [
        {"choices": 3},
        {"choices": [3]},
        {"choices": [{"index": "0", "delta": {}}]},
        {"choices": [{"index": 0, "delta": {"content": 3}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": "x"}]}}]},
    ],
)
def test_a_malformed_piece_is_refused(piece):
    with pytest.raises(FaultyInputError):
        ChatAnswer(StreamFan(LEAKS)).event(piece)


def test_an_answer_of_ever_more_streams_is_refused():
    fan = StreamFan(LEAKS)
    for index in range(MAX_STREAMS):
        fan.feed(index, "a")
    with pytest.raises(FaultyInputError, match="streams"):
        fan.feed("one more", "a")


def test_an_answer_nested_without_end_is_refused():
    deep: object = "x"
    for _ in range(100):
        deep = [deep]
    with pytest.raises(FaultyInputError, match="deep"):
        ResponsesAnswer(StreamFan(LEAKS)).event({"type": "response.odd", "value": deep})
