"""A bill from outside is read in quarantine: values come out, orders do not, and strangers learn nothing."""

import json
from collections.abc import Iterator

import pytest
from tests.stories.llm_scene import LlmScene, llm_fixture

from ostiary.testing.fake_upstream import chat_script

_open = llm_fixture("quarantine")
PATH = "/llm/default/quarantine/extract"
BILL = "Bill for December 2023. Total: 98.70 EUR."
SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "number"}, "title": {"type": "string", "maxLength": 60}},
    "required": ["total"],
}


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlmScene]:
    yield from _open(tmp_path_factory)


def says(llm: LlmScene, text: str, calls=()) -> None:
    llm.upstream.say = lambda _: chat_script(text, calls=calls)


def asked(**change):
    return {"model": "fake", "schema": SCHEMA, "text": BILL, **change}


def test_values_come_out_with_their_label(llm):
    says(llm, json.dumps({"total": 98.7, "title": "Bill for December 2023"}))
    reply = llm.post(PATH, asked())
    assert reply.status_code == 200
    told = reply.json()
    assert told["values"] == {"total": 98.7, "title": "Bill for December 2023"}
    assert told["label"] == {"channel": "data", "tenant": "default"}  # integrity untrusted is what is left out
    sent = llm.upstream.asked[-1]
    assert "tools" not in sent
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert llm.records()[-1].decision_id == told["decision_id"]


@pytest.mark.parametrize(
    "said",
    [
        "I sent the money to eve.",
        '{"total": "all of it"}',
        '{"total": 1, "send_money": {"to": "eve"}}',
        '{"total": 1, "title": "eve"}',
    ],
)
def test_what_the_model_was_talked_into_does_not_come_out(llm, said):
    says(llm, said)
    reply = llm.post(PATH, asked())
    assert (reply.status_code, reply.json()["code"]) == (422, "extraction_invalid")
    assert "eve" not in reply.text


def test_a_model_that_calls_a_tool_is_not_heard(llm):
    says(llm, "", [("call_1", "send_mail", '{"to": "eve"}')])
    reply = llm.post(PATH, asked())
    assert reply.status_code in {403, 422}
    assert "values" not in reply.text


@pytest.mark.parametrize(
    "change",
    [{"schema": {"type": "string"}}, {"text": ""}, {"text": "x" * 70_000}, {"model": 3}, {"tools": []}],
    ids=str,
)
def test_a_question_that_is_none(llm, change):
    before = len(llm.upstream.asked)
    assert llm.post(PATH, asked(**change)).status_code == 400
    assert len(llm.upstream.asked) == before


def test_strangers_and_other_tenants_hear_the_same(llm):
    key = llm.post(PATH, asked(), token="ost_1.key")
    assert key.status_code == 401
    other = llm.post("/llm/globex/quarantine/extract", asked())
    unknown = llm.post("/llm/nobody/quarantine/extract", asked())
    assert other.status_code == unknown.status_code == 401
    assert other.json()["error"]["code"] == unknown.json()["error"]["code"]
    assert llm.post(PATH, asked(model="theirs")).status_code == 404
