"""Two processes write to one store: what one of them let fall stays fallen, whatever the other one writes then."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.sessions import Asked, SessionLedger, SessionState, SessionStore
from ostiary.storage.sqlite import open_store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.session_store import MemorySessionStore

NS = 1_000_000_000
DAY = 86_400 * NS


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SessionStore]:
    if request.param == "memory":
        yield MemorySessionStore()
        return
    with open_store(tmp_path / "ostiary.db", FakeClock()) as opened:
        yield opened.sessions


def access(at_ns: int, name: str = "s1") -> Asked:
    return Asked("acme", (name,), "user:ann", at_ns, "read", "doc", "1", at_ns)


@pytest.mark.parametrize("others", [0, 100])
def test_a_touch_that_is_written_late_does_not_undo_another_processes_fall(store: SessionStore, others: int) -> None:
    server = SessionLedger(store)
    server.touch(access(NS))
    server.flush()
    command_line = SessionLedger(store)
    server.touch(access(2 * NS))
    for number in range(others):
        server.touch(access(2 * NS, f"other{number}"))
    command_line.demand_step_up("acme", "s1", at_ns=3 * NS, reason="administrator")
    server.flush()  # before it has read what the other one wrote
    server.reload()
    assert server.state("acme", "s1", 4 * NS) is SessionState.STEP_UP
    assert SessionLedger(store).state("acme", "s1", 4 * NS) is SessionState.STEP_UP


def test_neither_does_a_fall_undo_another_one(store: SessionStore) -> None:
    server = SessionLedger(store)
    server.touch(access(NS))
    server.flush()
    command_line = SessionLedger(store)
    command_line.reduce("acme", "s1", at_ns=3 * NS, reason="administrator", privileges=("export",))
    server.demand_step_up("acme", "s1", at_ns=4 * NS, reason="session_risk")
    server.reload()
    for ledger in (server, SessionLedger(store)):
        session = ledger.find("acme", "s1")
        assert session is not None
        assert (session.demands_step_up, session.dropped) == (True, ("export",))


def test_forgetting_an_idle_session_does_not_undo_another_processes_fall(store: SessionStore) -> None:
    server = SessionLedger(store)
    server.touch(access(NS))
    server.flush()
    command_line = SessionLedger(store)
    assert server.sweep(2 * DAY) == 1
    command_line.demand_step_up("acme", "s1", at_ns=2 * DAY, reason="administrator")
    server.flush()
    server.reload()
    for ledger in (server, SessionLedger(store)):
        assert ledger.state("acme", "s1", 2 * DAY + NS) is SessionState.STEP_UP


def test_a_person_who_was_erased_is_not_written_down_again_by_another_process(store: SessionStore) -> None:
    server = SessionLedger(store)
    server.touch(access(NS))
    server.flush()
    command_line = SessionLedger(store)
    server.touch(access(2 * NS))
    command_line.erase_subject("acme", "user:ann", at_ns=3 * NS)
    server.flush()
    assert store.news(0).living == ()
    assert [one.subject for one in store.news(0).ended] == [""]
    server.reload()
    assert server.state("acme", "s1", 4 * NS) is SessionState.TERMINATED
