"""Candidates and the shadow report in the console: names for few, deeds with a reason, nothing of another tenant."""

import shutil
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.testing.console import FakeBrowser
from ostiary.testing.shadow_records import record_of
from ostiary.vocabulary.effects import Effect

People = Callable[..., FakeBrowser]
REPORT = "/rollout/shadow/report"
API = "/tenants/default/shadow"
HOUR = 3_600 * 10**9
LOOSE = """package ostiary.guardrails
allow contains {"rule": "anything"} if input.subject.id != ""
decision := {"allow": allow}
"""
MARY = "user:<b>mary</b>"


@pytest.fixture(scope="module")
def past(server: Any, people: People) -> Any:
    """Three days in which mary, and the owner herself, would have been stopped."""
    house = server.house
    now = house.clock.now_ns()
    for number in range(30):
        name, subject, proposal = f"dec_{number:03d}", f"user:u{number % 5}", Effect.ALLOW
        if number % 10 < 2:
            subject, proposal = (MARY, "user:owner-default")[number % 2], Effect.STEP_UP
        at = now - (30 - number) * 2 * HOUR
        record = record_of(name, subject, at, proposal, score=0.02 * number)
        house.log.append("default", "decision", name, at, msgspec.json.encode(record), subject).result(10)
    return server


def test_the_report_tells_what_the_command_tells(past: Any, people: People) -> None:
    told = past.admin("GET", f"{API}/report?control=step_up&days=7").json()
    assert (told["would_interrupt"], told["users_affected"], told["anonymous"]) == (6, 2, True)
    page = people("auditor").get(f"{REPORT}?control=step_up&days=7&budget=1").text
    assert "would have interrupted 6 of" in page
    assert "The budget of 1 a day would have been broken" in page
    assert len(told["daily"]) in {7, 8}


def test_names_are_for_owners_and_analysts(past: Any, people: People) -> None:
    escaped = "user:&lt;b&gt;mary&lt;/b&gt;"
    for role, named in (("owner", True), ("analyst", True), ("approver", False), ("auditor", False)):
        page = people(role).get(f"{REPORT}?control=step_up&days=7").text
        assert (escaped in page) is named, role
        assert "<b>mary" not in page
    kept = [msgspec.json.decode(one.payload) for one in past.house.log.iterate("default", "admin")]
    looked = [one for one in kept if one.get("action") == "shadow.report"]
    assert {one["by"] for one in looked} == {"user:owner-default", "user:analyst-default"}, "who saw names is recorded"


def test_nobody_reads_of_himself(past: Any, people: People) -> None:
    theirs = people("analyst").get(f"{REPORT}?control=step_up&days=7").text
    assert "user:owner-default" in theirs
    own = people("owner").get(f"{REPORT}?control=step_up&days=7").text
    assert "subject=user%3Aowner-default" not in own
    assert "You are among them" in own


def test_what_is_taken_away_has_pseudonyms_and_is_kept(past: Any, people: People) -> None:
    owner = people("owner")
    made = owner.get("/rollout/shadow/reports/step_up/7/html")
    assert made.status_code == 200
    assert made.headers["content-disposition"] == 'attachment; filename="shadow-report.html"'
    assert "mary&lt;" not in made.text
    assert "user:" not in made.text
    kept = past.admin("GET", f"{API}/report/newest?control=step_up").json()
    assert kept["digest"] in made.text
    assert kept["users_affected"] == 2
    pdf = people("auditor").get("/rollout/shadow/reports/step_up/7/pdf")
    assert pdf.content.startswith(b"%PDF")
    assert people("approver").get("/rollout/shadow/reports/step_up/7/html").status_code == 403
    made = past.admin("POST", f"{API}/report", json={"control": "deny", "days": 7})
    assert made.status_code == 201
    assert past.house.reports.find("default", made.json()["digest"]).about == "deny"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("control=nope", 400),
        ("control=step_up&candidate=model", 400),
        ("candidate=other", 400),
        ("days=0", 400),
        ("days=365", 400),
        ("days=x", 400),
        ("budget=-1", 400),
        ("budget=nan", 400),
        ("candidate=bundle", 409),
    ],
)
def test_what_cannot_be_asked_is_refused(past: Any, people: People, query: str, status: int) -> None:
    assert people("owner").get(f"{REPORT}?{query}").status_code == status
    assert past.admin("GET", f"{API}/report?{query}").status_code in {400, 404, 409}


@pytest.mark.parametrize(
    "path", ["nope/7/html", "step_up/0/html", "step_up/x/pdf", "candidate-x/7/html", "step_up/7/exe"]
)
def test_a_file_of_nothing_is_none(past: Any, people: People, path: str) -> None:
    assert people("owner").get(f"/rollout/shadow/reports/{path}").status_code in {400, 404, 409}


def test_a_candidate_is_started_with_a_reason_and_by_an_owner(past: Any, people: People) -> None:
    owner, house = people("owner"), past.house
    assert owner.deed("/rollout/shadow/bundle/start", {}).json()["code"] == "reason_missing"
    assert owner.deed("/rollout/shadow/bundle/start", {"why": "try"}).json()["code"] == "candidate_absent"
    assert owner.deed("/rollout/shadow/else/start", {"why": "try"}).status_code == 404
    place = house.shadow.candidates.place("default", "bundle")
    place.mkdir(parents=True)
    (place / "broken.rego").write_text("package ostiary.guardrails\nallow if {")
    assert owner.deed("/rollout/shadow/bundle/start", {"why": "try"}).status_code in {400, 409}
    assert people("analyst").deed("/rollout/shadow/bundle/start", {"why": "try"}).json()["code"] == "access_denied"
    assert past.admin("GET", API).json() == [], "what did not verify does not run"


def test_one_that_verifies_runs_and_is_stopped(past: Any, people: People) -> None:
    owner, house = people("owner"), past.house
    place = house.shadow.candidates.place("default", "bundle")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (place / "guardrails.rego").write_text(LOOSE)
    (place / "adaptive.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
    assert owner.deed("/rollout/shadow/bundle/start", {"why": "<i>try</i>"}).json() == {"go": "/rollout/shadow"}
    told = past.admin("GET", API).json()
    assert [(one["what"], one["by"]) for one in told] == [("bundle", "user:owner-default")]
    assert told[0]["digest"][:19] in owner.get("/rollout/shadow").text
    assert "Shadow report: candidate bundle" in owner.get(f"{REPORT}?candidate=bundle").text
    assert past.admin("GET", "/tenants/acme/shadow").json() == [], "it is one tenant's"
    assert people("owner", "acme").deed("/rollout/shadow/bundle/stop", {"why": "x"}).status_code == 409
    assert owner.deed("/rollout/shadow/bundle/stop", {"why": "done"}).status_code == 200
    deeds = [msgspec.json.decode(one.payload) for one in house.log.iterate("default", "admin")]
    why = [(one["action"], one["why"]) for one in deeds if one["action"] in {"shadow.start", "shadow.stop"}]
    assert why == [("shadow.start", "<i>try</i>"), ("shadow.stop", "done")]
