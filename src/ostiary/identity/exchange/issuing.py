"""Makes access tokens (RFC 9068): signed by the tenant's own key, bound to the holder's, good for some minutes.

- A token is never unbound: whoever steals it lacks the key (RFC 9449, RFC 8705).
- It has a session of its own (``sid``): revoking it ends that session, and whoever follows the feed hears of it.
- ``origin`` keeps what was verified when it was made; ``act`` who acts for whom (RFC 8693 §4.1).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.identity.exchange.details import CLAIM, AccessDetail
from ostiary.identity.exchange.own import LONGEST_S, PURPOSE, audience_of, issuer_of_tenant
from ostiary.identity.ports import JwsSigner
from ostiary.identity.signing import sign_jwt
from ostiary.keys import ES256, KeyRing, random_bytes

MAX_LIFETIME_S: Final = LONGEST_S
_ID_BYTES: Final = 16
_NS: Final = 1_000_000_000


class Minted(msgspec.Struct, frozen=True):
    """A fresh token; ``token`` is a secret of its holder's, though worthless without the holder's key."""

    token: str
    token_id: str
    session_id: str
    expires_ns: int

    def __repr__(self) -> str:  # type: ignore[explicit-override] # a struct's own repr would show the token
        """Name it by its id."""
        return f"Minted({self.token_id!r})"


def session_of(token_id: str) -> str:
    """Return the session of a token that was not narrowed from another; what it may read is counted under it."""
    return f"tok-{token_id}"


class AccessTokens:
    """Makes the access tokens of every tenant."""

    def __init__(self, ring: KeyRing, base_url: str) -> None:
        """Sign with keys of ``ring``; ``base_url`` is our public address."""
        self._ring = ring
        self._base_url = base_url

    def signer(self, tenant: str) -> JwsSigner:
        """Return the key that signs a tenant's tokens now."""
        return self._ring.active(tenant, PURPOSE, ES256)

    def mint(
        self,
        tenant: str,
        *,
        subject_type: str,
        subject_id: str,
        detail: AccessDetail,
        now_ns: int,
        lifetime_s: int,
        jkt: str = "",
        x5t: str = "",
        origin: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
        session_id: str = "",
    ) -> Minted:
        """Return a token for one resource.

        Args:
            tenant: whose token it is.
            subject_type: the AuthZEN type of whom it is about.
            subject_id: whom it is about.
            detail: what it is for.
            now_ns: when it is made.
            lifetime_s: how long it is good.
            jkt: thumbprint of the key that proofs must be signed with.
            x5t: thumbprint of the certificate that must be presented.
            origin: what was verified of the subject.
            more: further claims, such as ``act``, ``acr``, ``auth_time``; none of those above.
            session_id: of the token that this one was narrowed from: they fall together, and share what they may read.

        Raises:
            FaultyInputError: ``token_unbound`` without a key, ``token_lifetime_invalid``.
        """
        binding = {name: value for name, value in (("jkt", jkt), ("x5t#S256", x5t)) if value}
        if not binding:
            raise FaultyInputError("token_unbound", "a token must be bound to its holder's key or certificate")
        if not 1 <= lifetime_s <= MAX_LIFETIME_S:
            raise FaultyInputError("token_lifetime_invalid", f"a token lives 1 to {MAX_LIFETIME_S} seconds")
        now_s, token_id = now_ns // _NS, random_bytes(_ID_BYTES).hex()
        session_id = session_id or session_of(token_id)
        claims = {
            "client_id": f"{subject_type}:{subject_id}",  # RFC 9068 §2.2 demands one; nobody registers with us
            **(more or {}),
            "iss": issuer_of_tenant(self._base_url, tenant),
            "aud": audience_of(self._base_url, tenant),
            "sub": subject_id,
            "sub_type": subject_type,
            "iat": now_s,
            "exp": now_s + lifetime_s,
            "jti": token_id,
            "sid": session_id,
            "cnf": binding,
            CLAIM: [msgspec.to_builtins(detail)],
            "origin": dict(origin or {}),
        }
        token = sign_jwt(claims, self.signer(tenant), {"typ": "at+jwt"})
        return Minted(token, token_id, session_id, (now_s + lifetime_s) * _NS)
