"""What people write into fields: moments, places in a list, reasons.

>>> moment_of("2026-11-27T10:00")
1795773600000000000
>>> moment_of("2026-11-27") < moment_of("2026-11-27T00:00:01Z")
True
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ostiary.errors import FaultyInputError

_NS: Final = 1_000_000_000
_MOST: Final = 2**62
_LONGEST: Final = 40
_DIGITS: Final = 19
MAX_REASON: Final = 200


def moment_of(text: str) -> int:
    """Return a moment in nanoseconds since 1970; a text without a zone counts as UTC.

    Raises:
        FaultyInputError: ``console_moment_malformed``.
    """
    try:
        if len(text) > _LONGEST:
            raise ValueError  # noqa: TRY301 - one answer for every moment that is none
        told = datetime.fromisoformat(text.strip())
        at_ns = int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()) * _NS
    except (ValueError, OverflowError):
        raise FaultyInputError("console_moment_malformed", "write a moment as 2026-11-27 or 2026-11-27T10:00") from None
    if not 0 <= at_ns < _MOST:
        raise FaultyInputError("console_moment_malformed", "that moment lies too far away")
    return at_ns


def place_of(query: Mapping[str, str], name: str = "below") -> int | None:
    """Return where a list goes on, ``None`` for its beginning.

    Raises:
        FaultyInputError: ``console_place_malformed``.
    """
    text = query.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS or int(text) > _MOST:
        raise FaultyInputError("console_place_malformed", f"`{name}` is a place in the log")
    return int(text)


def number_of(text: str) -> int:
    """Return a version's number.

    Raises:
        FaultyInputError: ``console_number_malformed``.
    """
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS or not 0 < int(text) < 2**53:
        raise FaultyInputError("console_number_malformed", "a version is a number from 1 on")
    return int(text)


def reason_of(form: Mapping[str, str]) -> str:
    """Return the reason that a deed needs.

    Raises:
        FaultyInputError: ``reason_missing``.
    """
    text = form.get("reason", "").strip()
    if not text:
        raise FaultyInputError("reason_missing", "say why; it is kept in the log")
    if len(text) > MAX_REASON:
        raise FaultyInputError("reason_missing", f"say why in at most {MAX_REASON} characters")
    return text


def check_typed(form: Mapping[str, str], expected: str) -> None:
    """Refuse a deed that cannot be undone unless its object's name was typed again.

    Raises:
        FaultyInputError: ``not_confirmed``.
    """
    if form.get("typed", "").strip() != expected:
        raise FaultyInputError("not_confirmed", "this cannot be undone: type the name exactly as it stands there")
