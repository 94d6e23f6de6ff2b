"""Takes single fields out of a foreign record: bounded, neutral, and of the wanted type or not at all.

Rules:
- A field of the wrong type counts as not told; a field that an event cannot do without is a ``field_missing``.
- Every text is made harmless for logs and bounded (``texts.identifier``).
- Times become nanoseconds of UTC; a time without an offset is UTC, one outside 1970 to 2200 is ``time_malformed``.

>>> text({"a": {"b": ["x", "y"]}}, "a", "b", 1)
'y'
>>> moment("2024-07-30T21:31:21Z")
1722375081000000000
"""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from math import isfinite
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.texts import BLANKS, MAX_ID, identifier, shown

Record = dict[str, Any]

_MAX_ADDRESS: Final = 64
_MAX_LIST: Final = 32
_LATEST_S: Final = 7_258_118_400  # 2200-01-01
_MOST: Final = 2**63 - 1
_MILLI: Final = 1_000_000
_NS: Final = 1_000_000_000


def at(record: Any, *path: str | int) -> Any:
    """Return what lies at ``path``, or ``None``."""
    for part in path:
        if isinstance(part, int):
            if not isinstance(record, list) or part >= len(record):
                return None
            record = record[part]
        elif isinstance(record, dict):
            record = record.get(part)
        else:
            return None
    return record


def text(record: Any, *path: str | int, limit: int = MAX_ID) -> str | None:
    """Return the text at ``path``, neutral and bounded; numbers are written out, anything else is not told."""
    value = at(record, *path)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)[:MAX_ID]
    return identifier(value.strip(BLANKS), limit) or None if isinstance(value, str) else None


def first(record: Any, *paths: tuple[str | int, ...]) -> str | None:
    """Return the first text that is told at one of ``paths``."""
    return next((found for path in paths if (found := text(record, *path)) is not None), None)


def needed(value: str | None, name: str) -> str:
    """Return ``value``.

    Raises:
        FaultyInputError: ``field_missing`` when it is not told.
    """
    if value is None:
        raise FaultyInputError("field_missing", f"the field `{name}` is missing or empty", name)
    return value


def number(record: Any, *path: str | int) -> int | None:
    """Return the whole number at ``path``, written as number or text, when it is not negative."""
    value = at(record, *path)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:  # noqa: PLR2004 - 64 bits
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _MOST else None


def amount(record: Any, *path: str | int) -> float | None:
    """Return the amount at ``path`` when it is a finite number and not negative."""
    value = at(record, *path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        return None
    return float(value)


def flag(record: Any, *path: str | int) -> bool | None:
    """Return the truth at ``path``, written as truth or as the words true, false, yes, no."""
    value = at(record, *path)
    if isinstance(value, str):
        return {"true": True, "yes": True, "false": False, "no": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def texts(record: Any, *path: str | int) -> tuple[str, ...]:
    """Return the texts of the list at ``path``, at most 32."""
    value = at(record, *path)
    if not isinstance(value, list):
        return ()
    return tuple(identifier(each) for each in value[:_MAX_LIST] if isinstance(each, str) and each)


def address(value: str | None) -> str | None:
    """Return ``value`` in canonical form when it is an IP address (some products write host names there)."""
    return _address(value) if value is not None and len(value) <= _MAX_ADDRESS else None


@lru_cache(maxsize=16_384)
def _address(value: str) -> str | None:
    """Cached: the caller holds the text to a bound."""
    try:
        return str(ip_address(value.strip("[]")))
    except ValueError:
        return None


def country(value: str | None) -> str | None:
    """Return ``value`` when it is an ISO 3166-1 alpha-2 code."""
    return value.upper() if value is not None and len(value) == 2 and value.isalpha() and value.isascii() else None  # noqa: PLR2004


def moment(value: object) -> int:
    """Return an RFC 3339 time as nanoseconds.

    Raises:
        FaultyInputError: ``time_malformed``.
    """
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        when = None
    if when is None:
        raise FaultyInputError("time_malformed", f"`{shown(str(value))}` is no time in the form of RFC 3339")
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    whole = int(when.replace(microsecond=0).timestamp())
    return within(whole * _NS + when.microsecond * 1_000)


def milliseconds(value: object) -> int:
    """Return milliseconds since the Unix epoch as nanoseconds.

    Raises:
        FaultyInputError: ``time_malformed``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise FaultyInputError("time_malformed", f"`{shown(str(value))}` are no milliseconds since 1970")
    return within(int(value) * _MILLI)


def within(nanoseconds: int) -> int:
    """Return a time that lies from 1970 to 2200.

    Raises:
        FaultyInputError: ``time_malformed``.
    """
    if not 0 <= nanoseconds < _LATEST_S * _NS:
        raise FaultyInputError("time_malformed", "the time is before 1970 or after 2200")
    return nanoseconds


def fallback_id(record: Record) -> str:
    """Return an id for a record that has none: a digest of its content, the same on every import."""
    return "digest-" + blake2b(msgspec.json.encode(record, order="sorted"), digest_size=16).hexdigest()
