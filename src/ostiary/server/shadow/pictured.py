"""Two pictures of what was compared: what was answered against what would have been, and where scores lie.

- Sums of what was counted by the hour as requests were answered; nothing is asked again, and no name is in them.
- Scores are of accesses that policy would have let through: those that a threshold decides.
"""

from collections import Counter
from typing import Final

import msgspec

from ostiary.decision.counts import COMPARED, EDGES
from ostiary.decision.shadow import HOUR_NS
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect

MAX_DAYS: Final = 90
_DAY_H: Final = 24
_SCORE: Final = "score_"


class Pair(msgspec.Struct, frozen=True):
    """How often the enforced answer and the other one came together, by effect."""

    before: str
    after: str
    count: int


def confusion(house: House, tenant: str, about: str, days: int) -> list[Pair]:
    """Return what was enforced against what ``about`` (a candidate's digest, or ``live``) would have answered.

    Raises:
        UnavailableError: the counts cannot be read or written now.
    """
    house.shadow.tallies.flush()
    found: Counter[tuple[int, int]] = Counter()
    for row in house.shadow.counts.summed(tenant, about, COMPARED, *_span(house, days)):
        found[row.before, row.after] += row.count
    return [Pair(Effect(a).name, Effect(b).name, count) for (a, b), count in sorted(found.items())]


def scores(house: House, tenant: str, about: str, days: int) -> list[int]:
    """Return how many scores lie from each of ``EDGES`` up to the next one; empty when none was counted."""
    house.shadow.tallies.flush()
    found = [0] * len(EDGES)
    for (_, what), count in house.shadow.counts.hourly(tenant, about, *_span(house, days)).items():
        if what.startswith(_SCORE):
            found[int(what.removeprefix(_SCORE))] += count
    return found if any(found) else []


def _span(house: House, days: int) -> tuple[int, int]:
    until = house.clock.now_ns() // HOUR_NS + 1
    return until - min(max(days, 1), MAX_DAYS) * _DAY_H, until
