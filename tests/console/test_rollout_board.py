"""The rollout in the console: what it shows is what holds, and nobody goes around the gate by a form."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
ONE = "/rollout/controls"
WHY = {"why": "complaints"}
HOSTILE = ("<script>alert(1)</script>", "{{7*7}}", "javascript:alert(1)", "a\u202egpj.exe", "'\"><img src=x onerror=1>")


def phase(server: Any, control: str, tenant: str = "default") -> dict[str, Any]:
    told = server.admin("GET", f"/tenants/{tenant}/rollout").json()["controls"]
    found: dict[str, Any] = next(one for one in told if one["control"] == control)
    return found


def test_the_board_shows_where_everything_stands(server: Any, people: People) -> None:
    page = people("auditor").get("/rollout").text
    for one in server.admin("GET", "/tenants/default/rollout").json()["controls"]:
        assert one["control"].replace("_", " ") in page
    assert "of 11 met" in page or " met</dd>" in page
    assert "Switch off everything" not in page, "an auditor is shown no button that does nothing"
    assert "Switch off everything" in people("owner").get("/rollout").text


def test_a_controls_page_is_its_dry_run(server: Any, people: People) -> None:
    before = phase(server, "deny")
    page = people("owner").get(f"{ONE}/deny?group=staff&percent=5").text
    dry = server.admin(
        "POST",
        "/tenants/default/rollout/promote",
        json={"control": "deny", "scope": {"group": "staff", "percent": 5}, "dry_run": True},
    ).json()
    for one in dry["conditions"]:
        assert one["label"][1:].replace("'", "&#39;") in page
    assert f"{len(dry['unmet'])} conditions are not met" in page
    assert "group=staff,percent=5" in page
    assert phase(server, "deny")["phase"] == before["phase"], "looking moves nothing"


def test_promoting_without_its_gate_is_refused(server: Any, people: People) -> None:
    before = phase(server, "terminate")
    answer = people("owner").deed(f"{ONE}/terminate/promote", {**WHY, "proposal": "apr_made_up"})
    assert (answer.status_code, answer.json()["code"]) == (409, "gate_unmet")
    answer = people("owner").deed(f"{ONE}/terminate/promote", {**WHY, "to": "high_impact"})
    assert answer.status_code == 409
    answer = people("owner").deed(f"{ONE}/terminate/demote", {**WHY, "to": "high_impact"})
    assert answer.json()["code"] == "phase_step", "down is no way up"
    after = phase(server, "terminate")
    assert [after[name] for name in ("phase", "live", "since", "set_by")] == [
        before[name] for name in ("phase", "live", "since", "set_by")
    ]


@pytest.mark.parametrize("role", ["analyst", "approver", "auditor", "developer"])
def test_only_an_owner_moves_a_control(server: Any, people: People, role: str) -> None:
    before = phase(server, "reduce")
    for path in ("/rollout/kill", f"{ONE}/reduce/kill", f"{ONE}/reduce/demote", f"{ONE}/reduce/revive"):
        answer = people(role).deed(path, WHY)
        assert answer.status_code == 403, path
        assert answer.json()["code"] == "access_denied"
    after = phase(server, "reduce")
    assert (after["phase"], after["killed"]) == (before["phase"], False)


def test_down_takes_a_reason_and_holds_at_once(server: Any, people: People) -> None:
    owner = people("owner")
    assert owner.deed(f"{ONE}/session_lifetime/demote", {"why": "  "}).json()["code"] == "reason_missing"
    assert owner.deed(f"{ONE}/session_lifetime/demote", {"why": "x" * 501}).status_code == 400
    before = phase(server, "session_lifetime")["phase"]
    answer = owner.deed(f"{ONE}/session_lifetime/demote", {**WHY, "to": "telemetry"})
    assert answer.json() == {"go": f"{ONE}/session_lifetime"}
    assert phase(server, "session_lifetime")["phase"] == "telemetry" != before
    told = server.admin("GET", "/tenants/default/rollout/history").json()[0]
    assert (told["what"], told["by"], told["why"]) == ("demote", "user:owner-default", "complaints")
    assert owner.deed(f"{ONE}/session_lifetime/demote", WHY).status_code == 409, "sent again, it does nothing more"


def test_a_form_of_another_session_or_site_does_nothing(server: Any, people: People) -> None:
    owner, other = people("owner"), people("owner", "acme")
    stolen = other.csrf
    for form, headers in (
        ({**WHY, "csrf": stolen}, {}),
        ({**WHY, "csrf": ""}, {}),
        (WHY, {"origin": "https://evil.example"}),
    ):
        answer = owner.deed(f"{ONE}/step_up/kill", form, **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "console_foreign_site")
    assert owner.client.get(f"{ONE}/step_up/kill", headers={"cookie": owner.cookie}).status_code == 405
    assert not phase(server, "step_up")["killed"]


@pytest.mark.parametrize("reason", HOSTILE)
def test_hostile_reasons_are_text(server: Any, people: People, reason: str) -> None:
    owner = people("owner", "acme")
    assert owner.deed(f"{ONE}/deny/kill", {"why": reason}).status_code == 200
    for path in ("/rollout", f"{ONE}/deny"):
        page = owner.get(path).text
        for bad in ("<script>alert", "<img", "\u202e", ">49<", 'href="javascript'):
            assert bad not in page


@pytest.mark.parametrize("name", [*HOSTILE, "playbook:of-another-tenant", "*", "x" * 200])
def test_unknown_controls_and_other_tenants_are_not_there(server: Any, people: People, name: str) -> None:
    path = f"{ONE}/{quote(name, safe='')}"
    assert people("owner").get(path).status_code == 404
    for deed in ("promote", "demote", "revive", "propose"):
        assert people("owner").deed(f"{path}/{deed}", WHY).status_code == 404, deed


@pytest.mark.parametrize("scope", ["percent=0", "percent=x", "percent=101", "group=a,b", f"group={'x' * 257}"])
def test_a_scope_that_cannot_be_is_refused(people: People, scope: str) -> None:
    assert people("owner").get(f"{ONE}/deny?{scope}").status_code == 400


def test_asking_people_takes_a_person_who_is_one_of_them(people: People) -> None:
    for role in ("owner", "approver"):
        answer = people(role).deed(f"{ONE}/deny/propose", WHY)
        assert answer.json()["code"] == "approval_proposer_unknown"
    assert people("analyst").deed(f"{ONE}/deny/propose", WHY).json()["code"] == "access_denied"


def test_the_switch_of_everything(server: Any, people: People) -> None:
    owner = people("owner", "acme")
    assert owner.deed("/rollout/kill", {"why": ""}).json()["code"] == "reason_missing"
    assert owner.deed("/rollout/kill", {"why": "incident 7"}).json() == {"go": "/rollout"}
    assert all(one["killed"] for one in server.admin("GET", "/tenants/acme/rollout").json()["controls"][:5])
    assert not phase(server, "deny")["killed"], "another tenant's switch is another switch"
    page = owner.get("/rollout").text
    assert "incident 7" in page
    assert "Switched off:" in page
    for name in ("deny", "playbook%3A%2A"):
        assert "Bring it back" in owner.get(f"{ONE}/{name}").text
    answer = owner.deed(f"{ONE}/deny/revive", {**WHY, "to": "low_risk"})
    assert (answer.status_code, answer.json()["code"]) == (409, "gate_unmet")


def test_what_would_have_been_is_counted(server: Any, people: People) -> None:
    told = server.admin("GET", "/tenants/default/rollout/projection?control=deny").json()
    assert sum(told["now"].values()) == sum(told["projected"].values()) == told["decisions"]
    assert server.admin("GET", "/tenants/default/rollout/projection?control=nope").status_code == 404
    assert server.admin("GET", "/tenants/nobody/rollout/projection?control=deny").status_code == 404
    assert "With it live" in people("analyst").get(f"{ONE}/deny").text
