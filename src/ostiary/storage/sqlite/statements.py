"""The queries of this backend: read once from ``queries/*.sql``, known by name.

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
        found.update(zip(parts[::2], (text.strip() for text in parts[1::2]), strict=True))
    return found


def statement(name: str) -> str:
    """Return one query."""
    return statements()[name]
