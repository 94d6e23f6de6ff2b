"""Moments for pages: RFC 3339 in UTC; the browser shows them in the viewer's zone.

>>> stamp(1_795_737_600_000_000_000)
'2026-11-27T00:00:00Z'
"""

from datetime import UTC, datetime
from typing import Final

_NS: Final = 1_000_000_000


def stamp(at_ns: int) -> str:
    """Return a moment to the second."""
    return datetime.fromtimestamp(at_ns // _NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
