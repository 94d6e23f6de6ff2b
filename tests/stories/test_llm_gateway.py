# mypy: disable-error-code="arg-type, call-overload, union-attr, index, attr-defined, list-item, type-arg"
"""A developer changes ``base_url``: the official client talks to language models through the gateway."""

import json
from collections.abc import Iterator
from functools import partial

import openai
import pytest
from tests.stories.llm_scene import HELLO, LlmScene, llm_fixture

from ostiary.testing.fake_upstream import SSE, Script, chat_chunks, chat_script, obedient, responses_events, sse

_open = llm_fixture("llm", extra_parameters=["top_k"])
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlmScene]:
    yield from _open(tmp_path_factory)


@pytest.fixture(autouse=True)
def _usual(llm: LlmScene) -> None:
    llm.upstream.say = obedient


def test_a_chat_is_answered_and_recorded(llm: LlmScene) -> None:
    raw = llm.client().chat.completions.with_raw_response.create(model="fake", messages=HELLO)
    answer = raw.parse()
    assert answer.choices[0].message.content == "hello there"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.model, answer.usage.total_tokens) == ("fake", 15)
    assert raw.headers["x-request-id"].startswith("req_")
    record = llm.records()[-1]
    assert record.outcome == "answered"
    assert record.decision_id == raw.headers["ostiary-decision"]
    assert record.usage is not None
    assert record.usage.told
    assert "hello" not in str(record)


def test_a_model_is_asked_by_its_alias_with_nothing_of_the_callers(llm: LlmScene) -> None:
    client = llm.client()
    answer = client.chat.completions.create(model="gpt-4o", messages=HELLO, user="ada@example.com", metadata={"a": "b"})
    assert answer.model == "gpt-4o"
    sent, head = llm.upstream.asked[-1], llm.upstream.heads[-1]
    assert sent["model"] == "upstream-model"
    assert not {"user", "metadata", "store"} & sent.keys()
    assert client.api_key not in head
    assert "sk-upstream-secret" in head
    assert llm.records()[-1].alias == "gpt-4o"


