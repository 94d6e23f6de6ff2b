"""What an upstream's refusal becomes: its status where that helps the caller, its words only where they are harmless.

- Its 401 and 403 are about our key and no business of the caller's: 502. Its 404 is a fault of our configuration.
- 400, 413 and 422 tell what is wrong with the question: they pass, with a message without anything like a key.
- 429 passes with its ``retry-after``; everything else is 502, or 504 when it took too long.
"""

import re
from typing import Any, Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.vocabulary.unreadable import UNREADABLE

FAILED: Final = "upstream_failed"
LATE: Final = "upstream_timeout"
BUSY: Final = "upstream_rate_limited"
REFUSED: Final = "upstream_refused_request"
_SECRET: Final = re.compile(r"(?i)\b(?:sk|pk|key|bearer|token|org|proj|req)[-_ :=][\w.*-]{4,}|[A-Za-z0-9+/_*-]{24,}")
_URL: Final = re.compile(r"https?://\S+")
_CODE: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}\Z")
_MAX_WAIT_S: Final = 3600
_MAX_MESSAGE: Final = 300


class UpstreamSaidNoError(UnavailableError):
    """The server refused the question; ``status`` is what the caller hears."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None, wait_s: int = 0) -> None:
        """Keep what may be told."""
        super().__init__(code, message)
        self.status, self.param, self.wait_s = status, param, wait_s


def said_no(status: int, body: bytes, retry_after: str) -> UpstreamSaidNoError:
    """Return what a refusal becomes."""
    if status == 429:  # noqa: PLR2004
        wait = int(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6 else 1  # noqa: PLR2004
        text = "the model's server is busy, try again in a moment"
        return UpstreamSaidNoError(429, BUSY, text, wait_s=min(wait, _MAX_WAIT_S))
    if status in {400, 413, 422}:
        told = _told(body)
        message = _harmless(told.get("message")) or "the model's server refuses the request"
        code, param = told.get("code"), told.get("param")
        code = code if isinstance(code, str) and _CODE.match(code) else REFUSED
        param = param if isinstance(param, str) and _CODE.match(param) else None
        return UpstreamSaidNoError(413 if status == 413 else 400, code, message, param)  # noqa: PLR2004
    return UpstreamSaidNoError(502, FAILED, "the model's server does not answer properly")


def _told(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE:
        return {}
    inner = value.get("error") if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _harmless(message: Any) -> str:
    """Return a server's words without addresses, and without anything that could be a key or an account."""
    if not isinstance(message, str):
        return ""
    text = "".join(c if c.isprintable() else " " for c in message[:_MAX_MESSAGE])
    return _SECRET.sub("[…]", _URL.sub("[…]", text))
