"""The providers of this server, and we as their client."""

from collections.abc import Iterator
from typing import Final

import msgspec

from ostiary.identity.oidc.attempts import MOST_ATTEMPTS, Attempts
from ostiary.identity.oidc.client import OidcClient
from ostiary.identity.oidc.reasons import OidcRefusal, refusal
from ostiary.server.console.paths import SIGN_IN
from ostiary.server.settings.console import OidcSection
from ostiary.server.settings.sections import Settings
from ostiary.server.shared import Shared

WITH: Final = f"{SIGN_IN}/with/"
CALLBACK: Final = f"{SIGN_IN}/callback"
AGAIN: Final = "/again"
_MOST_LOGOUTS: Final = 100_000


def again_path(name: str) -> str:
    """Return where a person confirms at a provider."""
    return f"{WITH}{name}{AGAIN}"


class Provider(msgspec.Struct, frozen=True):
    """One provider: how it is configured, and our client of it."""

    section: OidcSection
    client: OidcClient

    @property
    def title(self) -> str:
        """What people call it."""
        return self.section.title or self.section.name


class Providers:
    """All providers of this server; safe for several threads."""

    def __init__(self, settings: Settings, base: str, shared: Shared) -> None:
        """Make a client for each; ``base`` is our public address. Nothing is fetched yet.

        Raises:
            FaultyInputError: ``identity_config_invalid``.
        """
        self.base = base
        self.attempts = Attempts(shared.secret("oidc"), shared.once("oidc-attempt", MOST_ATTEMPTS))
        self.logouts = shared.once("oidc-logout", _MOST_LOGOUTS)
        sections = settings.console.oidc
        allowed = settings.identity.allow_http_loopback
        self._by_name = {one.name: _provider(one, base, allowed, len(sections) == 1) for one in sections}

    def __iter__(self) -> Iterator[Provider]:
        """Go through them in the order of the configuration."""
        return iter(self._by_name.values())

    def find(self, name: str) -> Provider:
        """Return one.

        Raises:
            RefusedError: ``oidc_provider_unknown``.
        """
        found = self._by_name.get(name)
        if found is None:
            raise refusal(OidcRefusal.UNKNOWN)
        return found

    def of_client(self, issuer: object, audience: object) -> Provider:
        """Return the one of this issuer that knows us by this name.

        Raises:
            RefusedError: ``oidc_provider_unknown``.
        """
        told = (issuer, audience)
        found = next((one for one in self if told == (one.section.issuer, one.section.client_id)), None)
        if found is None:
            raise refusal(OidcRefusal.UNKNOWN)
        return found


def _provider(section: OidcSection, base: str, allow_loopback_http: bool, alone: bool) -> Provider:  # noqa: FBT001
    config = section.provider(allow_loopback_http=allow_loopback_http)
    place = f"{base}{CALLBACK}/{section.name}" if config.own_callback else f"{base}{CALLBACK}"
    return Provider(section, OidcClient(config, place, alone=alone or config.own_callback))
