"""The queries of a backend: read once from its ``queries/*.sql``, known by name; a name that comes twice is a bug.

A query whose first line is ``-- each: one two`` stands for several: the word ``EACH`` in its name and in its text
becomes each of these in turn, and a line ``-- not one: …`` stands in all texts but that of ``one``. What a caller says
is never part of a text, only of the values beside it.

>>> statements("ostiary.storage.sqlite")["find_tenant"].startswith("SELECT")
True
"""

import re
from collections.abc import Iterator
from functools import cache, partial
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_EACH: Final = re.compile(r"-- each: ([a-z_ ]+)\n")
_NOT: Final = re.compile(r"^ *-- not ([a-z_]+): (.*)$", re.MULTILINE)


@cache
def statements(backend: str) -> dict[str, str]:
    """Return every query of the package ``backend`` by its name."""
    found: dict[str, str] = {}
    for file in sorted(files(backend).joinpath("queries").iterdir(), key=lambda path: path.name):
        parts = _NAME.split(file.read_text(encoding="utf-8"))[1:]
        for raw_name, raw_text in zip(parts[::2], parts[1::2], strict=True):
            for name, text in _unfolded(raw_name, raw_text.strip()):
                if name in found:
                    msg = f"two queries are called {name}"
                    raise RuntimeError(msg)
                found[name] = text
    return found


def _unfolded(name: str, text: str) -> Iterator[tuple[str, str]]:
    each = _EACH.match(text)
    if each is None:
        yield name, text
        return
    for word in each[1].split():
        own = _NOT.sub(partial(_line, word), text[each.end() :])
        yield name.replace("EACH", word), own.replace("EACH", word)


def _line(word: str, found: re.Match[str]) -> str:
    return "" if found[1] == word else found[2]
