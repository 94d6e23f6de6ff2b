"""One value of a row to one value of an event: of the field's kind and within its bounds, or a fault.

Rules:
- What a converter gets is told: not ``None``, not an empty text, texts without space around them.
- What does not fit raises ``field_malformed``; nothing is rounded, cut or guessed to fit, but texts are made harmless
  and bounded (``texts.identifier``).

>>> from ostiary.signals.anylog.targets import TARGETS
>>> converter(TARGETS["ip"], Options())("::FFFF")
'::ffff'
>>> converter(TARGETS["outcome"], Options())("Success")
<EventOutcome.SUCCESS: 'success'>
"""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from math import isfinite
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.anylog.targets import Kind, Target
from ostiary.signals.anylog.times import offset_minutes
from ostiary.signals.texts import MAX_ID, identifier, shown

Convert = Callable[[Any], Any]

MAX_ITEMS: Final = 32
_MAX_NUMBER: Final = 32
_CACHE: Final = 16_384
_MOST: Final = 2**64
_EXACT: Final = 2**53
_FLAGS: Final = {
    "1": True, "true": True, "t": True, "yes": True, "y": True,
    "0": False, "false": False, "f": False, "no": False, "n": False,
}  # fmt: skip
_MINUTES: Final = {"minutes": 1.0, "hours": 60.0, "seconds": 1 / 60}
OFFSET_FORMS: Final = ("hours", "minutes", "offset", "seconds")
_TAIL: Final = 9


class Options(msgspec.Struct, frozen=True):
    """What a mapping may say about reading one value.

    Attributes:
        scale: a number is multiplied by it.
        split: a text is cut at it into a list.
        form: how an offset is written: ``minutes``, ``hours``, ``seconds``, or ``offset`` for ``+05:30``.
    """

    scale: float | None = None
    split: str = ""
    form: str = "minutes"


def converter(target: Target, options: Options) -> Convert:
    """Return what turns a told value into one for ``target``."""
    makers: dict[Kind, Callable[[Target, Options], Convert]] = {
        Kind.ADDRESS: lambda target, _: _address(target),
        Kind.AMOUNT: _amount,
        Kind.CHOICE: lambda target, _: _choice(target),
        Kind.COUNTRY: lambda target, _: _country(target),
        Kind.FLAG: lambda target, _: _flag(target),
        Kind.LIST: _texts,
        Kind.OFFSET: _offset,
        Kind.TEXT: lambda target, _: _text(target),
        Kind.WHOLE: _whole,
    }
    return makers[target.kind](target, options)


def written(value: Any) -> str | None:
    """Return a plain value as text, ``None`` when it is none: a list, an object, a number without end.

    A whole number is written as one, even where a file holds it as ``12.0``: an id is the same id in every form.
    """
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -_MOST < value < _MOST else None
    if isinstance(value, float):
        return (repr(value) if abs(value) > _EXACT or value % 1 else str(int(value))) if isfinite(value) else None
    return None


def misfit(target: Target, value: Any, what: str) -> FaultyInputError:
    """Return the fault of a value that does not fit."""
    text = written(value)
    told = f"`{shown(text)}`" if text is not None else "what stands there"
    return FaultyInputError("field_malformed", f"the field `{target.name}`: {told} is {what}", target.name)


def _text(target: Target) -> Convert:
    def convert(value: Any) -> str:
        if type(value) is str:
            if len(value) <= MAX_ID and value.isascii() and value.isprintable():
                return value
            return identifier(value)
        text = written(value)
        if text is None:
            raise misfit(target, value, "no text")
        return text

    return convert


def _number(target: Target, value: Any) -> int | float:
    if type(value) is str:
        if value.isdigit() and value.isascii() and len(value) < _MAX_NUMBER:
            return int(value)
        if len(value) < _MAX_NUMBER and "_" not in value:
            try:
                return float(value)
            except ValueError as fault:
                raise misfit(target, value, "no number") from fault
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise misfit(target, value, "no number")


def _amount(target: Target, options: Options) -> Convert:
    scale, low, high = options.scale, target.low, target.high

    def convert(value: Any) -> float:
        number = _number(target, value)
        if scale is not None:
            number *= scale
        if not low <= number <= high:
            raise misfit(target, value, f"not from {low:g} to {high:g}")
        return float(number)

    return convert


def _whole(target: Target, options: Options) -> Convert:
    scale, low, high = options.scale, target.low, target.high

    def convert(value: Any) -> int:
        number = _number(target, value)
        if scale is not None:
            number = round(number * scale) if isfinite(number * scale) else number
        if not low <= number <= high:
            raise misfit(target, value, f"not from {low:g} to {high:g}")
        whole = int(number)
        if whole != number:
            raise misfit(target, value, "no whole number")
        return whole

    return convert


def _flag(target: Target) -> Convert:
    def convert(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        text = written(value)
        found = _FLAGS.get(text.lower()) if text is not None else None
        if found is None:
            raise misfit(target, value, "neither true nor false")
        return found

    return convert


def _choice(target: Target) -> Convert:
    known = {str(each): each for each in target.form}

    def convert(value: Any) -> Any:
        found = known.get(value.lower()) if type(value) is str else None
        if found is None:
            raise misfit(target, value, f"none of {', '.join(known)}")
        return found

    return convert


@lru_cache(maxsize=_CACHE)
def _canonical(text: str) -> str | None:
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        return None


def _address(target: Target) -> Convert:
    def convert(value: Any) -> str:
        found = _canonical(value) if type(value) is str and len(value) <= _MAX_NUMBER * 2 else None
        if found is None:
            raise misfit(target, value, "no IP address")
        return found

    return convert


def _country(target: Target) -> Convert:
    def convert(value: Any) -> str:
        if type(value) is str and len(value) == 2 and value.isascii() and value.isalpha():  # noqa: PLR2004 - alpha-2
            return value.upper()
        raise misfit(target, value, "no ISO 3166-1 code of two letters")

    return convert


def _offset(target: Target, options: Options) -> Convert:
    if options.form == "offset":
        return lambda value: _written_offset(target, value)
    factor, low, high = _MINUTES[options.form], target.low, target.high

    def convert(value: Any) -> int:
        minutes = _number(target, value) * factor
        if not low <= minutes <= high:
            raise misfit(target, value, "more than 14 hours")
        return round(minutes)

    return convert


def _written_offset(target: Target, value: Any) -> int:
    """Return the minutes of ``+05:30``, alone or at the end of a time."""
    text = value if type(value) is str else ""
    for begin in ("+", "-"):
        head, sign, tail = text.rpartition(begin)
        if sign and len(tail) < _TAIL and (":" in head or not head):
            minutes = offset_minutes(sign + tail)
            if minutes is not None:
                return minutes
    if text.endswith(("Z", "UTC", "GMT")):
        return 0
    raise misfit(target, value, "no offset such as +05:30")


def _texts(target: Target, options: Options) -> Convert:
    split = options.split

    def convert(value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            items: list[Any] = value.split(split, MAX_ITEMS)[:MAX_ITEMS] if split else [value]
        elif isinstance(value, list):
            items = value[:MAX_ITEMS]
        else:
            raise misfit(target, value, "no list of texts")
        texts = [text.strip() for each in items if (text := written(each)) is not None]
        return tuple(identifier(text) for text in texts if text)

    return convert
