"""Times as products write them: RFC 3339 in its looser forms, and counts of seconds to nanoseconds since 1970.

>>> when("2024-07-30 21:31:21.000000000") == when(1722375081) == when("1722375081000") == when("2024-07-30T21:31:21Z")
True
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.signals.fields import within
from ostiary.signals.texts import shown

_MOST: Final = 10**20
_UNITS: Final = ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000), (_MOST, 1))
_FORMS: Final = ("%a %b %d %H:%M:%S %Y %Z", "%m/%d/%Y %I:%M:%S %p", "%d/%b/%Y:%H:%M:%S %z", "%b %d, %Y %H:%M:%S %p")
_TAIL: Final = re.compile(r" ?\(?UTC\)?$| ?Z$")
_FIRST_S: Final = 100_000_000
_LONGEST: Final = 48


def when(value: Any) -> int:
    """Return nanoseconds of UTC.

    Raises:
        FaultyInputError: ``time_malformed``.
    """
    if type(value) is str and len(value) <= _LONGEST:
        if value.isascii() and value.replace(".", "", 1).isdigit():
            return _counted(float(value) if "." in value else int(value))
        return _written(value)
    if type(value) in (int, float):
        return _counted(value)
    raise FaultyInputError("time_malformed", f"`{shown(str(value))}` is no time")


def _counted(value: float) -> int:
    if not _FIRST_S <= value < _MOST:  # NaN too
        raise FaultyInputError("time_malformed", "the time is no count of seconds or less from 1973 to 2200")
    return within(int(value * next(unit for limit, unit in _UNITS if value < limit)))


def _written(value: str) -> int:
    found = _parsed(value, "") or _loosely(value.strip())
    if found is None:
        raise FaultyInputError("time_malformed", f"`{shown(value)}` is no time that is understood")
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    whole = int(found.replace(microsecond=0).timestamp())
    return within(whole * 1_000_000_000 + found.microsecond * 1_000)


def _loosely(value: str) -> datetime | None:
    bare = _TAIL.sub("", value)
    tries = ((bare, ""), *((value if "%z" in form.lower() else bare, form) for form in _FORMS))
    return next((when for text, form in tries if (when := _parsed(text, form)) is not None), None)


def _parsed(text: str, form: str) -> datetime | None:
    """Return the time in a form of ``strptime``, or without one in that of RFC 3339; ``None`` when it is in another."""
    try:
        return datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007 - UTC by the caller
    except ValueError:
        return None
