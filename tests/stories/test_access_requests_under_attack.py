"""Access requests: asked by whoever was denied, granted for exactly that, good for nobody and nothing else."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.approvals.access import Answered
from ostiary.errors import RefusedError, UnavailableError
from ostiary.server.access import answering
from ostiary.server.access.answering import answer_by, revoke, settle, settle_all, tidy_all
from ostiary.server.peps import NewPep, register
from ostiary.testing.quorum import FakeQuorum

POLICY = """package ostiary.guardrails
allow contains {"rule": "may"} if input.action.name == "read"
allow contains {"rule": "access-grant", "grant": grant.id} if {
    some grant in input.grants
    grant.action == input.action.name
    grant.resource == {"type": input.resource.type, "id": input.resource.id}
}
deny contains {"rule": "embargo"} if input.context.country == "XX"
terminate contains {"rule": "end"} if input.action.name == "end"
decision := {"allow": allow, "deny": deny, "terminate": terminate}
"""
SETTINGS = {"types": ["doc"], "of_subject": 3, "per_hour": 6, "longest_s": 3600}
DAY_S = 86_400
HOUR_NS = 3600 * 1_000_000_000


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    made = start_server(guardrails=POLICY, access_requests=SETTINGS)
    made.house.agreed.quorum = FakeQuorum()
    new = NewPep(pep_id="pep-2", tenant="default", subjects="asserted")
    made.second = register(made.house, new).api_key
    return made


@pytest.fixture(autouse=True)
def afresh(server: Any) -> None:
    """Nobody has asked for anything yet."""
    server.house.agreed.quorum = FakeQuorum()
    store = server.house.store.snapshots
    for kind in ("access_request", "access_answer", "access_grant", "access_revoked"):
        for row in store.all("default", kind):
            store.delete("default", kind, row.name)
    server.house.access.reader.forget("default")


def evaluate(server: Any, action: str = "write", *, subject: str = "alice", resource: str = "1", **more: Any) -> Any:
    body = {
        "subject": {"type": "user", "id": subject},
        "action": {"name": action, **({"properties": more.pop("properties")} if "properties" in more else {})},
        "resource": {"type": more.pop("kind", "doc"), "id": resource},
        **more,
    }
    return server.post("evaluation", json.dumps(body)).json()


def body_of(denied: Any, **changed: Any) -> dict[str, Any]:
    context = denied["context"]
    told = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "write"},
        "resource": {"type": "doc", "id": "1"},
        "context": {"business_justification": "the customer's renewal is today"},
        "denial": {
            "evaluation_id": context["evaluation_id"],
            "expires_at": context["access_request"]["expires_at"],
        },
    }
    return {**told, **changed}


def submit(server: Any, body: dict[str, Any], key: str = "", idempotency: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key or server.pep_key}", "Content-Type": "application/json"}
    if idempotency:
        headers["Idempotency-Key"] = idempotency
    return server.client.post("/access/v1/requests", content=json.dumps(body), headers=headers)


def status(server: Any, task: str, key: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key or server.pep_key}"}
    return server.client.get(f"/access/v1/requests/{task}", headers=headers)


def ask(server: Any, **changed: Any) -> str:
    made = submit(server, body_of(evaluate(server), **changed))
    assert made.status_code == 202, made.text
    task: str = made.json()["task"]["id"]
    return task


def grant(server: Any) -> tuple[str, str]:
    task = ask(server)
    answered = answer_by(server.house, "adm_1", "default", task, grants=True)
    return task, answered.grant


def problem(reply: Any) -> str:
    assert reply.headers["content-type"] == "application/problem+json"
    kind: str = reply.json()["type"]
    return kind.rpartition(":")[2]


def test_from_a_denial_to_access_for_a_time(server: Any) -> None:
    denied = evaluate(server)
    hint = denied["context"]["access_request"]
    assert (denied["decision"], hint["endpoint"].endswith("/access/v1/requests")) == (False, True)
    task = ask(server)
    pending = status(server, task).json()["task"]
    assert pending["status"] == "pending"
    assert evaluate(server)["decision"] is False, "a request allows nothing"
    answer_by(server.house, "adm_1", "default", task, grants=True)
    told = status(server, task).json()
    assert (told["task"]["status"], told["result"]["mode"]) == ("approved", "reevaluate")
    approval = told["result"]["approval"]
    again = evaluate(server, context={"approval": approval})
    assert (again["decision"], again["context"]["approval"]["id"]) == (True, approval["id"])
    assert evaluate(server)["decision"] is True, "the grant is looked up by its subject, its id opens nothing"


def test_a_grant_is_for_nobody_and_nothing_else(server: Any) -> None:
    _, name = grant(server)
    approval = {"approval": {"id": name}}
    assert evaluate(server)["decision"] is True
    assert evaluate(server, subject="bob", context=approval)["decision"] is False
    assert evaluate(server, resource="2", context=approval)["decision"] is False
    assert evaluate(server, action="delete", context=approval)["decision"] is False
    assert evaluate(server, properties={"amount": 1_000_000}, context=approval)["decision"] is False
    assert evaluate(server, context={"approval": {"id": "agr_other"}})["decision"] is False
    assert evaluate(server, context={"approval": ["agr_1"]})["decision"] is False
    assert evaluate(server, context={**approval, "country": "XX"})["decision"] is False, "a deny beats it"


def test_another_tenant_has_nothing_of_it(server: Any) -> None:
    task, name = grant(server)
    if server.house.tenants.find("acme") is None:
        server.house.tenants.create("acme")
        server.acme = register(server.house, NewPep(pep_id="pep-a", tenant="acme", subjects="asserted")).api_key
    assert problem(status(server, task, server.acme)) == "unknown_task"
    with pytest.raises(RefusedError, match="no such grant"):
        revoke(server.house, "adm_1", "acme", name)
    with pytest.raises(RefusedError, match="no such request"):
        answer_by(server.house, "adm_1", "acme", task, grants=True)
    stolen = body_of(evaluate(server, resource="2"), resource={"type": "doc", "id": "2"})
    assert problem(submit(server, stolen, server.acme)) == "invalid_denial_binding"


def test_taken_back_it_holds_no_more(server: Any) -> None:
    _, name = grant(server)
    assert evaluate(server)["decision"] is True
    revoke(server.house, "adm_2", "default", name)
    assert evaluate(server, context={"approval": {"id": name}})["decision"] is False
    with pytest.raises(RefusedError):
        revoke(server.house, "adm_2", "default", name)


def test_it_is_over_by_itself(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, name = grant(server)
    (kept,) = server.house.access.book.grants("default")
    assert (kept.id, kept.holds(kept.until_ns - 1), kept.holds(kept.until_ns)) == (name, True, False)
    now_ns = server.house.clock.now_ns
    monkeypatch.setattr(type(server.house.clock), "now_ns", lambda _self: now_ns() + HOUR_NS)
    assert evaluate(server)["decision"] is False
    tidy_all(server.house)
    assert len(server.house.access.book.grants("default")) == 1
    monkeypatch.setattr(type(server.house.clock), "now_ns", lambda _self: now_ns() + 26 * HOUR_NS)
    settle_all(server.house)
    tidy_all(server.house)
    assert server.house.access.book.grants("default") == []
    monkeypatch.undo()


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": {"type": "user", "id": "bob"}},
        {"resource": {"type": "doc", "id": "2"}},
        {"action": {"name": "delete"}},
        {"action": {"name": "write", "properties": {"amount": 1}}},
        {"denial": {"evaluation_id": "dec_01HF7YAT000000000000000000", "expires_at": "2026-01-01T00:00:00Z"}},
    ],
)
def test_what_is_asked_is_what_was_denied(server: Any, changed: dict[str, Any]) -> None:
    denied = evaluate(server)
    assert problem(submit(server, body_of(denied, **changed))) == "invalid_denial_binding"
    longer = body_of(denied)
    longer["denial"]["expires_at"] = "2036-01-01T00:00:00Z"
    assert problem(submit(server, longer)) == "invalid_denial_binding"


def test_another_enforcement_point_asks_nothing_and_hears_nothing(server: Any) -> None:
    denied = evaluate(server)
    assert problem(submit(server, body_of(denied), server.second)) == "invalid_denial_binding"
    task = ask(server)
    assert problem(status(server, task, server.second)) == "unknown_task"
    headers = {"Authorization": f"Bearer {server.second}", "Content-Type": "application/json"}
    assert problem(server.client.post(f"/access/v1/requests/{task}/cancel", headers=headers)) == "unknown_task"
    assert status(server, "arq_none").status_code == 404
    nobody = server.client.get(f"/access/v1/requests/{task}")
    assert nobody.status_code == 401


@pytest.mark.parametrize(
    ("action", "more"),
    [("write", {"context": {"country": "XX"}}), ("end", {}), ("read", {}), ("write", {"kind": "safe"})],
)
def test_only_a_missing_grant_can_be_asked_about(server: Any, action: str, more: dict[str, Any]) -> None:
    told = evaluate(server, action, **more)
    assert "access_request" not in told["context"]
    record = server.records()[-1]
    body = body_of(
        {"context": {"evaluation_id": record.receipt.decision_id, "access_request": {"expires_at": "x"}}},
        action={"name": action},
        resource={"type": more.get("kind", "doc"), "id": "1"},
    )
    assert problem(submit(server, body)) == "not_requestable"


def test_asking_again_is_the_same_request(server: Any) -> None:
    denied = evaluate(server)
    first = submit(server, body_of(denied), idempotency="k1").json()["task"]["id"]
    assert submit(server, body_of(denied), idempotency="k1").json()["task"]["id"] == first
    assert ask(server) == first, "another denial of the same is the same wish"
    other = body_of(evaluate(server, resource="2"), resource={"type": "doc", "id": "2"})
    assert problem(submit(server, other, idempotency="k1")) == "duplicate_request"


def test_a_flood_of_requests_is_refused(server: Any) -> None:
    def one(number: int) -> Any:
        denied = evaluate(server, resource=f"r{number}")
        return submit(server, body_of(denied, resource={"type": "doc", "id": f"r{number}"}))

    made = [one(number) for number in range(4)]
    assert [reply.status_code for reply in made] == [202, 202, 202, 429]
    for reply in made[:3]:
        answer_by(server.house, "adm_1", "default", reply.json()["task"]["id"], grants=False)
    assert [one(number).status_code for number in range(10, 14)] == [202, 202, 202, 429]
    for waiting in server.house.access.book.requests("default"):
        if server.house.access.book.answer("default", waiting.id) is None:
            answer_by(server.house, "adm_1", "default", waiting.id, grants=False)
    assert one(20).status_code == 429, "so many an hour, answered ones too"


def test_a_reason_forges_no_line_and_is_not_long(server: Any) -> None:
    denied = evaluate(server)
    wild = {"business_justification": 'please\r\n{"action":"subject.erase"}\u202e now'}
    task = submit(server, body_of(denied, context=wild)).json()["task"]["id"]
    kept = server.house.access.book.request("default", task).reason
    assert not {"\r", "\n", "\u202e"} & set(kept)
    for text in ("", "why", "x" * 501):
        other = body_of(evaluate(server, resource="2"), resource={"type": "doc", "id": "2"})
        other["context"] = {"business_justification": text}
        assert submit(server, other).status_code == 400
    own = [json.loads(one.payload) for one in server.house.log.iterate("default", "admin", subject_key="user:alice")]
    assert own[-1]["action"] == "access.request"


def test_too_long_or_past_is_not_asked_for(server: Any) -> None:
    for until in ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "tomorrow", "2027-01-01T00:00:00", 5):
        body = body_of(evaluate(server), requested_access={"requested_until": until})
        assert submit(server, body).status_code == 400


def test_taking_a_request_back(server: Any) -> None:
    task = ask(server)
    headers = {"Authorization": f"Bearer {server.pep_key}", "Content-Type": "application/json"}
    done = server.client.post(f"/access/v1/requests/{task}/cancel", headers=headers)
    assert done.json()["task"]["status"] == "cancelled"
    again = server.client.post(f"/access/v1/requests/{task}/cancel", headers=headers)
    assert problem(again) == "invalid_task_state"
    with pytest.raises(RefusedError, match="does not wait"):
        answer_by(server.house, "adm_1", "default", task, grants=True)


def test_where_there_are_people_they_grant(server: Any) -> None:
    quorum = server.house.agreed.quorum = FakeQuorum("default")
    task = ask(server)
    request = server.house.access.book.request("default", task)
    with pytest.raises(RefusedError, match="people agree"):
        answer_by(server.house, "adm_1", "default", task, grants=True)
    quorum.agree_to(request.proposal, "user:alice", "user:eve")
    assert settle(server.house, request) is None, "alice wants it: she is not among those who agree"
    assert status(server, task).json()["task"]["status"] == "pending"
    quorum.agree_to(request.proposal, "user:joe", "user:eve")
    assert status(server, task).json()["task"]["status"] == "approved"
    assert evaluate(server)["decision"] is True
    quorum.revoked.add(request.proposal)
    assert evaluate(server)["decision"] is False, "taken back by people"
    quorum.revoked.clear()
    store = server.house.store.snapshots
    for kind in ("access_answer", "access_grant"):
        for row in store.all("default", kind):
            store.delete("default", kind, row.name)
    server.house.access.reader.forget("default")
    assert evaluate(server)["decision"] is False
    assert status(server, task).json()["task"]["status"] == "approved", "we died before it was written: it is done now"
    assert evaluate(server)["decision"] is True


def test_a_request_that_is_answered_twice_is_one_grant_and_taking_it_back_is_for_good(server: Any) -> None:
    quorum = server.house.agreed.quorum = FakeQuorum("default")
    task, book = ask(server), server.house.access.book
    quorum.agree_to(book.request("default", task).proposal, "user:joe", "user:eve")
    assert status(server, task).json()["task"]["status"] == "approved"
    (made,) = book.grants("default")
    revoke(server.house, "adm_1", "default", made.id)
    for row in server.house.store.snapshots.all("default", "access_answer"):  # as a second process, or after a crash
        server.house.store.snapshots.delete("default", "access_answer", row.name)
    settle(server.house, book.request("default", task))
    assert [one.id for one in book.grants("default")] == [made.id]
    server.house.access.reader.forget("default")
    assert evaluate(server)["decision"] is False


def test_a_grant_whose_request_was_denied_meanwhile_is_none(server: Any) -> None:
    grant(server)
    book = server.house.access.book
    (request,) = book.requests("default")
    server.house.store.snapshots.delete("default", "access_answer", request.id)  # as if we had died before it
    assert book.end("default", request.id, Answered("denied", server.house.clock.now_ns(), "adm_2"))
    assert evaluate(server)["decision"] is False


def test_one_request_that_cannot_be_settled_keeps_no_other_waiting(server: Any, monkeypatch: Any) -> None:
    quorum = server.house.agreed.quorum = FakeQuorum("default")
    first = ask(server)
    denied = evaluate(server, resource="r2")
    second = submit(server, body_of(denied, resource={"type": "doc", "id": "r2"})).json()["task"]["id"]
    quorum.agree_to(server.house.access.book.request("default", second).proposal, "user:joe", "user:eve")
    real = answering.settle

    def settled(house: Any, request: Any) -> Any:
        if request.id == first:
            raise UnavailableError("storage_unavailable", "the database failed")
        return real(house, request)

    monkeypatch.setattr(answering, "settle", settled)
    settle_all(server.house)
    assert server.house.access.book.answer("default", second).status == "approved"


def test_people_who_say_no(server: Any) -> None:
    quorum = server.house.agreed.quorum = FakeQuorum("default")
    task = ask(server)
    quorum.revoked.add(server.house.access.book.request("default", task).proposal)
    assert status(server, task).json()["task"]["status"] == "denied"
    assert evaluate(server)["decision"] is False


def test_rows_that_nobody_signed_grant_nothing(server: Any) -> None:
    _, name = grant(server)
    store = server.house.store.snapshots
    (row,) = store.all("default", "access_grant")
    store.save("default", "access_grant", row.name, row.data.replace(b"user:alice", b"user:mallo"), 1)
    assert evaluate(server)["decision"] is False
    from ostiary.server.access.book import subject_digest  # noqa: PLC0415 - the attacker knows the source

    store.save("default", "access_grant", f"{subject_digest('user:bob')}.{name}", row.data, 1)
    server.house.access.reader.forget("default")
    assert evaluate(server, subject="bob")["decision"] is False


def test_a_forgotten_subject_leaves_no_request_and_no_grant(server: Any) -> None:
    grant(server)
    server.house.access.book.forget_subject("default", "user:alice")
    assert server.house.access.book.grants("default") == []
    assert server.house.access.book.requests("default") == []
    server.house.access.reader.forget("default")
    assert evaluate(server)["decision"] is False


def test_administrators_see_and_do_the_same_over_http(server: Any) -> None:
    task = ask(server)
    base = "/tenants/default"
    assert [one["status"] for one in server.admin("GET", f"{base}/access-requests").json()] == ["pending"]
    told = server.admin("POST", f"{base}/access-requests/{task}/grant").json()
    assert (told["status"], told["subject"]) == ("approved", "user:alice")
    assert server.admin("POST", f"{base}/access-requests/{task}/deny").status_code == 409
    assert server.admin("GET", f"{base}/access-requests/arq_none").status_code == 404
    assert [one["status"] for one in server.admin("GET", f"{base}/access-grants").json()] == ["holds"]
    assert server.admin("DELETE", f"{base}/access-grants/{told['grant']}").status_code == 204
    assert server.admin("DELETE", f"{base}/access-grants/{told['grant']}").status_code == 404
    metadata = server.client.get("/.well-known/authzen-configuration").json()
    assert metadata["access_request_endpoint"].endswith("/access/v1/requests")


def test_a_break_glass_over_http(server: Any) -> None:
    base = "/tenants/default"
    what = {"replaces": ["embargo"], "resources": ["doc:1"], "subjects": ["user:alice"]}
    made = server.admin(
        "POST",
        f"{base}/break-glass-codes",
        json={**what, "people": ["user:eve", "user:joe"], "need": 2, "longest_s": 600},
    ).json()
    codes = [one["code"] for one in made["codes"]]
    assert codes[0] not in server.admin("GET", f"{base}/break-glass-codes").text
    until = server.house.clock.now_ns() // 1_000_000_000 + 300
    body = {**what, "until": until, "reason": "the customer is there"}
    assert server.admin("POST", f"{base}/break-glass", json=body).json()["code"] == "approval_needed"
    both = {**body, "codes": codes, "proposal": "apr_1"}
    assert server.admin("POST", f"{base}/break-glass", json=both).status_code == 400
    opened = server.admin("POST", f"{base}/break-glass", json={**body, "codes": codes})
    assert opened.status_code == 201, opened.text
    name = opened.json()["id"]
    told = evaluate(server, "read", context={"country": "XX"})
    assert (told["decision"], told["context"]["break_glass"]) == (True, name)
    assert b"ostiary_break_glass_open 1.0" in server.client.get("/metrics").content
    assert (
        server.admin("POST", f"{base}/break-glass/{name}/close", json={"why": "it is over"}).json()["state"] == "ended"
    )
    assert evaluate(server, "read", context={"country": "XX"})["decision"] is False
    assert server.admin("POST", f"{base}/break-glass/bg_none/close", json={"why": "it is over"}).status_code == 404
    assert server.admin("DELETE", f"{base}/break-glass-codes/{made['set']['id']}").status_code == 204
