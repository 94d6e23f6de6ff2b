"""Nonces for DPoP proofs (RFC 9449 §8): made and checked without remembering any.

A nonce is the number of the present period and a keyed hash of tenant and number. The present and the last period
are accepted, so a nonce lives one to two periods. A fresh secret at each start makes all older proofs worthless.

>>> nonces = Nonces(secret=bytes(32), period_s=30)
>>> nonces.accepts("acme", nonces.issue("acme", now_ns=0), now_ns=59_000_000_000)
True
>>> nonces.accepts("umbrella", nonces.issue("acme", now_ns=0), now_ns=0)
False
"""

from typing import Final

from ostiary.identity.dates import SECOND_NS
from ostiary.identity.strict import b64url_decode, b64url_encode
from ostiary.keys.hashing import equal, keyed_hash

MIN_SECRET: Final = 32
_NUMBER_BYTES: Final = 8
_HASH_BYTES: Final = 16


class Nonces:
    """Issues and checks nonces. Stateless, therefore thread-safe and the same in every process with the secret."""

    def __init__(self, secret: bytes, period_s: int) -> None:
        """Take the secret, at least 32 random bytes.

        Raises:
            ValueError: the secret is too short or the period not positive.
        """
        if len(secret) < MIN_SECRET or period_s < 1:
            msg = f"nonces need a secret of at least {MIN_SECRET} bytes and a positive period"
            raise ValueError(msg)
        self._secret = secret
        self._period_ns = period_s * SECOND_NS

    def issue(self, tenant: str, now_ns: int) -> str:
        """Return the nonce to use now."""
        return self._spell(tenant, now_ns // self._period_ns)

    def accepts(self, tenant: str, nonce: str, now_ns: int) -> bool:
        """Return whether ``nonce`` is ours, for this tenant, and recent."""
        raw = b64url_decode(nonce.encode()) if nonce.isascii() else None
        if raw is None or len(raw) != _NUMBER_BYTES + _HASH_BYTES:
            return False
        number = int.from_bytes(raw[:_NUMBER_BYTES])
        now = now_ns // self._period_ns
        return now - 1 <= number <= now and equal(self._spell(tenant, number).encode(), nonce.encode())

    def _spell(self, tenant: str, number: int) -> str:
        counted = number.to_bytes(_NUMBER_BYTES)
        mark = keyed_hash(self._secret, b"ostiary/dpop-nonce/v1\0" + tenant.encode() + b"\0" + counted)
        return b64url_encode(counted + mark[:_HASH_BYTES]).decode()
