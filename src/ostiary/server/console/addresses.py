"""Addresses of lists: filters are their query, so that whoever gets the link sees the same.

>>> address("/decisions", {"effect": "DENY", "subject": "user:ada", "rule": ""})
'/decisions?effect=DENY&subject=user:ada'
>>> command("ostiary decisions list", {"risk_at_least": "0.5", "subject": "user:a b"})
"ostiary decisions list --risk-at-least 0.5 --subject 'user:a b'"
"""

import shlex
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

_BASIC: Final = 0xFFFF


def address(path: str, filters: Mapping[str, str]) -> str:
    """Return the address of a list; filters without a value are left out."""
    told = urlencode([(name, value) for name, value in filters.items() if value], safe=":/,", quote_via=quote)
    return f"{path}?{told}" if told else path


def command(verb: str, filters: Mapping[str, str]) -> str:
    """Return the same as a command, for a shell."""
    told = [f"--{name.replace('_', '-')} {quoted(value)}" for name, value in filters.items() if value]
    return " ".join([verb, *told])


def quoted(value: str) -> str:
    r"""Return a word of a command; what cannot be seen, or turns what follows, is written with its code (``$'...'``).

    >>> print(quoted("a" + chr(0x202E) + "'b"))
    $'a\u202e\'b'
    """
    if value.isprintable():
        return shlex.quote(value)
    plain = value.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + "".join(one if one.isprintable() else _coded(one) for one in plain) + "'"


def _coded(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= _BASIC else f"\\U{ord(char):08x}"
