"""How long the console's server makes each page: ``python -m benchmarks.bench_console_pages [--decisions N] [--json]``.

N decisions (100,000 unless told otherwise) of 500 subjects over 30 days go through the real log, as in
``bench_decision_index``, and the index follows. An owner signs in with a passkey and looks at every page that takes no
id, and at one decision, subject and session. ``first_ms`` is the very first answer after the server's start,
``median_ms`` the median of several, both from the request's first byte to the answer's last, over loopback and with the
decision about the click and its record on disk.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.bench_decision_index import fill

from ostiary.server.assembly import Assembly
from ostiary.server.bootstrap import bootstrap
from ostiary.server.console.pages import all_routes
from ostiary.server.console.people import enter
from ostiary.server.decision_index.opening import projector_of
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.server.supervisor import bind
from ostiary.server.telemetry import logs
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.wiring import House, open_house
from ostiary.server.worker import WorkerServer, server_config
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.clock import SystemClock

TIMES = 7
LIMIT_MS = 150.0
NO_PAGES = frozenset({"/live", "/decisions/export", "/detections/export"})


@contextmanager
def served(house: House) -> Iterator[str]:
    """Serve ``house`` on a thread; yield its address."""
    listener = bind("127.0.0.1", house.settings.server.port)
    metrics, running = Metrics(), threading.Event()
    assembly = Assembly(house, metrics, logs.get_logger("bench"), lambda: None)
    server = WorkerServer(server_config(house.settings.server, assembly, metrics), assembly, running.set)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    running.wait(20)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


def owner(house: House, address: str) -> FakeBrowser:
    """Return the browser of an owner who is signed in."""
    enter(house, "default", "user:olga", ["owner"], COMMAND_LINE, deployment=True)
    browser = FakeBrowser(address, page_base(house.settings), "olga")
    browser.enrol(invite(house, "default", "user:olga", COMMAND_LINE).url)
    browser.sign_in().raise_for_status()
    return browser


def paths(house: House) -> list[str]:
    """Return the pages to look at, the overview first."""
    plain = sorted({one.path for one in all_routes() if one.method == "GET" and "{" not in one.path} - NO_PAGES)
    newest = house.store.decisions.rows("default", _newest())[0]
    more = [
        f"/decisions/{newest.id}",
        f"/subjects/{newest.subject}",
        "/decisions?effect=DENY,TERMINATE&subject=user:person-7",
        "/?days=30",
    ]
    return [*plain, *more]


def _newest() -> Any:
    from ostiary.decision.index.query import DecisionQuery  # noqa: PLC0415

    return DecisionQuery(limit=1)


def timed(browser: FakeBrowser, path: str) -> tuple[float, int, int]:
    """Return milliseconds, status and size of one answer."""
    start = time.perf_counter()
    answer = browser.get(path)
    return (time.perf_counter() - start) * 1_000, answer.status_code, len(answer.content)


def measured(house: House, address: str) -> dict[str, Any]:
    """Return what each page takes."""
    browser = owner(house, address)
    found = {}
    for path in paths(house):
        first, status, size = timed(browser, path)
        again = [timed(browser, path)[0] for _ in range(TIMES)]
        median = statistics.median(again)
        found[path] = {"status": status, "first_ms": round(first, 1), "median_ms": round(median, 1), "bytes": size}
    browser.client.close()
    return found


def main() -> None:
    """Measure and print."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--decisions", type=int, default=100_000)
    wanted.add_argument("--json", action="store_true")
    told = wanted.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = {"port": port, "public_url": f"http://localhost:{port}"}
    settings = load(None, environ={}, options={"server": server}).settings
    with (
        tempfile.TemporaryDirectory() as name,
        open_house(Places(Path(name) / "data"), settings, SystemClock(), lambda _reason, _fault: None) as house,
    ):
        bootstrap(house)
        house.warm_up(lambda _reason, _fault: None)
        fill(house, told.decisions)
        projector_of(house, print).catch_up_all()
        with served(house) as address:
            pages = measured(house, address)
    slow = sorted(path for path, one in pages.items() if one["median_ms"] > LIMIT_MS)
    report = {"decisions": told.decisions, "load": os.getloadavg()[0], "slower_than_150_ms": slow, "pages": pages}
    if told.json:
        print(json.dumps(report, indent=2))
        return
    for path, one in sorted(pages.items(), key=lambda pair: -pair[1]["median_ms"]):
        print(f"{one['median_ms']:8.1f} ms  first {one['first_ms']:8.1f}  {one['bytes']:9,} bytes  {path}")


if __name__ == "__main__":
    main()
