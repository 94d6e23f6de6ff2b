"""The cookie that binds a sign-in to the browser that began it: this host's, this path's, out of reach of scripts.

`Lax`, because the provider's answer is a navigation from another site; it carries nothing that signs anybody in.

>>> read_attempt([(b"cookie", attempt_cookie("abc")[1].split(b";")[0])])
'abc'
"""

from collections.abc import Iterable
from typing import Final

from ostiary.identity.oidc.attempts import LIFE_S, LONGEST

NAME: Final = "__Host-ostiary-attempt"
_LONGEST: Final = 8192
Header = tuple[bytes, bytes]


def attempt_cookie(text: str) -> Header:
    """Return the header that hands an attempt to the browser."""
    return _header(text, LIFE_S)


def forget_attempt() -> Header:
    """Return the header that takes it away."""
    return _header("", 0)


def read_attempt(headers: Iterable[Header]) -> str:
    """Return what the browser kept; empty when nothing, or more than one: a second could only be somebody else's."""
    found: list[str] = []
    for name, value in headers:
        if name == b"cookie" and len(value) <= _LONGEST:
            pairs = (pair.strip().partition("=") for pair in value.decode("latin-1").split(";"))
            found += [told for key, _, told in pairs if key == NAME]
    return found[0] if len(found) == 1 and len(found[0]) <= LONGEST and found[0].isascii() else ""


def _header(value: str, age_s: int) -> Header:
    told = f"{NAME}={value}; Path=/; Max-Age={age_s}; Secure; HttpOnly; SameSite=Lax"
    return b"set-cookie", told.encode("ascii")
