"""How often which answers came beside each other: exact counts by the hour, for every candidate and for the live model.

- Counts only grow, by sums in one transaction, so that several processes may count the same hour.
- ``what`` says what a count is of: ``compared`` pairs of effects, and everything that was *not* compared, by its cause
  (``sampled_out``, ``dropped``, ``late``, ``crashed``, ``faulty``, ``stale``, ``down``), so that nothing goes missing
  silently; ``logged`` and ``unlogged`` are differences with and without a record of their own.
- ``score_NN`` counts scores by their place among ``EDGES``, of accesses that policy would have let through: what a
  candidate's thresholds would cost.
- No name of a subject or a resource is in a count.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from ostiary.decision.shadow import Cell

LIVE: Final = "live"
COMPARED: Final = "compared"
_ODDS: Final = 9.2  # of 0.0001 and of 0.9999
EDGES: Final = tuple(1 / (1 + math.exp(_ODDS - step * 2 * _ODDS / 49)) for step in range(50))
MISSED: Final = ("sampled_out", "dropped", "late", "crashed", "faulty", "stale", "down")


def score_place(score: float) -> str:
    """Return what a score is counted as.

    >>> score_place(0.0), score_place(0.5), score_place(1.0)
    ('score_00', 'score_24', 'score_49')
    """
    return f"score_{max(0, bisect_right(EDGES, score) - 1):02d}"


class Key(msgspec.Struct, frozen=True, order=True):
    """What is counted: of which candidate (a digest, or ``live``), what, and where."""

    about: str
    what: str
    cell: Cell


class Summed(msgspec.Struct, frozen=True):
    """Counts of a span without their hours: how many, and the first and last hour in which there were some."""

    controls: str
    before: int
    after: int
    groups: str
    resource_class: str
    count: int
    first_hour: int
    last_hour: int


class ShadowCounts(Protocol):
    """Keeps the counts."""

    def add(self, tenant: str, counts: Mapping[Key, int]) -> None:
        """Add to counts, all or none.

        Raises:
            UnavailableError: they could not be written; add them again.
        """
        ...

    def summed(self, tenant: str, about: str, what: str, since_hour: int, until_hour: int) -> Sequence[Summed]:
        """Return sums over ``[since_hour, until_hour)``, by cell without its hour, in a stable order."""
        ...

    def hourly(self, tenant: str, about: str, since_hour: int, until_hour: int) -> Mapping[tuple[int, str], int]:
        """Return sums by hour and what was counted."""
        ...

    def forget(self, tenant: str, before_hour: int) -> int:
        """Erase what is older; return how many counts that was."""
        ...
