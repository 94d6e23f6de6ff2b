"""The session cookie: for this host alone, over a safe connection alone, out of reach of scripts.

>>> Cookie("acme", "con_1", "s").text
'acme.con_1.s'
>>> read_cookie([(b"cookie", b"a=b; __Host-ostiary=acme.con_1.s")])
Cookie(tenant='acme', session_id='con_1', secret='s')
>>> read_cookie([(b"cookie", b"__Host-ostiary=acme.con_1.s; __Host-ostiary=acme.con_2.s")]) is None
True
"""

from collections.abc import Iterable
from typing import Final

import msgspec

NAME: Final = "__Host-ostiary"
_LONGEST: Final = 8192
_PARTS: Final = 3
Header = tuple[bytes, bytes]


class Cookie(msgspec.Struct, frozen=True):
    """What the cookie says; nothing of it is believed before its session was found."""

    tenant: str
    session_id: str
    secret: str

    @property
    def text(self) -> str:
        """The cookie's value."""
        return f"{self.tenant}.{self.session_id}.{self.secret}"


def read_cookie(headers: Iterable[Header]) -> Cookie | None:
    """Return our cookie; ``None`` when there is none, or more than one: a second could only be somebody else's."""
    found: list[str] = []
    for name, value in headers:
        if name == b"cookie" and len(value) <= _LONGEST:
            pairs = (pair.strip().partition("=") for pair in value.decode("latin-1").split(";"))
            found += [told for key, _, told in pairs if key == NAME]
    parts = found[0].split(".") if len(found) == 1 else []
    return Cookie(*parts) if len(parts) == _PARTS and found[0].isascii() and all(parts) else None


def set_cookie(cookie: Cookie, lifetime_s: int) -> Header:
    """Return the header that signs a browser in."""
    return _header(cookie.text, lifetime_s)


def clear_cookie() -> Header:
    """Return the header that signs a browser out."""
    return _header("", 0)


def _header(value: str, age_s: int) -> Header:
    # `Lax`: a link in a message leads to the page, and no other site's form does anything.
    told = f"{NAME}={value}; Path=/; Max-Age={age_s}; Secure; HttpOnly; SameSite=Lax"
    return b"set-cookie", told.encode("ascii")
