"""A real server and real messages: a device comes in, falls, takes its sessions with it, and comes back by an admin."""

import json
import socket
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ostiary.identity.devices.challenges import extra_for
from ostiary.identity.devices.speaking import Voice
from ostiary.keys import SigningKey
from ostiary.sessions import SessionState
from ostiary.testing.devices import FINE
from ostiary.testing.tpm import SoftTpm
from ostiary.vocabulary.clock import SystemClock

CLOCK = SystemClock()
URL = "https://pdp.example"


@pytest.fixture(scope="module")
def server(start_server):
    return start_server(server={"public_url": URL}, devices={"interval_s": 0})


class Laptop:
    """A device that speaks HTTP."""

    def __init__(self, server: Any, tenant: str = "default") -> None:
        self.server, self.tenant, self.tpm = server, tenant, SoftTpm.make()
        self.voice = Voice(SigningKey.generate("device", "EdDSA"), URL)
        self.sequence = 0

    def send(self, what: str, **body: Any) -> httpx.Response:
        answer: httpx.Response = self.server.client.post(f"/devices/v1/{what}", json=body)
        return answer

    def nonce(self, purpose: str) -> str:
        return str(self.send("nonce", purpose=purpose).json()["nonce"])

    def invite(self, **more: Any) -> str:
        body = {"subjects": ["user:alice"], "kind": "laptop", **more}
        answer = self.server.admin("POST", f"/tenants/{self.tenant}/devices/invitations", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["code"])

    def enrol(self, code: str | None = None) -> httpx.Response:
        nonce = self.nonce("enrol")
        evidence = self.tpm.quote(extra_for("enrol", nonce, self.voice.thumbprint))
        code = code or self.invite()
        message = self.voice.enrol(code, nonce, now_ns=CLOCK.now_ns(), evidence=evidence, ak=self.tpm.public)
        answer = self.send("enrol", message=message)
        if answer.status_code == 200:
            self.voice = Voice(self.voice.key, URL, self.tenant, answer.json()["device_id"])
        return answer

    def report(self, **posture: Any) -> httpx.Response:
        self.sequence += 1
        message = self.voice.report({**FINE, **posture}, self.sequence, now_ns=CLOCK.now_ns())
        return self.send("report", message=message)

    def attest(self) -> httpx.Response:
        nonce = self.nonce("attest")
        evidence = self.tpm.quote(extra_for("attest", nonce, self.tenant, self.voice.device_id))
        return self.send("attest", message=self.voice.attest(nonce, evidence, now_ns=CLOCK.now_ns()))

    def work(self, session: str) -> Any:
        return self.server.ask(context={"session_id": session, "device": {"id": self.voice.device_id}}).json()

    def admin(self, method: str, what: str = "", **more: Any) -> httpx.Response:
        answer: httpx.Response = self.server.admin(
            method, f"/tenants/{self.tenant}/devices/{self.voice.device_id}{what}", **more
        )
        return answer

    def states(self) -> set[SessionState]:
        ledger = self.server.house.ledger
        return {one.state(CLOCK.now_ns()) for one in ledger.of_device(self.tenant, self.voice.device_id)}


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_a_device_comes_in_and_is_seen_by_every_decision(server) -> None:
    laptop = Laptop(server)
    assert laptop.enrol().json()["attestation_key"] == "first_use"
    assert laptop.report().json()["standing"] == "compliant"
    assert laptop.attest().json()["trust"] == "attested"
    facts = server.house.decider.parts.devices.device("default", laptop.voice.device_id, CLOCK.now_ns())
    assert (facts.trust, facts.compliant, facts.subject) == ("attested", True, "user:alice")
    shown = laptop.admin("GET").json()
    assert shown["reports"][0]["posture"]["disk_encrypted"] is True
    assert set(shown["registers"]) == {"0", "2", "4", "7"}
    actions = [json.loads(one.payload)["action"] for one in server.house.log.iterate("default", "device")]
    assert actions[:3] == ["device.enrol", "device.report", "device.attest"]


