"""What makes a process one of several: the keeper's lease, the same keys, who tells, how old is too old."""

import asyncio
from pathlib import Path

import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.keys import SubjectVault
from ostiary.server.chores import Chore, Chores
from ostiary.server.replicas.alike import SameKeys
from ostiary.server.replicas.keeper import Alone, LeasedKeeper
from ostiary.server.replicas.telling import KEEP_S, ToldOnce
from ostiary.server.replicas.together import Together
from ostiary.server.settings.replicas import ReplicasSection
from ostiary.server.shared.over_store import BoundedLedger, OverStore
from ostiary.sessions import SessionChange, SessionSettings
from ostiary.sessions.session import ChangeKind
from ostiary.sessions.standing import Asked
from ostiary.storage.sqlite import open_store
from ostiary.storage.tables import Store
from ostiary.testing.fake_clock import FakeClock

TTL_S = 3.0


class Moment:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "ostiary.db", FakeClock())


def test_one_keeps_and_believes_it_for_less_time_than_the_database(store: Store) -> None:
    moment = Moment()
    one = LeasedKeeper(store.leases, "one", TTL_S, moment)
    two = LeasedKeeper(store.leases, "two", TTL_S, moment)
    assert one.ask()
    assert one.leads
    assert not two.ask()
    assert not two.leads
    assert not one.ask()  # renewed, and no news
    moment.now += TTL_S * 0.79
    led = [one.leads]
    moment.now += TTL_S * 0.02
    assert [*led, one.leads] == [True, False]
    one.close()
    assert two.ask()
    assert not one.ask()


class _Away:
    def take(self, name: str, holder: str, ttl_ms: int) -> int:
        raise UnavailableError("storage_unavailable", "away")


def test_a_keeper_whose_database_is_away_ends_by_itself(store: Store) -> None:
    moment = Moment()
    one = LeasedKeeper(store.leases, "one", TTL_S, moment)
    one.ask()
    one._leases = _Away()  # type: ignore[assignment]
    with pytest.raises(UnavailableError):
        one.ask()
    assert one.leads
    moment.now += TTL_S
    assert not one.leads


def test_what_is_done_once_is_left_to_the_keeper() -> None:
    done: list[str] = []
    each = Chore("each", 0.01, lambda: done.append("each"))
    once = Chore("once", 0.01, lambda: done.append("once"), once=True)
    keeper = _Keeper(leads=False)

    async def work() -> None:
        chores = Chores([each, once], lambda _name, fault: pytest.fail(str(fault)), lambda: keeper.leads)
        chores.start()
        async with asyncio.timeout(20):
            while done.count("each") < 5:  # noqa: ASYNC110 - done in threads
                await asyncio.sleep(0.01)
            assert set(done) == {"each"}
            keeper.leads = True
            while "once" not in done:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        await chores.stop()

    asyncio.run(work())
    assert set(done) == {"each", "once"}


def _same(home: Path, store: Store, keys: str) -> SameKeys:
    vault = SubjectVault(home / keys / "vault", store)
    return SameKeys(home / keys, store.snapshots, vault, FakeClock())


def test_a_replica_with_other_keys_is_refused(tmp_path: Path, store: Store) -> None:
    _same(tmp_path, store, "keys").check()
    _same(tmp_path, store, "keys").check()
    with pytest.raises(RefusedError) as refused:
        _same(tmp_path, store, "others").check()
    assert refused.value.code == "replica_keys_differ"
    assert "others" in refused.value.message


def test_a_replica_that_works_on_a_copy_of_the_keys_finds_out(tmp_path: Path, store: Store) -> None:
    keeper, copy = _same(tmp_path, store, "keys"), _same(tmp_path, store, "copy")
    keeper.listen()  # before anybody spoke
    for _ in range(4):
        keeper.speak()
        keeper.listen()
        copy.listen()
    assert keeper.wrong == ""
    assert copy.wrong == "keys_not_shared"
    (tmp_path / "copy" / "replicas.word").write_bytes((tmp_path / "keys" / "replicas.word").read_bytes())
    (tmp_path / "copy" / "replicas.word").chmod(0o600)
    copy.listen()
    assert copy.wrong == ""


class _Keeper(Alone):
    def __init__(self, *, leads: bool) -> None:
        self.leads = leads


def _change(kind: ChangeKind, at_ns: int) -> SessionChange:
    return SessionChange("default", "s1", "user:a", kind, at_ns, "why")


def test_of_what_all_hear_one_tells_and_whoever_takes_over_tells_what_was_last() -> None:
    moment, told = Moment(), list[int]()
    keeper = _Keeper(leads=False)
    telling = ToldOnce(
        Together("two", keeper, None, ReplicasSection()), lambda change: told.append(change.at_ns), moment
    )
    telling.on_change(_change(ChangeKind.TERMINATED, 1))
    telling.on_change(_change(ChangeKind.LEVEL, 2))  # judged here, and heard of nowhere else
    assert told == [2]
    moment.now += KEEP_S + 1
    telling.on_change(_change(ChangeKind.TERMINATED, 3))
    keeper.leads = True
    telling.take_over()
    assert told == [2, 3]
    telling.on_change(_change(ChangeKind.TERMINATED, 4))
    telling.take_over()
    assert told == [2, 3, 4]


def _asked() -> Asked:
    return Asked(tenant="default", subject="user:a", names=("s1",), now_ns=5)


def test_what_is_known_of_sessions_is_never_older_than_the_bound(store: Store) -> None:
    moment = Moment()

    def fault(_reason: str, fault: BaseException) -> None:
        pytest.fail(str(fault))

    here = BoundedLedger(store.sessions, SessionSettings(), fault, 0.05, moment)
    there = BoundedLedger(store.sessions, SessionSettings(), fault, 0.05, moment)
    assert not here.standing(_asked()).state.over
    there.terminate("default", "s1", at_ns=4, reason="stolen")
    moment.now += 0.04
    assert not here.standing(_asked()).state.over  # within the bound
    moment.now += 0.02
    assert here.standing(_asked()).state.over


def _away(_after: int) -> None:
    raise UnavailableError("storage_unavailable", "away")


def test_a_store_that_is_away_lets_nothing_be_decided_on_what_is_too_old(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = Moment()
    ledger = BoundedLedger(store.sessions, SessionSettings(), lambda _reason, _fault: None, 0.05, moment)
    ledger.standing(_asked())
    monkeypatch.setattr(store.sessions, "news", _away)
    moment.now += 0.04
    ledger.standing(_asked())
    moment.now += 0.04
    with pytest.raises(UnavailableError):
        ledger.standing(_asked())


def test_secrets_and_used_things_are_the_same_at_every_replica(tmp_path: Path, store: Store) -> None:
    clock = FakeClock()
    one, two = (OverStore(store, SubjectVault(tmp_path / "vault", store), clock, 50) for _ in range(2))
    other = OverStore(store, SubjectVault(tmp_path / "other", store), clock, 50)
    assert one.secret("oidc") == two.secret("oidc") != one.secret("dpop-nonce")
    assert other.secret("oidc") != one.secret("oidc")
    first, again = one.once("kind", 100), two.once("kind", 100)
    assert first.remember("default", b"k", clock.now_ns() + 10**10, clock.now_ns())
    assert not again.remember("default", b"k", clock.now_ns() + 10**10, clock.now_ns())
    assert two.once("other", 100).remember("default", b"k", clock.now_ns() + 10**10, clock.now_ns())
    assert one.several