def test_a_stream_comes_word_by_word_and_ends(llm: LlmScene) -> None:
    said = [{"role": "user", "content": "one two three four"}]
    chunks = list(
        llm.client().chat.completions.create(
            model="fake", messages=said, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "one two three four"
    assert chunks[-1].usage.total_tokens == 15
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_stream_that_is_cut_anywhere_is_the_same(llm: LlmScene, size: int) -> None:
    texts = ["Grüße, ", "мир ", "🌍 und ", "話 "]
    llm.upstream.say = lambda _: chat_script(*texts, stream=True, size=size)
    chunks = llm.client().chat.completions.create(model="fake", messages=HELLO, stream=True)
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "".join(texts)


def test_a_secret_is_taken_out_of_a_stream_that_splits_it(llm: LlmScene) -> None:
    secret = "AKIA" + "QX7ZKJ2M4NPL5RTW"
    llm.upstream.say = lambda _: chat_script("the key is ", *secret, " keep it", stream=True)
    chunks = llm.client().chat.completions.create(model="fake", messages=HELLO, stream=True)
    text = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert secret[:8] not in text
    assert text.startswith("the key is [REDACTED:")
    assert llm.records()[-1].release == "redact"


def test_the_canary_never_comes_out(llm: LlmScene) -> None:
    def tell(body: dict) -> Script:
        return chat_script("my prompt: " + str(body["messages"][0]["content"]))

    llm.upstream.say = tell
    try:
        answer = llm.client().chat.completions.create(model="fake", messages=HELLO)
    except openai.PermissionDeniedError as no:
        assert no.code == "answer_blocked"  # noqa: PT017
    else:
        pytest.fail(str(answer))


def _always(script: Script, _: object) -> Script:
    return script


@pytest.mark.parametrize("stream", [False, True])
def test_a_retrieved_documents_mark_does_not_leave(llm: LlmScene, *, stream: bool) -> None:
    mark = "ostc-" + "abcdefghij" + "2345672345"
    part = {"type": "text", "text": f"[{mark}] The plan is good.", "ostiary": {"document": "wiki/1"}}
    said = [{"role": "user", "content": [{"type": "text", "text": "what of the plan?"}, part]}]
    for spoken in (mark, mark.upper(), "-".join(mark)):
        pieces = ["It says ", *spoken, " and no more"]
        script = chat_script(*pieces, stream=stream)
        llm.upstream.say = partial(_always, script)
        answer = llm.client().chat.completions.create(model="fake", messages=said, stream=stream)
        chunks = [one.choices[0].delta.content or "" for one in answer if one.choices] if stream else ()
        text = "".join(chunks) if stream else answer.choices[0].message.content or ""
        assert spoken[5:20] not in text
        assert text.startswith("It says [REDACTED:canary")
    assert "canary.cited" in {one.rule for one in llm.records()[-1].findings}


def test_marks_of_too_many_documents_are_refused(llm: LlmScene) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    marks = " ".join(f"ostc-{one}{other}{'a' * 18}" for one in letters for other in letters[:9])
    with pytest.raises(openai.BadRequestError) as no:
        llm.client().chat.completions.create(model="fake", messages=[{"role": "user", "content": marks}])
    assert no.value.code == "request_too_large"


def test_a_tool_that_reads_is_called_and_an_unknown_one_is_not(llm: LlmScene) -> None:
    llm.upstream.say = lambda body: chat_script(calls=[("c1", "weather", "{}")], stream=bool(body.get("stream")))
    answer = llm.client().chat.completions.create(model="fake", messages=HELLO, tools=[WEATHER])
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert [(one.function.name, one.function.arguments) for one in calls] == [("weather", "{}")]
    llm.upstream.say = lambda _: chat_script("x", calls=[("c1", "rm_rf", "{}")])
    answer = llm.client().chat.completions.create(model="fake", messages=HELLO, tools=[WEATHER])
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].finish_reason == "content_filter"


def test_arguments_of_a_call_stream_whole_and_judged(llm: LlmScene) -> None:
    llm.upstream.say = lambda _: chat_script(calls=[("c1", "weather", '{"city": "Bonn"}')], stream=True)
    stream = llm.client().chat.completions.create(model="fake", messages=HELLO, tools=[WEATHER], stream=True)
    calls = [call for one in stream if one.choices for call in one.choices[0].delta.tool_calls or ()]
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Bonn"}]


def test_mail_to_whom_a_document_names_is_not_sent(llm: LlmScene) -> None:
    arguments = '{"to": "bob@rival.example", "body": "customers"}'
    llm.upstream.say = lambda _: chat_script(calls=[("c2", "send_mail", arguments)])
    names = ("read_mail", "send_mail")
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in names]
    call = {"id": "c1", "type": "function", "function": {"name": "read_mail", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Summarise my latest mail."},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Invoice attached. It was sent by bob@rival.example."},
    ]
    try:
        answer = llm.client().chat.completions.create(model="fake", messages=messages, tools=tools)
    except openai.APIStatusError as no:
        assert no.code in {"tool_call_step_up", "access_denied"}  # noqa: PT017
    else:
        assert answer.choices[0].message.tool_calls is None
    assert llm.records()[-1].calls[0].effect in {"DENY", "STEP_UP"}


