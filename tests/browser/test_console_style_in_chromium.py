"""The style page in a real Chromium: no complaint, no barrier (WCAG 2.2 A and AA), no sideways scrolling; keys work."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from ostiary.console.assets import assets
from ostiary.console.rendering import Renderer
from ostiary.console.style import PATH, style_page

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
LISTEN = "document.addEventListener('securitypolicyviolation', e => console.error('csp: ' + e.violatedDirective))"


async def style(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    asset = assets().find(scope["path"])
    page = style_page(Renderer())
    headers = [("content-type", asset.kind)] if asset else page.headers
    head = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": asset.body if asset else page.body})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(style, port=0, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}{PATH}"
    server.should_exit = True
    thread.join(10)


class Looked:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.add_init_script(LISTEN)
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda fault: self.complaints.append(str(fault)))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_nobody_is_kept_out(browser: Browser, url: str, scheme: Any, width: int) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    looked = Looked(context.new_page())
    looked.page.goto(url)
    looked.page.locator("[data-chart] canvas").last.wait_for()
    found = Axe().run(looked.page, options=RULES)
    assert found.response["violations"] == []
    assert looked.page.evaluate("() => document.documentElement.scrollWidth") == width
    assert looked.complaints == []
    context.close()


def test_keys_theme_and_palette(browser: Browser, url: str) -> None:
    context = browser.new_context(color_scheme="light", timezone_id="America/New_York", locale="en-US")
    looked = Looked(context.new_page())
    page = looked.page
    page.goto(url)
    moment = page.locator("dl.facts time")
    assert "9:00:12" in moment.inner_text(), "two in the morning UTC is the evening before in New York"
    assert moment.get_attribute("title") == "2026-11-27 02:00:12 UTC"
    page.keyboard.press("t")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator("tr[aria-selected=true] td").nth(3).inner_text() == "query"
    page.keyboard.press("Control+k")
    page.keyboard.type("appro")
    assert page.locator("#palette li").all_inner_texts() == ["Approvals\ng a"]
    page.keyboard.press("Enter")
    page.wait_for_url("**/approvals")
    assert looked.complaints == []
    context.close()
