"""How key services are asked: one short HTTPS request, no redirects, no proxies of the environment, a bounded answer.

Only ``UnavailableError`` escapes; a key service that is away means that nothing is opened (law 4). No body, header or
URL with a secret is ever part of an error's text.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.vocabulary.unreadable import UNREADABLE

TIMEOUT_S: Final = 5.0
_MAX_ANSWER: Final = 1 << 20
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Answer(NamedTuple):
    """What a key service answered; ``told`` is its JSON object, empty when there is none."""

    status: int
    told: dict[str, Any]


class Send(Protocol):
    """Sends one request."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the answer.

        Raises:
            UnavailableError: ``key_unavailable``.
        """
        ...


def checked_url(url: str) -> str:
    """Return a base URL without a slash at its end; plain HTTP is for this machine alone.

    Raises:
        FaultyInputError: ``key_service_url_invalid``.
    """
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe or not parts.hostname or parts.query or parts.fragment or parts.username is not None:
        raise FaultyInputError("key_service_url_invalid", f"`{url[:200]}` is no HTTPS address of a key service")
    return url.rstrip("/")


class HttpSend:
    """Implements ``Send`` with httpx; one connection pool, safe for several threads."""

    def __init__(self) -> None:
        """Open nothing yet: httpx costs a third of a second that a deployment with files need not wait for."""
        self._client: Any = None

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one request."""
        import httpx  # noqa: PLC0415 - see above

        if self._client is None:
            self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
        try:
            with self._client.stream(method, url, headers=dict(headers), content=body) as response:
                return Answer(response.status_code, _object(_bounded(response)))
        except (httpx.HTTPError, OSError) as fault:
            text = f"the key service `{urlsplit(url).netloc}` does not answer: {type(fault).__name__}"
            raise UnavailableError("key_unavailable", text) from None

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()


def _bounded(response: Any) -> bytes:
    found = b""
    for piece in response.iter_bytes():
        found += piece
        if len(found) > _MAX_ANSWER:
            raise UnavailableError("key_unavailable", "the key service's answer is too long")
    return found


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(body) if body else {}
    except UNREADABLE:
        return {}
    return told if isinstance(told, dict) else {}
