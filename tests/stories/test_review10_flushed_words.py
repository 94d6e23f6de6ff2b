"""A Valkey that forgets between a revocation and the next question must not hide that revocation from a replica."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.server.shared.ledger import FreshLedger
from ostiary.sessions import Asked, SessionLedger, SessionSettings, SessionState
from ostiary.storage.sqlite import open_store
from ostiary.storage.valkey.address import read_address
from ostiary.storage.valkey.link import Link
from ostiary.storage.valkey.news import News
from ostiary.storage.valkey.sessions import ToldSessions
from ostiary.vocabulary.clock import SystemClock

CLOCK = SystemClock()


class Replicas:
    """Two ledgers over one store, each with a way of its own to one Valkey; nobody listens to the channel."""

    def __init__(self, folder: Path, url: str) -> None:
        self.link = Link(read_address(url))
        self._stores = [open_store(folder / "ostiary.db", CLOCK).__enter__() for _ in range(2)]
        self.here, self.there = (self._ledger(store.sessions) for store in self._stores)

    def _ledger(self, kept: object) -> SessionLedger:
        news = News(self.link, "sessions", lambda _reason, fault: pytest.fail(str(fault)))
        told = ToldSessions(kept, news)  # type: ignore[arg-type]
        return FreshLedger(told, SessionSettings(), lambda _reason, fault: pytest.fail(str(fault)), news)

    def close(self) -> None:
        self.link.close()
        for store in self._stores:
            store.__exit__(None, None, None)


@pytest.fixture
def replicas(tmp_path: Path, valkey_url: str) -> Iterator[Replicas]:
    made = Replicas(tmp_path, valkey_url)
    yield made
    made.close()


def state(ledger: SessionLedger, name: str) -> SessionState:
    now = CLOCK.now_ns()
    return ledger.standing(Asked(tenant="acme", names=(name,), subject="user:ann", now_ns=now)).state


@pytest.mark.parametrize("asked_before", [0, 1, 2, 3])
def test_a_flush_right_after_a_revocation_hides_it_from_nobody(replicas: Replicas, asked_before: int) -> None:
    """No word before and no word after looked like "nothing was said": the ended session went on at the other one."""
    for _ in range(asked_before):
        assert state(replicas.there, "s1") is not SessionState.TERMINATED
    replicas.here.terminate("acme", "s1", at_ns=CLOCK.now_ns(), reason="risk")
    replicas.link.ask("FLUSHALL")
    assert state(replicas.there, "s1") is SessionState.TERMINATED


def test_a_second_flush_hides_nothing_either(replicas: Replicas) -> None:
    for number in range(3):
        replicas.link.ask("FLUSHALL")
        assert state(replicas.there, f"s{number}") is not SessionState.TERMINATED
        replicas.here.terminate("acme", f"s{number}", at_ns=CLOCK.now_ns(), reason="risk")
        replicas.link.ask("FLUSHALL")
        assert state(replicas.there, f"s{number}") is SessionState.TERMINATED


def test_a_word_that_is_known_is_not_looked_up_again(replicas: Replicas) -> None:
    for _ in range(3):
        state(replicas.there, "s1")
    before = replicas.link.calls
    state(replicas.there, "s1")
    assert replicas.link.calls == before + 1
