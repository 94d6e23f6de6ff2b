"""The issuers that each tenant believes, with their keys.

Rules: looked up by tenant and exact ``iss`` together, so that another tenant's issuer is as unknown as any other
string. The book is replaced whole; whoever is verifying meanwhile finishes with the old one.

>>> IssuerBook([]).find("acme", "https://idp.example") is None
True
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.identity.jwks import IssuerKeys, read_jwks
from ostiary.identity.ports import KeySource
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import IssuerConfig, JwksSettings, JwksSource
from ostiary.identity.sources import open_source
from ostiary.identity.workloads.bundle import BundleReader, MemoryMarks, SequenceMarks
from ostiary.identity.workloads.spiffe_id import SCHEME, trust_domain_of

OpenSource = Callable[[JwksSource, JwksSettings], KeySource]


@dataclass(frozen=True, slots=True, eq=False)
class Issuer:
    """One believed issuer."""

    config: IssuerConfig
    keys: IssuerKeys


def issuer_of(payload: Mapping[str, Any]) -> str:
    """Return the issuer that an unverified token names, or nothing.

    A JWT-SVID needs no ``iss`` (JWT-SVID §3): the trust domain of its subject names the issuer then.
    """
    if "iss" not in payload:
        trust_domain = trust_domain_of(payload.get("sub"))
        return f"{SCHEME}{trust_domain}" if trust_domain else ""
    name = payload["iss"]
    return name if isinstance(name, str) else ""


class IssuerBook:
    """All issuers of all tenants. Thread-safe."""

    def __init__(
        self,
        configs: Iterable[IssuerConfig],
        settings: JwksSettings | None = None,
        opener: OpenSource = open_source,
        marks: SequenceMarks | None = None,
        own: Callable[[str, str], Issuer | None] = lambda _tenant, _issuer: None,
    ) -> None:
        """Take the configured issuers; nothing is fetched yet.

        ``marks`` keeps how far SPIFFE bundles had come; by default a restart forgets it. ``own`` finds the issuer that
        Ostiary itself is to a tenant; no configuration can take its name.
        """
        self._own = own
        self._settings = settings or JwksSettings()
        self._marks = marks or MemoryMarks()
        self._opener = opener
        self._lock = threading.Lock()
        self._issuers: Mapping[tuple[str, str], Issuer] = {}
        self._epoch = 0
        self.replace(configs)

    @property
    def epoch(self) -> int:
        """Grows with every ``replace``; part of the key under which verified tokens are remembered."""
        return self._epoch

    def find(self, tenant: str, issuer: str) -> Issuer | None:
        """Return the issuer if this tenant believes it."""
        return self._own(tenant, issuer) or self._issuers.get((tenant, issuer))

    def of_tenant(self, tenant: str) -> list[Issuer]:
        """Return the configured issuers that a tenant believes, by name."""
        return [one for (owner, _), one in sorted(self._issuers.items(), key=lambda pair: pair[0]) if owner == tenant]

    def replace(self, configs: Iterable[IssuerConfig]) -> None:
        """Believe these issuers from now on; keys of unchanged ones are kept.

        Raises:
            FaultyInputError: ``identity_config_invalid``; the old book stays.
        """
        with self._lock:
            issuers: dict[tuple[str, str], Issuer] = {}
            authorities: set[tuple[str, str]] = set()
            for config in configs:
                place = (config.tenant, config.issuer)
                if place in issuers:
                    message = f"issuer `{config.issuer}` is configured twice for tenant `{config.tenant}`"
                    raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
                _check_authority(config, authorities)
                issuers[place] = self._issuer(config)
            self._issuers = issuers
            self._epoch += 1

    def refresh(self, now_ns: int) -> dict[tuple[str, str], str]:
        """Fetch all keys, for a background task; return what failed, by tenant and issuer."""
        failures: dict[tuple[str, str], str] = {}
        for place, issuer in self._issuers.items():
            try:
                issuer.keys.refresh(now_ns)
            except UnavailableError as error:
                failures[place] = error.message
        return failures

    def _issuer(self, config: IssuerConfig) -> Issuer:
        before = self._issuers.get((config.tenant, config.issuer))
        if before is not None and before.config.jwks == config.jwks:
            return Issuer(config, before.keys)
        source, read = self._opener(config.jwks, self._settings), read_jwks
        if config.jwks.form == "spiffe_bundle":
            read = BundleReader(config.tenant, config.issuer, self._marks)
        fixed = bool(config.jwks.inline) and not config.jwks.discovery_of
        return Issuer(config, IssuerKeys(source, self._settings, fixed=fixed, read=read))


def _check_authority(config: IssuerConfig, seen: set[tuple[str, str]]) -> None:
    """Refuse two issuers of workloads under one name: equal ids of theirs would be one subject."""
    if config.workload is None:
        return
    place = (config.tenant, config.workload.authority)
    if place in seen:
        message = f"two issuers of workloads of tenant `{config.tenant}` bear the name `{config.workload.authority}`"
        raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
    seen.add(place)
