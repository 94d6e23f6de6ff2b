"""Whoever maps the decision API by varying where he comes from is throttled, with a record; busy applications are not.

Over HTTP, 64 clients at once, alone and in batches and by search; with the store full, and by a door of the pipeline.
"""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.decision.answer import answer_of
from ostiary.decision.parts import Decided
from ostiary.errors import UnavailableError
from ostiary.server.doors.turned_away import denied
from ostiary_sdk.answers import Effect as SdkEffect
from ostiary_sdk.refusals import refusal
from ostiary_sdk.wire import Reply, read_decision

FREE, OWN = 3, 8
POLICY = """package ostiary.guardrails
allow contains {"rule": "readers-read"} if input.action.name == "read"
deny contains {"rule": "question-budget-spent", "by": by, "retry_after": input.probing.wait_s} if {
    some by in input.probing.spent
}
decision := {"allow": allow, "deny": deny}
"""


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server(guardrails=POLICY, defence={"free": FREE, "identity": OWN, "window_s": 86_400})


def ask(server: Any, who: str, device: str, **context: Any) -> Any:
    subject = {"type": "user", "id": who}
    return server.ask(subject=subject, context={"ip": "192.0.2.7", "device": {"id": device}, **context})


def test_a_busy_application_is_answered_however_much_it_asks(server: Any) -> None:
    answers = {ask(server, "ada", "laptop", count=n, bytes=n * 7).status_code for n in range(150)}
    assert answers == {200}


def test_whoever_varies_the_situation_is_told_to_wait_and_it_is_recorded(server: Any) -> None:
    answers = [ask(server, "eve", f"d-{n}") for n in range(FREE + OWN + 6)]
    assert [one.status_code for one in answers] == [200] * (1 + FREE + OWN) + [429] * 5
    last = answers[-1]
    assert int(last.headers["retry-after"]) == 86_400 // 60
    body = last.json()
    assert body["decision"] is False
    assert body["context"]["retry_after"] == 86_400 // 60
    assert body["context"]["reasons"] == ["rule:question-budget-spent"]
    assert "identity" not in json.dumps(body), "by whom it was spent is for the record"
    record = server.records()[-1]
    assert record.receipt.decision_id == body["context"]["id"]
    told = json.loads(bytes(record.input))["probing"]
    assert told["spent"] == ["identity"]
    assert told["situations"] >= FREE + OWN


def test_the_application_reads_it_and_tells_its_own_caller(server: Any) -> None:
    raw = ask(server, "eve", "another")
    reply = Reply(raw.status_code, {**dict(raw.headers), "x-request-id": "r"}, raw.content)
    decision = read_decision(reply, "r")
    assert (decision.allowed, decision.decided, decision.effect) == (False, True, SdkEffect.DENY)
    told = refusal(decision)
    assert told.status == 429
    assert ("retry-after", str(86_400 // 60)) in told.headers
    forged = read_decision(Reply(429, {**reply.headers}, b'{"decision": true}'), "r")
    assert not forged.allowed


def test_a_known_situation_is_answered_when_nothing_is_left(server: Any) -> None:
    assert ask(server, "eve", "d-5").status_code == 200
    assert ask(server, "ada", "laptop").status_code == 200, "and nobody else is refused for it"


def test_a_batch_is_no_way_round(server: Any) -> None:
    items = [{"context": {"device": {"id": f"b-{n}"}, "ip": "192.0.2.7"}} for n in range(FREE + OWN + 4)]
    body = {"subject": {"type": "user", "id": "mal"}, "action": {"name": "read"}, "resource": server.doc()}
    told = server.post("evaluations", json.dumps({**body, "evaluations": items})).json()["evaluations"]
    assert sum(one["decision"] for one in told) == 1 + FREE + OWN
    refused = [one for one in told if not one["decision"]]
    assert {one["context"]["error"]["status"] for one in refused} == {429}


def test_sixty_four_clients_at_once_get_what_one_would(server: Any) -> None:
    ask(server, "swarm", "home")
    statuses: list[int] = []
    gate = threading.Barrier(64)

    def run(number: int) -> None:
        gate.wait()
        statuses.append(ask(server, "swarm", f"s-{number}").status_code)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses.count(200), statuses.count(429)) == (FREE + OWN, 64 - FREE - OWN)


def test_a_search_asks_no_scorer_and_costs_nothing(server: Any) -> None:
    body = {"subject": {"type": "user", "id": "scan"}, "action": {"name": "read"}, "resource": {"type": "doc"}}
    for n in range(FREE + OWN + 10):
        told = server.post("search/resource", json.dumps({**body, "context": {"device": {"id": f"x-{n}"}}}))
        assert told.status_code == 200
        assert set(told.json()) == {"results", "page"}
    assert ask(server, "scan", "x-0").status_code == 200


def test_with_a_full_store_nobody_maps_and_the_denial_is_recorded(server: Any, monkeypatch: Any) -> None:
    ask(server, "late", "home")

    def full(*_: object, **__: object) -> None:
        raise UnavailableError("disk_full", "the disk is full")

    monkeypatch.setattr(server.house.store.budgets, "take", full)
    assert ask(server, "late", "home").json()["decision"] is True
    refused = ask(server, "late", "elsewhere").json()
    assert refused["decision"] is False
    assert refused["context"]["reasons"] == ["signals_error"]
    assert server.records()[-1].receipt.decision_id == refused["context"]["id"]


def test_a_door_answers_429_too(server: Any) -> None:
    record = next(one for one in reversed(server.records()) if "rule:question-budget-spent" in one.outcome.reasons)
    answer = answer_of(record.receipt.decision_id, record.outcome, record.obligations)
    told = denied(Decided(record, answer, None)).reply  # type: ignore[arg-type]
    assert told.status == 429
    assert (b"retry-after", b"1440") in told.headers
