"""Web origins as browsers write them, and where a page may lead back to.

>>> origin_of("https://id.example.org:443/login?x#y")
'https://id.example.org'
>>> may_return("https://app.example.org/orders", ("https://app.example.org",))
'https://app.example.org/orders'
>>> may_return("https://app.example.org@evil.example/", ("https://app.example.org",))
''
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_MAX_URL: Final = 2048


def origin_of(url: str) -> str:
    """Return the origin of a web address as a browser serialises it (RFC 6454 §6.2), or an empty string.

    Names are lower case, a default port is left out, names outside ASCII are not converted: write them in punycode.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc or not host.isascii():
        return ""
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}" + ("" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}")


def may_return(url: str, allowed: Collection[str]) -> str:
    """Return ``url`` when it is an address of an allowed origin, as it stands, else an empty string.

    What browsers and this parser could read differently (backslashes, blanks, control characters) is refused.
    """
    if not url or len(url) > _MAX_URL or not url.isascii() or not url.isprintable() or {" ", "\\"} & set(url):
        return ""
    origin = origin_of(url)
    return url if origin in allowed and origin and url.lower().startswith(origin) else ""
