"""Every page of the route table in a real Chromium: no barrier (WCAG 2.2 A, AA) in light and dark, none complains, and
none scrolls sideways on a phone."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from tests.browser.console_scene import AXE, PHONE, WIDE, Sitting, ask, console_server

from ostiary.server.console.pages import all_routes
from ostiary.server.console.people import enter

NO_PAGES = {"/live", "/dev/style"}  # the style page has a test of its own
PATHS = sorted(
    {one.path for one in all_routes() if one.method == "GET" and "{" not in one.path and "export" not in one.path}
    - NO_PAGES
)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    running = console_server(start_server)
    for who, resource in (("alice", "handbook"), ("alice", "nowhere"), ("<b>mallory</b>", "handbook")):
        ask(running, who, resource=resource)
    return running


@pytest.fixture(scope="module")
def owner(browser: Browser, server: Any) -> Iterator[Sitting]:
    sitting = Sitting(browser, server, "olga", "owner", WIDE)
    enter(server.house, "default", "user:olga", ["owner"], "test", deployment=True)
    yield sitting
    sitting.context.close()


def looked_at(owner: Sitting, path: str) -> list[str]:
    """Return what is wrong with one page."""
    page, before = owner.page, len(owner.complaints)
    page.set_viewport_size(WIDE)
    owner.go(path)
    if page.locator("[data-chart]").count():
        page.locator("[data-chart] canvas").first.wait_for()
    wrong = [f"{path}: {text}" for text in owner.complaints[before:]]
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=AXE).response["violations"]
        wrong += [f"{path} {scheme}: {one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]
    page.set_viewport_size(PHONE)
    if page.evaluate("() => document.documentElement.scrollWidth") > PHONE["width"]:
        wrong.append(f"{path}: scrolls sideways on a phone")
    return wrong


@pytest.mark.parametrize("path", PATHS)
def test_nobody_is_kept_out(owner: Sitting, path: str) -> None:
    assert looked_at(owner, path) == []


def test_nobody_is_kept_out_of_details(server: Any, owner: Sitting) -> None:
    decision = ask(server, "alice", resource="nowhere")
    paths = [f"/decisions/{decision}", "/subjects/user:alice", "/sign-in", "/decisions/dec_x"]
    complaints = [wrong for path in paths for wrong in looked_at(owner, path) if "404" not in wrong]
    assert complaints == []
