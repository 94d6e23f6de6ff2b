"""Scripts that run inside Valkey, one a file, each behind ``common.lua``; known by name, sent by digest.

What a caller says is never part of a script, only of the keys and values beside it.
"""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

_COMMON: Final = "common.lua"


class Script(msgspec.Struct, frozen=True):
    """One script and the digest that Valkey knows it by."""

    name: str
    text: bytes
    digest: bytes


@cache
def script(name: str) -> Script:
    """Return the script of the file ``name.lua``."""
    folder = files(__name__)
    text = folder.joinpath(_COMMON).read_bytes() + folder.joinpath(f"{name}.lua").read_bytes()
    return Script(name, text, hashlib.sha1(text, usedforsecurity=False).hexdigest().encode())
