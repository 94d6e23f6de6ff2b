"""Take a picture of every page of the console, in light, in dark, and as a phone shows it.

    just screenshots
    python tools/screenshots.py [--data DIR] [--out DIR] [--pages /,/models] [--kind png]

A simulated organisation is made (or taken from ``--data``), a real server serves it, its people ask what they asked on
the last days, and a real Chromium with a passkey looks at every page of the route table that needs no name, and at the
first thing in each list. ``OSTIARY_CHROMIUM`` names the browser. Everything in the pictures is simulated.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from ostiary.cli.demo.stage import Stage
from ostiary.cli.demo.teller import Teller
from ostiary.server.console.pages import all_routes
from ostiary.testing.organisation import request_of
from ostiary.vocabulary.clock import SystemClock

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "assets" / "screens"
CHROMIUM = os.environ.get("OSTIARY_CHROMIUM", "/usr/bin/chromium")
PEOPLE, DAYS, ASKED = 24, 14, 900
OWNER = "user:mara@example.org"
WIDE, NARROW = {"width": 1360, "height": 900}, {"width": 390, "height": 844}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": WIDE},
    "dark": {"color_scheme": "dark", "viewport": WIDE},
    "narrow": {"color_scheme": "light", "viewport": NARROW},
}
NOT_LOOKED_AT = {"/live", "/decisions/export"}
QUALITY = 62


def pages() -> list[str]:
    """Return the paths of all pages that need no name."""
    found = {route.path for route in all_routes() if route.method == "GET" and "{" not in route.path}
    return sorted(path for path in found - NOT_LOOKED_AT if not re.search(r"export$|download|\.(zip|pdf|json)$", path))


def ostiary(*arguments: str) -> str:
    """Run a verb; return what it printed."""
    command = [sys.executable, "-m", "ostiary.cli", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own verbs


@contextmanager
def serving(data: Path) -> Iterator[str]:
    """Serve a data directory; yield the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ostiary.cli", "up", "--data", str(data), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    url = f"http://localhost:{port}"
    try:
        for _ in range(600):
            try:
                if httpx.get(f"{url}/readyz").status_code == httpx.codes.OK:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def ask_as_they_did(url: str, stage: Stage) -> None:
    """Let the organisation ask what it asked on its last days."""
    key = stage.places.pep_key.read_text().strip()
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=30) as client:
        for event in list(stage.organisation.history())[-ASKED:]:
            client.post("/access/v1/evaluation", json=request_of(event))
        for name in stage.organisation.stories():
            for event in stage.organisation.story(name).events:
                client.post("/access/v1/evaluation", json=request_of(event))
    time.sleep(3)  # the index and the profiles follow


def invited(data: Path) -> tuple[str, str]:
    """Return somebody new with a link for a passkey: who looked before took his passkey with him."""
    for number in ("", *map(str, range(2, 100))):
        who = OWNER.replace("@", f"{number}@")
        told = ostiary("console", "invite", who, "--role", "owner", "--deployment", "--data", str(data), "--json")
        if link := json.loads(told)["link"]:
            return who, link
    raise SystemExit("too many people have looked at this directory: name another --data")


class Looking:
    """One signed-in browser."""

    def __init__(self, browser: Browser, url: str, data: Path) -> None:
        """Enrol a passkey and sign in."""
        self.url = url
        self.context = browser.new_context(**LOOKS["light"])
        self.page = self.context.new_page()
        devtools = self.context.new_cdp_session(self.page)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        owner, link = invited(data)
        self.page.goto(re.sub(r"http://[^/]+", url, link))
        self.page.locator("#act").click()
        self.page.locator("#done").wait_for()
        self.page.goto(f"{url}/sign-in")
        self.page.get_by_label("Your name").fill(owner)
        self.page.get_by_role("button", name="Continue with your passkey").click()
        self.page.wait_for_url(f"{url}/")

    def first_of(self, path: str) -> str:
        """Return the address of the first thing in a list, or an empty string."""
        self.page.goto(self.url + path)
        row = self.page.locator("tbody tr[data-href]").first
        return (row.get_attribute("data-href") or "").partition("?")[0] if row.count() else ""


def shoot(page: Page, url: str, out: Path) -> None:
    """Take one picture, once charts are drawn."""
    page.goto(url)
    if page.locator("[data-chart]").count():
        page.locator("[data-chart] canvas").first.wait_for()
    page.wait_for_timeout(400)
    how: dict[str, Any] = {"type": "png"} if out.suffix == ".png" else {"type": "jpeg", "quality": QUALITY}
    page.screenshot(path=out, **how)


def named(path: str) -> str:
    """Return a file's name for a page."""
    return path.strip("/").replace("/", "-") or "overview"


def take(looking: Looking, paths: list[str], out: Path, kind: str) -> None:
    """Take all pictures."""
    out.mkdir(parents=True, exist_ok=True)
    wanted = {named(path): path for path in paths}
    for path in paths:
        if first := looking.first_of(path):
            wanted.setdefault(f"{named(path)}-one", first)
    for look, how in LOOKS.items():
        looking.page.emulate_media(color_scheme=how["color_scheme"])
        looking.page.set_viewport_size(how["viewport"])
        for name, path in wanted.items():
            shoot(looking.page, looking.url + path, out / f"{name}-{look}.{kind}")
            print(f"{name}-{look}", file=sys.stderr)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--pages", default="")
    parser.add_argument("--kind", choices=("jpg", "png"), default="jpg")
    told = parser.parse_args()
    with ExitStack() as stack:
        made = told.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-screens-"))) / "data"
        stage = Stage.open(made, SystemClock(), PEOPLE, DAYS)
        stage.furnish(Teller(as_json=False))
        url = stack.enter_context(serving(made))
        ask_as_they_did(url, stage)
        playwright = stack.enter_context(sync_playwright())
        sandbox = os.geteuid() != 0
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=sandbox)
        looking = Looking(browser, url, made)
        take(looking, told.pages.split(",") if told.pages else pages(), told.out, told.kind)
        browser.close()


if __name__ == "__main__":
    main()
