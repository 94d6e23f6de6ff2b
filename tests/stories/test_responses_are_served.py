"""Responses in a running server: a decision sets one off, a person agrees, a caller answers, a hook hears."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.identity.signing import sign_jwt
from ostiary.keys import SigningKey
from ostiary.response.plan import StepState
from ostiary.response.receipts import TYPE
from ostiary.response.trigger import Trigger
from ostiary.server.responding import SEEN, SEEN_KIND

KEY = SigningKey.from_seed("k1", bytes(range(32)))
REVIEW = """name: review
triggers: ["decision:TERMINATE"]
when:
  - {fact: rules, is: end}
steps:
  - do: open_case
    text: a decision ended a session
  - do: notify
    text: look
  - do: revoke_subject
    approval: true
"""


Heard = tuple[str, Path, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, list[dict[str, Any]]]]:
    events: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            events.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Be quiet."""

    secret = tmp_path_factory.mktemp("hook") / "secret"
    secret.write_text("a secret of at least sixteen bytes")
    secret.chmod(0o600)
    hook = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=hook.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{hook.server_address[1]}/", secret, events
    hook.shutdown()
    hook.server_close()


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], heard: tuple[str, Path, list[Any]]) -> Any:
    url, secret, _ = heard
    hook = {"name": "hook", "url": url, "secret_file": str(secret)}
    response = {"webhooks": [hook], "allow_http_loopback": True, "receipt_deadline_s": 1}
    served = start_server(response=response)
    own = served.house.places.playbooks("default")
    own.mkdir(parents=True)
    (own / "review.yaml").write_text(REVIEW)
    body = {"pep_id": "gateway-1", "subjects": "asserted", "receipts": True, "receipt_key": KEY.public.pem().decode()}
    served.gateway = served.admin("POST", "/tenants/default/peps", json=body).json()["api_key"]
    return served


def until(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + 8
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail("nothing happened in time")


def ask(server: Any, action: str, session: str, key: str = "") -> dict[str, Any]:
    body = {
        "subject": {"type": "user", "id": f"user-of-{session}"},
        "action": {"name": action},
        "resource": server.doc(),
        "context": {"session_id": session},
    }
    told = server.post("evaluation", json.dumps(body), Authorization=f"Bearer {key or server.pep_key}").json()
    answer: dict[str, Any] = told
    return answer


def receipt(decision: str, obligation: str, **more: Any) -> str:
    claims = {"iss": "gateway-1", "iat": int(time.time()), "decision_id": decision, "obligation_id": obligation}  # noqa: TID251
    return sign_jwt({**claims, "status": "executed", **more}, KEY, {"typ": TYPE})


def send(server: Any, text: str, key: str = "") -> tuple[int, Any]:
    answer = server.post("receipts", json.dumps({"receipt": text}), Authorization=f"Bearer {key or server.gateway}")
    return answer.status_code, answer.json()


def test_a_decision_sets_a_playbook_off_and_a_person_finishes_it(server: Any, heard: Heard) -> None:
    ask(server, "terminate", "s-1")
    case = until(lambda: server.admin("GET", "/tenants/default/cases?state=open").json())[0]
    assert (case["title"], case["subject"], case["opened_by"]) == (
        "a decision ended a session",
        "user:user-of-s-1",
        "playbook:review",
    )
    event = until(lambda: heard[2])[0]
    assert (event["specversion"], event["sequence"], event["data"]["kind"]) == ("1.0", "1", "review")
    (waiting,) = server.admin("GET", "/tenants/default/response/pending").json()
    assert (waiting["do"], waiting["playbook"]) == ("revoke_subject", "review")
    place = f"/tenants/default/response/steps/{waiting['step']}"
    assert server.admin("POST", f"{place}/approve", json={"digest": "sha256:00"}).json()["code"] == "plan_changed"
    approved = server.admin("POST", f"{place}/approve", json={"digest": waiting["digest"]}).json()
    assert (approved["state"], approved["by"].startswith("adm_")) == ("ready", True)
    until(lambda: server.house.response.journal.find("default", waiting["step"])[1].state == StepState.DONE)
    kinds = [json.loads(one.payload)["what"] for one in server.house.log.iterate("default", "response")]
    assert kinds.count("approved") == 1
    assert server.admin("POST", f"{place}/undo").json()["code"] == "step_not_undoable"
    closed = server.admin("POST", f"/tenants/default/cases/{case['case']}/close", json={"verdict": "true_positive"})
    assert closed.json()["state"] == "closed"


def test_a_receipt_counts_and_silence_alarms(server: Any) -> None:
    answer = ask(server, "reduce", "s-2", server.gateway)
    record = server.records()[-1]
    name, obligation = record.receipt.decision_id, record.obligations[0].id
    assert answer["decision"] is True
    assert send(server, receipt(name, obligation)) == (
        200,
        {"decision_id": name, "obligation_id": obligation, "status": "executed"},
    )
    assert send(server, receipt(name, obligation))[0] == 200, "the same again is the same answer"
    assert send(server, receipt(name, obligation, status="failed"))[1]["code"] == "receipt_conflict"
    ask(server, "reduce", "s-3", server.gateway)
    silent = server.records()[-1].receipt.decision_id
    place = "/tenants/default/response/obligations?unexecuted=true"
    (missed,) = until(lambda: server.admin("GET", place).json())
    assert (missed["decision_id"], missed["standing"], missed["pep"]) == (silent, "missed", "gateway-1")
    assert send(server, receipt(silent, obligation))[1]["code"] == "receipt_late"
    until(lambda: [one for one in server.admin("GET", "/tenants/default/cases").json() if "obligation" in one["title"]])
    assert b"ostiary_obligations_unexecuted 1.0" in server.client.get("/metrics").content


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"iss": "pep-1"}, 403, "receipt_of_another"),
        ({"decision_id": "dec_0"}, 404, "receipt_unknown"),
        ({"obligation_id": "nothing"}, 404, "receipt_unknown"),
        ({"status": "perhaps"}, 400, "receipt_malformed"),
        ({"iat": 1}, 409, "receipt_time_invalid"),
    ],
)
def test_odd_receipts_get_their_codes(server: Any, change: dict[str, Any], status: int, code: str) -> None:
    ask(server, "reduce", "s-4", server.gateway)
    record = server.records()[-1]
    got, told = send(server, receipt(record.receipt.decision_id, record.obligations[0].id, **change))
    assert (got, told["code"]) == (status, code)


