"""The worker is killed, gets stuck, or is told to go: what was answered is in the log, what was asked is answered."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.thoroughness import tries

from ostiary.testing.served import Served

ASK = {"subject": {"type": "user", "id": "alice"}, "action": {"name": "read"}, "resource": {"type": "doc", "id": "1"}}
GUARDRAILS = """package ostiary.guardrails
busy := count([1 | some i in numbers.range(1, object.get(input.context, "work", 0)); i > 0])
allow contains {"rule": "anyone"} if busy >= 0
decision := {"allow": allow}
"""


def lay(data: Path) -> Path:
    bundle = data / "bundles" / "default"
    bundle.mkdir(parents=True)
    (bundle / "guardrails.rego").write_text(GUARDRAILS)
    (bundle / "adaptive.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
    data.chmod(0o700)
    return data


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    quick = {"OSTIARY_SERVER__DEADLINE_MS": "2000", "OSTIARY_SERVER__STUCK_MS": "300", "OSTIARY_SERVER__DRAIN_S": "3"}
    with Served(lay(tmp_path / "data"), environ=quick) as running:
        yield running


class Callers:
    """Some callers that ask again and again over connections of their own.

    Each rests a little before it asks again: the processor is for the server, and for the other tests.
    """

    def __init__(self, server: Served, count: int = 6) -> None:
        self.server, self.stop = server, threading.Event()
        self.answers: list[dict[str, Any]] = []
        self.broken: list[str] = []
        self.threads = [threading.Thread(target=self._call, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.answers) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.answers) >= count

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(20)

    def _call(self) -> None:
        head = {"Authorization": f"Bearer {self.server.pep_key}"}
        while not self.stop.is_set():
            try:
                with httpx.Client(base_url=self.server.url, timeout=20, headers=head) as client:
                    while not self.stop.is_set():
                        self.answers.append(client.post("/access/v1/evaluation", json=ASK).json())
                        self.stop.wait(0.02)
            except httpx.ConnectError:
                return  # the door is shut: this is refused, not lost
            except httpx.HTTPError as fault:
                self.broken.append(repr(fault))


def ids_in_log(server: Served) -> set[str]:
    verb = [sys.executable, "-c", "from ostiary.cli import main; main()", "audit", "verify", "--forget", "--json"]
    done = subprocess.run([*verb, "--data", str(server.data)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    from ostiary.server.places import Places  # noqa: PLC0415
    from ostiary.server.settings import load  # noqa: PLC0415
    from ostiary.server.wiring import open_house  # noqa: PLC0415
    from ostiary.vocabulary.clock import SystemClock  # noqa: PLC0415

    with open_house(Places(server.data), load(None, environ={}).settings, SystemClock(), print) as house:
        return {record.record_id for record in house.log.iterate("default", "decision")}


@pytest.mark.slow
def test_killed_under_load_it_loses_nothing_that_was_answered(repo: Path) -> None:
    storm = [sys.executable, str(repo / "tools" / "kill_storm.py"), "--kills", str(tries(3, 20)), "--clients", "4"]
    done = subprocess.run(storm, capture_output=True, text=True, check=False, timeout=280)
    report = json.loads(done.stdout)
    assert report["holds"], report
    assert report["answered"] > 50
    assert done.returncode == 0


def test_told_to_go_it_answers_everything_in_flight(server: Served) -> None:
    callers = Callers(server)
    callers.wait_for(20)
    code = server.stop(signal.SIGTERM)
    callers.end()
    assert code == 0
    assert callers.broken == []
    assert all(answer["decision"] for answer in callers.answers)
    assert {answer["context"]["id"] for answer in callers.answers} <= ids_in_log(server)


def test_told_to_renew_itself_no_caller_notices(server: Served) -> None:
    old = server.worker
    callers = Callers(server)
    callers.wait_for(5)
    server.signal(signal.SIGHUP)
    deadline = time.monotonic() + 40
    while server.worker == old and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2.0)
    while server.is_alive(old) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    callers.end()
    assert not server.is_alive(old)
    assert callers.broken == []
    assert all(answer["decision"] for answer in callers.answers)


def test_a_policy_that_never_ends_costs_one_denial_and_a_process(server: Served) -> None:
    old = server.worker
    head = {"Authorization": f"Bearer {server.pep_key}"}
    with httpx.Client(base_url=server.url, timeout=20, headers=head) as client:
        late = client.post("/access/v1/evaluation", json={**ASK, "context": {"work": 50_000_000}}).json()
    assert (late["decision"], late["context"]["reasons"]) == (False, ["policy_timeout"])
    callers = Callers(server, count=3)
    deadline = time.monotonic() + 60
    while (server.worker == old or server.is_alive(old)) and time.monotonic() < deadline:
        time.sleep(0.1)
    callers.end()
    assert not server.is_alive(old)
    assert callers.broken == []
    assert all(answer["decision"] for answer in callers.answers)
    assert httpx.get(server.url + "/readyz", timeout=20).status_code == 200
    server.stop()
    assert late["context"]["id"] in ids_in_log(server)


def test_the_parent_killed_takes_the_worker_along(server: Served) -> None:
    worker = server.worker
    server.stop(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while server.is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not server.is_alive(worker)
