"""The three places a JWKS document comes from; each is a ``KeySource``.

Rules: an address is https (http to a loopback address by option); size is bounded everywhere; whatever goes wrong
while fetching is one ``UnavailableError``.

>>> open_source(JwksSource(inline='{"keys": []}'), JwksSettings()).fetch()
b'{"keys": []}'
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.identity.discovery import Discovered, hosts_of
from ostiary.identity.ports import KeySource
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import JwksSettings, JwksSource


@dataclass(frozen=True, slots=True)
class InlineSource:
    """A document from the configuration."""

    document: bytes

    def fetch(self) -> bytes:
        """Return the document."""
        return self.document


@dataclass(frozen=True, slots=True)
class FileSource:
    """A document in a file, which may be replaced while we run."""

    path: Path
    max_bytes: int

    def fetch(self) -> bytes:
        """Read the file."""
        try:
            with self.path.open("rb") as file:
                document = file.read(self.max_bytes + 1)
        except OSError as error:
            raise unavailable(f"the JWKS file cannot be read: {error.strerror}") from error
        bounded(document, self.max_bytes)
        return document


def open_source(place: JwksSource, settings: JwksSettings) -> KeySource:
    """Return the source for ``place``.

    Raises:
        FaultyInputError: ``identity_config_invalid`` when the URL may not be fetched.
    """
    if not place.discovery_of:
        return _open(place, settings)
    return open_discovered(place, settings, hosts_of(place.discovery_of, place.url))


def open_document(place: JwksSource, settings: JwksSettings) -> KeySource:
    """Return the source for the document at ``place`` itself: its discovery document, where it names one.

    Raises:
        FaultyInputError: ``identity_config_invalid`` when the URL may not be fetched.
    """
    return _open(place, settings)


def open_discovered(place: JwksSource, settings: JwksSettings, hosts: frozenset[str]) -> KeySource:
    """Return the source for the keys that the discovery document at ``place`` points to, on one of ``hosts``.

    Raises:
        FaultyInputError: ``identity_config_invalid`` when the URL may not be fetched.
    """
    return Discovered(_open(place, settings), place.discovery_of, hosts, lambda url: _open_url(url, place, settings))


def _open(place: JwksSource, settings: JwksSettings) -> KeySource:
    if place.inline:
        return InlineSource(place.inline.encode())
    if place.file:
        return FileSource(Path(place.file), settings.max_bytes)
    return _open_url(place.url, place, settings)


def _open_url(url: str, place: JwksSource, settings: JwksSettings) -> KeySource:
    from ostiary.identity.url_source import UrlSource  # noqa: PLC0415 - httpx costs a third of a second, few need it

    _check_url(url, allow_loopback_http=place.allow_loopback_http)
    return UrlSource(url, settings.timeout_s, settings.max_bytes)


def _check_url(url: str, *, allow_loopback_http: bool) -> None:
    parts = urlsplit(url)
    secure = parts.scheme == "https" and parts.hostname
    loopback = parts.scheme == "http" and allow_loopback_http and _is_loopback(parts.hostname or "")
    if not (secure or loopback) or parts.username is not None or parts.fragment:
        message = f"`{url[:200]}` may not be fetched: use https (http only to loopback, by option), without user or #"
        raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bounded(document: bytes | bytearray, max_bytes: int) -> None:
    """Refuse a document that is too long."""
    if len(document) > max_bytes:
        raise unavailable(f"the JWKS document has more than {max_bytes} bytes")


def unavailable(message: str) -> UnavailableError:
    """Return the one error of every source."""
    return UnavailableError(Refusal.JWKS_UNAVAILABLE, message)
