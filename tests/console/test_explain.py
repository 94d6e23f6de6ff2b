"""What if: two answers side by side, a link that asks nothing, and the ways in which a question must not count."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
ASK = {"subject": "user:alice", "action": "read", "resource": "document:handbook"}


def ask(browser: FakeBrowser, **more: str) -> Any:
    form = {"csrf": browser.csrf, **ASK, **more}
    return browser.client.post("/explain", data=form, headers={"cookie": browser.cookie})


def deeds(server: Any) -> list[bytes]:
    found = server.house.log.iterate("default", "admin")
    return [one.payload for one in found if one.payload and b'"action":"whatif"' in one.payload]


def test_a_question_is_answered_and_its_link_fills_the_form_in(server: Any, people: People) -> None:
    ann = people("developer")
    page = ask(ann, context='{"ip": "203.0.113.9"}', time="2026-11-27T02:00:00Z").text
    assert "As things are" in page
    assert "Rules that apply" in page
    assert "Under the candidate" not in page
    link = re.search(r"/explain\?[^<]+", page)
    assert link is not None
    before = len(deeds(server))
    again = ann.get(link.group(0).replace("&amp;", "&")).text
    assert 'value="user:alice"' in again
    assert "203.0.113.9" in again
    assert "As things are" not in again
    assert len(deeds(server)) == before, "opening a link asks nothing"


def test_a_draft_of_phases_is_the_other_side(people: People) -> None:
    page = ask(people("approver"), **{"phase-deny": "high_impact"}).text
    assert "Under the candidate" in page
    assert ask(people("approver"), **{"phase-deny": "nonsense"}).status_code == 400


def test_a_question_is_a_deed_and_no_decision(server: Any, people: People) -> None:
    ann, house = people("analyst"), server.house
    ann.get("/me")
    before, asked = len(server.records()), len(deeds(server))
    profiles = len(house.knowledge.book("default"))
    assert ask(ann, subject="user:nobody-yet", context='{"session_id": "s-1"}').status_code == 200
    fresh = [one for one in server.records()[before:] if one.pep != "ostiary:console"]
    assert fresh == []
    assert len(deeds(server)) == asked + 1
    assert b"user:analyst-default" in deeds(server)[-1]
    assert len(house.knowledge.book("default")) == profiles
    assert house.ledger.named("default", "s-1") is None


def test_questions_take_no_budgets(server: Any, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = server.house.decider.parts.questions
    assert guard is not None
    looked: list[str] = []
    real = type(guard).look

    def look(self: Any, tenant: str, asker: Any, question: Any, now_ns: int) -> Any:
        looked.append(asker.identity)
        return real(self, tenant, asker, question, now_ns)

    monkeypatch.setattr(type(guard), "look", look)
    for number in range(3):
        ask(people("analyst"), context=f'{{"ip": "198.51.{number}.7"}}')
    assert not [one for one in looked if "alice" in one]


def test_about_oneself_there_is_no_score_and_nothing_to_suppose(people: People) -> None:
    ann = people("analyst")
    me = {"subject": "user:analyst-default"}
    page = ask(ann, **me).text
    assert "You asked about yourself" in page
    assert "<dt>Score</dt>" not in page
    for facts in (
        '{"score": {"score": 0.1}}',
        '{"signals": {"x": 1}}',
        '{"session": {"risk": {"score": 0.2}}}',
    ):
        answer = ask(ann, **me, facts=facts)
        assert (answer.status_code, "whatif_own" in answer.text) == (400, True), facts


@pytest.mark.parametrize(
    "more",
    [
        {"subject": "alice"},
        {"subject": "user:"},
        {"context": "{"},
        {"context": '{"a": 1, "a": 2}'},
        {"facts": '{"surprise": 1}'},
        {"facts": "[]"},
        {"time": "yesterday"},
        {"candidate": "../../etc"},
        {"candidate": "shadow-model"},
    ],
)
def test_what_cannot_be_asked_is_told_and_stays(people: People, more: dict[str, str]) -> None:
    answer = ask(people("analyst"), **more)
    assert 400 <= answer.status_code < 500
    if "candidate" not in more or more["candidate"] == "shadow-model":
        assert 'role="alert"' in answer.text
        assert "document:handbook" in answer.text


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x>', "{{7*7}}", "a\u202eb"])
def test_hostile_texts_stay_texts(people: People, text: str) -> None:
    page = ask(people("analyst"), subject=f"user:{text}", action=text, context="{" + text).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "user:49" not in page
    assert people("analyst").get("/explain", params={"subject": text, "facts": text}).status_code == 200


def test_another_tenants_person_asks_about_his_own_tenant(server: Any, people: People) -> None:
    before = len(deeds(server))
    assert ask(people("owner", "acme")).status_code == 200
    assert len(deeds(server)) == before, "his question is in his tenant's log"


def test_a_question_comes_from_our_page(people: People) -> None:
    ann = people("analyst")
    bad = ann.client.post("/explain", data={**ASK, "csrf": "0" * 64}, headers={"cookie": ann.cookie})
    assert bad.status_code == 403
