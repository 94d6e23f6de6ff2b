"""The mappings that ship with Ostiary: every ``*.yaml`` in ``signals/mappings``, by its name.

Rules:
- A name is looked up among the files that are there; it is never made into a path.
- A file bears the name of its mapping.
"""

from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from ostiary.signals.anylog.mapping import Mapping, load

_FOLDER: Final = files("ostiary.signals") / "mappings"
_ENDING: Final = ".yaml"
_CACHE: Final = 128


@cache
def shipped_names() -> tuple[str, ...]:
    """Return the names of the shipped mappings, in order."""
    names = (each.name for each in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING)))


@lru_cache(maxsize=_CACHE)
def shipped(name: str) -> Mapping | None:
    """Return the shipped mapping called ``name``, or ``None``."""
    if name not in shipped_names():
        return None
    file = name + _ENDING
    return load((_FOLDER / file).read_bytes(), file)
