"""Language models from outside, and a sealed conversation opened for a reason: never before it is on record."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.errors import RefusedError
from ostiary.gateway.conversations import Message
from ostiary.server.gateway_shown import revealing
from ostiary.server.gateway_shown.revealing import opened
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.labels import Channel, Label

People = Callable[..., FakeBrowser]
SECRET = "the merger is on Tuesday <script>alert(1)</script>"
WHY = {"reason": "case 4711: a leak was reported"}


def decision_of(server: Any, user: str) -> str:
    """Return a decision about ``user``, as the gateway would have asked for one."""
    asked = server.ask("llm.chat", subject={"type": "user", "id": user}, resource={"type": "model", "id": "fake"})
    found: str = asked.json()["context"]["id"]
    return found


def talk(server: Any, user: str = "dora", tenant: str = "default") -> str:
    conversations = server.house.conversations
    decision = decision_of(server, user) if tenant == "default" else ""
    made = conversations.create(tenant, f"user:{user}", title="my secret title", decision=decision)
    label = Label(Channel.USER, tenant, confidentiality=3)
    said = Message("message", {"role": "user", "content": SECRET}, (label,))
    conversations.append(tenant, f"user:{user}", made.id, [said], decision=decision)
    found: str = made.id
    return found


def inspected(of: Any, **told: Any) -> None:
    house = of.house
    now = house.clock.now_ns()
    payload = msgspec.json.encode({"v": 1, "type": "inspection", "face": "chat", **told})
    house.log.append("default", "inspection", f"ins_{now}", now, payload, "user:dora").result(10)


def reveals(server: Any) -> list[dict[str, Any]]:
    found = [json.loads(one.payload) for one in server.house.log.iterate("default", "admin") if one.payload]
    return [one for one in found if one["action"] == "conversation.reveal"]


def test_figures_are_counted_from_records(server: Any, people: People) -> None:
    finding = {"rule": "injection.rule", "start": 0, "end": 4, "atlas": "AML.T0051.001", "owasp": "LLM01:2025"}
    seen = [{"place": "0", "digest": "sha256:0", "channel": "user", "findings": [finding]}]
    usage = {"tokens_in": 7, "tokens_out": 5, "told": True}
    base = {"model": "m<b>1", "subject": "user:dora", "decision_id": "dec_1"}
    inspected(server, **base, outcome="answered", usage=usage, seen=seen)
    inspected(server, **base, outcome="access_denied")
    inspected(server, door="mcp", server="mail", method="tools/call", name="send<i>", withheld=True, rules=["x"])
    told = server.admin("GET", "/tenants/default/gateway").json()
    (model,) = [one for one in told["models"] if one["model"] == "m<b>1"]
    assert (model["answered"], model["denied"], model["tokens_in"], model["tokens_out"]) == (1, 1, 7, 5)
    assert {"rule": "injection.rule", "atlas": "AML.T0051.001", "owasp": "LLM01:2025", "count": 1} in told["findings"]
    page = people("analyst").get("/gateway").text
    assert "AML.T0051.001" in page
    assert "m&lt;b&gt;1" in page
    assert "send&lt;i&gt;" in page
    assert "m&lt;b&gt;1" not in people("analyst", "acme").get("/gateway").text


def test_from_outside_there_is_no_word_of_it(server: Any, people: People) -> None:
    name = talk(server)
    analyst = people("analyst")
    for path in ("/gateway/conversations", f"/gateway/conversations/{name}"):
        page = analyst.get(path).text
        assert name[-8:] in page
        assert "user:dora" in page
        assert "secret" in page, "its confidentiality, in words"
        assert "merger" not in page
        assert "my secret title" not in page
    told = server.admin("GET", f"/tenants/default/gateway/conversations/{name}")
    assert told.json()["messages"] == 1
    assert told.json()["owner"] == "user:dora"
    assert told.json()["model"] == "fake"
    assert "merger" not in told.text
    assert "title" not in told.text


def test_it_is_opened_for_a_reason_and_the_owner_is_told(server: Any, people: People) -> None:
    name, analyst = talk(server), people("analyst")
    gone = analyst.deed(f"/gateway/conversations/{name}/reveal", WHY).json()["go"]
    record = reveals(server)[-1]
    assert (record["conversation"], record["owner"], record["by"]) == (name, "user:dora", "user:analyst-default")
    assert record["reason"] == WHY["reason"]
    page = analyst.get(gone)
    assert "the merger is on Tuesday &lt;script&gt;" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert WHY["reason"] in page.text
    body = {"type": "user", "id": "dora"}
    export = server.admin("POST", "/tenants/default/subjects/export", json=body)
    assert WHY["reason"] in export.text
    assert "merger" not in export.text
    changes = [json.loads(one.payload) for one in server.house.log.iterate("default", "conversation") if one.payload]
    (kept,) = [one for one in changes if one["action"] == "reveal" and one["conversation"] == name]
    assert "dora" not in json.dumps(kept)


def test_nothing_is_opened_before_it_is_on_record(server: Any, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    name, analyst = talk(server), people("analyst")

    def full(*_: Any) -> None:
        from ostiary.errors import UnavailableError  # noqa: PLC0415

        raise UnavailableError("disk_full", "the disk is full")

    monkeypatch.setattr(revealing, "record_about", full)
    answer = analyst.deed(f"/gateway/conversations/{name}/reveal", WHY)
    assert answer.status_code == 503
    assert "merger" not in answer.text


@pytest.mark.parametrize("reason", ["", "   ", "because", "aaaaaaaaaaaaaaaaaaaa", ".. .. .. .. .. ..", "x" * 501])
def test_without_a_reason_it_stays_sealed(server: Any, people: People, reason: str) -> None:
    name, before = talk(server), len(reveals(server))
    answer = people("analyst").deed(f"/gateway/conversations/{name}/reveal", {"reason": reason})
    assert answer.json()["code"] == "reveal_reason_missing"
    assert len(reveals(server)) == before


def test_a_deed_opens_one_conversation_for_one_person_for_a_while(
    server: Any, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, other = talk(server), talk(server)
    analyst, owner = people("analyst"), people("owner")
    gone = analyst.deed(f"/gateway/conversations/{name}/reveal", WHY).json()["go"]
    deed = gone.rpartition("/")[2]
    assert owner.get(gone).status_code == 404
    assert analyst.get(f"/gateway/conversations/{other}/opened/{deed}").status_code == 404
    assert analyst.get(f"/gateway/conversations/{name}/opened/adm_none").status_code == 404
    assert people("auditor").get(gone).status_code == 403
    assert analyst.get(gone).status_code == 200
    clock = server.house.clock
    now_ns = type(clock).now_ns
    monkeypatch.setattr(type(clock), "now_ns", lambda self: now_ns(self) + 601 * 10**9)
    with pytest.raises(RefusedError):
        opened(server.house, "user:analyst-default", "default", name, deed)


@pytest.mark.parametrize("role", ["auditor", "approver", "developer"])
def test_others_open_nothing(server: Any, people: People, role: str) -> None:
    name = talk(server)
    answer = people(role).deed(f"/gateway/conversations/{name}/reveal", WHY)
    assert answer.json()["code"] == "access_denied"


def test_another_tenants_conversation_is_as_unknown_as_none(server: Any, people: People) -> None:
    name, theirs = talk(server), people("analyst", "acme")
    for path in (f"/gateway/conversations/{name}", "/gateway/conversations/conv_none"):
        assert theirs.get(path).status_code == 404
        assert theirs.deed(f"{path}/reveal", WHY).json()["code"] == "conversation_unknown"
        tenant_path = path.removeprefix("/gateway")
        assert server.admin("GET", f"/tenants/acme/gateway{tenant_path}").status_code == 404
    assert name[-8:] not in theirs.get("/gateway/conversations").text


def test_what_was_shredded_is_plainly_unreadable(server: Any, people: People) -> None:
    name, analyst = talk(server), people("analyst")
    gone = analyst.deed(f"/gateway/conversations/{name}/reveal", WHY).json()["go"]
    server.house.conversations.delete("default", "user:dora", name)
    assert "Its owner deleted it" in analyst.get(f"/gateway/conversations/{name}").text
    answer = analyst.get(gone)
    assert answer.status_code in {404, 410}
    assert "merger" not in answer.text
    assert analyst.deed(f"/gateway/conversations/{name}/reveal", WHY).json()["code"] == "conversation_shredded"


def test_keys_that_are_gone_leave_it_unreadable(server: Any, people: People) -> None:
    name = talk(server, "emma")
    keys = server.house.conversations.parts.keys
    keys.shred("default", keys.owner("default", "user:emma"), name)
    keys.drop_cache()
    page = people("analyst").get(f"/gateway/conversations/{name}").text
    assert "Unreadable" in page
    assert "unreadable" in people("analyst").get("/gateway/conversations").text


def test_whose_it_is_not_known_is_not_opened(server: Any, people: People) -> None:
    made = server.house.conversations.create("default", "user:nobody-asked")
    analyst = people("analyst")
    assert "not known any more" in analyst.get(f"/gateway/conversations/{made.id}").text
    assert analyst.deed(f"/gateway/conversations/{made.id}/reveal", WHY).json()["code"] == "conversation_shredded"


def test_a_reveal_is_listed_with_its_reason(server: Any, people: People) -> None:
    name, analyst = talk(server), people("analyst")
    gone = analyst.deed(f"/gateway/conversations/{name}/reveal", WHY).json()["go"]
    analyst.get(gone)
    page = ""
    auditor = people("auditor")
    while WHY["reason"] not in page:  # the columns follow the log; the test's own time limit ends this
        page = auditor.get("/audit/views?action=reveal&person=user:analyst-default").text
    assert "user:dora" in page
