"""Days and moments that a form asks for, as nanoseconds since 1970; a day without a zone is one in UTC.

>>> moment_ns("2026-11-27"), moment_ns("2026-11-27T02:00:12Z"), moment_ns("")
(1795737600000000000, 1795744812000000000, 0)
>>> day_of(1_795_744_812_000_000_000), day_of(0)
('2026-11-27', '')
"""

from datetime import UTC, datetime
from typing import Final

from ostiary.errors import FaultyInputError

_NS: Final = 1_000_000_000
_LONGEST: Final = 40


def moment_ns(text: str) -> int:
    """Return a moment, 0 for none.

    Raises:
        FaultyInputError: ``time_invalid``.
    """
    if not text:
        return 0
    try:
        found = datetime.fromisoformat(text[:_LONGEST])
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()) * _NS
    except (ValueError, OverflowError):
        raise FaultyInputError("time_invalid", "this is no day or moment, such as 2026-11-01") from None


def day_of(at_ns: int) -> str:
    """Return the day of a moment in UTC, empty for none."""
    return datetime.fromtimestamp(at_ns // _NS, UTC).strftime("%Y-%m-%d") if at_ns else ""
