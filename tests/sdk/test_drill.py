"""The drill finds what lets through, and says so; of an application that fails closed it says that too."""

import time
from typing import Any

import httpx
import pytest

from ostiary_sdk import Client, Settings, question
from ostiary_sdk.drill import Drill, Link, Plan
from ostiary_sdk.drill.__main__ import main
from ostiary_sdk.drill.checks import Outcome, Report

PLAN = Plan(grace_s=0.8, watch_s=0.2, revoked_s=1.0)
SETTINGS = Settings(cache_s=0.5, max_stale_s=0.7, timeout_s=0.5)


@pytest.fixture(scope="module")
def server(start_server) -> Any:
    return start_server()


def end(server, session: str) -> None:
    now = server.house.clock.now_ns()
    server.house.ledger.terminate("default", f"user\nalice\n{session}", at_ns=now, reason="test")


def drilled(server, link: Link, probe: Any, session: str) -> dict[str, Outcome]:
    report = Drill(link, probe, PLAN, lambda: end(server, session)).run()
    assert report.exit_code == (0 if all(one.held for one in report.outcomes) else 1)
    return {one.name: one for one in report.outcomes}


def test_the_sdk_fails_closed(server) -> None:
    asked = question("read", "doc:1", subject="user:alice", session_id="drill-1")
    with Link(server.url) as link, Client(link.url, server.pep_key, SETTINGS) as client:
        assert client.wait_fresh(10)
        outcomes = drilled(server, link, lambda: client.ask(asked).allowed, "drill-1")
    assert [name for name, one in outcomes.items() if one.held is not True] == []
    assert len(outcomes) == 6


def test_whoever_keeps_its_grants_for_ever_is_found(server) -> None:
    kept: list[bool] = []

    def careless() -> bool:
        if not kept:
            with Client(link.url, server.pep_key, SETTINGS) as client:
                asked = question("read", "doc:1", subject="user:alice", session_id="drill-2")
                kept.extend([True] if client.ask(asked).allowed else [])
        return bool(kept)

    with Link(server.url) as link:
        outcomes = drilled(server, link, careless, "drill-2")
    assert [one.held for one in outcomes.values()] == [False] * 6


def test_whoever_takes_silence_for_a_yes_is_found(server) -> None:
    def fails_open() -> bool:
        body = {"subject": {"type": "user", "id": "alice"}, "action": {"name": "read"}, "resource": server.doc()}
        body["context"] = {"session_id": "drill-3"}
        try:
            head = {"Authorization": f"Bearer {server.pep_key}"}
            answer = httpx.post(f"{link.url}/access/v1/evaluation", json=body, headers=head, timeout=2.0)
            return bool(answer.json()["decision"])
        except (httpx.HTTPError, ValueError, LookupError, TypeError):
            return True

    with Link(server.url) as link:
        outcomes = drilled(server, link, fails_open, "drill-3")
    assert outcomes["decision point down"].held is False
    assert outcomes["decision point answers garbage"].held is False
    assert outcomes["session revoked"].held is True


def test_a_probe_that_is_refused_anyway_shows_nothing(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary_sdk.drill.checks.RECOVERY_S", 0.1)
    with Link(server.url) as link:
        report = Drill(link, lambda: False, PLAN).run()
    assert {one.held for one in report.outcomes} == {None}
    assert report.exit_code == 2


def test_the_command_says_what_it_found(server, capsys: pytest.CaptureFixture[str]) -> None:
    """An application that asks nobody at all: everything gets through."""
    target = f"{server.url}/healthz"
    begun = time.monotonic()
    code = main(["--pdp", server.url, "--app", target, "--grace", "0.1", "--watch", "0.1"])
    told = capsys.readouterr().out
    assert code == 1
    assert told.count("LET THROUGH") == 5
    assert "not checked" in told
    assert time.monotonic() - begun < 60


def test_one_hole_is_enough() -> None:
    assert Report((Outcome("a", held=True), Outcome("b", held=False))).exit_code == 1
    assert Report((Outcome("a", held=True), Outcome("b", held=None))).exit_code == 2
    assert Report(()).exit_code == 2
