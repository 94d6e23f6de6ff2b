"""The three places a JWKS document comes from; each is a ``KeySource``.

Rules for URLs: https only (http to a loopback address by option), no redirect is followed, no compressed body is
unpacked, and both size and time are bounded. Whatever goes wrong is one ``UnavailableError``.

>>> open_source(JwksSource(inline='{"keys": []}'), JwksSettings()).fetch()
b'{"keys": []}'
"""

import ipaddress
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.identity.ports import KeySource
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import JwksSettings, JwksSource

_OK: Final = 200


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
            raise _unavailable(f"the JWKS file cannot be read: {error.strerror}") from error
        _bounded(document, self.max_bytes)
        return document


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A document behind a URL."""

    url: str
    timeout_s: float
    max_bytes: int

    def fetch(self) -> bytes:
        """Fetch the document."""
        with _one_error(), httpx.Client(timeout=self.timeout_s, follow_redirects=False) as client:
            headers = {"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"}
            with client.stream("GET", self.url, headers=headers) as response:
                _check_response(response)
                return self._read(response)

    def _read(self, response: httpx.Response) -> bytes:
        deadline = time.monotonic() + self.timeout_s
        document = bytearray()
        for chunk in response.iter_raw():
            document += chunk
            _bounded(document, self.max_bytes)
            if time.monotonic() > deadline:  # a body that drips would never run into httpx's time-out
                raise _unavailable(f"the JWKS document takes longer than {self.timeout_s} s")
        return bytes(document)


def open_source(place: JwksSource, settings: JwksSettings) -> KeySource:
    """Return the source for ``place``.

    Raises:
        FaultyInputError: ``identity_config_invalid`` when the URL may not be fetched.
    """
    if place.inline:
        return InlineSource(place.inline.encode())
    if place.file:
        return FileSource(Path(place.file), settings.max_bytes)
    _check_url(place.url, allow_loopback_http=place.allow_loopback_http)
    return UrlSource(place.url, settings.timeout_s, settings.max_bytes)


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


def _check_response(response: httpx.Response) -> None:
    if response.status_code != _OK:
        raise _unavailable(f"the JWKS address answered {response.status_code}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _unavailable("the JWKS address answered with a compressed body")


@contextmanager
def _one_error() -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise _unavailable("the JWKS address does not answer properly") from error


def _bounded(document: bytes | bytearray, max_bytes: int) -> None:
    if len(document) > max_bytes:
        raise _unavailable(f"the JWKS document has more than {max_bytes} bytes")


def _unavailable(message: str) -> UnavailableError:
    return UnavailableError(Refusal.JWKS_UNAVAILABLE, message)
