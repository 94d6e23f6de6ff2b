"""The frozen baseline: what a subject's habits were when its profile became mature, kept beside the adaptive profile.

A profile that follows its subject follows a patient thief too, step by step. The baseline does not move: it is taken
once, and anew only when somebody says so.

Rules:
- Taken by itself once: at the first access after 50 events and 14 days.
- Taken again only by a call (``ProfileBook.freeze``), and at most every 30 days.
- Bounded: the eight most used values of each of five dimensions, and the hours.
- Distances are Jensen-Shannon divergences (Lin 1991, in bits, 0 to 1) of what the subject does of late (fading with a
  half-life of 14 days) from what it did then; all values that were not among the frozen ones count as one.

>>> own = Subject(first=1, events=60, dims=[None] * COUNT, totals=[0] * COUNT)
>>> own.dims[Dim.COLLECTION], own.totals[Dim.COLLECTION] = {"db:a": (60, 1, 9, 30.0)}, 60
>>> own.baseline = frozen_habits(own, 10)
>>> distances(own, 10)[0]
0.0
>>> own.dims[Dim.COLLECTION] = {"db:b": (9, 1, 9, 9.0)}
>>> distances(own, 10)[0]
1.0
"""

from collections.abc import Mapping
from math import log2
from typing import Final

from ostiary.signals.dimensions import COUNT, Dim
from ostiary.signals.numbers import faded
from ostiary.signals.profiles import Baseline, Entry, Subject

__all__ = ["COUNT", "KEPT", "distances", "frozen_habits", "matured", "ripe"]

KEPT: Final = (Dim.COLLECTION, Dim.ACTION, Dim.NETWORK, Dim.COUNTRY, Dim.DEVICE)
RIPE_EVENTS: Final = 50
RIPE_S: Final = 14 * 86_400
AGAIN_S: Final = 30 * 86_400
_TOP: Final = 8
_NAN: Final = float("nan")


def matured(own: Subject, now: int) -> bool:
    """Return whether a subject has enough behind it for its habits to be called habits."""
    return own.events >= RIPE_EVENTS and now - own.first >= RIPE_S


def ripe(own: Subject, now: int) -> bool:
    """Return whether the baseline may be taken (again) at ``now``."""
    return matured(own, now) and (own.baseline is None or now - own.baseline.at >= AGAIN_S)


def frozen_habits(own: Subject, now: int) -> Baseline:
    """Return the subject's habits as they are at ``now``."""
    return Baseline(
        now,
        own.events,
        tuple(_most_used(own.dims[dim]) for dim in KEPT),
        tuple(own.totals[dim] for dim in KEPT),
        tuple(own.hours),
    )


def _most_used(table: Mapping[str, Entry] | None) -> dict[str, int]:
    ranked = sorted((table or {}).items(), key=lambda item: (-item[1][0], item[0]))
    return {value: entry[0] for value, entry in ranked[:_TOP]}


def distances(own: Subject, now: int) -> tuple[float, ...]:
    """Return how far the subject's late habits are from its baseline, one a dimension of ``KEPT``; NaN if unknown."""
    base = own.baseline
    if base is None:
        return ()
    return tuple(
        _divergence(then, total, own.dims[dim], now)
        for dim, then, total in zip(KEPT, base.habits, base.totals, strict=True)
    )


def _divergence(then: Mapping[str, int], total: int, table: Mapping[str, Entry] | None, now: int) -> float:
    late = {value: faded(entry[3], now - entry[2]) for value, entry in table.items()} if table else {}
    whole = sum(late.values())
    if not total or whole <= 0.0:
        return _NAN
    pairs = [(often / total, late.get(value, 0.0) / whole) for value, often in then.items()]
    pairs.append((max(0.0, 1.0 - sum([p for p, _ in pairs])), max(0.0, 1.0 - sum([q for _, q in pairs]))))
    bits = 0.0
    for p, q in pairs:
        both = (p + q) / 2
        bits += (p * log2(p / both) if p else 0.0) + (q * log2(q / both) if q else 0.0)
    return max(0.0, min(1.0, bits / 2))
