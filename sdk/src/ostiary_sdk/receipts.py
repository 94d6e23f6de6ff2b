"""Receipts: the enforcement point's signed word that it carried out an obligation.

The key stays with the application: it gives a function that signs bytes, EdDSA or ES256 (as ``r || s``), and the name
of its algorithm. What is signed is a compact JWS of type ``ostiary-receipt+jwt``.

>>> issuer = Receipts("gateway-1", "EdDSA", lambda data: b"x" * 64, now_s=lambda: 1_790_000_000)
>>> issuer.receipt("dec_1", "notify").count(".")
2
"""

import base64
import time
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from ostiary_sdk.answers import Decision

TYPE: Final = "ostiary-receipt+jwt"
Status = Literal["executed", "failed"]
Signer = Callable[[bytes], bytes]
_MAX_DETAIL: Final = 256


def _wall_clock() -> float:
    return time.time()  # noqa: TID251 - a receipt says when it was signed; no decision is made here


class Receipts:
    """Signs the receipts of one enforcement point."""

    def __init__(
        self,
        pep_id: str,
        algorithm: Literal["EdDSA", "ES256"],
        signer: Signer,
        *,
        key_id: str = "",
        now_s: Callable[[], float] = _wall_clock,
    ) -> None:
        """Take who signs, and with what."""
        self._pep_id = pep_id
        self._header = {"typ": TYPE, "alg": algorithm, **({"kid": key_id} if key_id else {})}
        self._signer = signer
        self._now_s = now_s

    def receipt(self, decision_id: str, obligation_id: str, *, status: Status = "executed", detail: str = "") -> str:
        """Return the receipt of one obligation; ``detail`` is one line for people."""
        claims: dict[str, Any] = {
            "iss": self._pep_id,
            "iat": int(self._now_s()),
            "decision_id": decision_id,
            "obligation_id": obligation_id,
            "status": status,
        }
        line = " ".join(detail.split())[:_MAX_DETAIL]
        signed = b".".join(_part(part) for part in (self._header, {**claims, **({"detail": line} if line else {})}))
        return (signed + b"." + _base64url(self._signer(signed))).decode("ascii")

    def all_executed(self, decision: Decision) -> list[str]:
        """Return a receipt for every obligation of a decision."""
        return [self.receipt(decision.id, one.id) for one in decision.obligations]


def _part(value: dict[str, Any]) -> bytes:
    return _base64url(msgspec.json.encode(value))


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
