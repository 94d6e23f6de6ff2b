"""The queries of this backend: read once from ``queries/*.sql``, known by name; a name that comes twice is a bug.

>>> statement("find_tenant").startswith("SELECT")
True
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements() -> dict[str, str]:
    """Return every query by its name."""
    found: dict[str, str] = {}
    for file in sorted(files(__package__).joinpath("queries").iterdir(), key=lambda path: path.name):
        parts = _NAME.split(file.read_text(encoding="utf-8"))[1:]
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                msg = f"two queries are called {name}"
                raise RuntimeError(msg)
            found[name] = text.strip()
    return found


def statement(name: str) -> str:
    """Return one query."""
    return statements()[name]
