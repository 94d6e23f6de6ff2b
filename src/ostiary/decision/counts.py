"""How often which answers came beside each other: exact counts by the hour, for every candidate and for the live model.

- Counts only grow, by sums in one transaction, so that several processes may count the same hour.
- ``what`` says what a count is of: ``compared`` pairs of effects, and everything that was *not* compared, by its cause
  (``sampled_out``, ``dropped``, ``late``, ``crashed``, ``faulty``, ``stale``, ``down``), so that nothing goes missing
  silently; ``logged`` and ``unlogged`` are differences with and without a record of their own.
- No name of a subject or a resource is in a count.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from ostiary.decision.shadow import Cell

LIVE: Final = "live"
COMPARED: Final = "compared"
MISSED: Final = ("sampled_out", "dropped", "late", "crashed", "faulty", "stale", "down")


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
