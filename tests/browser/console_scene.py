"""The console in a real Chromium: a server with the shipped policy, people who sign in, what a page complains of."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize
from tests.browser.conftest import LISTEN, Visitor, free_port

from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.testing.console import FakeBrowser

AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
WIDE: ViewportSize = {"width": 1360, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


def console_server(start_server: Callable[..., Any]) -> Any:
    """Serve with the shipped policy, as http://localhost."""
    port = free_port()
    return start_server(guardrails=None, on_port=port, server={"public_url": f"http://localhost:{port}"})


class Sitting:
    """One person at a browser, signed in."""

    def __init__(self, browser: Browser, server: Any, name: str, role: str, viewport: ViewportSize) -> None:
        self.context: BrowserContext = browser.new_context(service_workers="block", viewport=viewport)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.add_init_script(LISTEN)
        self.visitor = Visitor(self.page)
        self.server, self.name = server, name
        self.base = server.house.settings.server.public_url
        enter(server.house, "default", f"user:{name}", [role], COMMAND_LINE)
        self.page.goto(invite(server.house, "default", f"user:{name}", COMMAND_LINE).url)
        self.page.locator("#act").click()
        self.page.locator("#done").wait_for()
        self.page.get_by_role("link", name="Sign in to the console").click()
        self.sign_in()

    def sign_in(self) -> None:
        self.page.get_by_label("Your name").fill(self.name)
        self.page.get_by_role("button", name="Continue with your passkey").click()
        self.page.wait_for_url(f"{self.base}/")

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def follow(self, name: str) -> None:
        """Take an entry of the navigation, and wait until its page can be used: scripts answer its buttons."""
        with self.page.expect_event("load"):
            self.page.get_by_role("navigation", name="Console").get_by_role("link", name=re.compile(f"^{name}")).click()

    @property
    def complaints(self) -> list[str]:
        return self.visitor.complaints


class Looked:
    """A page of somebody who is signed in already, what it complained about, and what it asked for."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.page: Page = context.new_page()
        self.base, self.complaints, self.asked = base, list[str](), list[str]()
        self.page.set_default_timeout(10_000)
        self.page.add_init_script(LISTEN)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _heard(self, said: Any) -> None:
        if said.type in {"error", "warning"}:
            self.complaints.append(said.text)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")
        if self.page.locator("[data-chart]").count():
            self.page.locator("[data-chart] canvas").last.wait_for()


@contextmanager
def looking(browser: Browser, server: Any, person: FakeBrowser) -> Iterator[Callable[..., Looked]]:
    """Yield what opens pages in a real browser with the cookie of ``person``; all of them close at the end."""
    opened = list[BrowserContext]()
    base = page_base(server.house.settings)
    name, _, value = person.cookie.partition("=")

    def begin(scheme: Any = "light", width: int = WIDE["width"]) -> Looked:
        viewport: ViewportSize = {"width": width, "height": WIDE["height"]}
        context = browser.new_context(color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
        opened.append(context)
        safe = base.replace("http://", "https://")  # the cookie is `Secure`; browsers send it to localhost all the same
        context.add_cookies([{"name": name, "value": value, "url": safe, "secure": True, "httpOnly": True}])
        return Looked(context, base)

    try:
        yield begin
    finally:
        for context in opened:
            context.close()


def ask(server: Any, who: str, action: str = "read", kind: str = "document", resource: str = "handbook") -> str:
    """Ask for an access as an enforcement point; return the decision's id."""
    body = {
        "subject": {"type": "user", "id": who},
        "action": {"name": action},
        "resource": {"type": kind, "id": resource},
        "context": {"session_id": f"s-{who}"},
    }
    told: str = server.post("evaluation", msgspec.json.encode(body)).json()["context"]["id"]
    return told


def ask_often(server: Any, who: str, times: int) -> None:
    """Ask the same many times, in one request."""
    one = {"action": {"name": "read"}, "resource": {"type": "document", "id": "handbook"}}
    body = {"subject": {"type": "user", "id": who}, "evaluations": [one] * times}
    server.post("evaluations", msgspec.json.encode(body)).raise_for_status()
