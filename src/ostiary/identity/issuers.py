"""The issuers that each tenant believes, with their keys.

Rules: looked up by tenant and exact ``iss`` together, so that another tenant's issuer is as unknown as any other
string. The book is replaced whole; whoever is verifying meanwhile finishes with the old one.

>>> IssuerBook([]).find("acme", "https://idp.example") is None
True
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.identity.jwks import IssuerKeys
from ostiary.identity.ports import KeySource
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import IssuerConfig, JwksSettings, JwksSource
from ostiary.identity.sources import open_source

OpenSource = Callable[[JwksSource, JwksSettings], KeySource]


@dataclass(frozen=True, slots=True, eq=False)
class Issuer:
    """One believed issuer."""

    config: IssuerConfig
    keys: IssuerKeys


class IssuerBook:
    """All issuers of all tenants. Thread-safe."""

    def __init__(
        self,
        configs: Iterable[IssuerConfig],
        settings: JwksSettings | None = None,
        opener: OpenSource = open_source,
    ) -> None:
        """Take the configured issuers; nothing is fetched yet."""
        self._settings = settings or JwksSettings()
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
        return self._issuers.get((tenant, issuer))

    def replace(self, configs: Iterable[IssuerConfig]) -> None:
        """Believe these issuers from now on; keys of unchanged ones are kept.

        Raises:
            FaultyInputError: ``identity_config_invalid``; the old book stays.
        """
        with self._lock:
            issuers: dict[tuple[str, str], Issuer] = {}
            for config in configs:
                place = (config.tenant, config.issuer)
                if place in issuers:
                    message = f"issuer `{config.issuer}` is configured twice for tenant `{config.tenant}`"
                    raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
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
        source = self._opener(config.jwks, self._settings)
        return Issuer(config, IssuerKeys(source, self._settings, fixed=bool(config.jwks.inline)))
