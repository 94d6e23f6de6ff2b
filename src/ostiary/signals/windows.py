"""How much of what in the last five minutes, hour, day and week, in a handful of numbers per window.

Rules:
- A window is two fixed buckets, this one and the one before; the answer slides between them
  (the older bucket counts by the part of it that is still inside).
- Reading never rolls the buckets, so that a look changes nothing.
- A bucket holds only what was counted in it: most people do few kinds of things in an hour.

>>> windows = fresh()
>>> add(windows, 1_000, [(Metric.EVENTS, 1.0)])
>>> read(windows, 1_000)[0][Metric.EVENTS], read(windows, 1_000_000)[0][Metric.EVENTS]
(1.0, 0.0)
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from ostiary.signals.window import Bucket, Window


class Metric(IntEnum):
    """What is counted in each window. Append, never insert: the order is part of the profile format."""

    EVENTS = 0
    SESSIONS = 1
    NEW = 2
    AMOUNT = 3
    BYTES = 4
    WRITES = 5
    EXPORTS = 6
    DELETES = 7
    ADMINS = 8
    LISTS = 9
    FAILURES = 10
    DENIALS = 11
    LOGIN_FAILURES = 12
    SENSITIVE = 13
    RESOURCES = 14
    COLLECTIONS = 15
    NETWORKS = 16
    DEVICES = 17
    SURPRISE = 18
    ODDS = 19
    HOUR_SURPRISE = 20
    ZONE_SURPRISE = 21


SPANS: Final = (300, 3_600, 86_400, 604_800)
SPAN_NAMES: Final = ("5m", "1h", "24h", "7d")
SPAN_WORDS: Final = ("five minutes", "hour", "24 hours", "7 days")
_WIDTH: Final = len(Metric)
_ZERO: Final[tuple[float, ...]] = (0.0,) * _WIDTH


def fresh() -> list[Window]:
    """Return four empty windows."""
    return [Window() for _ in SPANS]


def _roll(window: Window, bucket: int) -> Bucket:
    if bucket > window.bucket:
        window.before = window.now if bucket == window.bucket + 1 else None
        window.now = None
        window.bucket = bucket
    if window.now is None:
        window.now = {}
    return window.now


def add(windows: list[Window], now_s: int, amounts: Sequence[tuple[int, float]]) -> None:
    """Add ``amounts`` (metric, how much) to every window at ``now_s``."""
    for window, span in zip(windows, SPANS, strict=True):
        counts = _roll(window, now_s // span)
        for metric, amount in amounts:
            counts[metric] = counts.get(metric, 0.0) + amount


def add_to(windows: list[Window], place: int, now_s: int, metric: int) -> None:
    """Add one to ``metric`` in the window at ``place`` only."""
    counts = _roll(windows[place], now_s // SPANS[place])
    counts[metric] = counts.get(metric, 0.0) + 1.0


def _read(window: Window, now_s: int, span: int) -> Sequence[float]:
    bucket = max(now_s // span, window.bucket)
    if bucket > window.bucket + 1:
        return _ZERO
    now, before = (window.now, window.before) if bucket == window.bucket else (None, window.now)
    if not before and not now:
        return _ZERO
    counts = [0.0] * _WIDTH
    for metric, amount in now.items() if now else ():
        counts[metric] = amount
    if before:
        left = 1.0 - (now_s - bucket * span) / span if now_s >= bucket * span else 1.0
        for metric, amount in before.items():
            counts[metric] += left * amount
    return counts


def read(windows: list[Window], now_s: int) -> list[Sequence[float]]:
    """Return the sliding counts of each window at ``now_s``; changes nothing."""
    return [_read(window, now_s, span) for window, span in zip(windows, SPANS, strict=True)]
