"""How a value is taken out of a row: by a column's place in a table, or along a path in an object.

Rules:
- What is absent, empty, only space, or one of the mapping's own words for nothing is ``None``: not told.
- A table's missing column is not told in every row; an object is never asked for anything but its members.

>>> from_object(frozenset({"", "-"}))(("a", "b", 0))({"a": {"b": [" x "]}})
'x'
>>> from_table({"user": 1}, frozenset({""}))(("user",))(["1", "ann"])
'ann'
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ostiary.signals.anylog.paths import Path
from ostiary.signals.texts import BLANKS

Get = Callable[[Any], Any]
Lookup = Callable[[Path], Get]

JUST_EMPTY: Final = frozenset({""})


def never(_row: Any) -> None:
    """Return nothing: the column is not there."""


def from_table(places: Mapping[str, int], empty: frozenset[str]) -> Lookup:
    """Return a look-up in rows that are lists; ``places`` says where each column lies."""

    def lookup(path: Path) -> Get:
        place = places.get(str(path[0]))
        if place is None:
            return never
        if empty == JUST_EMPTY:
            return lambda row: row[place].strip(BLANKS) or None

        def get(row: list[str]) -> str | None:
            value = row[place].strip(BLANKS)
            return None if value in empty else value

        return get

    return lookup


def from_object(empty: frozenset[str]) -> Lookup:
    """Return a look-up in rows that are objects."""

    def clean(value: Any) -> Any:
        if type(value) is not str:
            return value
        value = value.strip(BLANKS)
        return None if value in empty else value

    def lookup(path: Path) -> Get:
        first = path[0]
        if len(path) == 1:
            return lambda row: clean(row.get(first))
        return lambda row: clean(_along(row, path))

    return lookup


def _along(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return None
            value = value[step]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
