"""Impact studies over HTTP: one at a time, beside the loop, kept; and what nobody may reach through them."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.server.impact import runs
from ostiary.server.impact.runs import KEPT, Run, Runs
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
FILE = "guardrails/resources.rego"


def body(server: Any, text: str | None = None, **more: Any) -> dict[str, Any]:
    own = server.admin("GET", f"/tenants/default/bundle/file?path={FILE}").json()["text"]
    return {"candidate": "changed-file", "file": FILE, "text": own if text is None else text, "days": 30, **more}


def finished(server: Any, run: str, tenant: str = "default") -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        told: dict[str, Any] = server.admin("GET", f"/tenants/{tenant}/impact/{run}").json()
        if told["run"]["state"] != "running":
            return told
        time.sleep(0.2)
    pytest.fail("the study does not end")


def test_a_study_runs_beside_and_its_report_is_read(server: Any, people: People) -> None:
    names = [server.ask("read", subject={"type": "user", "id": "<b>ann</b>"}).json()["context"]["id"] for _ in range(3)]
    own = server.admin("GET", f"/tenants/default/bundle/file?path={FILE}").json()["text"]
    text = own + '\nallow contains {"rule": "everybody-may"} if input.subject.type == "user"\n'
    started = server.admin("POST", "/tenants/default/impact", json=body(server, text))
    assert started.status_code == 202, started.text
    run = started.json()["run"]
    assert people("auditor").get(f"/impact/{run}/progress").status_code == 200
    told = finished(server, run)
    assert told["run"]["state"] == "done", told["run"]
    assert told["report"]["decisions"] >= len(names)
    page = people("auditor").get(f"/impact/{run}").text
    assert "Agreement" in page
    assert "<b>ann" not in page
    file = people("auditor").get(f"/impact/{run}/report.html")
    assert "default-src 'none'" in file.headers["content-security-policy"]
    assert "<b>ann" not in file.text
    assert run in people("auditor").get("/impact").text
    assert server.house.reports.find("default", told["run"]["report"]).kind == "impact"


def test_a_candidate_that_reaches_out_fails_and_says_why(server: Any, people: People) -> None:
    text = 'package ostiary.guardrails\ndeny contains {"rule": "x"} if http.send({"url": "http://127.0.0.1"}).status_code\n'
    run = server.admin("POST", "/tenants/default/impact", json=body(server, text)).json()["run"]
    told = finished(server, run)
    assert (told["run"]["state"], told["run"]["code"]) == ("failed", "policy_refused")
    assert "policy_refused" in people("owner").get(f"/impact/{run}").text


def test_one_at_a_time(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Run("imp_held", "policy", "changed-file", "sha256:x", 1.0, "test", server.house.clock.now_ns())
    shelf = Runs(server.house)._shelf
    shelf.save("default", held.run, held, 1)
    try:
        answer = server.admin("POST", "/tenants/default/impact", json=body(server))
        assert (answer.status_code, answer.json()["code"]) == (409, "impact_busy")
        old = msgspec.structs.replace(held, started_ns=1)
        shelf.save("default", held.run, old, 1)
        assert server.admin("GET", "/tenants/default/impact/imp_held").json()["run"]["state"] == "lost"
    finally:
        shelf.delete("default", held.run)
    monkeypatch.setattr(runs, "_places", type("Full", (), {"acquire": lambda *_a, **_k: False})())
    assert server.admin("POST", "/tenants/default/impact", json=body(server)).json()["code"] == "impact_busy"


@pytest.mark.parametrize(
    "more",
    [
        {"candidate": "/etc/passwd"},
        {"candidate": "shadow-bundle"},
        {"candidate": "shadow-model", "about": "model"},
        {"about": "model"},
        {"days": 0},
        {"days": 1e9},
        {"file": "../../x.rego"},
        {"file": "x.rego", "text": "x" * 300_000},
        {"surprise": 1},
    ],
)
def test_what_is_no_candidate_starts_nothing(server: Any, more: dict[str, Any]) -> None:
    before = len(server.admin("GET", "/tenants/default/impact").json())
    answer = server.admin("POST", "/tenants/default/impact", json=body(server, **more))
    assert 400 <= answer.status_code < 500, answer.text
    assert len(server.admin("GET", "/tenants/default/impact").json()) == before


def test_another_tenants_study_is_as_unknown_as_none(server: Any, people: People) -> None:
    mine = Run("imp_mine", "policy", "changed-file", "sha256:x", 1.0, "test", 1, state="failed")
    Runs(server.house)._shelf.save("default", mine.run, mine, 1)
    for part in ("", "/progress", "/report.html"):
        answers = [people("owner", "acme").get(f"/impact/{run}{part}") for run in ("imp_mine", "imp_none")]
        assert [one.status_code for one in answers] == [404, 404]
    assert people("owner").get("/impact/imp_mine").status_code == 200
    assert people("owner").get("/impact/imp_mine/report.html").status_code == 400


def test_few_are_kept_and_a_row_by_another_hand_is_none(server: Any) -> None:
    house, shelf = server.house, Runs(server.house)._shelf
    for number in range(KEPT + 5):
        one = Run(f"imp_{number:05d}", "policy", "changed-file", "", 1.0, "test", 1, state="failed")
        shelf.save("acme", one.run, one, 1)
    told = server.admin("POST", "/tenants/acme/impact", json=body(server)).json()
    finished(server, told["run"], "acme")
    assert len(server.admin("GET", "/tenants/acme/impact").json()) == KEPT
    house.store.snapshots.save("acme", "impact_run", "imp_forged", b"\x93\xc4\x01a\xa1k\xc4\x01s", 1)
    assert server.admin("GET", "/tenants/acme/impact/imp_forged").json()["code"] == "shelf_tampered"
    house.store.snapshots.delete("acme", "impact_run", "imp_forged")


def test_starting_is_for_those_who_may_propose(server: Any, people: People) -> None:
    form = {"candidate": "folder-bundle", "days": "1"}
    assert people("auditor").deed("/impact", form).status_code == 403
    assert people("analyst").deed("/impact", form).json()["code"] == "candidate_unknown"
    assert people("analyst").deed("/impact", {**form, "days": "many"}).status_code == 400
