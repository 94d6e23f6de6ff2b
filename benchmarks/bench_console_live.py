"""Holds the console's live page under a steady stream: is anything lost or doubled over a restart, does memory stay?

    python -m benchmarks.bench_console_live [--seconds 600] [--rate 50] [--json]

A real ``ostiary up``, a real Chromium with a passkey on ``/decisions`` with a filter, so many decisions a second over
HTTP, and a restart of the whole server half way. Every row that ever appears is noted in the page; at the end the notes
are held against the log's own columns. ``OSTIARY_CHROMIUM`` names the browser.
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
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright
from typing_extensions import override

CHROMIUM = os.environ.get("OSTIARY_CHROMIUM", "/usr/bin/chromium")
ASKED = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "read"},
    "resource": {"type": "document", "id": "handbook"},
}
SAMPLE_S = 10.0
# What the page notes: every row that is added, by its index in the log.
NOTE = """() => {
  window.noted = [];
  const rows = document.querySelector('#decisions tbody');
  new MutationObserver((changes) => {
    for (const change of changes) for (const row of change.addedNodes) window.noted.push(Number(row.dataset.index));
  }).observe(rows, { childList: true });
}"""
LOOK = """() => ({
  rows: document.querySelectorAll('#decisions tbody tr').length, heap: performance.memory.usedJSHeapSize,
  noted: window.noted.length, filters: location.search,
})"""


class Server:
    """One ``ostiary up`` on a port that stays."""

    def __init__(self, data: Path) -> None:
        """Choose a port."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.data, self.url = data, f"http://localhost:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve, and wait until it is ready."""
        command = [sys.executable, "-m", "ostiary.cli", "up", "--data", str(self.data), "--port", str(self.port)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet)  # noqa: S603 - our own command
        while True:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.1)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)


class Sender(threading.Thread):
    """Asks so often a second, whether the server is there or not."""

    def __init__(self, server: Server, rate: float) -> None:
        """Begin with ``start``."""
        super().__init__(daemon=True)
        self._server, self._pause = server, 1 / rate
        self.answered = self.unanswered = 0
        self.ending = threading.Event()

    @override
    def run(self) -> None:
        """Ask until told to end."""
        key = (self._server.data / "pep.key").read_text().strip()
        with httpx.Client(base_url=self._server.url, headers={"authorization": f"Bearer {key}"}, timeout=10) as client:
            due = time.monotonic()
            while not self.ending.is_set():
                try:
                    answer = client.post("/access/v1/evaluation", json=ASKED)
                    self.answered += answer.status_code == httpx.codes.OK
                except httpx.TransportError:
                    self.unanswered += 1
                due = max(due + self._pause, time.monotonic() - 1)
                time.sleep(max(0.0, due - time.monotonic()))


def sign_in(page: Page, server: Server) -> None:
    """Enrol a passkey and sign in as an owner."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    answering = {"isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, **answering}})
    command = [sys.executable, "-m", "ostiary.cli", "console", "invite", "user:bench", "--role", "owner"]
    command += ["--data", str(server.data), "--json"]
    told = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own command
    page.goto(re.sub(r"http://[^/]+", server.url, json.loads(told.stdout)["link"]))
    page.locator("#act").click()
    page.locator("#done").wait_for()
    page.goto(f"{server.url}/sign-in")
    page.get_by_label("Your name").fill("bench")
    page.get_by_role("button", name="Continue with your passkey").click()
    page.wait_for_url(f"{server.url}/")


def held(server: Server, page: Page, seconds: float, rate: float) -> dict[str, Any]:
    """Let it run; return what was seen."""
    page.goto(f"{server.url}/decisions?subject=user:alice")
    page.locator("#live[data-state=live]").wait_for()
    page.evaluate(NOTE)
    after = int(page.locator("#decisions").get_attribute("data-after") or "-1")
    sender = Sender(server, rate)
    sender.start()
    began, samples, restarted = time.monotonic(), [], 0.0
    while time.monotonic() - began < seconds:
        page.wait_for_timeout(min(SAMPLE_S, seconds / 10) * 1000)
        samples.append(page.evaluate(LOOK))
        if not restarted and time.monotonic() - began > seconds / 2:
            began_again = time.monotonic()
            server.stop()
            server.start()
            restarted = time.monotonic() - began_again
    sender.ending.set()
    sender.join(15)
    page.wait_for_timeout(10_000)  # what is on its way arrives
    noted: list[int] = page.evaluate("() => window.noted")
    return {"after": after, "noted": noted, "samples": samples, "restart_s": restarted, "sender": sender}


def kept(server: Server, after: int) -> list[int]:
    """Return the indexes of all decisions of the filter, from the log's columns."""
    key = (server.data / "admin.key").read_text().strip()
    found: list[int] = []
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {key}"}, timeout=30) as client:
        while True:
            start = found[-1] if found else after
            told: dict[str, str | int] = {"subject": "user:alice", "after": start, "limit": 1000}
            page = client.get("/api/v1/tenants/default/decisions", params=told).json()["decisions"]
            found += [one["index"] for one in page]
            if not page:
                return found


def report(server: Server, seen: dict[str, Any]) -> dict[str, Any]:
    """Return the figures."""
    there, noted, samples = set(kept(server, seen["after"])), seen["noted"], seen["samples"]
    return {
        "answered": seen["sender"].answered,
        "while_away": seen["sender"].unanswered,
        "decisions": len(there),
        "rows_that_appeared": len(noted),
        "lost": len(there - set(noted)),
        "doubled": len(noted) - len(set(noted)),
        "restart_s": round(seen["restart_s"], 1),
        "rows_at_most": max(one["rows"] for one in samples),
        "heap_mb": [round(one["heap"] / 1e6, 1) for one in (samples[0], samples[len(samples) // 2], samples[-1])],
        "filters_kept": {one["filters"] for one in samples} == {samples[0]["filters"]},
    }


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ostiary-live-") as folder, sync_playwright() as playwright:
        server = Server(Path(folder) / "data")
        server.start()
        arguments = ["--enable-precise-memory-info"]
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=arguments, chromium_sandbox=os.geteuid() != 0
        )
        page = browser.new_page()
        sign_in(page, server)
        figures = report(server, held(server, page, told.seconds, told.rate))
        browser.close()
        server.stop()
    print(json.dumps(figures) if told.json else "\n".join(f"{name:20} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
