"""Deeds: only from our own page, with its token, by whoever may, confirmed anew when the sign-in is not fresh."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from ostiary.server.console.people import people_of
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
ANN = {"name": "newcomer", "role-analyst": "1"}


def test_an_owner_enters_somebody(server: Any, people: People) -> None:
    owner = people("owner")
    assert owner.deed("/people", ANN).json() == {"go": "/people"}
    found = people_of(server.house).find("default", "user:newcomer")
    assert found is not None
    assert (found.roles, found.by) == (("analyst",), "user:owner-default")
    assert "user:newcomer" in owner.get("/people").text
    assert owner.deed("/people/user:newcomer/link").json()["once"]["text"].startswith("http://localhost")
    assert owner.deed("/people/user:newcomer/remove").json() == {"go": "/people"}
    assert people_of(server.house).find("default", "user:newcomer") is None


def test_what_was_done_is_said_once(server: Any, people: People) -> None:
    owner = people("owner")
    done = owner.client.post("/people", data={"csrf": owner.csrf, **ANN}, headers={"cookie": owner.cookie})
    assert done.status_code == 303
    said = done.headers["set-cookie"].partition(";")[0]
    page = owner.get("/people", headers={"cookie": f"{owner.cookie}; {said}"})
    assert "user:newcomer is analyst now" in page.text
    assert "Max-Age=0" in page.headers["set-cookie"]


@pytest.mark.parametrize("role", ["analyst", "approver", "auditor", "developer"])
def test_nobody_else_does(server: Any, people: People, role: str) -> None:
    answer = people(role).deed("/people", ANN)
    assert answer.status_code == 403
    assert answer.json()["code"] == "access_denied"


@pytest.mark.parametrize(
    ("form", "headers", "code"),
    [
        ({"csrf": ""}, {}, "console_foreign_site"),
        ({"csrf": "0" * 64}, {}, "console_foreign_site"),
        ({}, {"origin": "http://evil.example"}, "console_foreign_site"),
        ({}, {"origin": "null"}, "console_foreign_site"),
        ({}, {"sec-fetch-site": "cross-site"}, "console_foreign_site"),
        ({}, {"sec-fetch-site": "same-site"}, "console_foreign_site"),
        ({}, {"content-type": "text/plain"}, "console_form_malformed"),
    ],
)
def test_a_deed_comes_from_our_own_page(
    people: People, form: dict[str, str], headers: dict[str, str], code: str
) -> None:
    answer = people("owner").deed("/people", {**ANN, **form}, **headers)
    assert answer.json()["code"] == code


def test_a_token_of_another_session_is_none(people: People) -> None:
    answer = people("owner").deed("/people", {**ANN, "csrf": people("analyst").csrf})
    assert answer.json()["code"] == "console_foreign_site"


@pytest.mark.parametrize("name", ["", "user:", "\x00", "a" * 5000])
def test_a_name_that_is_none_is_refused_and_told(people: People, name: str) -> None:
    answer = people("owner").deed("/people", {**ANN, "name": name})
    assert answer.status_code in {400, 403}
    assert answer.json()["message"]


def test_an_old_sign_in_confirms_first(server: Any, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = people("owner", name="slow")
    csrf = owner.csrf
    clock, ahead_ns = server.house.clock, 900 * 1_000_000_000
    now_ns = type(clock).now_ns
    monkeypatch.setattr(type(clock), "now_ns", lambda self: now_ns(self) + ahead_ns)
    asked = owner.deed("/people", {**ANN, "csrf": csrf})
    assert asked.status_code == 401
    told = asked.json()
    assert told["code"] == "step_up_needed"
    assert told["confirm"] == f"/step-up/default/{told['decision_id']}"
    told_twice = {"name": "not-yet", "role-analyst": "1", "csrf": csrf}
    script = owner.deed("/people", told_twice, accept="application/vnd.ostiary.deed+json")
    assert (script.status_code, script.json()["code"]) == (200, "step_up_needed"), "to a page's script it is a step"
    assert people_of(server.house).find("default", "user:not-yet") is None
    owner.confirm(told["confirm"])
    assert owner.deed("/people", {**ANN, "csrf": csrf}).json() == {"go": "/people"}


def test_what_is_taken_away_confirms_and_leads_back_with_its_filters(
    server: Any, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyst = people("analyst", name="slow-analyst")
    clock, ahead_ns = server.house.clock, 900 * 1_000_000_000
    now_ns = type(clock).now_ns
    monkeypatch.setattr(type(clock), "now_ns", lambda self: now_ns(self) + ahead_ns)
    page = analyst.get("/decisions/export?format=csv&effect=DENY")
    assert page.status_code == 401
    back = quote(f"{server.house.settings.server.public_url}/decisions/export?format=csv&effect=DENY", safe="")
    assert f"?return_to={back}" in page.text
    step_up = page.text.partition('class="button first" href="')[2].partition('"')[0]
    assert 'href="http://localhost' in analyst.client.get(step_up).text, "our own page is led back to"


def test_looking_is_no_deed_and_a_deed_is_no_look(people: People) -> None:
    owner = people("owner")
    assert owner.get("/people/user:x/remove").status_code == 405
    assert owner.deed("/me").status_code == 405
