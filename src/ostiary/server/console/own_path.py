"""Where a browser goes after signing in: never elsewhere than to us."""

from typing import Final

_LONGEST: Final = 2048


def own_path(told: object) -> str:
    """Return a path of our own, and nothing that a browser could read as elsewhere.

    >>> own_path("/decisions?effect=DENY"), own_path("//evil.example"), own_path("/" + chr(92) + "evil.example")
    ('/decisions?effect=DENY', '/', '/')
    """
    text = told if isinstance(told, str) else ""
    plain = text.isascii() and text.isprintable() and len(text) <= _LONGEST and not {" ", "\\", "#"} & set(text)
    return text if plain and text.startswith("/") and not text.startswith("//") else "/"
