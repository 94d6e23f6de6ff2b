r"""Keeps secrets and control characters out of logs, whoever wrote the line.

- A value is hidden when its name sounds like a secret, or when it looks like a token wherever it stands.
- Control characters are written as escapes: nobody forges a line or drives the reader's terminal.
- Long values are cut, deep ones are not followed.

>>> cleaned({"authorization": "Bearer abc", "user": "a\nb"})
{'authorization': '[hidden]', 'user': 'a\\nb'}
"""

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "[hidden]"
MAX_TEXT: Final = 4096
MAX_ITEMS: Final = 64
_MAX_DEPTH: Final = 6
_NAMES: Final = re.compile(
    r"authori[sz]ation|cookie|passw|secret|token|(?:^|_)(?:dpop|proof|assertion|credential|api_?key|private_?key)",
    re.IGNORECASE,
)
_TOKENS: Final = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)*|\b(?:bearer|basic|dpop)\s+[A-Za-z0-9._~+/=-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.IGNORECASE,
)


def _visible(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")


def clean_text(text: str) -> str:
    """Return ``text`` without tokens and control characters, cut to a sensible length."""
    text = _TOKENS.sub(HIDDEN, text[:MAX_TEXT])
    return text if text.isprintable() else "".join(map(_visible, text))


def clean_value(value: Any, depth: int = 0) -> Any:
    """Return ``value`` fit for a log."""
    if isinstance(value, str):
        return clean_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= _MAX_DEPTH:
        return "[deep]"
    if isinstance(value, Mapping):
        return {
            clean_text(str(name)): HIDDEN if _NAMES.search(str(name)) else clean_value(inner, depth + 1)
            for name, inner in list(value.items())[:MAX_ITEMS]
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [clean_value(inner, depth + 1) for inner in list(value)[:MAX_ITEMS]]
    return clean_text(str(value))


def cleaned(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole log event fit to be written."""
    result: dict[str, Any] = clean_value(event)
    return result
