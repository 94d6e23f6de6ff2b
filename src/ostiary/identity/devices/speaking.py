"""What a device says: the three messages, signed by its key. The agent uses it, and so does every test.

>>> from ostiary.keys import SigningKey
>>> voice = Voice(SigningKey.generate("device", "ES256"), audience="https://pdp.example")
>>> voice.enrol("acme.code", "nonce", now_ns=0).count(".")
2
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ostiary.identity.attestation.verify import Evidence
from ostiary.identity.dates import SECOND_NS
from ostiary.identity.devices.envelope import ATTEST_TYPE, ENROL_TYPE, POSTURE_TYPE, read_jwk, write_message
from ostiary.identity.devices.quoting import write_evidence
from ostiary.keys import SigningKey
from ostiary.keys.hashing import random_bytes

_KEY_MEMBERS = ("kty", "crv", "x", "y")


class Voice(msgspec.Struct, frozen=True):
    """A key that speaks to one server; ``device_id`` and ``tenant`` are empty before it is enrolled."""

    key: SigningKey
    audience: str
    tenant: str = ""
    device_id: str = ""

    @property
    def jwk(self) -> dict[str, str]:
        """The public half."""
        return {name: value for name, value in self.key.public.jwk().items() if name in _KEY_MEMBERS}

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint of the public half."""
        return read_jwk(self.jwk)[1].thumbprint

    def enrol(
        self, code: str, nonce: str, *, now_ns: int, name: str = "", evidence: Evidence | None = None, ak: bytes = b""
    ) -> str:
        """Return the message that asks to be enrolled."""
        claims = {**self._common(now_ns), "code": code, "nonce": nonce}
        if name:
            claims["name"] = name
        if evidence is not None:
            claims["quote"] = write_evidence(evidence, ak)
        return write_message(ENROL_TYPE, claims, self.key, self.jwk)

    def report(self, posture: Mapping[str, Any], sequence: int, *, now_ns: int, os: str = "", **more: Any) -> str:
        """Return a posture report; ``more`` are further claims, such as ``sub`` of a producer's."""
        told = {**self._common(now_ns), "seq": sequence, "posture": dict(posture), **({"os": os} if os else {}), **more}
        return write_message(POSTURE_TYPE, told, self.key)

    def attest(self, nonce: str, evidence: Evidence, *, now_ns: int) -> str:
        """Return an attestation that answers ``nonce``."""
        claims = {**self._common(now_ns), "nonce": nonce, "quote": write_evidence(evidence)}
        return write_message(ATTEST_TYPE, claims, self.key)

    def _common(self, now_ns: int) -> dict[str, Any]:
        claims = {"aud": self.audience, "iat": now_ns // SECOND_NS, "jti": random_bytes(16).hex()}
        return {**claims, **({"iss": self.device_id, "tenant": self.tenant} if self.device_id else {})}
