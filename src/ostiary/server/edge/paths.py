r"""Host and path of a request, read in the one way in which its upstream must read them too.

1. A path has the characters of RFC 3986 alone, no empty or dot segment but an empty last one, and no ``;``.
2. What is percent-encoded is decoded once, as UTF-8. Encodings that need not be (``%61``), or that hide a separator
   (``%2f``, ``%5c``, ``%2e``, ``%3b``, ``%3f``, ``%23``, ``%25``) or a control character, are refused: some servers
   decode them and some do not.
3. A segment keeps its reading under NFKC, and ends neither with a dot nor with a space: some file systems drop these.
4. A host is a name or an address in lower case; without a dot at its end, and without a usual port.

Nothing is put right here. What would have to be is refused, and the proxy is where it is put right (``deploy/``).

>>> read_path("/v1/caf%C3%A9/7?x=/../")
('/v1/caf%C3%A9/7', ('v1', 'café', '7'))
>>> read_path("/v1/%2e%2e/admin")
Traceback (most recent call last):
    ...
ostiary.errors.FaultyInputError: the path can be read in two ways
>>> read_host("API.example:443")
'api.example'
"""

import re
import unicodedata
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import unquote_to_bytes

from ostiary.errors import FaultyInputError

AMBIGUOUS_PATH: Final = "path_ambiguous"
AMBIGUOUS_HOST: Final = "host_ambiguous"
MAX_TARGET: Final = 8192
MAX_SEGMENTS: Final = 64
_MAX_HOST: Final = 255
_PATH: Final = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-Fa-f]{2})*\Z")
_ENCODED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_HIDDEN: Final = frozenset(b"/\\%;?#\x7f") | frozenset(range(0x20)) | _UNRESERVED
_LABEL: Final = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?P<name>{_LABEL}(?:\.{_LABEL})*|\[(?P<v6>[0-9a-f:.]+)\])(?::(?P<port>[1-9]\d{{0,4}}))?\Z")
_USUAL: Final = frozenset({"80", "443"})
_MAX_PORT: Final = 65_535


def read_path(target: str) -> tuple[str, tuple[str, ...]]:
    """Return the path of a request target as it was sent, and its decoded segments; the query is not looked at.

    Raises:
        FaultyInputError: ``path_ambiguous``: two programs could read it differently, or it is too long.
    """
    path = target.partition("?")[0]
    if len(target) > MAX_TARGET or "#" in target or not _PATH.match(path):
        raise _two_ways()
    if any(int(code, 16) in _HIDDEN for code in _ENCODED.findall(path)):
        raise _two_ways()
    segments = tuple(_segment(one) for one in path[1:].split("/"))
    if len(segments) > MAX_SEGMENTS or "" in segments[:-1]:
        raise _two_ways()
    return path, segments


def _segment(raw: str) -> str:
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise _two_ways() from None
    if text.endswith((".", " ")) or unicodedata.normalize("NFKC", text) != text or not (text.isprintable() or not text):
        raise _two_ways()
    return text


def read_host(raw: str) -> str:
    """Return a host in its one form.

    Raises:
        FaultyInputError: ``host_ambiguous``.
    """
    text = raw.lower() if raw.isascii() else ""
    found = _HOST.match(text) if len(text) <= _MAX_HOST else None
    if found is None or not _is_address(found["v6"]):
        raise FaultyInputError(AMBIGUOUS_HOST, "the host can be read in two ways")
    name, port = found["name"], found["port"]
    if port is not None and int(port) > _MAX_PORT:
        raise FaultyInputError(AMBIGUOUS_HOST, "the host has no such port")
    return name if port is None or port in _USUAL else f"{name}:{port}"


def _is_address(text: str | None) -> bool:
    """Return whether ``text`` is an IPv6 address in its shortest form, or not given."""
    if text is None:
        return True
    try:
        return str(IPv6Address(text)) == text
    except ValueError:
        return False


def _two_ways() -> FaultyInputError:
    return FaultyInputError(AMBIGUOUS_PATH, "the path can be read in two ways")
