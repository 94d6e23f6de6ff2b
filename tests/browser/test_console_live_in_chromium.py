"""The live list in a real Chromium: rows come as text, filters and memory hold, nothing is lost or doubled."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.console_scene import WIDE, Sitting, ask, ask_often, console_server
from tests.console import hostile

HOSTILE = [
    *hostile.HOSTILE,
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}}${7*7}",
    "evil\u202egnp.exe",
    "a\x00b\x1b[31m",
    "' onmouseover='alert(1)",
    "\u200bhidden\ufeff",
    "x" * 900,
]
# How many rows the list may hold; more have come by then.
MOST = 500


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return console_server(start_server)


@pytest.fixture(scope="module")
def analyst(browser: Browser, server: Any) -> Iterator[Sitting]:
    sitting = Sitting(browser, server, "sam", "analyst", WIDE)
    yield sitting
    sitting.context.close()


def indexes(sitting: Sitting) -> list[int]:
    found: list[int] = sitting.page.evaluate(
        "() => [...document.querySelectorAll('#decisions tbody tr')].map((row) => Number(row.dataset.index))"
    )
    return found


def test_what_is_asked_appears_and_hostile_names_stay_text(server: Any, analyst: Sitting) -> None:
    page = analyst.page
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    analyst.go("/decisions?without_pep=ostiary:console")
    expect(page.locator("#live")).to_have_text("live")
    for name in HOSTILE:
        ask(server, name, resource=name)
    expect(page.locator("#decisions tbody tr")).to_have_count(len(HOSTILE), timeout=60_000)
    tags = ("img", "script", "svg", "iframe", "math", "base", "meta", "form:not([data-deed])", "style", hostile.MARK)
    made = f"() => document.querySelectorAll('{', '.join(f'#decisions {tag}' for tag in tags)}').length"
    assert page.evaluate(made) == 0
    text = page.locator("#decisions").inner_text()
    assert "<img src=x onerror=alert(1)>" in text
    assert "\u202e" not in text
    assert page.evaluate("() => document.documentElement.scrollWidth") <= WIDE["width"]
    assert (dialogs, analyst.complaints) == ([], [])


def test_a_click_filters_and_the_stream_keeps_the_filter(server: Any, analyst: Sitting) -> None:
    page = analyst.page
    analyst.go("/decisions?without_pep=ostiary:console")
    ask(server, "carla")
    page.get_by_role("link", name="user:carla").first.click()
    page.wait_for_url("**subject=user*carla*")
    expect(page.locator("#live")).to_have_text("live")
    ask(server, "dave"), ask(server, "carla", resource="more")
    expect(page.locator("#decisions tbody tr").first).to_contain_text("more")
    assert "dave" not in page.locator("#decisions").inner_text()


def test_a_pause_holds_and_going_on_loses_nothing(server: Any, analyst: Sitting) -> None:
    page = analyst.page
    analyst.go("/decisions?subject=user:erin")
    expect(page.locator("#live")).to_have_text("live")
    page.get_by_role("button", name="Pause").click()
    for number in range(3):
        ask(server, "erin", resource=f"while-paused-{number}")
    page.wait_for_timeout(1500)
    assert indexes(analyst) == []
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.locator("body").press("p")  # the key that the how-to names
    expect(page.locator("#decisions tbody tr")).to_have_count(3)


def test_very_many_are_held_within_bounds(server: Any, analyst: Sitting) -> None:
    page = analyst.page
    analyst.go("/decisions?subject=user:flood")
    expect(page.locator("#live")).to_have_text("live")
    ask_often(server, "flood", MOST + 60)
    expect(page.locator("#decisions tbody tr")).to_have_count(MOST, timeout=60_000)
    newest = max(row.idx for row in server.house.store.decisions.rows("default", _of("user:flood")))
    newest_row = page.locator("#decisions tbody tr").first
    expect(newest_row).to_have_attribute(
        "data-index", str(newest), timeout=60_000
    )  # the last ones are still on their way
    seen = indexes(analyst)
    assert seen == sorted(set(seen), reverse=True), "in order, none twice"
    assert len(seen) == MOST
    assert analyst.complaints == []


def _of(subject: str) -> Any:
    from ostiary.decision.index.query import DecisionQuery  # noqa: PLC0415

    return DecisionQuery(subject=subject, limit=1)