def test_sessions_fall_with_their_device_and_nobody_elses(server) -> None:
    laptop, other = Laptop(server), Laptop(server)
    for one, session in ((laptop, "s-falls"), (other, "s-stays")):
        one.enrol()
        one.report()
        assert one.work(session)["decision"] is True
    assert laptop.report(disk_encrypted=False).json()["why"] == ["disk_encrypted_failed"]
    assert (laptop.states(), other.states()) == ({SessionState.STEP_UP}, {SessionState.ACTIVE})
    assert laptop.admin("POST", "/quarantine", json={"reason": "malware_found"}).json()["quarantined"] is True
    answer = laptop.work("s-falls")
    assert (answer["decision"], answer["context"]["reasons"]) == (False, ["session_terminated"])
    assert other.work("s-stays")["decision"] is True


def test_a_quarantined_device_comes_back_by_an_administrator_alone(server) -> None:
    laptop = Laptop(server)
    laptop.enrol()
    laptop.report()
    laptop.admin("POST", "/quarantine", json={})
    assert laptop.report().json()["standing"] == "quarantined"
    assert laptop.attest().json()["standing"] == "quarantined"
    again = Laptop(server)
    again.tpm = laptop.tpm
    assert again.enrol().json()["code"] == "device_attestation_key_taken"
    assert laptop.admin("POST", "/release", json={}).json()["standing"] == "compliant"


def test_another_process_quarantines_and_the_sessions_fall_here(server) -> None:
    """The command line opens the same data directory; the server finds out within a second or two."""
    laptop = Laptop(server)
    laptop.enrol()
    laptop.report()
    laptop.work("s-elsewhere")
    house = server.house
    from ostiary.server.devices import open_devices  # noqa: PLC0415

    elsewhere = open_devices(
        house.settings.devices, house.store.devices, house.log, house.shared, lambda *_: None, audience=URL
    )
    elsewhere.quarantine("default", laptop.voice.device_id, now_ns=CLOCK.now_ns(), reason="stolen")
    assert house.devices.device("default", laptop.voice.device_id, CLOCK.now_ns()).quarantined, "at once"
    wait_for(lambda: laptop.work("s-elsewhere")["context"]["reasons"] == ["session_terminated"])


