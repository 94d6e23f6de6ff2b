"""A Valkey that is flushed, replaced, slow, mute, lying or off the hour: nothing is loosened, nobody waits long."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.defence.budgets import Budget, Budgets, Want
from ostiary.defence.rates import RateAsk
from ostiary.errors import UnavailableError
from ostiary.storage.sqlite import open_store
from ostiary.storage.valkey.address import read_address
from ostiary.storage.valkey.breaker import Breaker
from ostiary.storage.valkey.budgets import PooledBudgets
from ostiary.storage.valkey.link import Limits, Link
from ostiary.storage.valkey.rates import SharedRates
from ostiary.storage.valkey.used import SharedReplay
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.fake_valkey import FakeValkey
from ostiary.testing.valkey import ValkeyServer
from ostiary.vocabulary.clock import SystemClock

S = 1_000_000_000
CLOCK = SystemClock()
REPO = Path(__file__).resolve().parents[2]
LIFE_S, AHEAD_S = 65, 5


def linked(url: str, wait_s: float = 10.0, **more: Any) -> Link:
    """Return a way that waits long: a busy machine loses no answer, and what is counted is exact."""
    return Link(read_address(url), limits=Limits(wait_s, wait_s), **more)


@pytest.fixture
def link(valkey_url: str) -> Iterator[Link]:
    made = linked(valkey_url)
    yield made
    made.close()


@pytest.fixture
def own(valkey_server: ValkeyServer, tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "own", valkey_server._program) as server:
        yield server


def accepted(memory: SharedReplay, proof: bytes, ends: int) -> bool:
    try:
        return memory.remember("acme", proof, ends, CLOCK.now_ns())
    except UnavailableError:
        return False


# Used proofs.


def test_the_same_proof_at_two_replicas_is_good_once(valkey_url: str) -> None:
    links = [linked(valkey_url), linked(valkey_url)]
    memories = [SharedReplay(one, "dpop") for one in links]
    won: list[bool] = []
    start = threading.Barrier(16)

    def show(number: int) -> None:
        start.wait()
        for proof in range(25):
            now = CLOCK.now_ns()
            won.append(memories[number % 2].remember("acme", b"proof-%d" % proof, now + 60 * S, now))

    threads = [threading.Thread(target=show, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (won.count(True), len(won)) == (25, 400)
    for one in links:
        one.close()


def test_after_a_flush_no_proof_of_before_is_good_again(link: Link) -> None:
    memory, now = SharedReplay(link, "dpop", LIFE_S, AHEAD_S), CLOCK.now_ns()
    with pytest.raises(UnavailableError):
        memory.remember("acme", b"first", now + LIFE_S * S, now)
    time.sleep(0.05)
    now = CLOCK.now_ns()
    newest = now + (LIFE_S + AHEAD_S) * S  # made by a client whose clock is ahead by all that is allowed
    assert memory.remember("acme", b"used", newest, now)
    link.ask("FLUSHALL")
    with pytest.raises(UnavailableError) as young:
        memory.remember("acme", b"used", newest, CLOCK.now_ns())
    assert young.value.code == "replay_memory_young"
    for proof, ends in ((b"used", newest), (b"other", newest - 3 * S), (b"old", now + LIFE_S * S)):
        assert not accepted(memory, proof, ends)
    assert not memory.remember("acme", b"used", newest + 3600 * S, CLOCK.now_ns()), "and it stays used"


def test_a_server_that_took_over_is_believed_from_its_own_beginning_on(
    valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    """Its copy may lack the last proofs that the one before it was told of."""
    with ValkeyServer(tmp_path / "k", valkey_server._program, "--appendonly", "yes", "--appendfsync", "always") as kept:
        with_it = linked(kept.url)
        memory, now = SharedReplay(with_it, "dpop", LIFE_S, 0), CLOCK.now_ns()
        with pytest.raises(UnavailableError):
            memory.remember("acme", b"early", now + LIFE_S * S, now)
        time.sleep(0.02)
        now = CLOCK.now_ns()
        assert memory.remember("acme", b"kept", now + LIFE_S * S, now)
        kept.stop()
        kept.start()
        for proof in (b"lost", b"kept"):
            assert not accepted(memory, proof, now + LIFE_S * S)
        with_it.close()


@pytest.mark.parametrize("off_s", [-3600, -31, 31, 3600])
def test_a_replica_whose_clock_is_off_is_refused(link: Link, off_s: int) -> None:
    memory, now = SharedReplay(link, "dpop"), CLOCK.now_ns() + off_s * S
    with pytest.raises(UnavailableError) as skewed:
        memory.remember("acme", b"proof", now + 60 * S, now)
    assert skewed.value.code == "clock_skewed"


def test_a_replica_that_is_a_little_slow_finds_no_twin_forgotten(link: Link) -> None:
    memory, now = SharedReplay(link, "dpop"), CLOCK.now_ns()
    ended = now - 29 * S  # over for us, and good still for a replica that is 29 s behind
    assert memory.remember("acme", b"proof", ended, now)
    assert not memory.remember("acme", b"proof", ended, now - 29 * S)
    assert not memory.remember("acme", b"gone", now - 61 * S, now), "what ended long ago is not new"


def test_kinds_and_tenants_with_odd_names_are_apart(link: Link) -> None:
    now = CLOCK.now_ns()
    names = ["acme", "{acme}", "acme}:used:{x", "*", "ac?e", "acme\r\nFLUSHALL\r\n", "a" * 5000, "a" * 5001, ""]
    for tenant in names:
        assert SharedReplay(link, "dpop").remember(tenant, b"proof", now + 60 * S, now), tenant
    for tenant in names:
        assert not SharedReplay(link, "dpop").remember(tenant, b"proof", now + 60 * S, now), tenant
    for proof in (b"", b"\0", b"r" * 40, b"']) redis.call('FLUSHALL') --", b"proof\r\n", b"+inf"):
        assert SharedReplay(link, "dpop").remember("acme", proof, now + 60 * S, now)
        assert not SharedReplay(link, "dpop").remember("acme", proof, now + 60 * S, now)


# Budgets.


@pytest.mark.parametrize("limit", [100, 2000])
def test_threads_of_two_replicas_spend_one_budget_to_the_last_and_no_further(
    valkey_url: str, tmp_path: Path, limit: int
) -> None:
    want, granted = Want("k", Budget(limit, 3600)), [0] * 16
    with open_store(tmp_path / "a.db", FakeClock()) as one, open_store(tmp_path / "a.db", FakeClock()) as other:
        links = [linked(valkey_url), linked(valkey_url)]
        stores = [PooledBudgets(link, store.budgets) for link, store in zip(links, (one, other), strict=True)]

        def spend(number: int) -> None:
            store, lacked = stores[number % 2], 0
            while lacked < 3:
                got = store.take("acme", want.stored, 5, -55, 1, limit)
                granted[number] += got
                lacked += not got

        threads = [threading.Thread(target=spend, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(granted) == limit
        for link in links:
            link.close()


def test_a_flush_a_kill_and_a_replaced_server_grant_nothing(own: ValkeyServer, tmp_path: Path) -> None:
    limit, want = 2560, Want("k", Budget(2560, 3600))
    granted = 0
    with open_store(tmp_path / "a.db", FakeClock()) as disk:
        link = linked(own.url, breaker=Breaker(falls=1, rises=1, probe_s=0.0))
        budgets = PooledBudgets(link, disk.budgets)
        losses = 0
        for turn in range(24):
            granted += sum(budgets.take("acme", want.stored, 5, -55, 1, limit) for _ in range(40))
            losses += turn % 6 in {1, 3}
            if turn % 6 == 1:
                link.ask("FLUSHALL")
            if turn % 6 == 3:
                own.stop()
            if turn % 6 == 4:
                own.start()
                link.probe(CLOCK.now_ns())
        assert granted == 24 * 40
        left = limit - disk.budgets.taken("acme", want.stored, -55)
        assert 0 <= limit - granted - left <= (losses + 1) * (limit // 128), "a loss costs what lay in the pool"
        link.close()


def test_several_budgets_are_taken_from_together_or_not_at_all(link: Link, tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db", FakeClock()) as disk:
        budgets = Budgets(PooledBudgets(link, disk.budgets))
        wants = [Want("user", Budget(260, 60)), Want("tenant", Budget(400, 60)), Want("model", Budget(900, 60))]
        taken = [budgets.take_all("acme", wants, 7, now_ns=S) for _ in range(45)]
        assert taken.count(()) == 260 // 7
        assert set(taken) == {(), (0,)}
        store = PooledBudgets(link, disk.budgets)
        assert store.taken("acme", "tenant:60", -60) >= 7 * (260 // 7)
        assert sum(budgets.take("acme", wants[1], 1, now_ns=S) for _ in range(200)) == 400 - 7 * (260 // 7)


def test_a_pool_that_lies_about_what_it_holds_is_not_believed(tmp_path: Path) -> None:
    lies = [
        b":1\r\n",
        b"*2\r\n:1\r\n:999\r\n",
        b"*3\r\n:0\r\n:5\r\n:999999\r\n",
        b"*1\r\n:1\r\n",
        b"*2\r\n:1\r\n:-9\r\n",
    ]
    for lie in lies:
        with FakeValkey(always(lie)) as server, open_store(tmp_path / "a.db", FakeClock()) as disk:
            link = linked(server.url)
            budgets = PooledBudgets(link, disk.budgets)
            before = disk.budgets.taken("acme", "k:60", 0)
            assert budgets.take("acme", "k:60", 5, 0, 1, 1000) == 1
            assert disk.budgets.taken("acme", "k:60", 0) > before, "it came from the store"
            link.close()


# The server itself.


def always(said: bytes) -> Callable[[list[bytes]], bytes]:
    return lambda _: said


def trickle(piece: bytes, every_s: float) -> Iterator[bytes]:
    while True:
        yield piece
        time.sleep(every_s)


BAD = {
    "garbage": lambda _: b"\x16\x03\x01 what?\r\n\r\n",
    "mute": lambda _: None,
    "slow": lambda _: trickle(b"$", 0.01),
    "huge": lambda _: b"$99999999999\r\n",
    "endless": lambda _: trickle(b"*1\r\n" * 500, 0.0),
    "another": lambda _: b"+QUEUED\r\n",
    "error": lambda _: b"-OOM command not allowed when used memory > 'maxmemory'\r\n",
    "text": lambda _: b"*2\r\n$1\r\nx\r\n$3\r\nabc\r\n",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_server_is_refused_soon_and_then_not_waited_for(kind: str) -> None:
    with FakeValkey(BAD[kind]) as server:
        link, now = linked(server.url, 0.2), CLOCK.now_ns()
        memory, begun = SharedReplay(link, "dpop"), time.monotonic()
        for _ in range(200):
            with pytest.raises(UnavailableError) as away:
                memory.remember("acme", b"proof", now + 60 * S, now)
            assert away.value.code == "valkey_unavailable"
        assert time.monotonic() - begun < 6
        link.close()


@pytest.mark.parametrize(
    "info",
    [
        b"run_id:a\r\nloading:0\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n",
        b"run_id:a\r\nloading:1\r\nmaxmemory:0\r\n",
        b"loading:0\r\nmaxmemory:0\r\n",
        b"run_id:a b\r\nmaxmemory:0\r\n",
    ],
)
def test_a_server_that_may_forget_or_does_not_say_who_it_is_is_refused(info: bytes) -> None:
    with FakeValkey(lambda _: b"$%d\r\n%s\r\n" % (len(info), info), greets=False) as server:
        link = linked(server.url)
        with pytest.raises(UnavailableError):
            link.ask("PING")
        link.close()


def test_a_password_is_in_no_error_and_a_wrong_one_is_away(own: ValkeyServer) -> None:
    link = linked(own.url.replace("://", "://nobody:hunter2@"))
    with pytest.raises(UnavailableError) as away:
        link.ask("PING")
    assert "hunter2" not in str(away.value) + repr(away.value.__cause__)
    link.close()


def test_a_user_with_few_rights_is_enough(own: ValkeyServer, tmp_path: Path) -> None:
    root = linked(own.url)
    words = (REPO / "docs/how-to/run-with-valkey.md").read_text()
    rules = next(line for line in words.splitlines() if line.startswith("ACL SETUSER ostiary "))
    assert root.ask(*rules.replace("PASSWORD", "pw").split()) == b"OK"
    link = linked(own.url.replace("://", "://ostiary:pw@"))
    now = CLOCK.now_ns()
    assert SharedReplay(link, "dpop").remember("acme", b"proof", now + 60 * S, now)
    with open_store(tmp_path / "a.db", FakeClock()) as disk:
        assert PooledBudgets(link, disk.budgets).take("acme", "k:60", 5, 0, 1, 1000) == 1
    with pytest.raises(UnavailableError) as refused:
        link.ask("FLUSHALL")
    assert "NOPERM" in refused.value.message
    for one in (root, link):
        one.close()


def test_every_script_keeps_to_one_slot_of_a_cluster(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        bus = str(free.getsockname()[1])
    options = ("--cluster-enabled", "yes", "--cluster-port", bus)
    with ValkeyServer(tmp_path / "c", valkey_server._program, *options) as cluster:
        link = linked(cluster.url)
        assert link.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383) == b"OK"
        deadline = time.monotonic() + 10
        while b"cluster_state:ok" not in (link.ask("CLUSTER", "INFO") or b""):  # type: ignore[operator]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        now = CLOCK.now_ns()
        with open_store(tmp_path / "a.db", FakeClock()) as disk:
            for tenant in ("acme", "beta{x}", "}{"):
                assert SharedReplay(link, "dpop").remember(tenant, b"p", now + 60 * S, now)
                wants = [Want(name, Budget(1000, 60)) for name in ("user", "tenant", "model")]
                budgets = Budgets(PooledBudgets(link, disk.budgets))
                assert [budgets.take_all(tenant, wants, 1, now_ns=S) for _ in range(20)] == [()] * 20
        assert not link.faults
        link.close()


# Rates.


def quick(key: str, burst: int = 10) -> RateAsk:
    return RateAsk.per_minute(key, 600, burst)


def granted(rates: SharedRates, ask: RateAsk, times: int = 40) -> int:
    return sum(rates.admit("acme", [ask], CLOCK.now_ns()) == 0 for _ in range(times))


def test_a_flush_gives_nobody_a_second_burst(link: Link) -> None:
    rates, ask = SharedRates(link, 0.5), quick("user")
    begun = time.monotonic()
    total = granted(rates, ask)
    for _ in range(5):
        link.ask("FLUSHALL")
        total += granted(rates, ask)
    assert total <= 1 + (time.monotonic() - begun) * 10, "a memory that has just begun grants at the rate, and no more"


def test_two_replicas_without_valkey_grant_no_more_than_it_would(own: ValkeyServer) -> None:
    links = [linked(own.url, breaker=Breaker(falls=1, rises=1, probe_s=0.0)) for _ in range(2)]
    replicas = [SharedRates(one, 0.5) for one in links]
    ask = quick("user")
    begun = time.monotonic()
    total = granted(replicas[0], ask)
    own.stop()
    total += granted(replicas[0], ask) + granted(replicas[1], ask)
    own.start()
    time.sleep(0.25)
    total += granted(replicas[0], ask) + granted(replicas[1], ask)
    assert total <= 1 + (time.monotonic() - begun) * 10, "neither going away nor coming back is worth a burst"
    time.sleep(0.15)
    assert granted(replicas[1], ask), "and the rate goes on"
    for one in links:
        one.close()


def test_a_rate_whose_server_lies_is_a_rate_of_ones_own() -> None:
    for lie in (b":-5\r\n", b"+OK\r\n", b"*0\r\n", b"$-1\r\n"):
        with FakeValkey(always(lie)) as server:
            link = linked(server.url)
            assert granted(SharedRates(link, 0.5), quick("user")) <= 1
            link.close()
