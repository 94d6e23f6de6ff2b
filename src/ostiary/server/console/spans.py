"""Spans of time in words, short enough for a column.

>>> [span(seconds) for seconds in (0, 59, 90, 7_300, 200_000)]
['0 s', '59 s', '1 min', '2 h', '2 days']
"""

from typing import Final

_STEPS: Final = ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s"))
_NS: Final = 1_000_000_000


def span(seconds: float) -> str:
    """Return a span as one number and its unit, rounded down; what lies the wrong way round is none."""
    whole = max(0, int(seconds))
    for size, unit in _STEPS:
        if whole >= size:
            many = whole // size
            return f"{many} {'day' if unit == 'days' and many == 1 else unit}"
    return "0 s"


def since(then_ns: int, now_ns: int) -> str:
    """Return how long ago a moment is, or lies ahead."""
    return span(abs(now_ns - then_ns) / _NS)
