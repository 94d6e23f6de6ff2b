"""Which files below a data directory the configuration names as secrets: they go where the keys go, never in plain.

A webhook's secret, a token or a TLS key may lie anywhere an administrator likes, the data directory included. They are
found by the names of settings that lead to them: in what is in force, in the directory's own file, in the environment.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ostiary.server.wiring import House

_SECRET: Final = re.compile(
    r"(?:^|_)(?:authorization|credentials|dsn|headers|key|password|secret|token|url)(?:_file|_path)?\Z", re.IGNORECASE
)
_PREFIX: Final = "OSTIARY_"


def secret_files(house: House) -> frozenset[str]:
    """Return the paths, below the data directory, of files that settings name as secrets."""
    root = house.places.root.resolve()
    own = house.places.settings
    told: list[Any] = [house.settings.model_dump()]
    told += [tomllib.loads(own.read_text(encoding="utf-8"))] if own.is_file() else []
    told += [{name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}]
    found: set[str] = set()
    for text in _named(told):
        for place in (Path(text), root / text):
            if (path := place.resolve()).is_relative_to(root) and os.path.isfile(path):  # noqa: PTH113 - false, and no fault, for what is too long to be a path
                found.add(path.relative_to(root).as_posix())
    return frozenset(found)


def _named(value: Any) -> Iterator[str]:
    """Yield what is said under a name that leads to a secret; what is no path is found to be none."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, str | Path) and _SECRET.search(name) and "\0" not in str(inner):
            yield str(inner)
    if isinstance(value, dict):
        value = list(value.values())
    for inner in value if isinstance(value, list | tuple) else ():
        yield from _named(inner)
