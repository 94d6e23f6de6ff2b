"""Moments in the ways that logs write them, to nanoseconds of UTC.

Rules:
- ``unix_s``, ``unix_ms``, ``unix_us``, ``unix_ns`` (numbers or texts, fractions are kept), ``iso8601``, or a pattern of
  ``strptime`` that names year, month and day.
- A time that says no offset is in the mapping's ``zone``: ``UTC`` unless it says otherwise, ``+02:00``, or a name such
  as ``Europe/Berlin``.
- A moment lies from 1970 to 2200; the rest is ``time_malformed``.

>>> reader("unix_s", UTC)("1279930123.5")
1279930123500000000
>>> reader("%d/%b/%Y:%H:%M:%S %z", UTC)("30/Jul/2024:21:31:21 +0200")
1722367881000000000
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.fields import within
from ostiary.signals.texts import shown

Moment = Callable[[Any], int]

FORMATS: Final = ("iso8601", "unix_ms", "unix_ns", "unix_s", "unix_us")
MAX_PATTERN: Final = 64
MAX_TEXT: Final = 64
_NS: Final = 10**9
_DIGITS: Final = {"unix_s": 9, "unix_ms": 6, "unix_us": 3, "unix_ns": 0}
_NUMBER: Final = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,18}))?")
_DIRECTIVE: Final = re.compile(r"%(.?)", re.DOTALL)
_DIRECTIVES: Final = frozenset("YymdjHIpMSfzZbBaA%")
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{2}):?([0-9]{2})(?::?[0-9]{2})?")
_ZONE: Final = re.compile(r"[A-Za-z_]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}")
_HOURS: Final = 14


class Instant(msgspec.Struct, frozen=True):
    """A moment that a file holds as one, in nanoseconds of UTC."""

    time_ns: int


def reader(form: str, zone: tzinfo) -> Moment:
    """Return what reads moments written as ``form``; times without an offset are in ``zone``."""
    if form in _DIGITS:
        return _unix(form, zone)
    return _iso(zone) if form == "iso8601" else _patterned(form, zone)


def check_form(form: str) -> None:
    """Refuse what is neither a known form nor a whole pattern.

    Raises:
        FaultyInputError: ``mapping_value``.
    """
    if form in FORMATS:
        return
    if "%" not in form:
        raise FaultyInputError("mapping_value", f"`{shown(form)}` is no form of time: use {', '.join(FORMATS)} or %…")
    named = _DIRECTIVE.findall(form)
    wrong = [each for each in named if each not in _DIRECTIVES]
    if wrong or len(form) > MAX_PATTERN or any(named.count(each) > 1 for each in named if each != "%"):
        raise FaultyInputError("mapping_value", f"`{shown(form)}` has an unknown or repeated directive, or is too long")
    told = set(named)
    if not (told & set("Yy") and ("j" in told or ("d" in told and told & set("mbB")))):
        raise FaultyInputError("mapping_value", f"`{shown(form)}` names no year, month and day")


def zone_of(text: str) -> tzinfo:
    """Return the zone that ``text`` names.

    Raises:
        FaultyInputError: ``mapping_value``.
    """
    if text in {"UTC", "Z"}:
        return UTC
    minutes = offset_minutes(text)
    if minutes is not None:
        return timezone(timedelta(minutes=minutes))
    unknown = f"`{shown(text)}` is no zone such as UTC, +02:00 or Europe/Berlin"
    if not _ZONE.fullmatch(text):
        raise FaultyInputError("mapping_value", unknown)
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, KeyError) as fault:
        raise FaultyInputError("mapping_value", unknown) from fault


def offset_minutes(text: str) -> int | None:
    """Return the minutes east of UTC that ``+05:30`` writes, at most 14 hours, or ``None``."""
    found = _OFFSET.fullmatch(text)
    if found is None:
        return 0 if text in {"Z", "UTC", "GMT"} else None
    minutes = int(found[2]) * 60 + int(found[3])
    if minutes > _HOURS * 60:
        return None
    return minutes if found[1] == "+" else -minutes


def malformed(value: Any) -> FaultyInputError:
    """Return the fault of a time that cannot be read."""
    text = value if isinstance(value, str) else type(value).__name__ if isinstance(value, dict | list) else str(value)
    return FaultyInputError("time_malformed", f"`{shown(text)}` is no time in the form that the mapping names")


def _unix(form: str, zone: tzinfo) -> Moment:
    digits = _DIGITS[form]
    factor = 10**digits

    def read(value: Any) -> int:
        if type(value) is str:
            if value.isdigit() and value.isascii() and len(value) < MAX_TEXT:
                return within(int(value) * factor)
            found = _NUMBER.fullmatch(value)
            if found is not None:
                return within(int(found[1]) * factor + int((found[2] or "").ljust(digits, "0")[:digits] or "0"))
        elif type(value) is int:
            return within(value * factor)
        elif type(value) is float and abs(value) < 1e20:  # noqa: PLR2004 - beyond every time; also not a number
            whole = int(value)
            return within(whole * factor + int((value - whole) * factor))
        return _moment_itself(value, zone)

    return read


def _moment_itself(value: Any, zone: tzinfo) -> int:
    """Return a moment that is one already, as Parquet holds them."""
    if isinstance(value, Instant):
        return within(value.time_ns)
    if isinstance(value, datetime):
        return _since_1970(value, zone)
    raise malformed(value)


def _iso(zone: tzinfo) -> Moment:
    def read(value: Any) -> int:
        try:
            when = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= MAX_TEXT else None
        except ValueError as fault:
            raise malformed(value) from fault
        if when is None:
            return _moment_itself(value, zone)
        return _since_1970(when, zone)

    return read


def _patterned(form: str, zone: tzinfo) -> Moment:
    def read(value: Any) -> int:
        try:
            when = datetime.strptime(value, form) if isinstance(value, str) and len(value) <= MAX_TEXT else None  # noqa: DTZ007 - the zone follows
        except ValueError as fault:
            raise malformed(value) from fault
        if when is None:
            return _moment_itself(value, zone)
        return _since_1970(when, zone)

    return read


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _since_1970(when: datetime, zone: tzinfo) -> int:
    try:
        past = (when if when.tzinfo is not None else when.replace(tzinfo=zone)) - _EPOCH
    except OverflowError as fault:
        raise FaultyInputError("time_malformed", "the time is before 1970 or after 2200") from fault
    return within((past.days * 86_400 + past.seconds) * _NS + past.microseconds * 1_000)
