"""Kills the worker without a warning, again and again under load, and then asks the log what it knows.

    python tools/kill_storm.py [--kills 50] [--clients 8] [--seed 1]

Holds when every decision that was answered is in the log, the log verifies by the independent verifier, the database
is sound, and the service came back by itself each time. Prints one JSON object; exits with 1 when anything is wrong.
"""

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from typing_extensions import override

from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock

GIVE_UP_S = 60
BODY = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "read"},
    "resource": {"type": "document", "id": "handbook"},
}


class Client(threading.Thread):
    """Asks as fast as it is answered; remembers the id of every decision it was told."""

    def __init__(self, url: str, key: str, stop: threading.Event) -> None:
        """Ask ``url`` until ``stop``."""
        super().__init__(daemon=True)
        self.url, self.key, self.stop = url, key, stop
        self.answered: list[str] = []
        self.broken = 0
        self.refused = 0

    @override
    def run(self) -> None:
        """Ask; a connection that breaks is opened again."""
        while not self.stop.is_set():
            try:
                with httpx.Client(
                    base_url=self.url, timeout=20, headers={"Authorization": f"Bearer {self.key}"}
                ) as http:
                    self.ask(http)
            except httpx.HTTPError:
                self.broken += 1

    def ask(self, http: httpx.Client) -> None:
        """Ask over one connection until it breaks."""
        while not self.stop.is_set():
            answer = http.post("/access/v1/evaluation", json=BODY)
            if answer.status_code == HTTPStatus.OK:
                self.answered.append(answer.json()["context"]["id"])
            else:
                self.refused += 1


def storm(server: Served, kills: int, seed: int) -> list[float]:
    """Kill the worker ``kills`` times at random moments; return how long each return to service took."""
    chance = random.Random(seed)  # noqa: S311 - a storm, not a secret
    back: list[float] = []
    for _ in range(kills):
        time.sleep(chance.uniform(0.2, 1.2))
        before = server.worker
        server.kill_worker()
        begin = time.monotonic()
        while server.worker == before or not serves(server):
            if time.monotonic() - begin > GIVE_UP_S:
                return [*back, -1.0]
            time.sleep(0.02)
        back.append(round(time.monotonic() - begin, 3))
    return back


def serves(server: Served) -> bool:
    """Return whether the server says it is ready."""
    try:
        return httpx.get(server.url + "/readyz", timeout=20).status_code == HTTPStatus.OK
    except httpx.HTTPError:
        return False


def examine(data: Path, answered: list[str]) -> dict[str, Any]:
    """Look every answered decision up, and let the independent verifier judge the log."""
    with open_house(Places(data), load(None, environ={}).settings, SystemClock(), print) as house:
        lost = [name for name in answered if house.log.get("default", name) is None]
        decisions = sum(1 for _ in house.log.iterate("default", "decision"))
        size = house.log.head().size
    verify = [sys.executable, "-c", "from ostiary.cli import main; main()", "audit", "verify", "--forget", "--json"]
    verified = subprocess.run([*verify, "--data", str(data)], check=False, capture_output=True, text=True)  # noqa: S603
    with closing(sqlite3.connect(data / "ostiary.db")) as database:
        sound = database.execute("pragma integrity_check").fetchone()[0]
    return {
        "answered": len(answered),
        "answered_twice": len(answered) - len(set(answered)),
        "lost": lost,
        "decisions_in_log": decisions,
        "log_size": size,
        "log_verified": verified.returncode == 0,
        "verifier": verified.stdout[-2000:] if verified.returncode else "",
        "database": sound,
    }


def main() -> int:
    """Storm and examine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        stop = threading.Event()
        with Served(data) as server:
            clients = [Client(server.url, server.pep_key, stop) for _ in range(asked.clients)]
            for client in clients:
                client.start()
            back = storm(server, asked.kills, asked.seed)
            time.sleep(0.5)
            stop.set()
            for client in clients:
                client.join(30)
            code = server.stop()
        report = {
            "kills": asked.kills,
            "back_in_s_median": sorted(back)[len(back) // 2],
            "back_in_s_worst": max(back),
            "connections_broken": sum(client.broken for client in clients),
            "refused": sum(client.refused for client in clients),
            "exit_code": code,
            **examine(data, [name for client in clients for name in client.answered]),
        }
    well = (
        report["lost"] == [] and report["log_verified"] and report["database"] == "ok" and min(back) >= 0 and code == 0
    )
    print(json.dumps({**report, "holds": well}))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
