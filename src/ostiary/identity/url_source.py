"""A JWKS document behind a URL.

Rules: no redirect is followed, no compressed body is unpacked, size and time are bounded, and whatever goes wrong is
one ``UnavailableError``. Which addresses are allowed at all is decided by ``sources.open_source``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from ostiary.identity.deadline import Deadline
from ostiary.identity.sources import bounded, unavailable

_OK: Final = 200


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A document behind a URL."""

    url: str
    timeout_s: float
    max_bytes: int

    def fetch(self) -> bytes:
        """Fetch the document."""
        headers = {"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"}
        with (
            _one_error(),
            Deadline(self.timeout_s) as deadline,
            httpx.Client(timeout=self.timeout_s, follow_redirects=False) as client,
            client.stream("GET", self.url, headers=headers, extensions=deadline.extensions) as response,
        ):
            _check_response(response)
            document = self._read(response)
            if deadline.over:  # a body without a length ends where we cut it, and would pass for whole
                raise unavailable(f"the JWKS document takes longer than {self.timeout_s} s")
            return document

    def _read(self, response: httpx.Response) -> bytes:
        document = bytearray()
        for chunk in response.iter_raw():
            document += chunk
            bounded(document, self.max_bytes)
        return bytes(document)


def _check_response(response: httpx.Response) -> None:
    if response.status_code != _OK:
        raise unavailable(f"the JWKS address answered {response.status_code}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise unavailable("the JWKS address answered with a compressed body")


@contextmanager
def _one_error() -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise unavailable("the JWKS address does not answer properly") from error
