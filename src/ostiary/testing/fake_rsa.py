"""An RSA key for fakes, in plain arithmetic: GitHub and GitLab sign with ``RS256``, and a library is only for ``keys``.

Rules: for fakes only. It does not hide how long it works, so its private half is worth nothing outside a test.

>>> FakeRsaSigner.generate("k1").alg
'RS256'
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import count
from typing import Any, Final

from ostiary.identity.strict import b64url_encode
from ostiary.keys import random_bytes

_BYTES: Final = 256
_EXPONENT: Final = 65_537
_ROUNDS: Final = 8  # of Miller and Rabin; for a random number of this size one would do
# RFC 8017 §9.2, note 1: how SHA-256 introduces itself inside a signature
_PREFIX: Final = bytes.fromhex("3031300d060960864801650304020105000420")
_SMALL: Final = tuple(n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2)))


@dataclass(frozen=True, slots=False)
class FakeRsaSigner:
    """Signs as a ``JwsSigner``."""

    kid: str
    p: int
    q: int
    alg: str = "RS256"

    @classmethod
    def generate(cls, kid: str) -> "FakeRsaSigner":
        """Make a fresh key of 2048 bits; takes about half a second."""
        while True:
            p, q = _prime(), _prime()
            if p != q and (p - 1) % _EXPONENT and (q - 1) % _EXPONENT:
                return cls(kid, p, q)

    @cached_property
    def jwk(self) -> dict[str, Any]:
        """The public key."""
        n = (self.p * self.q).to_bytes(_BYTES)
        e = _EXPONENT.to_bytes(3)
        members = {"n": b64url_encode(n).decode(), "e": b64url_encode(e).decode()}
        return {"kty": "RSA", "kid": self.kid, "alg": self.alg, "use": "sig", **members}

    @cached_property
    def _private(self) -> int:
        return pow(_EXPONENT, -1, (self.p - 1) * (self.q - 1))

    def sign(self, data: bytes, /) -> bytes:
        """Sign by RFC 8017 §8.2.1."""
        digest = _PREFIX + sha256(data).digest()
        padded = b"\x00\x01" + b"\xff" * (_BYTES - len(digest) - 3) + b"\x00" + digest
        return pow(int.from_bytes(padded), self._private, self.p * self.q).to_bytes(_BYTES)


def _prime() -> int:
    high = 0b11 << (_BYTES * 4 - 2)  # two top bits, so that a product of two has all its bits
    start = int.from_bytes(random_bytes(_BYTES // 2)) | high | 1
    return next(n for n in count(start, 2) if all(n % d for d in _SMALL) and _is_prime(n))


def _is_prime(n: int) -> bool:
    twos = ((n - 1) & (1 - n)).bit_length() - 1
    odd = (n - 1) >> twos
    return all(_passes(n, odd, twos, int.from_bytes(random_bytes(16)) + 2) for _ in range(_ROUNDS))


def _passes(n: int, odd: int, twos: int, base: int) -> bool:
    x = pow(base, odd, n)
    if x in {1, n - 1}:
        return True
    for _ in range(twos - 1):
        x = x * x % n
        if x == n - 1:
            return True
    return False
