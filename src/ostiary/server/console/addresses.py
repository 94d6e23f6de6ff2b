"""Addresses of lists: filters are their query, so that whoever gets the link sees the same.

>>> address("/decisions", {"effect": "DENY", "subject": "user:ada", "rule": ""})
'/decisions?effect=DENY&subject=user:ada'
>>> command("ostiary decisions list", {"risk_at_least": "0.5", "subject": "user:a b"})
"ostiary decisions list --risk-at-least 0.5 --subject 'user:a b'"
"""

import shlex
from collections.abc import Mapping
from urllib.parse import quote, urlencode


def address(path: str, filters: Mapping[str, str]) -> str:
    """Return the address of a list; filters without a value are left out."""
    told = urlencode([(name, value) for name, value in filters.items() if value], safe=":/,", quote_via=quote)
    return f"{path}?{told}" if told else path


def command(verb: str, filters: Mapping[str, str]) -> str:
    """Return the same as a command, for a shell."""
    told = [f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, value in filters.items() if value]
    return " ".join([verb, *told])
