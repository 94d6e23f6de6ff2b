"""What may be extracted: a small part of JSON Schema, with limits, and values that hold no room for instructions.

- ``object`` with ``properties`` (all named, nothing else), ``array`` with ``maxItems``, ``string`` with ``enum``, with
  ``format`` ``date`` or ``date-time``, or with ``maxLength`` of at most 200, ``integer`` and ``number``, ``boolean``.
- A free string must stand in the text itself: it is found, not written; it is one line, without what nobody sees.
- No references, patterns, unions or conditions: what cannot be read at a glance is refused.

>>> shape = read_schema({"type": "object", "properties": {"total": {"type": "number", "minimum": 0}}})
>>> shape.check({"total": 98.7}, "Total: 98.70")
{'total': 98.7}
"""

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.gateway.tools.shapes import fold

MAX_DEPTH: Final = 4
MAX_PROPERTIES: Final = 64
MAX_ITEMS: Final = 64
MAX_ENUM: Final = 64
MAX_LENGTH: Final = 200
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
_COMMON: Final = frozenset({"type", "description", "title", "$schema"})
_KNOWN: Final = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "maxItems"},
    "string": {"enum", "format", "maxLength"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "boolean": set[str](),
}
_RANGE: Final = 2**53


class Shape(Protocol):
    """Checks one value."""

    def check(self, value: Any, text: str) -> Any:
        """Return the value as it may be used; ``text`` is what it was taken from.

        Raises:
            FaultyInputError: ``extraction_invalid``.
        """
        ...


class Thing(msgspec.Struct, frozen=True):
    """An object: exactly these members; what is not required may be left out or null."""

    members: Mapping[str, Shape]
    required: frozenset[str]

    def check(self, value: Any, text: str) -> dict[str, Any]:
        """See `Shape`."""
        if not isinstance(value, dict) or not value.keys() <= self.members.keys():
            raise _wrong("an object with other members")
        told = {name: one for name, one in value.items() if one is not None}
        if not self.required <= told.keys():
            raise _wrong("an object without what is required")
        return {name: self.members[name].check(one, text) for name, one in told.items()}


class Row(msgspec.Struct, frozen=True):
    """A list of so many at most."""

    of: Shape
    most: int

    def check(self, value: Any, text: str) -> list[Any]:
        """See `Shape`."""
        if not isinstance(value, list) or len(value) > self.most:
            raise _wrong("no list, or a longer one")
        return [self.of.check(one, text) for one in value]


class Word(msgspec.Struct, frozen=True):
    """One of some texts, a day or a time, or a short text that stands in the source."""

    among: tuple[str, ...] = ()
    day: str = ""
    most: int = 0

    def check(self, value: Any, text: str) -> str:
        """See `Shape`."""
        if not isinstance(value, str):
            raise _wrong("no text")
        if self.among:
            if value not in self.among:
                raise _wrong("none of the texts that it may be")
        elif self.day:
            _check_day(value, self.day)
        elif len(value) > self.most or not value.isprintable() or fold(value) not in fold(text):
            raise _wrong("a text that is too long, not printable, or not in the source")
        return value


class Number(msgspec.Struct, frozen=True):
    """A number within bounds."""

    whole: bool
    least: float
    most: float

    def check(self, value: Any, text: str) -> float:
        """See `Shape`."""
        del text
        kinds = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
            raise _wrong("no number")
        if not self.least <= value <= self.most:
            raise _wrong("a number out of bounds")
        return value


class Truth(msgspec.Struct, frozen=True):
    """Yes or no."""

    def check(self, value: Any, text: str) -> bool:
        """See `Shape`."""
        del text
        if not isinstance(value, bool):
            raise _wrong("neither true nor false")
        return value


def read_schema(schema: Any) -> Thing:
    """Return what a schema allows.

    Raises:
        FaultyInputError: ``schema_invalid``.
    """
    shape = _read(schema, MAX_DEPTH)
    if not isinstance(shape, Thing):
        raise _bad("the outermost type must be an object")
    return shape


def _read(schema: Any, depth: int) -> Shape:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if depth < 0 or not isinstance(kind, str) or kind not in _KNOWN:
        raise _bad("a schema without a known type, or nested too deeply")
    unknown = set(schema) - _COMMON - _KNOWN[kind]
    if unknown:
        raise _bad(f"`{min(map(str, unknown))[:40]}` is not understood here")
    if kind == "object":
        return _object(schema, depth)
    if kind == "array":
        return Row(_read(schema.get("items"), depth - 1), _count(schema, "maxItems", MAX_ITEMS))
    if kind == "string":
        return _string(schema)
    if kind == "boolean":
        return Truth()
    least, most = schema.get("minimum", -_RANGE), schema.get("maximum", _RANGE)
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in (least, most)) or least > most:
        raise _bad("bounds that are no numbers")
    return Number(kind == "integer", least, most)


def _object(schema: dict[str, Any], depth: int) -> Thing:
    members, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(members, dict) or not 1 <= len(members) <= MAX_PROPERTIES:
        raise _bad(f"an object needs 1 to {MAX_PROPERTIES} properties")
    if not all(_NAME.match(str(name)) for name in members) or schema.get("additionalProperties", False) is not False:
        raise _bad("names of properties are plain words, and there are no others")
    if not isinstance(required, list) or not all(isinstance(name, str) and name in members for name in required):
        raise _bad("what is required must be a property")
    return Thing({name: _read(one, depth - 1) for name, one in members.items()}, frozenset(required))


def _string(schema: dict[str, Any]) -> Word:
    if "enum" in schema:
        among = schema["enum"]
        if not isinstance(among, list) or not 1 <= len(among) <= MAX_ENUM:
            raise _bad(f"an `enum` has 1 to {MAX_ENUM} texts")
        if not all(isinstance(one, str) and len(one) <= MAX_LENGTH for one in among):
            raise _bad("an `enum` holds short texts")
        return Word(among=tuple(among))
    if "format" in schema:
        if schema["format"] not in {"date", "date-time"}:
            raise _bad("of formats only `date` and `date-time` are understood")
        return Word(day=schema["format"])
    return Word(most=_count(schema, "maxLength", MAX_LENGTH))


def _count(schema: dict[str, Any], name: str, most: int) -> int:
    told = schema.get(name)
    if isinstance(told, bool) or not isinstance(told, int) or not 1 <= told <= most:
        raise _bad(f"`{name}` must say a number from 1 to {most}")
    return told


def _check_day(value: str, form: str) -> None:
    kind = dt.date if form == "date" else dt.datetime
    try:
        kind.fromisoformat(value if len(value) <= 40 else "")  # noqa: PLR2004 - no date is longer
    except ValueError:
        raise _wrong("no day or time") from None


def _bad(text: str) -> FaultyInputError:
    return FaultyInputError("schema_invalid", text)


def _wrong(text: str) -> FaultyInputError:
    # Never the value: it is what nobody may trust.
    return FaultyInputError("extraction_invalid", f"what came back is {text}")
