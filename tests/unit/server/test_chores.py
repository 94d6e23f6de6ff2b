import asyncio

from ostiary.server.chores import Chore, Chores
from ostiary.sessions import SessionLedger, SessionState, TerminatedSession
from ostiary.testing.session_store import MemorySessionStore


def test_each_chore_keeps_its_own_rhythm_and_survives_its_faults() -> None:
    done: list[str] = []
    faults: list[str] = []

    def broken() -> None:
        done.append("broken")
        raise ZeroDivisionError

    async def main() -> None:
        chores = Chores(
            [Chore("quick", 0.01, lambda: done.append("quick")), Chore("broken", 0.02, broken)],
            lambda name, _fault: faults.append(name),
        )
        chores.start()
        async with asyncio.timeout(20):
            while done.count("broken") < 2 or done.count("quick") <= done.count("broken"):  # noqa: ASYNC110 - in threads
                await asyncio.sleep(0.01)
        await chores.stop()
        count = len(done)
        await asyncio.sleep(0.05)
        assert len(done) == count

    asyncio.run(main())
    assert done.count("quick") > done.count("broken") > 1
    assert set(faults) == {"broken"}


def test_what_another_process_ends_ends_here_too() -> None:
    store = MemorySessionStore()
    ledger = SessionLedger(store)
    store.save_terminated(TerminatedSession("default", "s1", 1, "x"))
    assert ledger.state("default", "s1") == SessionState.ACTIVE
    ledger.reload()
    assert ledger.state("default", "s1") == SessionState.TERMINATED
    assert ledger.state("other", "s1") == SessionState.ACTIVE
