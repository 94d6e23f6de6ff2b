"""Receipts are what the server's own verifier of signatures believes, and say one thing about one obligation."""

import base64
import json
from typing import Any

import pytest
from tests.sdk.conftest import FakePdp, say

from ostiary.keys import ES256, SigningKey
from ostiary_sdk import Client, Decision, Effect, Obligation, Settings
from ostiary_sdk.receipts import Receipts


def parts(receipt: str) -> tuple[Any, Any, bytes, bytes]:
    head, body, signature = receipt.split(".")
    decoded = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in (head, body, signature)]
    return json.loads(decoded[0]), json.loads(decoded[1]), decoded[2], f"{head}.{body}".encode()


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_a_receipt_is_signed_as_it_says(algorithm: Any) -> None:
    key = SigningKey.generate("k1", ES256 if algorithm == "ES256" else "EdDSA")
    receipts = Receipts("gateway-1", algorithm, key.sign, key_id="k1", now_s=lambda: 1_790_000_000.9)
    head, claims, signature, signed = parts(receipts.receipt("dec_1", "notify", status="failed", detail="no\r\n mail"))
    assert head == {"typ": "ostiary-receipt+jwt", "alg": algorithm, "kid": "k1"}
    assert claims == {
        "iss": "gateway-1",
        "iat": 1_790_000_000,
        "decision_id": "dec_1",
        "obligation_id": "notify",
        "status": "failed",
        "detail": "no mail",
    }
    assert key.public.verify(signature, signed)


def test_each_obligation_has_its_own() -> None:
    decision = Decision(
        allowed=True, effect=Effect.REDUCE, id="dec_1", obligations=(Obligation("a", "x"), Obligation("b", "y"))
    )
    told = [parts(one)[1]["obligation_id"] for one in Receipts("p", "EdDSA", lambda _: b"s").all_executed(decision)]
    assert told == ["a", "b"]


def test_a_receipt_is_brought_or_not(pdp: FakePdp) -> None:
    with Client(pdp.url, "pep-1.secret", Settings(cache_s=0, timeout_s=1.0)) as client:
        pdp.answer = say({}, status=202)
        assert client.send_receipt("a.b.c")
        pdp.answer = say({}, status=400)
        assert not client.send_receipt("a.b.c")
    assert pdp.asked[0] == {"receipt": "a.b.c"}