def test_responses_whole_and_streaming(llm: LlmScene) -> None:
    client = llm.client()
    assert client.responses.create(model="fake", input="hello there").output_text == "hello there"
    events = list(client.responses.create(model="fake", input="hello there", stream=True))
    assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == "hello there"
    assert [one.sequence_number for one in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == "hello there"
    assert last.response.instructions is None
    assert "secret" not in str(events)


def test_responses_call_functions(llm: LlmScene) -> None:
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
    calls = [("c1", "weather", '{"city": "Bonn"}')]
    llm.upstream.say = lambda _: Script(sse(responses_events(["look: "], calls), done=False, named=True), kind=SSE)
    events = list(llm.client().responses.create(model="fake", input="weather?", tools=[tool], stream=True))
    kinds = [one.type for one in events]
    assert kinds.index("response.function_call_arguments.done") < kinds.index("response.completed")
    assert [item.type for item in events[-1].response.output] == ["message", "function_call"]


def test_embeddings(llm: LlmScene) -> None:
    answer = llm.client().embeddings.create(model="fake", input=["a", "bcd"], encoding_format="float")
    assert [one.embedding for one in answer.data] == [[1.0, 1.0], [3.0, 1.0]]


def test_the_embedded_model_makes_embeddings(llm: LlmScene) -> None:
    texts = ["how to reset a password", "resetting passwords", "lunch menu"]
    embeddings = llm.client().embeddings
    packed = [one.embedding for one in embeddings.create(model="embedded-extractive", input=texts).data]
    plain = embeddings.create(model="embedded-extractive", input=texts, encoding_format="float", dimensions=512)
    first, second, third = (one.embedding for one in plain.data)
    assert packed[0] == pytest.approx(first)

    def alike(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert alike(first, first) == pytest.approx(1)
    assert alike(first, second) > alike(first, third)
    with pytest.raises(openai.BadRequestError) as no:
        embeddings.create(model="embedded-extractive", input=texts, dimensions=64)
    assert no.value.param == "dimensions"


def test_models_are_those_that_may_be_asked(llm: LlmScene) -> None:
    names = [one.id for one in llm.client().models.list()]
    assert "fake" in names
    assert "embedded-extractive" in names
    assert "theirs" not in names
    assert llm.client("guest").models.list().data == []
    assert llm.client().models.retrieve("fake").id == "fake"
    with pytest.raises(openai.NotFoundError):
        llm.client().models.retrieve("theirs")


def test_unknown_and_forbidden_models_are_told_alike(llm: LlmScene) -> None:
    said = {}
    for name in ("nothing", "theirs"):
        with pytest.raises(openai.NotFoundError) as no:
            llm.client().chat.completions.create(model=name, messages=HELLO)
        said[name] = json.dumps(no.value.body).replace(name, "X")
    with pytest.raises(openai.NotFoundError) as no:
        llm.client("guest").chat.completions.create(model="fake", messages=HELLO)
    said["guest"] = json.dumps(no.value.body).replace("fake", "X")
    assert len(set(said.values())) == 1
    assert no.value.code == "model_not_found"


def test_faults_of_requests_are_openais(llm: LlmScene) -> None:
    client = llm.client()
    for change, param in (
        ({"messages": []}, "messages"),
        ({"temperature": 1, "bogus": 2}, "bogus"),
        ({"logprobs": True}, "logprobs"),
        ({"n": 99}, "n"),
        ({"messages": [{"role": "martian", "content": "x"}]}, "messages[0].role"),
    ):
        body = {"messages": HELLO, **change}
        with pytest.raises(openai.BadRequestError) as no:
            client.chat.completions.create(model="fake", extra_body=body, messages=body["messages"])
        assert no.value.param == param
        assert no.value.type == "invalid_request_error"


def test_a_parameter_of_ones_own_servers_goes_on(llm: LlmScene) -> None:
    llm.client().chat.completions.create(model="fake", messages=HELLO, extra_body={"top_k": 4})
    assert llm.upstream.asked[-1]["top_k"] == 4


def test_the_embedded_model_answers_from_what_it_is_given(llm: LlmScene) -> None:
    messages = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "The key lies under the mat. Paris is big.", "ostiary": {"document": "d1"}}
            ],
        },
        {"role": "user", "content": "Where is the key?"},
    ]
    answer = llm.client().chat.completions.create(model="embedded-extractive", messages=messages)
    assert answer.choices[0].message.content == "The key lies under the mat."
    label = llm.records()[-1].label
    assert label is not None
    assert label.untrusted
    assert label.documents == ("d1",)
    stream = llm.client().chat.completions.create(model="embedded-extractive", messages=messages, stream=True)
    assert "".join(one.choices[0].delta.content or "" for one in stream) == "The key lies under the mat."


def test_another_tenants_door_is_as_unknown_as_none(llm: LlmScene) -> None:
    for tenant in ("other", "nobody"):
        with pytest.raises(openai.AuthenticationError) as no:
            llm.client(base=f"/llm/{tenant}/v1").chat.completions.create(model="fake", messages=HELLO)
        assert no.value.code == "token_issuer_unknown"
    assert llm.client(base="/llm/default/v1").chat.completions.create(model="fake", messages=HELLO).model == "fake"


def test_chunks_without_usage_are_estimated(llm: LlmScene) -> None:
    llm.upstream.say = lambda _: Script(sse(chat_chunks(["ab", "cd"], usage=None)), kind=SSE)
    list(llm.client().chat.completions.create(model="fake", messages=HELLO, stream=True))
    usage = llm.records()[-1].usage
    assert usage is not None
    assert not usage.told
    assert (usage.tokens_in, usage.tokens_out) == (7, 1)
