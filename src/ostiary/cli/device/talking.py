"""The agent's side of HTTP: four requests, one answer each, over TLS unless the server is this very machine.

>>> check_url("https://pdp.example/")
'https://pdp.example'
"""

import ipaddress
from typing import Any, Final
from urllib.parse import urlsplit

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError

TIMEOUT_S: Final = 20.0
_MAX_ANSWER: Final = 65_536
_OK: Final = 200
_FAULTY: Final = 400
_BROKEN: Final = 500


def check_url(url: str) -> str:
    """Return ``url`` without a slash at its end.

    Raises:
        FaultyInputError: ``url_invalid``, also for plain HTTP to another machine: codes would be read on the way.
    """
    parts = urlsplit(url)
    plain = parts.scheme == "http" and _is_this_machine(parts.hostname or "")
    if not parts.hostname or parts.query or parts.fragment or parts.username or not (parts.scheme == "https" or plain):
        raise FaultyInputError("url_invalid", f"`{url[:120]}` is no https:// address of a server")
    return url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Server:
    """The server that a device speaks to."""

    def __init__(self, url: str) -> None:
        """Speak to ``url``."""
        self.url = check_url(url)

    def nonce(self, purpose: str) -> dict[str, Any]:
        """Return a nonce, and which registers to quote."""
        return self._post("nonce", {"purpose": purpose})

    def send(self, what: str, message: str) -> dict[str, Any]:
        """Send a message to ``enrol``, ``report`` or ``attest``; return the answer.

        Raises:
            RefusedError: the server says no, with its code.
            FaultyInputError: it does not understand.
            UnavailableError: it is away, or answers something else.
        """
        return self._post(what, {"message": message})

    def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        import httpx  # noqa: PLC0415 - a third of a second that `list` does not need

        try:
            answer = httpx.post(f"{self.url}/devices/v1/{what}", json=body, timeout=TIMEOUT_S, follow_redirects=False)
            told = answer.json() if len(answer.content) <= _MAX_ANSWER else None
        except (httpx.HTTPError, ValueError) as fault:
            raise UnavailableError("server_unavailable", f"`{self.url}` does not answer: {fault}") from fault
        if not isinstance(told, dict):
            raise UnavailableError("server_unavailable", f"`{self.url}` answers something else than a server of ours")
        if answer.status_code != _OK:
            raise _fault(answer.status_code, str(told.get("code", "refused")), str(told.get("message", "")))
        return told


def _fault(status: int, code: str, message: str) -> OstiaryError:
    text = "".join(c for c in message if c.isprintable())[:300] or "the server refused"
    if status >= _BROKEN:
        return UnavailableError(code[:64], text)
    return FaultyInputError(code[:64], text) if status == _FAULTY else RefusedError(code[:64], text)
