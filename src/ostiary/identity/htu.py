"""Compares the HTTP URI of a proof with that of the request (RFC 9449 §4.3, items 8 and 9).

Rules: query and fragment do not count; scheme and host are compared without case, default ports and dot segments are
removed, percent-encoding is normalised (RFC 3986 §6.2.2, §6.2.3). A URI with a user, another scheme, no host,
backslashes or invisible characters equals nothing.

>>> normalise("HTTPS://API.example:443/a/../b%7ec?x=1") == normalise("https://api.example/b~c")
True
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ostiary.identity.strict import is_name

MAX_LENGTH: Final = 2048
_KEPT: Final = 512  # doors have few addresses, each is asked for again and again
_PORTS: Final = {"http": 80, "https": 443}
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]\Z")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN: Final = re.compile(r"[\s\\<>\"{}|^`]")


def normalise(uri: str) -> str | None:
    """Return the one spelling of ``uri`` without query and fragment, or ``None`` when it cannot be compared."""
    return _normalised(uri) if len(uri) <= MAX_LENGTH else None


@lru_cache(_KEPT)
def _normalised(uri: str) -> str | None:
    if not is_name(uri, MAX_LENGTH) or not uri.isascii() or _FORBIDDEN.search(uri) or _BAD_ESCAPE.search(uri):
        return None
    try:
        parts = urlsplit(uri)
        place = _place(parts)
    except ValueError:  # a port that is no number, an unclosed bracket
        return None
    return place and place + _path(parts.path)


def _place(parts: SplitResult) -> str | None:
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in _PORTS or not host or "@" in parts.netloc or "%" in host:
        return None
    name = f"[{host}]" if ":" in host else host
    port = parts.port
    return f"{scheme}://{name}" if port in {None, _PORTS[scheme]} else f"{scheme}://{name}:{port}"


def _path(path: str) -> str:
    spelled = _ESCAPE.sub(_one_spelling, path)
    kept: list[str] = []
    segments = spelled.split("/")[1:]
    for position, segment in enumerate(segments):
        last = position == len(segments) - 1
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
        if last and segment in {".", ".."}:
            kept.append("")
    return "/" + "/".join(kept)


def _one_spelling(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if _UNRESERVED.match(character) else match[0].upper()
