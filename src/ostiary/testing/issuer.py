"""A token issuer and a key holder that live in the process: they sign whatever they are told to, lies included.

Rules: no clock (the time is given), no network (the JWKS is inline), fresh keys each time.

>>> issuer, now_ns = FakeIssuer(), 1_790_000_000_000_000_000
>>> issuer.token(now_ns, sub="alice").count(".")
2
>>> issuer.config().issuer
'https://idp.example'
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ostiary.identity.ports import JwsSigner
from ostiary.identity.settings import IssuerConfig, JwksSource
from ostiary.identity.strict import b64url_encode
from ostiary.keys import ES256, SigningKey, sha256

_SECOND_NS: Final = 1_000_000_000
_LIFETIME_S: Final = 300
_THUMBPRINT_MEMBERS: Final = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


@dataclass(frozen=True, slots=True)
class FakeKey:
    """A signer with its public JWK."""

    signer: JwsSigner
    jwk: Mapping[str, Any]

    @classmethod
    def generate(cls, kid: str = "k1", alg: str = ES256) -> "FakeKey":
        """Make a fresh ``ES256`` or ``EdDSA`` key."""
        key = SigningKey.generate(kid, alg)
        return cls(key, key.public.jwk())

    @property
    def jkt(self) -> str:
        """The thumbprint by which a token is bound to this key (RFC 7638)."""
        members = {name: self.jwk[name] for name in _THUMBPRINT_MEMBERS[self.jwk["kty"]]}
        return b64url_encode(sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode())).decode()


def compact(header: Mapping[str, Any] | bytes, payload: Mapping[str, Any] | bytes, signer: JwsSigner) -> str:
    """Return a compact JWS over exactly this header and payload, sensible or not."""
    signed = b".".join(b64url_encode(part if isinstance(part, bytes) else _json(part)) for part in (header, payload))
    return (signed + b"." + b64url_encode(signer.sign(signed))).decode()


class FakeIssuer:
    """Issues access tokens for one tenant."""

    def __init__(
        self,
        issuer: str = "https://idp.example",
        tenant: str = "default",
        audience: str = "ostiary",
        keys: Iterable[FakeKey] = (),
    ) -> None:
        """Sign with the first of ``keys``; all of them are in the JWKS."""
        self.issuer = issuer
        self.tenant = tenant
        self.audience = audience
        self.keys = tuple(keys) or (FakeKey.generate(),)

    def config(self, **changes: Any) -> IssuerConfig:
        """Return how a tenant configures this issuer."""
        given = {"tenant": self.tenant, "issuer": self.issuer, "audience": self.audience, "jwks": self.jwks()}
        return IssuerConfig(**{**given, **changes})

    def jwks(self) -> JwksSource:
        """Return the public keys, inline."""
        return JwksSource(inline=json.dumps({"keys": [dict(key.jwk) for key in self.keys]}))

    def header(self, **changes: Any) -> dict[str, Any]:
        """Return the header of a token, with changes."""
        signer = self.keys[0].signer
        return {"alg": signer.alg, "kid": signer.kid, "typ": "at+jwt", **changes}

    def claims(self, now_ns: int, /, *, drop: Iterable[str] = (), **changes: Any) -> dict[str, Any]:
        """Return the claims of a token issued now, with changes and without ``drop``."""
        now = now_ns // _SECOND_NS
        claims = {"iss": self.issuer, "aud": self.audience, "sub": "alice", "iat": now, "exp": now + _LIFETIME_S}
        return {name: value for name, value in {**claims, **changes}.items() if name not in set(drop)}

    def token(self, now_ns: int, /, **changes: Any) -> str:
        """Return a token issued now; ``changes`` are claims."""
        return compact(self.header(), self.claims(now_ns, **changes), self.keys[0].signer)


class FakeHolder:
    """Holds the key to which tokens are bound, and proves it (RFC 9449)."""

    def __init__(self, key: FakeKey | None = None) -> None:
        """Hold ``key``, or a fresh one."""
        self.key = key or FakeKey.generate("")
        self._made = 0

    @property
    def confirmation(self) -> dict[str, str]:
        """The ``cnf`` claim of tokens bound to this holder."""
        return {"jkt": self.key.jkt}

    def header(self, **changes: Any) -> dict[str, Any]:
        """Return the header of a proof, with changes."""
        public = {name: value for name, value in self.key.jwk.items() if name not in {"kid", "use", "alg"}}
        return {"typ": "dpop+jwt", "alg": self.key.signer.alg, "jwk": public, **changes}

    def claims(
        self, now_ns: int, token: str, htm: str, htu: str, /, *, drop: Iterable[str] = (), **changes: Any
    ) -> dict[str, Any]:
        """Return the claims of a proof made now for ``token``, with changes and without ``drop``."""
        self._made += 1
        claims = {
            "jti": f"proof-{self._made}",
            "htm": htm,
            "htu": htu,
            "iat": now_ns // _SECOND_NS,
            "ath": b64url_encode(sha256(token.encode())).decode(),
        }
        return {name: value for name, value in {**claims, **changes}.items() if name not in set(drop)}

    def proof(self, now_ns: int, token: str, htm: str, htu: str, /, **changes: Any) -> str:
        """Return a proof made now for ``token`` and this request; ``changes`` are claims."""
        return compact(self.header(), self.claims(now_ns, token, htm, htu, **changes), self.key.signer)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
