"""A session is ended twice while the disk is away: nobody is told that it is over before that would survive a crash."""

import pytest
from typing_extensions import override

from ostiary.errors import UnavailableError
from ostiary.sessions import SessionLedger, SessionState, TerminatedSession
from ostiary.testing.session_store import MemorySessionStore


class AwayStore(MemorySessionStore):
    """Takes no end while ``away``."""

    away = True

    @override
    def save_terminated(self, session: TerminatedSession) -> None:
        if self.away:
            raise UnavailableError("disk_full", "the disk is full")
        super().save_terminated(session)


def test_who_ends_it_again_waits_for_the_disk_too() -> None:
    store = AwayStore()
    ledger = SessionLedger(store)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            ledger.terminate("acme", "s1", at_ns=9, reason="signal")
    assert ledger.state("acme", "s1") is SessionState.TERMINATED
    store.away = False
    assert not ledger.terminate("acme", "s1", at_ns=10, reason="signal"), "it had ended"
    assert SessionLedger(store).state("acme", "s1") is SessionState.TERMINATED
