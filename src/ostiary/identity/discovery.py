"""Finds an issuer's keys by its discovery document (OpenID Connect Discovery §4; Kubernetes serves one per cluster).

Rules: the document must name the very issuer it was asked for; the keys' address must be https on the host of the
issuer or of the document, so that a document cannot send us elsewhere; both are fetched anew each time keys are due.

>>> class Document:
...     def fetch(self): return b'{"issuer": "https://idp.example", "jwks_uri": "https://keys.elsewhere.example/"}'
>>> Discovered(Document(), "https://idp.example", frozenset({"idp.example"}), print).fetch()
Traceback (most recent call last):
...
ostiary.errors.UnavailableError: the discovery document points to another host: give the address of the keys itself
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.identity.ports import KeySource
from ostiary.identity.reasons import Refusal
from ostiary.identity.strict import NotStrictError, is_name, parse_object

_MAX_URL = 2048


@dataclass(frozen=True, slots=True)
class Discovered:
    """A JWKS whose address stands in a discovery document.

    Attributes:
        document: where the discovery document comes from.
        issuer: the issuer that it must name.
        hosts: where the keys may lie.
        follow: opens the address of the keys; raises ``FaultyInputError`` for one that may not be fetched.
    """

    document: KeySource
    issuer: str
    hosts: frozenset[str]
    follow: Callable[[str], KeySource]

    def fetch(self) -> bytes:
        """Return the JWKS document."""
        address = self._address(self.document.fetch())
        try:
            source = self.follow(address)
        except FaultyInputError as error:
            raise _unavailable("the discovery document points to an address that may not be fetched") from error
        return source.fetch()

    def _address(self, raw: bytes) -> str:
        try:
            found = parse_object(raw)
        except NotStrictError as error:
            raise _unavailable(f"the discovery document is unacceptable: {error.fault.value}") from error
        if found.get("issuer") != self.issuer:
            raise _unavailable("the discovery document is another issuer's")
        address = found.get("jwks_uri")
        if not isinstance(address, str) or not is_name(address, _MAX_URL):
            raise _unavailable("the discovery document names no address of keys")
        if _host(address) not in self.hosts:
            raise _unavailable("the discovery document points to another host: give the address of the keys itself")
        return address


def hosts_of(*addresses: str) -> frozenset[str]:
    """Return the hosts, with ports, of those of ``addresses`` that are URLs."""
    return frozenset(host for host in map(_host, addresses) if host)


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


def _unavailable(message: str) -> UnavailableError:
    return UnavailableError(Refusal.JWKS_UNAVAILABLE, message)