def test_of_many_with_one_code_one_comes_in(server) -> None:
    runners = [Laptop(server) for _ in range(4)]
    code = runners[0].invite()
    ends: list[int] = []
    threads = [threading.Thread(target=lambda one=one: ends.append(one.enrol(code).status_code)) for one in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == [200, 403, 403, 403]


def test_strangers_learn_nothing_and_are_counted(server) -> None:
    laptop, stranger = Laptop(server), Laptop(server)
    laptop.enrol()
    stranger.voice = Voice(stranger.voice.key, URL, "default", laptop.voice.device_id)
    known = stranger.report()
    stranger.voice = Voice(stranger.voice.key, URL, "nowhere", "dev_never")
    unknown = stranger.report()
    assert (known.status_code, known.content) == (401, unknown.content)
    wait_for(lambda: "device_unauthenticated" in {one.refusal for one in server.records("system")})


def test_another_tenants_device_is_none(server) -> None:
    server.admin("POST", "/tenants", json={"tenant": "umbrella"})
    laptop = Laptop(server)
    laptop.enrol()
    for method, what in (("GET", ""), ("POST", "/quarantine"), ("POST", "/release"), ("DELETE", "")):
        path = f"/tenants/umbrella/devices/{laptop.voice.device_id}{what}"
        found = server.admin(method, path, **({"json": {}} if method == "POST" else {}))
        never = server.admin(
            method, path.replace(laptop.voice.device_id, "dev_never"), **({"json": {}} if method == "POST" else {})
        )
        assert (found.status_code, found.content) == (404, never.content)
    assert server.admin("GET", "/tenants/umbrella/devices").json() == []


def test_a_removed_device_is_unknown(server) -> None:
    laptop = Laptop(server)
    laptop.enrol()
    laptop.report()
    laptop.work("s-removed")
    assert laptop.admin("DELETE").status_code == 204
    assert laptop.report().status_code == 401
    assert laptop.admin("GET").status_code == 404
    assert laptop.work("s-removed")["context"]["reasons"] == ["session_terminated"]


@pytest.mark.parametrize(
    ("path", "content", "status", "code"),
    [
        ("report", b"{}", 400, "request_invalid"),
        ("report", b'{"message": 1}', 400, "request_invalid"),
        ("report", b'{"message": "a", "more": 1}', 400, "request_invalid"),
        ("report", b'{"message": "a", "message": "b"}', 400, "body_duplicate_key"),
        ("report", b"x" * 70_000, 413, "body_too_large"),
        ("report", b'{"message": [[[[1]]]]}', 400, "body_too_deep"),
        ("report", b'{"message": "a.b.c"}', 403, "device_base64_invalid"),
        ("nonce", b'{"purpose": "evil"}', 400, "request_invalid"),
        ("nonce", b'{"purpose": ["enrol"]}', 400, "request_invalid"),
        ("else", b"{}", 404, "not_found"),
    ],
)
def test_odd_requests_are_refused(server, path: str, content: bytes, status: int, code: str) -> None:
    answer = server.client.post(f"/devices/v1/{path}", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_only_posts_of_json_are_read(server) -> None:
    assert server.client.get("/devices/v1/nonce").status_code == 405
    assert server.client.post("/devices/v1/nonce", content=b"{}").status_code == 400


def test_an_invitation_must_make_sense(server) -> None:
    for body in (
        {"subjects": ["alice"]},
        {"subjects": ["user:"]},
        {"kind": "No Kind"},
        {"life_s": 0},
        {"life_s": 10**9},
        {"attestation_key": "xyz"},
        {"name": "a\u202eb"},
    ):
        assert server.admin("POST", "/tenants/default/devices/invitations", json=body).status_code == 400


def test_slow_strangers_do_not_keep_devices_out(server) -> None:
    """Many half-sent bodies: they are read beside each other, and hold none of the threads that judge messages."""
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        b"POST /devices/v1/report HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    )
    slow = [socket.create_connection((host, int(port))) for _ in range(100)]
    try:
        for one in slow:
            one.sendall(head)
        laptop = Laptop(server)
        assert laptop.enrol().status_code == 200
        assert laptop.report().status_code == 200
    finally:
        for one in slow:
            one.close()


def test_other_domains_hear_of_a_fall_and_of_the_return(server) -> None:
    """CAEP device-compliance-change, polled from a stream; the registry's own words stay here."""
    head = {"Authorization": f"Bearer {server.pep_key}"}
    wanted = {
        "delivery": {"method": "urn:ietf:rfc:8936"},
        "events_requested": ["https://schemas.openid.net/secevent/caep/event-type/device-compliance-change"],
    }
    stream = server.client.post("/ssf/v1/streams", headers=head, json=wanted).json()
    place = stream["delivery"]["endpoint_url"].removeprefix(URL)
    laptop = Laptop(server)
    laptop.enrol()
    laptop.report()
    laptop.report(disk_encrypted=False)
    laptop.admin("POST", "/quarantine", json={})
    laptop.report()
    laptop.admin("POST", "/release", json={})
    told: list[dict[str, Any]] = []

    def heard() -> bool:
        answer = server.client.post(place, headers=head, json={"maxEvents": 10, "returnImmediately": True}).json()
        for jti in sorted(answer["sets"]):
            body = answer["sets"][jti].split(".")[1]
            claims = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            if claims["sub_id"].get("device", {}).get("id") == laptop.voice.device_id:
                told.append(next(iter(claims["events"].values())))
        server.client.post(place, headers=head, json={"ack": list(answer["sets"]), "maxEvents": 0})
        return len(told) >= 2

    wait_for(heard)
    changes = [(one["previous_status"], one["current_status"]) for one in told]
    assert changes == [("compliant", "not-compliant"), ("not-compliant", "compliant")]


def test_a_playbook_answers_a_fall_once(server) -> None:
    """The shipped playbook `device-out-of-compliance` begins when the device falls, and the log tells why."""
    laptop = Laptop(server)
    laptop.enrol()
    laptop.report()
    laptop.work("s-playbook")
    laptop.report(disk_encrypted=False)

    def begun() -> list[dict[str, Any]]:
        found = [json.loads(one.payload) for one in server.house.log.iterate("default", "response")]
        return [one for one in found if laptop.voice.device_id in json.dumps(one)]

    wait_for(lambda: bool(begun()))
    server.house.devices.sweep(CLOCK.now_ns())
    playbooks = {one.get("playbook") for one in begun()}
    assert playbooks == {"device-out-of-compliance"}
