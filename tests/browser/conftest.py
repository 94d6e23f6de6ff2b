"""A real Chromium with a virtual authenticator, and the real server on http://localhost.

``OSTIARY_CHROMIUM`` names the browser; without it Debian's is used, which ``tools/browser.sh`` installs. Where there is
none the tests are skipped with a word, and fail where ``CI`` is set: there nobody would see that they did not run.
"""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, ConsoleMessage, Page, sync_playwright

CHROMIUM = Path(os.environ.get("OSTIARY_CHROMIUM", "/usr/bin/chromium"))
QUIET = [
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
]
RULES = """package ostiary.guardrails
name := input.action.name
proved := input.session.step_up.acr
allow contains {"rule": "may"} if name in {"drop", "read"}

# METADATA
# title: a fresh proof
# description: Dropping a table cannot be undone, so it needs a fresh proof that it is really you.
# custom:
#   id: prove
#   remediation: Ask the owner of the table to drop it.
step_up contains {"rule": "prove", "acr_values": ["urn:ostiary:acr:phishing-resistant"]} if {
  name in {"drop", "read"}
  not proved
}
decision := {"allow": allow, "step_up": step_up}
"""
# Put in by the debugger, which no policy of the page stops; only tells the console what the page's own policy stopped.
LISTEN = "document.addEventListener('securitypolicyviolation', e => console.error('csp: ' + e.violatedDirective))"


# Not for the whole session: while it runs, playwright's event loop runs in this thread, and others' could not.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        words = f"no Chromium at {CHROMIUM}: run tools/browser.sh, or set OSTIARY_CHROMIUM"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)
    sandbox = os.geteuid() != 0  # Chromium's own sandbox does not start as root
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET, chromium_sandbox=sandbox)
        yield running
        running.close()


class Visitor:
    """One person's browser: a page, its virtual authenticator, and all that it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        self.authenticator = self.add_authenticator()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def add_authenticator(self, transport: str = "internal") -> str:
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": transport,
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        found: str = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
        return found

    def use(self, authenticator: str) -> None:
        """Let only this authenticator answer."""
        self._presence(self.authenticator, there=False)
        self._presence(authenticator, there=True)
        self.authenticator = authenticator

    def verifies(self, *, user: bool) -> None:
        """Say whether the authenticator recognises the person."""
        told = {"authenticatorId": self.authenticator, "isUserVerified": user}
        self._cdp.send("WebAuthn.setUserVerified", told)

    def press(self) -> None:
        self.page.locator("#act").click()

    def done(self) -> str:
        self.page.locator("#done").wait_for(timeout=10_000)
        return self.page.locator("#done").inner_text()

    def refused(self) -> str:
        self.page.locator("#status[data-kind=refused]").wait_for(timeout=10_000)
        return self.page.locator("#status").inner_text()

    def _presence(self, authenticator: str, *, there: bool) -> None:
        told = {"authenticatorId": authenticator, "enabled": there}
        self._cdp.send("WebAuthn.setAutomaticPresenceSimulation", told)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.add_init_script(LISTEN)
    yield Visitor(page)
    context.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture(scope="module")
def serve(start_server: Callable[..., Any]) -> Callable[..., Any]:
    """Starts servers that browsers reach as http://localhost."""

    def start(**sections: Any) -> Any:
        port = free_port()
        return start_server(
            guardrails=RULES, on_port=port, server={"public_url": f"http://localhost:{port}"}, **sections
        )

    return start
