"""Two replicas over one store and nothing else: what happens at one holds at the other."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.errors import UnavailableError

POLICY = """package ostiary.guardrails
allow contains {"rule": "version-NUMBER"} if input.action.name == "read"
decision := {"allow": allow}
"""
SESSION = {"context": {"session_id": "s1"}}


def wait_for(holds: Callable[[], Any], within_s: float = 15.0) -> None:
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < within_s
        time.sleep(0.01)


@pytest.fixture(scope="module")
def replicas(start_server: Callable[..., Any]) -> tuple[Any, Any]:
    shared: dict[str, Any] = {"replicas": {"enabled": True, "lease_s": 0.6}}
    shared["guardrails"] = POLICY.replace("NUMBER", "0")
    first = start_server(**shared)
    return first, start_server(beside=first, **shared)


def rule(server: Any) -> str:
    reply = server.ask().json()
    reasons: list[str] = reply["context"]["reasons"]
    return reasons[0]


def test_a_session_that_was_ended_at_one_is_over_at_the_other_as_soon_as_that_is_said(replicas: Any) -> None:
    one, other = replicas
    assert all(at.ask(**SESSION).json()["decision"] for at in replicas)
    one.house.ledger.terminate("default", "s1", at_ns=one.house.clock.now_ns(), reason="stolen")
    one.house.together.settle()
    assert not other.ask(**SESSION).json()["decision"]


def test_a_decision_is_explained_at_the_other_at_once(replicas: Any) -> None:
    one, other = replicas
    for at, there in ((one, other), (other, one)) * 5:
        name = at.ask().json()["context"]["id"]
        found = there.house.log.get("default", name)
        assert found is not None
        assert found.index >= 0


def test_one_of_them_keeps_and_one_sequences(replicas: Any) -> None:
    wait_for(lambda: sum(at.house.together.keeper.leads for at in replicas) == 1)
    wait_for(lambda: sum(at.house.log.sequencer.token > 0 for at in replicas) == 1)


def test_a_bundle_that_was_reloaded_at_one_is_in_force_at_the_other(replicas: Any) -> None:
    one, other = replicas
    bundle = one.house.places.bundle("default") / "guardrails.rego"
    bundle.write_text(POLICY.replace("NUMBER", "1"))
    assert rule(other) == "rule:version-0"
    reply = one.admin("POST", "/tenants/default/bundle/reload")
    assert reply.status_code == 200, reply.text
    assert rule(one) == "rule:version-1"
    wait_for(lambda: rule(other) == "rule:version-1")


def test_a_replica_with_another_bundle_on_its_disk_denies_until_it_has_the_right_one(replicas: Any) -> None:
    _, other = replicas
    in_force = other.house.policies.status("default").digest
    assert not other.house.policies.follow("default", "sha256:another")
    with pytest.raises(UnavailableError, match="not the one in force"):
        other.house.policies.engine("default")
    assert not other.ask().json()["decision"]
    assert other.house.policies.follow("default", in_force)
    assert other.ask().json()["decision"]


def test_a_tenant_made_at_one_is_known_at_the_other(replicas: Any) -> None:
    one, other = replicas
    one.house.tenants.create("acme")
    assert other.house.tenants.find("acme") is not None
    one.house.tenants.delete("acme")
    assert other.house.tenants.find("acme") is None


def test_a_nonce_and_a_secret_of_one_are_good_at_the_other(replicas: Any) -> None:
    one, other = replicas
    assert one.house.shared.secret("dpop-nonce") == other.house.shared.secret("dpop-nonce")
    once = [at.house.shared.once("sign-in", 10) for at in replicas]
    now = one.house.clock.now_ns()
    assert [memory.remember("default", b"state", now + 10**10, now) for memory in once] == [True, False]
