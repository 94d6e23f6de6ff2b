"""Rollout, shadow and self-defence in a real Chromium: no barrier, nothing sideways, no complaint; a switch by hand."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from tests.browser.console_scene import Looked, looking

from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.reports import Reports
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.testing.console import FakeBrowser
from ostiary.testing.shadow_records import record_of
from ostiary.vocabulary.effects import Effect

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
HOUR_NS = 3_600 * 10**9
PAGES = (
    "/rollout",
    "/rollout/controls/step_up?group=staff&percent=5",
    "/rollout/controls/reduce",
    "/rollout/shadow",
    "/rollout/shadow/report?control=step_up&budget=2",
    "/defence",
)
LINE = {"attack": "extraction-one", "atlas": "AML.T0024.002", "without": 0.91, "with": 0.02, "n": 40}
ATTACKS = {
    "passed": True,
    "attacks": [{"line": LINE, "describe": "One asker maps the scorer; budgets of questions stop it.", "passed": True}],
}


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    """A server with ten days in which mary would have been stopped, and a report of the red team."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = start_server(guardrails=None, on_port=port, server={"public_url": f"http://localhost:{port}"})
    house = served.house
    house.warm_up(lambda reason, fault: None)
    now = house.clock.now_ns()
    for number in range(120):
        name, at = f"dec_{number:03d}", now - (120 - number) * 2 * HOUR_NS
        subject, proposal = f"user:u{number % 5}", Effect.ALLOW
        if number % 10 < 2:
            subject, proposal = "user:mary", Effect.STEP_UP
        record = record_of(name, subject, at, proposal, score=0.008 * number)
        house.log.append("default", "decision", name, at, msgspec.json.encode(record), subject).result(10)
        house.shadow.live.offer(record)
    while not house.shadow.live.idle():
        pass
    Reports(house.store.snapshots, house.ring).keep("default", "redteam", "", msgspec.json.encode(ATTACKS), now)
    return served


@pytest.fixture(scope="module")
def owner(server: Any) -> Iterator[FakeBrowser]:
    enter(server.house, "default", "user:sam", ["owner"], COMMAND_LINE)
    person = FakeBrowser(server.url, page_base(server.house.settings), "sam")
    person.enrol(invite(server.house, "default", "user:sam", COMMAND_LINE).url)
    person.sign_in().raise_for_status()
    person.deed("/rollout/controls/reduce/kill", {"why": "three complaints"})
    yield person
    person.client.close()


@pytest.fixture
def look(browser: Browser, server: Any, owner: FakeBrowser) -> Iterator[Callable[..., Looked]]:
    """Opens a real browser with the same sign-in."""
    with looking(browser, server, owner) as begin:
        yield begin


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 1360), ("light", 390)])
def test_nobody_is_kept_out(look: Callable[..., Looked], scheme: str, width: int) -> None:
    looked = look(scheme, width)
    for path in PAGES:
        looked.go(path)
        assert Axe().run(looked.page, options=RULES).response["violations"] == [], path
        assert looked.page.evaluate("() => document.documentElement.scrollWidth") == width, path
    assert looked.complaints == []


def test_the_switch_works_from_the_keyboard_and_asks_why(server: Any, look: Callable[..., Looked]) -> None:
    looked = look()
    page = looked.page
    looked.go("/rollout/controls/terminate")
    page.get_by_role("button", name="Switch off").focus()
    page.keyboard.press("Enter")
    page.locator("#why-kill").wait_for()
    page.keyboard.press("Escape")
    page.locator("#kill").wait_for(state="hidden")
    page.keyboard.press("Enter")
    page.locator("#why-kill").fill("incident 7")
    page.keyboard.press("Enter")
    page.get_by_text("terminate was switched off").wait_for()
    assert "incident 7" in page.locator("main").inner_text()
    assert server.admin("GET", "/tenants/default/rollout").json()["killed"] == ["reduce", "terminate"]
    assert looked.complaints == []


def test_the_alert_budget_moves_the_threshold(look: Callable[..., Looked]) -> None:
    looked = look()
    page = looked.page
    looked.go("/rollout/shadow/report?control=step_up")
    slider, a_day = page.locator("#threshold"), page.locator("[data-says=a_day]")
    page.locator("#spend").fill("1")
    assert float(a_day.inner_text()) <= 1
    slider.focus()
    page.keyboard.press("Home")
    assert float(a_day.inner_text()) > 1
    assert "interruptions a day" in (slider.get_attribute("aria-valuetext") or "")
    page.locator("#spend").fill("0")
    assert "costs more than that" in page.locator("[data-says=over]").inner_text()
    assert looked.complaints == []
