"""The first ten minutes of each person whom the console is for (ecosystem.md §1.1), in a real Chromium."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize, expect
from tests.browser.console_scene import PHONE, WIDE, Sitting, ask, console_server

from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Draft
from ostiary.server.console.people import people_of
from ostiary.vocabulary.approvals import Deed

DEED = Deed("default", "phase.change", "deny@*", {"from": "shadow", "to": "low_risk", "report": "sha256:aa"})
PEOPLE = [Person("user:aude", ("risk",)), Person("user:bert", ("ops",))]


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    running = console_server(start_server)
    running.house.approvals.room.bootstrap("default", PEOPLE, "command line")
    for who, resource in (("alice", "handbook"), ("alice", "nowhere"), ("bob", "handbook")):
        ask(running, who, resource=resource)
    running.assembly.projector.catch_up_all()
    return running


@pytest.fixture
def sit(browser: Browser, server: Any) -> Iterator[Callable[..., Sitting]]:
    sittings: list[Sitting] = []

    def begin(name: str, role: str, viewport: ViewportSize = WIDE) -> Sitting:
        sittings.append(Sitting(browser, server, name, role, viewport))
        return sittings[-1]

    yield begin
    for one in sittings:
        one.context.close()


def test_an_owner_opens_one_denial_and_brings_an_analyst_in(server: Any, sit: Callable[..., Sitting]) -> None:
    owner = sit("olga", "owner")
    page = owner.page
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    owner.follow("Decisions")
    page.locator("select[name=effect]").select_option("DENY")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**effect=DENY**")
    page.locator("#decisions tbody tr", has_text="nowhere").locator("a").first.click()
    expect(page.locator("main")).to_contain_text("unknown-resource")
    expect(page.locator("main")).to_contain_text("Have the resource entered into the catalogue")
    owner.follow("People")
    page.get_by_role("button", name="Invite somebody").click()
    page.get_by_label("Name").fill("newcomer")
    page.get_by_label("analyst").check()
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.locator(".note.good")).to_contain_text("user:newcomer is analyst now")
    page.locator("tr", has_text="user:newcomer").get_by_role("button", name="Link for a passkey").click()
    expect(page.locator("#once code")).to_contain_text("/enrol/")
    found = people_of(server.house).find("default", "user:newcomer")
    assert found is not None
    assert found.by == "user:olga"
    assert owner.complaints == []


def test_an_analyst_watches_filters_by_a_click_and_ends_a_session(
    server: Any, sit: Callable[..., Sitting], monkeypatch: pytest.MonkeyPatch
) -> None:
    analyst = sit("anna", "analyst")
    page = analyst.page
    analyst.follow("Decisions")
    expect(page.locator("#live")).to_have_text("live")
    ask(server, "alice")
    row = page.locator("#decisions tbody tr", has_text="user:alice").first
    row.get_by_role("link", name="user:alice").click()
    page.wait_for_url("**subject=user*alice**")
    analyst.go("/subjects/user:alice")
    page.locator("a[href^='/sessions/']").first.click()
    clock, ahead_ns = type(server.house.clock), 1_000 * 10**9
    now_ns = clock.now_ns
    monkeypatch.setattr(clock, "now_ns", lambda self: now_ns(self) + ahead_ns)  # the sign-in is not fresh any more
    page.get_by_role("button", name="End it", exact=True).first.click()
    page.locator("#terminate select").select_option(index=1)
    page.locator("#terminate").get_by_role("button", name="End it").click()
    expect(page.locator("#confirm")).to_be_visible()
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_role("heading", name="What ended with it")).to_be_visible()
    assert analyst.complaints == []


def test_an_approver_reads_and_signs_on_a_phone(server: Any, sit: Callable[..., Sitting]) -> None:
    approver = sit("aude", "approver", PHONE)  # first: a passkey that comes after a proposal does not sign it
    made = server.house.approvals.room.propose("default", Draft(DEED, "user:zed", "thirty quiet days"))
    page = approver.page
    approver.go("/approvals")
    page.locator(f"a[href*='{made.proposal_id}']").first.click()
    for words in ("thirty quiet days", "shadow", made.words):
        expect(page.locator("main")).to_contain_text(words)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_label("Comment").fill("the gate is met")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("main")).to_contain_text(re.compile("said\\s+yes"))
    standing = server.house.approvals.room.standing("default", made.proposal_id)
    assert [(voice.person, voice.decision) for voice in standing.voices] == [("user:aude", "approve")]
    assert approver.complaints == []


def test_an_auditor_verifies_the_log_and_sees_who_looked(server: Any, sit: Callable[..., Sitting]) -> None:
    auditor = sit("ivo", "auditor")
    page = auditor.page
    auditor.follow("Audit")
    expect(page.get_by_role("heading", name="Audit")).to_be_visible()
    server.assembly.projector.catch_up_all()  # it follows the log by itself, a moment later
    auditor.go("/audit/views")
    expect(page.locator("main")).to_contain_text("user:ivo")
    auditor.go("/people")
    assert page.get_by_role("button", name="Invite somebody").count() == 0
    assert auditor.complaints == []


def test_a_developer_asks_why_and_what_if_and_reaches_no_more(server: Any, sit: Callable[..., Sitting]) -> None:
    developer = sit("dev", "developer")
    page = developer.page
    developer.go(f"/decisions/{ask(server, 'bob', resource='nowhere')}")
    expect(page.locator("main")).to_contain_text("unknown-resource")
    page.get_by_role("link", name="What if").last.click()
    expect(page.get_by_role("heading", name=re.compile("What if"))).to_be_visible()
    assert page.get_by_role("navigation", name="Console").get_by_role("link", name="Keys").count() == 0
    developer.go("/keys")
    expect(page.get_by_role("heading", name="This is not open to you")).to_be_visible()


def test_an_ml_engineer_finds_models_pipelines_and_no_keys(sit: Callable[..., Sitting]) -> None:
    engineer = sit("mia", "developer")
    for name in ("Models", "Pipelines"):
        engineer.follow(name)
        expect(engineer.page.get_by_role("heading", level=1)).to_contain_text(name)
    assert engineer.complaints == []
