"""Three real `ostiary serve` on one PostgreSQL behind a real Envoy: one is killed, sessions end, the log holds."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from backends import empty_database
from tests.stories.replicas_scene import Replicas, envoy

from ostiary.testing.postgres import PostgresServer
from ostiary.testing.proxies import find_envoy
from ostiary.testing.served import Served

CALLERS = 4
ASKED = 240


@pytest.fixture
def replicas(tmp_path: Path, postgres_18: PostgresServer) -> Iterator[Replicas]:
    if find_envoy() is None and os.environ.get("CI") != "true":
        pytest.skip("there is no Envoy here")
    store = {"OSTIARY_STORE__BACKEND": "postgres", "OSTIARY_STORE__URL": empty_database(postgres_18)}
    with Replicas(tmp_path, store) as running:
        yield running


class _Callers:
    """Ask through Envoy until told to stop; keep what was answered."""

    def __init__(self, replicas: Replicas, url: str) -> None:
        self.answered: list[dict[str, Any]] = []
        self.unanswered: Counter[int] = Counter()
        self._replicas = replicas
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count: int) -> None:
        end = time.monotonic() + 30
        while len(self.answered) < count:
            assert time.monotonic() < end, self.unanswered
            time.sleep(0.01)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _ask(self, number: int) -> None:
        with self._replicas.client(self._url) as client:
            while not self._stop.is_set():
                try:
                    reply = client.post("/access/v1/evaluation", json=self._replicas.question(subject=f"u{number}"))
                except httpx.HTTPError:
                    self.unanswered[0] += 1
                    continue
                if reply.status_code == 200:
                    self.answered.append(reply.json())
                else:
                    self.unanswered[reply.status_code] += 1


def _revoke_and_ask(replicas: Replicas, living: list[Served], session: str) -> float:
    """End a session at one replica, then ask the others; return how long the first question after it took, in ms."""
    here, *others = living
    for server in living:
        assert replicas.ask(server.url, session).json()["decision"] is True
    handle = replicas.handle(here, session)
    replicas.administer(here, f"/tenants/default/sessions/{handle}/terminate", {"reason": "stolen"})
    began = time.monotonic()
    for server in others:
        answer = replicas.ask(server.url, session).json()
        assert answer["decision"] is False, answer
    return (time.monotonic() - began) / len(others) * 1000


def _without_database(replicas: Replicas, living: list[Served], database: PostgresServer) -> None:
    """Take the database away for a moment: nothing is allowed, each says so, and all come back by themselves."""
    database.stop()
    for server in living:
        reply = replicas.ask(server.url)
        assert reply.status_code == 503 or reply.json()["decision"] is False, reply.text
        ready = httpx.get(server.url + "/readyz", timeout=15)
        assert (ready.status_code, ready.json()["checks"]["decision"]) == (503, "storage_unavailable")
    database.start()
    for server in living:
        end = time.monotonic() + 20
        while httpx.get(server.url + "/readyz", timeout=15).status_code != 200:
            assert time.monotonic() < end
            time.sleep(0.05)
        reply = replicas.ask(server.url)
        assert reply.json()["decision"] is True, reply.text


def _records(replicas: Replicas) -> list[str]:
    verb = [sys.executable, "-c", "from ostiary.cli import main; main()", "audit", "verify", "--forget", "--json"]
    environ = {**os.environ, **replicas.environ}
    done = subprocess.run(
        [*verb, "--data", str(replicas.first.root)], capture_output=True, text=True, check=False, env=environ
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with replicas.house() as house:
        assert house.store.inbox.waiting() == 0
        return [one.record_id for one in house.store.rows(0, house.log.head().size) if one.kind == "decision"]


def test_every_answer_has_its_record_once_though_a_replica_is_killed(
    replicas: Replicas, tmp_path: Path, postgres_18: PostgresServer
) -> None:
    with envoy(tmp_path / "envoy", replicas.servers) as proxy:
        callers = _Callers(replicas, proxy.url)
        callers.wait_for(ASKED // 2)
        victim = replicas.sequencing()
        victim.signal(signal.SIGKILL)
        callers.wait_for(len(callers.answered) + ASKED // 2)
        callers.end()
        living = [server for server in replicas.servers if server is not victim]
        took_ms = _revoke_and_ask(replicas, living, "s1")
    _without_database(replicas, living, postgres_18)
    replicas.stop(living)
    records = _records(replicas)
    assert [name for name, count in Counter(records).items() if count > 1] == []
    assert {answer["context"]["id"] for answer in callers.answered} <= set(records)
    assert took_ms < 5_000
