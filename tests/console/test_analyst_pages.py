"""An analyst's pages: subjects, sessions, detections, suppressions; and what must never be seen or done there."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from ostiary.response.cases import Case
from ostiary.sessions import Session, handle_of
from ostiary.sessions.standing import Asked
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.scoring import RiskScore

People = Callable[..., FakeBrowser]
HOSTILE = ("<script>alert(1)</script>", "\u202egnp.exe", "{{7*7}}", "javascript:alert(1)", "' onfocus='x", "a/b?c#d")


def began(server: Any, subject: str, name: str, tenant: str = "default", score: float | None = None) -> str:
    """Begin a session in the ledger, and return its handle."""
    ledger, now = server.house.ledger, server.house.clock.now_ns()
    ledger.touch(Asked(tenant, (name,), subject, now, "read", "doc", "1"))
    if score is not None:
        level = "high" if score > 0.5 else "low"
        risk = RiskScore(available=True, score=score, level=level, model="sha256:x", uncertainty=0.1)
        ledger.judge(tenant, name, risk, server.house.settings.sessions.rule(), at_ns=now)
    return handle_of(tenant, name)


def opened(server: Any, key: str, title: str = "look here", tenant: str = "default", subject: str = "") -> Case:
    now = server.house.clock.now_ns()
    made: Case = server.house.response.cases.open(
        tenant, title, topic=key, key=key, by="playbook:session-theft", now_ns=now, subject=subject
    )
    return made


@pytest.fixture(scope="module")
def decided(server: Any) -> str:
    """A decision that the shipped policy denies, in a session of alice."""
    body = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "read"},
        "resource": {"type": "doc", "id": "nowhere"},
        "context": {"session_id": "s-alice"},
    }
    answer = server.post("evaluation", msgspec.json.encode(body)).json()
    assert answer["decision"] is False
    return str(server.records()[-1].receipt.decision_id)


def test_the_riskiest_living_session_comes_first(server: Any, people: People) -> None:
    began(server, "user:calm", "s-calm", score=0.01)
    began(server, "user:odd", "s-odd", score=0.91)
    page = people("analyst").get("/subjects").text
    assert page.index("user:odd") < page.index("user:calm")
    rows = server.admin("GET", "/tenants/default/subjects").json()
    assert rows[0]["subject"] == "user:odd"


def test_filters_are_joined_by_and(server: Any, people: People) -> None:
    began(server, "user:odd", "s-odd", score=0.91)
    analyst = people("analyst")
    assert "user:odd" in analyst.get("/subjects?name=ODD&level=high&state=active").text
    assert "Nobody fits" in analyst.get("/subjects?name=odd&level=low").text
    assert analyst.get("/subjects?level=extreme").status_code == 400


def test_a_subject_shows_what_is_known(server: Any, people: People, decided: str) -> None:
    handle = began(server, "user:alice", "s-alice", score=0.3)
    opened(server, "alice-case", subject="user:alice")
    page = people("analyst").get("/subjects/user:alice").text
    for words in (handle, decided, "look here", "Rhythm drift", "did not agree", "ostiary subject export user:alice"):
        assert words in page, words


def test_a_session_tells_its_story_and_falls_with_a_reason(server: Any, people: People, decided: str) -> None:
    analyst = people("analyst")
    handle = began(server, "user:alice", "user\nalice\ns-alice", score=0.3)
    page = analyst.get(f"/sessions/{handle}").text
    assert f"/decisions/{decided}" in page
    for deed in ("step-up", "reduce", "terminate"):
        refused = analyst.deed(f"/sessions/{handle}/{deed}", {"minutes": "5"}).json()
        assert refused["code"] == "reason_missing"
    why = {"reason": "suspected_theft"}
    assert analyst.deed(f"/sessions/{handle}/step-up", why).json() == {"go": f"/sessions/{handle}"}
    assert "It must be confirmed first" in analyst.get(f"/sessions/{handle}").text
    assert analyst.deed(f"/sessions/{handle}/reduce", why).json()["code"] == "reduction_empty"
    lost = {**why, "privileges": "admin, delete", "minutes": "15"}
    assert analyst.deed(f"/sessions/{handle}/reduce", lost).json() == {"go": f"/sessions/{handle}"}
    session = server.house.ledger.named("default", handle)
    assert (session.dropped, session.demands_step_up) == (("admin", "delete"), True)
    assert analyst.deed(f"/sessions/{handle}/terminate", why).json() == {"go": f"/sessions/{handle}"}
    ended = analyst.get(f"/sessions/{handle}").text
    for words in ("What ended with it", "suspected theft", "ended by a person", "user:analyst-default"):
        assert words in ended, words


def test_what_was_exchanged_in_a_session_falls_with_it(server: Any, people: People) -> None:
    house, handle = server.house, began(server, "user:tok", "sid-tok")
    now = house.clock.now_ns()
    told = {"v": 1, "type": "token", "action": "exchanged", "token_id": "tok-1", "session_id": "tok-sess"}
    more = {"origin_session": handle, "expires_ns": now + 10**12}
    foreign = {**told, "token_id": "tok-2", "origin_session": "ses_other", "expires_ns": now + 10**12}
    for number, body in enumerate(({**told, **more}, foreign, {**told, **more, "token_id": "old", "expires_ns": 1})):
        payload = msgspec.json.encode(body)
        house.log.append("default", "token", f"tok_{number}", now, payload, "user:tok").result(10)
    people("analyst").deed(f"/sessions/{handle}/terminate", {"reason": "exercise"})
    fell = server.admin("GET", f"/tenants/default/sessions/{handle}/revoked").json()
    assert [one["token"] for one in fell["tokens"]] == ["tok-1"]
    assert [one["session"] for one in fell["sessions"]] == [handle, handle_of("default", "tok-sess")]


def test_whom_shared_signals_tell_is_listed(server: Any, people: People) -> None:
    owner = server.pep_key.partition(".")[0]
    body = {"owner": owner, "audience": "https://them.example"}
    stream = server.admin("POST", "/tenants/default/signals/streams", json=body)
    handle = began(server, "user:told", "s-told")
    people("analyst").deed(f"/sessions/{handle}/terminate", {"reason": "exercise"})
    fell = server.admin("GET", f"/tenants/default/sessions/{handle}/revoked").json()
    assert stream.json()["stream_id"] in [one["stream"] for one in fell["streams"]]
    assert stream.json()["stream_id"] in people("analyst").get(f"/sessions/{handle}").text


def test_everything_of_a_subject_ends(server: Any, people: People) -> None:
    handle = began(server, "user:all", "s-all")
    analyst = people("analyst")
    assert analyst.deed("/subjects/user:all/revoke").json()["code"] == "reason_missing"
    assert analyst.deed("/subjects/user:all/revoke", {"reason": "leaving"}).json() == {"go": "/subjects/user%3Aall"}
    assert "Ended" in analyst.get(f"/sessions/{handle}").text


def test_a_case_is_taken_commented_and_closed_with_a_reason(server: Any, people: People) -> None:
    case, analyst = opened(server, "worked"), people("analyst")
    path = f"/detections/{case.case_id}"
    assert "look here" in analyst.get("/detections?kind=case&state=open&tag=AML.T0012").text
    assert analyst.deed(f"{path}/assign").json() == {"go": path}
    assert analyst.deed(f"{path}/assign", {"assignee": "user:bea"}).json() == {"go": path}
    assert "user:bea" in analyst.get(path).text
    assert analyst.deed(f"{path}/assign").json() == {"go": path}
    assert analyst.deed(f"{path}/comment", {"text": " "}).json()["code"] == "reason_missing"
    assert analyst.deed(f"{path}/comment", {"text": "<b>seen</b>"}).json() == {"go": path}
    assert "&lt;b&gt;seen&lt;/b&gt;" in analyst.get(path).text
    assert analyst.deed(f"{path}/close", {"verdict": "true_positive"}).json()["code"] == "reason_missing"
    assert analyst.deed(f"{path}/close", {"verdict": "nonsense", "why": "x"}).status_code == 400
    assert server.house.response.cases.find("default", case.case_id).is_open
    assert analyst.deed(f"{path}/close", {"verdict": "true_positive", "why": "stolen"}).json() == {"go": path}
    found = server.house.response.cases.find("default", case.case_id)
    assert (found.assignee, found.closed_by) == ("user:analyst-default", "user:analyst-default")
    assert found.comments[-1].text == "stolen"


def test_a_decision_is_judged_with_a_reason(people: People, decided: str) -> None:
    analyst, path = people("analyst"), f"/detections/{decided}"
    assert decided in analyst.get("/detections?kind=denied&subject=user:alice").text
    assert analyst.deed(f"{path}/feedback", {"verdict": "confirm"}).json()["code"] == "reason_missing"
    assert analyst.deed(f"{path}/feedback", {"verdict": "maybe", "why": "x"}).status_code == 400
    assert analyst.deed(f"{path}/feedback", {"verdict": "dismiss", "why": "it was the job"}).json() == {"go": path}
    assert "it was the job" in analyst.get(path).text
    assert decided in analyst.get("/detections?state=closed").text
    assert decided not in analyst.get("/detections?state=open").text


def test_another_tenants_are_as_unknown(server: Any, people: People) -> None:
    theirs = began(server, "user:secret", "s-secret", tenant="acme")
    case = opened(server, "acme-case", "acme only", tenant="acme")
    analyst = people("analyst")
    body = analyst.get("/sessions/ses_00000000000000000000").text
    pages = [f"/sessions/{theirs}", "/sessions/s-secret", "/subjects/user:secret", f"/detections/{case.case_id}"]
    for path in pages:
        answer = analyst.get(path)
        assert answer.status_code == 404, path
        assert bare(answer.text) == bare(body), path
    for path in (f"/sessions/{theirs}/terminate", f"/sessions/{theirs}/step-up", f"/sessions/{theirs}/reduce"):
        told = analyst.deed(path, {"reason": "exercise", "minutes": "1"})
        assert (told.status_code, told.json()["code"]) == (404, "session_unknown")
    assert analyst.deed("/subjects/user:secret/revoke", {"reason": "exercise"}).status_code == 404
    assert analyst.deed(f"/detections/{case.case_id}/close", {"verdict": "benign", "why": "x"}).status_code == 404
    for path in ("/subjects", "/detections", "/detections?kind=case"):
        assert "user:secret" not in analyst.get(path).text
        assert "acme only" not in analyst.get(path).text
    for path in (f"sessions/{theirs}/timeline", f"sessions/{theirs}/revoked", "subjects/user:secret"):
        assert server.admin("GET", f"/tenants/default/{path}").status_code == 404
    assert server.house.ledger.find("acme", "s-secret").ended_ns == 0


def bare(page: str) -> str:
    """Return a page without what is random in each."""
    return re.sub(r'nonce="[^"]*"|value="[0-9a-f]{64}"|dec_[0-9A-Z]{26}', "", page)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_a_name(server: Any, people: People, name: str) -> None:
    subject = f"user:{name}"
    handle = began(server, subject, f"s-{name}")
    opened(server, f"hostile-{name}", name, subject=subject)
    analyst = people("analyst")
    for path in ("/subjects", f"/subjects/{quote(subject, safe='')}", f"/sessions/{handle}", "/detections"):
        page = analyst.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text, path
        assert "\u202e" not in page.text, path
        assert 'href="javascript:' not in page.text, path
        assert "' onfocus='" not in page.text, path
        assert ">49<" not in page.text, path


@pytest.mark.parametrize(
    ("role", "path"),
    [("approver", "/subjects"), ("developer", "/detections"), ("developer", "/sessions/x")],
)
def test_others_do_not_look(people: People, role: str, path: str) -> None:
    assert people(role).get(path).status_code == 403


def test_an_auditor_looks_and_does_nothing(server: Any, people: People) -> None:
    handle = began(server, "user:watched", "s-watched")
    page = people("auditor").get(f"/sessions/{handle}").text
    assert "data-deed" not in page
    answer = people("auditor").deed(f"/sessions/{handle}/terminate", {"reason": "exercise"})
    assert answer.json()["code"] == "access_denied"
    assert server.house.ledger.named("default", handle).ended_ns == 0


def test_nobody_sees_its_own_score(server: Any, people: People) -> None:
    analyst = people("analyst", name="self")
    handle = began(server, "user:self", "s-self", score=0.7654)
    for path in ("/subjects?name=self", "/subjects/user:self", f"/sessions/{handle}"):
        page = analyst.get(path).text
        assert "0.77" not in page, path
        assert "0.765" not in page, path
        assert 'id="risk"' not in page, path
        assert ">High<" not in page.partition("</form>")[2], path
    assert "user:self" not in analyst.get("/subjects?level=high").text.partition("</form>")[2], "a filter must not tell"
    assert "0.77" in people("analyst").get(f"/sessions/{handle}").text


def test_a_suppression_is_previewed_added_and_removed(server: Any, people: People) -> None:
    analyst = people("analyst")
    wish = {"kind": "rule", "name": "risk-step-up", "subject": "user:alice", "days": "1"}
    page = analyst.get("/suppressions", params=wish).text
    assert "Would have been silenced" in page
    assert analyst.deed("/suppressions", wish).json()["code"] == "reason_missing"
    assert analyst.deed("/suppressions", {**wish, "why": "too many"}).json() == {"go": "/suppressions"}
    found = server.house.suppressions.listed("default")
    assert [(one.name, one.subject, one.by) for one in found] == [
        ("risk-step-up", "user:alice", "user:analyst-default")
    ]
    assert "too many" in analyst.get("/suppressions").text
    assert analyst.deed(f"/suppressions/{found[0].id}/remove").json() == {"go": "/suppressions"}
    assert analyst.deed(f"/suppressions/{found[0].id}/remove").status_code == 404


def test_a_guardrail_is_never_silenced_and_the_page_says_why(server: Any, people: People) -> None:
    analyst, wish = people("analyst"), {"kind": "rule", "name": "session-terminated", "subject": "user:alice"}
    page = analyst.get("/suppressions", params=wish).text
    assert "Only a rule that proposes on a model&#39;s word can be silenced." in page
    assert analyst.deed("/suppressions", {**wish, "why": "x", "days": "1"}).status_code == 409
    assert not server.house.suppressions.listed("default")


def test_a_broad_suppression_needs_people(people: People) -> None:
    wish = {"kind": "rule", "name": "risk-step-up", "days": "1", "why": "x"}
    assert people("analyst").deed("/suppressions", wish).json()["code"] == "suppression_needs_approval"


def test_an_export_holds_no_formula_and_is_recorded(server: Any, people: People) -> None:
    opened(server, "formula", "=cmd|'/c calc'!A1")
    answer = people("analyst").get("/detections/export?kind=case")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert "'=cmd" in answer.text
    assert "\n=cmd" not in answer.text
    deeds = [msgspec.json.decode(one.payload or b"{}") for one in server.house.log.iterate("default", "admin")]
    assert {"detections.export"} <= {str(one["action"]) for one in deeds}


def test_a_verdict_on_a_session_takes_a_reason(server: Any, people: People, decided: str) -> None:
    handle = began(server, "user:alice", "user\nalice\ns-alice")
    analyst = people("analyst")
    assert analyst.deed(f"/sessions/{handle}/feedback", {"verdict": "safe"}).json()["code"] == "reason_missing"
    done = analyst.deed(f"/sessions/{handle}/feedback", {"verdict": "safe", "why": "asked her"})
    assert done.json() == {"go": f"/sessions/{handle}"}
    assert isinstance(server.house.ledger.named("default", handle), Session)
    assert decided


def test_nobody_judges_or_silences_what_is_about_itself(server: Any, people: People) -> None:
    """A thief in an analyst's session would teach the model that he is the analyst, or switch it off for himself."""
    analyst = people("analyst", name="judge")
    handle = began(server, "user:judge", "s-judge")
    case = opened(server, "judge-case", subject="user:judge")
    path, judged = f"/detections/{case.case_id}", {"verdict": "safe", "why": "it was me"}
    assert "Close it" not in analyst.get(path).text
    assert "Say what it was" not in analyst.get(f"/sessions/{handle}").text
    wish = {"kind": "rule", "name": "risk-step-up", "subject": "user:judge", "days": "1", "why": "noise"}
    for deed, form in (
        (f"/sessions/{handle}/feedback", judged),
        (f"{path}/close", {**judged, "verdict": "benign"}),
        ("/suppressions", wish),
    ):
        answer = analyst.deed(deed, form)
        assert (answer.status_code, answer.json()["code"]) == (403, "console_own_subject"), deed
    asked = [one.receipt.decision_id for one in server.records() if one.subject_key == "user:judge"]
    answer = analyst.deed(f"/detections/{asked[-1]}/feedback", judged)
    assert answer.json()["code"] == "console_own_subject"
    assert server.house.response.cases.find("default", case.case_id).is_open
    assert analyst.deed(f"/sessions/{handle}/terminate", {"reason": "suspected_theft"}).status_code == 200
