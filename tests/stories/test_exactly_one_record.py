"""Whatever happens to a request, the log tells of it exactly once; and whoever proved nothing is counted exactly."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from ostiary.audit.refusals import RefusalMeter
from ostiary.errors import UnavailableError

SLOW = 12_000_000  # numbers that OPA makes one by one: seconds, and nothing can stop it


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server(server={"deadline_ms": 300, "stuck_ms": 200})


def new_records(server: Any, act: Callable[[], Any]) -> tuple[Any, list[Any]]:
    before = len(server.records())
    result = act()
    return result, server.records()[before:]


@pytest.mark.parametrize(
    ("action", "effect"),
    [("read", "ALLOW"), ("reduce", "REDUCE"), ("step-up", "STEP_UP"), ("nothing", "DENY"), ("terminate", "TERMINATE")],
)
def test_every_effect_is_one_record_whose_id_the_answer_names(server: Any, action: str, effect: str) -> None:
    answer, records = new_records(server, lambda: server.ask(action))
    assert len(records) == 1
    assert answer.json()["context"]["id"] == records[0].receipt.decision_id
    assert answer.json()["context"]["effect"] == records[0].outcome.effect.name == effect
    assert answer.json()["decision"] is (effect in {"ALLOW", "REDUCE"})


def test_a_step_up_brings_the_challenge_of_rfc_9470(server: Any) -> None:
    answer = server.ask("step-up")
    challenge = answer.headers["www-authenticate"]
    assert challenge == 'Bearer error="insufficient_user_authentication", acr_values="urn:a urn:b", max_age="60"'
    assert "www-authenticate" not in server.ask("read").headers


def test_the_score_never_leaves_in_an_answer(server: Any) -> None:
    assert "score" not in server.ask("read").text + server.ask("nothing").text


def test_each_item_of_a_batch_is_one_record(server: Any) -> None:
    items = [{"action": {"name": "read"}}, {"action": {"name": "never"}}, {"action": {}}, 7, {"context": []}]
    answer, records = new_records(server, lambda: server.ask(path="evaluations", evaluations=items))
    told = answer.json()["evaluations"]
    assert [item["decision"] for item in told] == [True, False, False, False, False]
    assert {item["context"]["id"] for item in told} == {record.receipt.decision_id for record in records}
    assert len(records) == 5
    assert told[2]["context"]["error"] == {"status": 400, "message": "`action.name` must be a non-empty string"}


@pytest.mark.parametrize(
    ("semantic", "names", "told"),
    [
        ("execute_all", ["read", "never", "read"], [True, False, True]),
        ("deny_on_first_deny", ["read", "never", "read"], [True, False]),
        ("permit_on_first_permit", ["never", "read", "never"], [False, True]),
    ],
)
def test_a_short_circuit_is_visible_in_answer_and_log(
    server: Any, semantic: str, names: list[str], told: list[bool]
) -> None:
    items = [{"action": {"name": name}} for name in names]
    options = {"evaluations_semantic": semantic}
    ask = lambda: server.ask(path="evaluations", evaluations=items, options=options)  # noqa: E731
    answer, records = new_records(server, ask)
    assert [item["decision"] for item in answer.json()["evaluations"]] == told
    assert len(records) == len(told)


def test_a_batch_that_is_malformed_as_a_whole_is_one_record(server: Any) -> None:
    options = {"evaluations_semantic": "first_come"}
    ask = lambda: server.ask(path="evaluations", evaluations=[{}], options=options)  # noqa: E731
    answer, records = new_records(server, ask)
    assert (answer.status_code, [r.refusal for r in records]) == (400, ["request_invalid"])


@pytest.mark.parametrize("wanted", ["subject", "resource", "action"])
def test_a_search_is_one_record(server: Any, wanted: str) -> None:
    answer, records = new_records(server, lambda: server.ask(path=f"search/{wanted}"))
    assert answer.status_code == 200
    assert [(r.kind, r.results) for r in records] == [(f"search.{wanted}", len(answer.json()["results"]))]


def test_a_late_policy_is_one_denial_and_one_record(server: Any) -> None:
    begin = time.monotonic()
    answer, records = new_records(server, lambda: server.ask(context={"work": SLOW}))
    assert time.monotonic() - begin < 2
    assert (answer.status_code, answer.json()["decision"]) == (200, False)
    assert answer.json()["context"]["reasons"] == ["policy_timeout"]
    assert [r.refusal for r in records] == ["policy_timeout"]
    assert server.ask().json()["decision"] is True  # the others go on
    deadline = time.monotonic() + 5
    while not server.stuck and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.stuck  # the supervisor has been asked for another process
    ready = server.client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]) == (503, {"policy": "an evaluation does not end"})


def test_secrets_of_the_context_are_in_no_record(server: Any) -> None:
    secret = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."
    context = {"subject_token": secret, "dpop_proof": secret, "ip": "192.0.2.1"}
    answer, records = new_records(server, lambda: server.ask(context=context))
    assert answer.json()["decision"] is False
    assert len(records) == 1
    assert secret not in msgspec.json.encode(records[0]).decode()


def test_a_secret_of_the_wrong_type_is_a_fault_with_one_record(server: Any) -> None:
    answer, records = new_records(server, lambda: server.ask(context={"subject_token": ["x"]}))
    assert (answer.status_code, len(records)) == (400, 1)


def test_a_log_that_takes_nothing_means_no(start_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    server = start_server()
    with monkeypatch.context() as patched:
        failed: Future[Any] = Future()
        failed.set_exception(UnavailableError("disk_full", "no room"))
        patched.setattr(server.house.log, "append", lambda *_: failed)
        answer = server.ask()
        assert (answer.status_code, answer.json()["decision"]) == (503, False)
        assert answer.json()["context"]["reasons"] == ["disk_full"]
        assert server.post("evaluation", b"[").status_code == 503
        assert server.ask(path="evaluations", evaluations=[{}, {}]).status_code == 503
    assert server.ask().json()["decision"] is True


def test_a_bug_is_one_denial_and_one_record(start_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[Any] = []
    server = start_server(faults=faults)
    monkeypatch.setattr(server.house.rollout, "phases", lambda _tenant, _where: 1 / 0)
    answer, records = new_records(server, server.ask)
    assert answer.json()["context"]["reasons"] == ["internal_error"]
    assert [(r.refusal, r.fault) for r in records] == [("internal_error", "ZeroDivisionError")]
    assert faults


def test_too_many_at_once_are_refused_and_counted(start_server: Callable[..., Any]) -> None:
    server = start_server(server={"max_in_flight": 2, "threads": 2, "deadline_ms": 2000})
    slow = [threading.Thread(target=lambda: server.ask(context={"work": 2_000_000})) for _ in range(2)]
    for thread in slow:
        thread.start()
    deadline = time.monotonic() + 5
    while server.assembly.authzen.in_flight < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    answer = server.ask()
    for thread in slow:
        thread.join()
    assert (answer.status_code, answer.json()["decision"]) == (503, False)
    assert answer.json()["context"]["reasons"] == ["overloaded"]
    assert counted(server) == {"overloaded": 1}


def counted(server: Any) -> dict[str, int]:
    """Return how many unproven callers the log tells of, by reason: single records and aggregates together."""
    server.assembly.refusals.flush()
    server.house.log.append("system", "note", "note_1", 1, b"{}", "").result()
    found: dict[str, int] = {}
    for record in server.records("system"):
        found[record.refusal] = found.get(record.refusal, 0) + 1
    for one in server.house.log.iterate("system", "refusals"):
        for reason, count in json.loads(one.payload)["reasons"].items():
            found[reason] = found.get(reason, 0) + count
    return found


def test_strangers_are_counted_exactly_and_cannot_fill_the_disk(start_server: Callable[..., Any]) -> None:
    server = start_server()
    server.assembly.refusals.meter = RefusalMeter(server.house.log, server.house.clock, per_s=0.001, burst=3)
    size = server.house.log.head().size
    for _ in range(40):
        server.post("evaluation", b"{}", Authorization="Bearer x.y")
    for _ in range(7):
        server.client.get("/access/v1/evaluation")
    for _ in range(5):
        server.admin("GET", "/tenants", key="adm_x.y")
    assert counted(server) == {"pep_unauthenticated": 40, "method_not_allowed": 7, "admin_unauthenticated": 5}
    # Three alone, and a sum of each kind every few seconds: a slow machine writes some more, never one for each.
    assert 3 + 1 + 1 <= server.house.log.head().size - size <= 3 + 10
