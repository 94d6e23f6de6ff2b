"""An administrator alone cannot let a model act, by no route; he can stop it by any, and every worker follows."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.server.rollout.changing import Wish
from ostiary.server.rollout.desk import rollout_desk
from ostiary.vocabulary.effects import Effect

ADAPTIVE = """package ostiary.adaptive
proposals contains {"rule": "model-denies", "effect": "DENY", "control": "deny"} if input.action.name == "read"
decision := {"proposals": proposals}
"""
ROLLOUT = "/tenants/default/rollout"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    made = start_server(phases={"step_up": "shadow", "session_lifetime": "shadow", "reduce": "shadow"})
    place = made.house.places.bundle("default") / "adaptive.rego"
    place.write_text(ADAPTIVE)
    reloaded = made.admin("POST", "/tenants/default/bundle/reload")
    assert reloaded.status_code == 200, reloaded.text
    return made


def test_no_route_lets_a_model_act_without_gate_and_people(server: Any) -> None:
    tries = (
        ("PATCH", "/tenants/default/phases", {"deny": "high_impact"}, "phase_needs_promotion"),
        ("PATCH", "/tenants/default/phases", {"reduce": "telemetry", "deny": "low_risk"}, "phase_needs_promotion"),
        (
            "PUT",
            "/tenants/default/response/playbooks/session-theft/phase",
            {"phase": "high_impact"},
            "phase_needs_promotion",
        ),
        ("POST", f"{ROLLOUT}/promote", {"control": "deny"}, "gate_unmet"),
        ("POST", f"{ROLLOUT}/promote", {"control": "deny", "to": "high_impact"}, "phase_step"),
        ("POST", f"{ROLLOUT}/promote", {"control": "deny", "proposal": "made-up"}, "gate_unmet"),
        ("POST", f"{ROLLOUT}/revive", {"control": "deny", "to": "high_impact"}, "control_not_killed"),
        ("POST", f"{ROLLOUT}/demote", {"control": "deny", "to": "high_impact"}, "phase_step"),
    )
    for method, path, body, code in tries:
        answer = server.admin(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, code), (path, body)
    assert server.admin("GET", "/tenants/default/phases").json()["reduce"] == "shadow", "not even the half of it"
    assert server.ask().json()["decision"] is True
    record = server.records()[-1]
    assert (record.outcome.proposal, record.outcome.effect) == (Effect.DENY, Effect.ALLOW)


def test_what_is_malformed_is_refused(server: Any) -> None:
    for body in ({}, {"control": "deny", "scope": {"percent": 0}}, {"control": "x" * 300}, {"control": "deny", "x": 1}):
        assert server.admin("POST", f"{ROLLOUT}/promote", json=body).status_code == 400, body
    assert server.admin("POST", f"{ROLLOUT}/promote", json={"control": "nothing"}).status_code == 404


def test_a_dry_run_tells_what_people_would_agree_to(server: Any) -> None:
    body = {"control": "deny", "scope": {"group": "staff", "percent": 5}, "dry_run": True}
    told = server.admin("POST", f"{ROLLOUT}/promote", json=body).json()
    assert (told["deed"]["kind"], told["deed"]["target"]) == ("phase.change", "deny@group=staff,percent=5")
    assert told["deed"]["bound"]["to"] == "low_risk"
    assert not told["open"]


def test_another_tenant_and_its_key_see_and_move_nothing(server: Any) -> None:
    server.admin("POST", "/tenants", json={"tenant": "other"})
    key = server.admin("POST", "/tenants/other/admin-keys").json()["key"]
    for method, path in (
        ("GET", ""),
        ("GET", "/history"),
        ("POST", "/kill"),
        ("POST", "/demote"),
        ("POST", "/promote"),
    ):
        body = {} if path == "/kill" else {"control": "deny"}
        more = {"json": body} if method == "POST" else {}
        own = server.admin(method, ROLLOUT + path, key=key, **more)
        unknown = server.admin(method, f"/tenants/never/rollout{path}", key=key, **more)
        assert (own.status_code, own.json()) == (unknown.status_code, unknown.json()) == (404, own.json()), path


def test_the_switch_pulled_elsewhere_is_followed_within_a_second_and_told(server: Any) -> None:
    before = len(server.admin("GET", f"{ROLLOUT}/history").json())
    desk = rollout_desk(server.house, lambda *_: None)
    desk.changes.kill(Wish("default", "*", by="command line", why="incident 7"))
    end = time.monotonic() + 5
    while server.admin("GET", "/tenants/default/phases").json()["deny"] != "telemetry":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert server.ask().json()["decision"] is True, "guardrails work on"
    assert set(msgspec.to_builtins(server.records()[-1].phases).values()) == {0}
    (newest, *rest) = server.admin("GET", f"{ROLLOUT}/history").json()
    assert (newest["what"], newest["why"], len(rest)) == ("kill", "incident 7", before)
    shown = server.admin("GET", ROLLOUT).json()
    assert shown["verified"]
    assert not any(one["live"] for one in shown["controls"])
    told = server.client.get("/metrics").text
    assert 'ostiary_phase_changes_total{control="*",what="kill"} 1.0' in told
    assert "ostiary_controls_live 0.0" in told
