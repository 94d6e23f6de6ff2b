"""Producers and batches at the administrators' door: registered, taken, refused; another tenant's are unknown."""

import base64
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.server.batches import proven_history
from ostiary.testing.batches import Sender
from ostiary.vocabulary.events import AccessEvent


class Door:
    """The administrators' API of one server."""

    def __init__(self, server: Any) -> None:
        self.server = server

    def __call__(self, method: str, path: str, body: Any = None, tenant: str = "default") -> Any:
        headers = {"Authorization": f"Bearer {self.server.admin_key}"}
        return self.server.client.request(method, f"/api/v1/tenants/{tenant}/{path}", json=body, headers=headers)


@pytest.fixture(scope="module")
def door(start_server: Callable[..., Any]) -> Door:
    return Door(start_server())


def sent(data: bytes) -> dict[str, str]:
    return {"batch": base64.b64encode(data).decode()}


def test_a_producers_life_over_http(door: Door) -> None:
    house = door.server.house
    sender = Sender("vpn", "default", house.clock)
    body = {"name": "vpn", "key": sender.key.public.pem().decode()}
    assert door("POST", "producers", body).status_code == 201
    assert door("POST", "producers", body).json()["code"] == "producer_exists"
    other = {"name": "jwk", "key": json.dumps(sender.key.public.jwk())}
    assert door("POST", "producers", other).json()["code"] == "producer_key_used"
    event = AccessEvent("e1", "default", house.clock.now_ns() - 10**9, "ann", "read", "database", "payments")
    first = sender.batch(event)
    taken = door("POST", "batches", sent(first))
    assert (taken.status_code, taken.json()["events"]) == (201, 1)
    assert [one.event_id for one in proven_history(house, "default").events] == ["e1"]
    assert door("POST", "batches", sent(first)).json()["code"] == "batch_replayed"
    assert door("POST", "batches", {"batch": "§"}).json()["code"] == "batch_malformed"
    gap = sender.batch(msgspec.structs.replace(event, event_id="e9"), sequence=9)
    assert door("POST", "batches", sent(gap)).status_code == 409
    told = door("GET", "batches/quarantine").json()
    assert told["refused"] == {"batch_gap": 1, "batch_replayed": 1}
    (kept,) = told["kept"]
    release = door("POST", f"batches/quarantine/{kept['digest']}/release", {"proposal": "prp_nobody"})
    assert release.json()["code"].startswith(("approval_", "proposal_"))
    assert door("POST", "batches/quarantine/nothing/release", {"proposal": "p"}).status_code == 404
    assert door("POST", "producers/vpn/revoke", {}).json()["revoked"] is not None
    assert door("POST", "batches", sent(sender.batch(event))).json()["code"] == "producer_revoked"
    assert door("POST", "producers/vpn/revoke", {"distrusted": 0}).json()["distrusted"] == 0
    assert proven_history(house, "default").left_out == 1


def test_strangers_and_other_tenants_are_answered_alike(door: Door) -> None:
    assert door("POST", "producers/nobody/revoke", {}).status_code == 404
    assert door("GET", "producers", tenant="rival").json()["code"] == "tenant_unknown"
    assert door("POST", "batches", sent(b"x"), tenant="rival").json()["code"] == "tenant_unknown"
    anybody = door.server.client.get("/api/v1/tenants/default/producers")
    assert anybody.status_code == 401


def test_forgetting_a_person_empties_quarantine_of_him(door: Door) -> None:
    house = door.server.house
    stranger = Sender("stranger", "default", house.clock)
    event = AccessEvent("e2", "default", house.clock.now_ns(), "zoe", "read", "database", "payments")
    assert door("POST", "batches", sent(stranger.batch(event))).json()["code"] == "producer_unknown"
    kept = door("GET", "batches/quarantine").json()["kept"]
    house.knowledge.forget("default", "user", "zoe", house.store.snapshots)
    left = door("GET", "batches/quarantine").json()["kept"]
    assert len(left) == len(kept) - 1
    assert "stranger" not in {one["producer"] for one in left}
