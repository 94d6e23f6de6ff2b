"""Ostiary as an issuer that its own verifier believes: one issuer a tenant, its keys those of the ring.

The issuer's name holds the tenant, so that a token of one tenant is no token to another; a tenant that has no key has
issued nothing, and its issuer is as unknown as any other.
"""

import json
import threading
from typing import Final

from ostiary.identity.exchange.details import CLAIM
from ostiary.identity.exchange.grant import CLAIM as GRANT
from ostiary.identity.issuers import Issuer
from ostiary.identity.jwks import IssuerKeys
from ostiary.identity.settings import IssuerConfig, JwksSettings, JwksSource
from ostiary.keys import ES256, KeyRing

PURPOSE: Final = "access-token"
KEPT: Final = (CLAIM, "act", GRANT, "origin")
LONGEST_S: Final = (
    3600  # no token lives longer, so a key that has not signed for so long has signed nothing that is good
)
_MOST_KEYS: Final = 50
_NOTHING: Final = '{"keys": []}'
# The ring is at hand: a key that is gone is gone within a second, and nothing is saved by asking less often.
_AT_HAND: Final = JwksSettings(refresh_s=1, max_stale_s=1, retry_s=0, miss_interval_s=0, unknown_s=0)


def issuer_of_tenant(base_url: str, tenant: str) -> str:
    """Return the ``iss`` of a tenant's tokens."""
    return f"{base_url}/oauth/{tenant}"


def audience_of(base_url: str, tenant: str) -> str:
    """Return the ``aud`` of a tenant's tokens: its doors."""
    return f"{base_url}/pipeline/{tenant}"


class RingSource:
    """The public keys of one tenant's access tokens, as a JWKS document."""

    def __init__(self, ring: KeyRing, tenant: str) -> None:
        """Read them from ``ring``."""
        self._ring = ring
        self._tenant = tenant

    def fetch(self) -> bytes:
        """Return the document."""
        keys = self._ring.jwks(self._tenant, PURPOSE, recent_s=LONGEST_S)["keys"][:_MOST_KEYS]
        return json.dumps({"keys": keys}).encode()


class OwnIssuers:
    """Ostiary's own issuers, found by tenant and name. Thread-safe."""

    def __init__(self, ring: KeyRing, base_url: str) -> None:
        """Take the keys, and our public address."""
        self._ring = ring
        self._base_url = base_url
        self._lock = threading.Lock()
        self._issuers: dict[str, Issuer] = {}

    def find(self, tenant: str, issuer: str) -> Issuer | None:
        """Return the tenant's own issuer, if that is its name and it has a key."""
        if issuer != issuer_of_tenant(self._base_url, tenant) or not self._ring.entries(tenant, PURPOSE):
            return None
        with self._lock:
            known = self._issuers.get(tenant)
            if known is None:
                keys = IssuerKeys(RingSource(self._ring, tenant), _AT_HAND)
                known = self._issuers[tenant] = Issuer(self._config(tenant), keys)
            return known

    def _config(self, tenant: str) -> IssuerConfig:
        return IssuerConfig(
            tenant=tenant,
            issuer=issuer_of_tenant(self._base_url, tenant),
            audience=audience_of(self._base_url, tenant),
            jwks=JwksSource(inline=_NOTHING),
            algorithms=(ES256,),
            clock_skew_s=0,
            max_lifetime_s=LONGEST_S,
            keep=KEPT,
            own=True,
        )
