"""What a deed has to say, carried to the page that comes next and shown there once: a cookie that only we can set.

>>> read_said([(b"cookie", say_cookie(Said("Session ended"))[1].split(b";")[0])])
Said(words='Session ended', kind='good')
"""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from ostiary.identity.strict import b64url_decode
from ostiary.identity.webauthn.answers import write_bytes
from ostiary.vocabulary.unreadable import UNREADABLE

NAME: Final = "__Host-ostiary-said"
_LONGEST: Final = 2048
_SECONDS: Final = 30
Header = tuple[bytes, bytes]


class Said(msgspec.Struct, frozen=True):
    """One sentence, and whether it is good news."""

    words: str
    kind: Literal["good", "bad", "wait"] = "good"


def say_cookie(said: Said) -> Header:
    """Return the header that hands it on."""
    short = msgspec.structs.replace(said, words=said.words[:300])
    return _header(write_bytes(msgspec.json.encode(short)), _SECONDS)


def forget_cookie() -> Header:
    """Return the header that takes it away."""
    return _header("", 0)


def read_said(headers: Iterable[Header]) -> Said | None:
    """Return what there is to say; anything odd is nothing."""
    for name, value in headers:
        for pair in value[:_LONGEST].decode("latin-1").split(";") if name == b"cookie" else ():
            key, _, text = pair.strip().partition("=")
            if key == NAME:
                return _read(text)
    return None


def _read(text: str) -> Said | None:
    data = b64url_decode(text.encode("latin-1"))
    try:
        return msgspec.json.decode(data, type=Said) if data else None
    except UNREADABLE:
        return None


def _header(value: str, age_s: int) -> Header:
    told = f"{NAME}={value}; Path=/; Max-Age={age_s}; Secure; HttpOnly; SameSite=Strict"
    return b"set-cookie", told.encode("ascii")
