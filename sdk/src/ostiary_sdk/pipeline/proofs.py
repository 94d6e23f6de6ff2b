"""The key that a token is bound to, and the proofs that it is here (RFC 9449): ES256, made in memory, never written.

The JOSE library is the extra ``ostiary-sdk[pipeline]``; it is imported when the first key is made.
"""

import base64
import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

import msgspec

TYPE: Final = "dpop+jwt"
ALGORITHM: Final = "ES256"
_CURVE: Final = "P-256"
_ID_BYTES: Final = 16


def _wall_clock() -> float:
    return time.time()  # noqa: TID251 - a proof says when it was made; no decision is made here


class ProofKey:
    """A private key with what it proves. Thread-safe; it cannot be copied or pickled."""

    __slots__ = ("_key", "_now_s", "_public", "thumbprint")

    def __init__(self, now_s: Callable[[], float] = _wall_clock) -> None:
        """Make a fresh key.

        Raises:
            ImportError: the extra ``ostiary-sdk[pipeline]`` is not installed.
        """
        from joserfc.jwk import ECKey  # noqa: PLC0415 - of the extra

        self._key = ECKey.generate_key(_CURVE)
        self._now_s = now_s
        told = self._key.as_dict(private=False)
        self._public = {name: told[name] for name in ("kty", "crv", "x", "y")}
        self.thumbprint: str = self._key.thumbprint()

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Name the key by its thumbprint; nothing secret is shown."""
        return f"ProofKey({self.thumbprint})"

    def __reduce__(self) -> NoReturn:  # type: ignore[explicit-override] # as above
        """Refuse to be pickled or copied: that is how secrets leak."""
        raise TypeError("the key of a token cannot be copied or serialised")

    def proof(self, method: str, url: str, *, token: str = "", nonce: str = "") -> str:
        """Return a proof for one request; with ``token`` it is for that token alone."""
        from joserfc import jws  # noqa: PLC0415 - of the extra

        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(_ID_BYTES),
            "htm": method,
            "htu": url.partition("#")[0].partition("?")[0],
            "iat": int(self._now_s()),
        }
        if token:
            claims["ath"] = _b64url(hashlib.sha256(token.encode("ascii")).digest())
        if nonce:
            claims["nonce"] = nonce
        header = {"typ": TYPE, "alg": ALGORITHM, "jwk": self._public}
        return jws.serialize_compact(header, _json(claims), self._key, algorithms=[ALGORITHM])


class OwnKey:
    """The key of this process: made when it is first needed, and anew in a process that was forked. Thread-safe."""

    __slots__ = ("_key", "_lock", "_process")

    def __init__(self) -> None:
        """Make none yet."""
        self._key: ProofKey | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __call__(self) -> ProofKey:
        """Return the key."""
        if self._process != os.getpid():
            # A lock that a thread of the parent held is never let go here, and the key is the parent's.
            self._key, self._lock, self._process = None, threading.Lock(), os.getpid()
        with self._lock:
            if self._key is None:
                self._key = ProofKey()
            return self._key


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _json(claims: dict[str, Any]) -> bytes:
    return msgspec.json.encode(claims)
