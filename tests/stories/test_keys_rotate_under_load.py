"""Every key is rotated, again and again, while decisions are answered: nobody is refused, nothing fails to verify."""

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

import httpx

from ostiary.audit.verifier import Verifier
from ostiary.audit.verifier.signed import read_checkpoint, read_vkey
from ostiary.cli.app import build_app
from ostiary.keys import KeyRing, VerifyingKey
from ostiary.storage.sqlite import open_source
from ostiary.vocabulary.clock import SystemClock

PURPOSES = ("metadata", "phases", "suppressions", "access-token", "access-requests", "break-glass", "reports")
ROUNDS = 2
CALLERS = 3


class Traffic:
    """Asks for decisions, reads signed metadata and checkpoints and verifies them, until it is told to stop."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.answers: list[str] = []
        self.wrong: Counter[str] = Counter()
        self.verified = 0
        self._stop = threading.Event()
        asking = [threading.Thread(target=self._ask) for _ in range(CALLERS)]
        self._threads = [*asking, threading.Thread(target=self._verify)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        body = {"subject": {"type": "user", "id": "alice"}, "action": {"name": "read"}, "resource": self.server.doc()}
        head = {"Authorization": f"Bearer {self.server.pep_key}"}
        with httpx.Client(base_url=self.server.url, timeout=30) as client:
            while not self._stop.is_set():
                answer = client.post("/access/v1/evaluation", json=body, headers=head)
                if answer.status_code != 200 or not answer.json()["decision"]:
                    self.wrong[f"answered {answer.status_code}: {answer.text[:200]}"] += 1
                else:
                    self.answers.append(answer.json()["context"]["id"])

    def _verify(self) -> None:
        """Be somebody outside: who fetches keys after what they signed, and knows the log by its keys."""
        house = self.server.house
        with httpx.Client(base_url=self.server.url, timeout=30) as client:
            while not self._stop.is_set():
                try:
                    signed = client.get("/.well-known/authzen-configuration").json()["signed_metadata"]
                    check_jws(signed, client.get("/.well-known/jwks.json").json())
                    note = client.get("/log/checkpoint").content
                    read_checkpoint(note, [read_vkey(key.vkey()) for key in house.log.public_keys()])
                except Exception as fault:  # noqa: BLE001 - whatever fails is what is counted
                    self.wrong[repr(fault)[:200]] += 1
                self.verified += 1
                time.sleep(0.02)


def check_jws(text: str, published: dict[str, Any]) -> None:
    head, body, signature = (part + "=" * (-len(part) % 4) for part in text.split("."))
    kid = json.loads(base64.urlsafe_b64decode(head))["kid"]
    (jwk,) = [one for one in published["keys"] if one["kid"] == kid]
    signed = f"{head.rstrip('=')}.{body.rstrip('=')}".encode()
    assert VerifyingKey.from_jwk(jwk).verify(base64.urlsafe_b64decode(signature), signed)


def test_all_keys_rotate_under_load(start_server: Callable[..., Any]) -> None:
    faults: list[Any] = []
    server = start_server(faults=faults)
    data = str(server.house.places.root)
    for purpose in PURPOSES:
        server.house.ring.active("default", purpose)
    with open_source(server.house.places.database, server.house.places.keys) as source:
        before = Verifier(source, None).run()
    assert before is not None
    with Traffic(server) as traffic:
        for _ in range(ROUNDS):
            for purpose in PURPOSES:  # by the API …
                told = server.admin("POST", f"/tenants/default/keys/{purpose}/rotate", json={})
                assert told.status_code == 201, told.text
            server.admin("POST", "/tenants/default/keys/log/rotate", json={})
            for purpose in ("log", "metadata", "conversations"):  # … and by another process on the same directory
                build_app()(["keys", "rotate", purpose, "--data", data], result_action="return_value")
            words = ["keys", "rotate", "conversations", "--wrapping", "--data", data]
            build_app()(words, result_action="return_value")
    assert not traffic.wrong
    assert not faults
    assert len(traffic.answers) > 50
    assert traffic.verified > 10
    records = Counter(record.receipt.decision_id for record in server.records())
    assert all(records[one] == 1 for one in traffic.answers)  # no answer without a record
    with open_source(server.house.places.database, server.house.places.keys) as source:
        verifier = Verifier(source, before)  # knows the first key only, and learns the others from the log
        assert verifier.run() is not None, verifier.report.findings
    ring = KeyRing(server.house.places.keys / "ring", SystemClock())
    assert len(ring.entries("system", "log")) == 1 + 2 * ROUNDS
    assert len(ring.entries("default", "metadata")) == 1 + 2 * ROUNDS
