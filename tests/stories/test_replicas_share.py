"""Two replicas over one store and one Valkey: what fell at one is down at the other, and both know the same people."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ostiary.errors import UnavailableError
from ostiary.identity.nonces import Nonces
from ostiary.identity.settings import DpopSettings
from ostiary.server.forgetting import forget
from ostiary.testing.valkey import ValkeyServer
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.events import AccessEvent

SECRET = "s" * 32
S = 1_000_000_000
CLOCK = SystemClock()


def wait_for(holds: Callable[[], Any], within_s: float = 10.0) -> float:
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < within_s
        time.sleep(0.01)
    return time.monotonic() - begun


@pytest.fixture(scope="module")
def cache(valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory):
    with ValkeyServer(tmp_path_factory.mktemp("own-valkey"), valkey_server._program) as server:
        yield server


@pytest.fixture(scope="module")
def replicas(start_server, cache: ValkeyServer):
    patient = {"answer_ms": 10_000, "connect_ms": 10_000}  # a busy machine is no Valkey that is away
    shared = {"valkey": {"url": cache.url, "secret": SECRET, **patient}}
    first = start_server(**shared)
    return first, start_server(beside=first, **shared)


def of_session(name: str) -> dict[str, Any]:
    return {"context": {"session_id": name}}


def reasons(reply: Any) -> list[str]:
    return list(reply.json()["context"].get("reasons", []))


def test_what_ended_at_one_is_over_at_the_other_with_the_very_next_question(replicas) -> None:
    one, other = replicas
    for number in range(12):
        here, there = (one, other) if number % 2 else (other, one)
        name = f"session-{number}"
        assert there.ask(**of_session(name)).json()["decision"]
        ledger_name = there.records()[-1].event.session_id
        here.house.ledger.terminate("default", ledger_name, at_ns=CLOCK.now_ns(), reason="risk")
        assert reasons(there.ask(**of_session(name))) == ["session_terminated"], number


def follower_caught_up(follower: Any) -> bool:
    return bool(follower.behind == 0)


def test_a_persons_history_at_one_is_soon_known_at_the_other(replicas) -> None:
    one, other = replicas
    took: list[float] = []
    for person in ("kim", "lee"):
        here, there = (one, other) if person == "kim" else (other, one)

        def known(at: Any, who: str = person) -> bool:
            event = AccessEvent("q", "default", CLOCK.now_ns(), who, "read", "doc", "1")
            return bool(at.house.knowledge.book("default").view(event).known)

        assert not known(here)
        assert here.ask(subject={"type": "user", "id": person}).json()["decision"]
        wait_for(partial(known, here), 10.0)
        took.append(wait_for(partial(known, there), 10.0))
    assert min(took) < 1.0


def test_each_record_teaches_each_replica_once(replicas) -> None:
    one, other = replicas
    for number in range(30):
        (one, other)[number % 2].ask(subject={"type": "user", "id": "counted"})
    for at in replicas:
        follower = at.assembly._follower
        wait_for(partial(follower_caught_up, follower))
        follower.catch_up()
    wait_for(lambda: all(at.house.knowledge.book("default").profile_bytes("user", "counted") for at in replicas))

    def events(at: Any) -> int:
        found = at.house.knowledge.book("default")._tables.subjects.find("user:counted")
        return int(found.events)

    wait_for(lambda: [events(at) for at in replicas] == [30, 30])
    one.assembly.save_profiles()
    for at in replicas:
        at.assembly._follower.catch_up()
    assert [events(at) for at in replicas] == [30, 30]


def test_a_proof_serves_once_wherever_it_is_shown(replicas) -> None:
    dpop, now = DpopSettings(), CLOCK.now_ns()
    here, there = (at.house.shared.proofs(dpop) for at in replicas)
    with pytest.raises(UnavailableError) as young:
        here.remember("default", b"of-before", now + 65 * S, now)
    assert young.value.code == "replay_memory_young", "it may have been used before this memory began"
    later = now + 71 * S  # made a moment after the memory began
    assert here.remember("default", b"proof", later, now)
    assert not there.remember("default", b"proof", later, now)
    assert there.remember("other", b"proof", later, now)


def test_a_nonce_of_one_is_good_at_the_other(replicas) -> None:
    here, there = (Nonces(at.house.shared.secret("dpop-nonce"), 30) for at in replicas)
    assert there.accepts("default", here.issue("default", 5 * S), 6 * S)
    assert here.issue("default", 5 * S) != Nonces(replicas[0].house.shared.secret("other"), 30).issue("default", 5 * S)


def test_a_challenge_of_one_is_answered_once_at_any(replicas) -> None:
    now = CLOCK.now_ns()
    here, there = (at.house.shared.once("step-up", 10) for at in replicas)
    assert here.remember("default", b"challenge", now + 60 * S, now)
    assert not there.remember("default", b"challenge", now + 60 * S, now)
    assert there.remember("default", b"challenge", now + 60 * S, now) is False
    assert replicas[1].house.shared.once("console", 10).remember("default", b"challenge", now + 60 * S, now)


def test_away_is_told_and_nothing_that_ended_comes_back(replicas, cache: ValkeyServer) -> None:
    one, other = replicas
    name = "outlives"
    assert other.ask(**of_session(name)).json()["decision"]
    ledger_name = other.records()[-1].event.session_id
    cache.stop()
    try:
        one.house.ledger.terminate("default", ledger_name, at_ns=CLOCK.now_ns(), reason="risk")
        assert reasons(other.ask(**of_session(name))) == ["session_terminated"], "the store is asked instead"
        wait_for(lambda: other.client.get("/readyz").json().get("degraded") == ["valkey_away"])
        assert other.client.get("/readyz").status_code == 200
        with pytest.raises(UnavailableError):
            one.house.shared.proofs(DpopSettings()).remember("default", b"x", CLOCK.now_ns() + S, CLOCK.now_ns())
        assert "ostiary_valkey_away 1.0" in other.client.get("/metrics").text
    finally:
        cache.start()
    wait_for(lambda: "degraded" not in other.client.get("/readyz").json())
    wait_for(lambda: "degraded" not in one.client.get("/readyz").json())
    assert reasons(other.ask(**of_session(name))) == ["session_terminated"], "an empty Valkey gives nothing back"


def test_who_is_erased_at_one_is_forgotten_at_the_other(replicas) -> None:
    one, other = replicas

    def knows(at: Any) -> bool:
        return "user:gone" in at.house.knowledge.book("default").names()

    assert one.ask(subject={"type": "user", "id": "gone"}).json()["decision"]
    wait_for(lambda: knows(one) and knows(other))
    forget(one.house, "default", "user", "gone")
    wait_for(lambda: not knows(other))
    other.assembly.save_profiles()
    kept = other.house.store.snapshots.load("default", "profiles", "book")
    assert kept
    assert b"gone" not in kept
    assert not knows(one)


def test_one_process_needs_none_of_it(start_server) -> None:
    alone = start_server()
    assert not alone.house.shared.several
    assert alone.house.shared.degraded() == ()
    assert alone.ask().json()["decision"]