def test_strangers_and_other_enforcement_points_give_no_receipts(server: Any) -> None:
    ask(server, "reduce", "s-5", server.gateway)
    record = server.records()[-1]
    mine = receipt(record.receipt.decision_id, record.obligations[0].id)
    assert send(server, mine, "gateway-1.wrong")[0] == 401
    assert send(server, mine, server.pep_key)[1]["code"] == "receipt_key_missing"
    forged = sign_jwt({"iss": "gateway-1"}, SigningKey.from_seed("k1", bytes(32)), {"typ": TYPE})
    assert send(server, forged)[1]["code"] == "receipt_signature_invalid"
    assert server.client.get("/access/v1/receipts").status_code == 405


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"receipt":7}', b'{"receipt":"a","b":1}', b'{"receipt":"' + b"a" * 9000 + b'"}']
)
def test_odd_bodies_of_receipts_are_refused(server: Any, body: bytes) -> None:
    answer = server.post("receipts", body, Authorization=f"Bearer {server.gateway}")
    assert answer.status_code in {400, 413}
    plain = server.post("receipts", b"{}", Content_Type="text/plain", Authorization=f"Bearer {server.gateway}")
    assert plain.status_code == 400


def test_an_enforcement_point_that_gives_no_receipts_alarms_nobody(server: Any) -> None:
    ask(server, "reduce", "s-6")
    time.sleep(0.5)
    assert "pep-1" not in {one.pep for one in server.house.response.obligations.listed("default", unexecuted=False)}


def test_a_decision_that_was_never_looked_at_is_found_in_the_log(server: Any) -> None:
    response, snapshots = server.house.response, server.house.store.snapshots
    ask(server, "terminate", "s-7")
    until(lambda: len(response.journal.listed("default", [], 99)) >= 6)
    before = len(response.journal.listed("default", [], 99))
    snapshots.save("system", SEEN_KIND, SEEN, b"0", 1)
    response._caught_up = False
    response.turn()
    assert len(response.journal.listed("default", [], 99)) == before, "looked at twice is done once"
    assert response._caught_up


def test_a_playbook_runs_by_hand_and_dry(server: Any) -> None:
    ask(server, "read", "s-8")
    place = "/tenants/default/response/playbooks/session-theft/run"
    dry = server.admin("POST", place, json={"session": "s-8", "dry_run": True}).json()
    assert [(one["do"], one["state"]) for one in dry][:2] == [
        ("terminate_session", "dry"),
        ("quarantine_device", "dry"),
    ]
    assert dry[0]["session"].startswith("ses_")
    assert ask(server, "read", "s-8")["decision"] is True
    assert server.admin("POST", place, json={"session": "none"}).json()["code"] == "session_unknown"
    assert server.admin("POST", place.replace("session-theft", "none"), json={}).json()["code"] == "playbook_unknown"
    server.admin("POST", place, json={"session": "s-8"})
    until(lambda: ask(server, "read", "s-8")["decision"] is False)


def test_playbooks_are_taken_down_by_administrators(server: Any) -> None:
    place = "/tenants/default/response/playbooks/model-tampered/phase"
    assert server.admin("PUT", place, json={"phase": "shadow"}).json()["phase"] == "shadow"
    assert server.admin("PUT", place, json={"phase": "all"}).status_code == 400
    named = {one["name"]: one["phase"] for one in server.admin("GET", "/tenants/default/response/playbooks").json()}
    assert (named["model-tampered"], named["session-theft"]) == ("shadow", "low_risk")
    up = server.admin("PUT", place, json={"phase": "low_risk"})
    assert (up.status_code, up.json()["code"]) == (409, "phase_needs_promotion"), "up goes by gate and people"


def test_another_tenants_steps_and_cases_are_unknown(server: Any) -> None:
    server.admin("POST", "/tenants", json={"tenant": "other"})
    step = server.house.response.journal.listed("default", [], 1)[0].name
    case = server.house.response.cases.listed("default")[0].case_id
    for path, body in (
        (f"/tenants/other/response/steps/{step}/approve", {"digest": "x"}),
        (f"/tenants/other/response/steps/{step}/undo", None),
        (f"/tenants/other/cases/{case}/comments", {"text": "x"}),
        (f"/tenants/other/cases/{case}/close", {"verdict": "benign"}),
    ):
        assert server.admin("POST", path, json=body).status_code == 404, path
    assert server.admin("GET", "/tenants/other/cases").json() == []


def test_a_disabled_enforcement_point_is_refused_and_let_in_again(server: Any) -> None:
    body = {"pep_id": "leaky", "subjects": "asserted"}
    key = server.admin("POST", "/tenants/default/peps", json=body).json()["api_key"]
    own = server.house.places.playbooks("default") / "leak.yaml"
    own.write_text("name: leak\ntriggers: ['signal:leak']\nsteps: [{do: disable_token}]\n")
    time.sleep(1.1)
    server.house.response.respond(Trigger("leak-1", "default", "signal:leak", "", "", "", {"pep": "leaky"}, 1))
    until(lambda: server.ask_as(key).status_code == 401)
    (step,) = [one for one in server.house.response.journal.listed("default", [], 99) if one.playbook == "leak"]
    # It is switched off a moment before that is on record, and only what is on record can be undone.
    undo = f"/tenants/default/response/steps/{step.name}/undo"
    until(lambda: server.admin("POST", undo).json().get("state") == "undone")
    until(lambda: server.ask_as(key).status_code == 200)


def test_another_tenants_enforcement_point_is_not_switched_off(server: Any) -> None:
    from ostiary.errors import RefusedError  # noqa: PLC0415
    from ostiary.server.response_parts import PepTokens  # noqa: PLC0415

    tokens = PepTokens(server.house.store, server.house.clock)
    with pytest.raises(RefusedError) as caught:
        tokens.disable("other", "pep-1")
    assert caught.value.code == "pep_unknown"


def test_a_forgotten_person_is_in_no_step_and_no_case(server: Any) -> None:
    ask(server, "terminate", "s-9")
    about = "user:user-of-s-9"
    until(lambda: [one for one in server.house.response.cases.listed("default") if one.subject == about])
    body = {"type": "user", "id": "user-of-s-9"}
    assert server.admin("POST", "/tenants/default/subjects/erase", json=body).status_code == 200
    drawers = ("step", "case", "letter", "obligation", "trigger")
    cards = [card for drawer in drawers for card in server.house.store.cards.listed("default", drawer, [], 999)]
    assert cards
    assert not [card for card in cards if card.subject == about]


def test_records_of_responses_say_what_happened_and_hold_no_secret(server: Any) -> None:
    payloads = [one.payload for one in server.house.log.iterate("default", "response") if one.payload is not None]
    told = [msgspec.json.decode(payload) for payload in payloads]
    assert {one["type"] for one in told} == {"response"}
    assert {"begin", "done", "approved", "receipt"} <= {one["what"] for one in told}
    assert not any(b"a secret of at least" in payload for payload in payloads)
