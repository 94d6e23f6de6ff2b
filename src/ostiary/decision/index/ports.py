"""Who keeps the decisions as columns, and what it promises. This comment is the contract.

- Everything here is made from the audit log and can be made anew; the log alone is evidence.
- ``add`` is all or nothing and happens only where the tenant's cursor stands, so that two workers, or one that was
  started again, never count anything twice. A tenant that is gone takes nothing.
- A row stands only while the payload that it was made from stands: ``add`` leaves out those whose payload is gone,
  ``erase`` removes and overwrites them. Whoever erases first and calls ``erase`` afterwards therefore leaves none,
  whatever a worker that has read before writes meanwhile.
- Counts by the hour stay when rows go: they name nobody.
- Another tenant's rows are as unknown as none.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from ostiary.decision.index.query import DecisionQuery
from ostiary.vocabulary.effects import Effect

Field = Literal["subject", "resource", "rule", "action"]
HOUR_NS = 3_600 * 10**9


class IndexedDecision(msgspec.Struct, frozen=True):
    """One decision as columns; what was not told is empty.

    Attributes:
        idx: index of its record in the log.
        subject: as ``type:id``.
        rule: the first rule that made the effect; empty when no rule did.
        risk: the score in millionths.
        reasons: codes.
    """

    idx: int
    time_ns: int
    id: str
    effect: Effect
    subject: str = ""
    subject_type: str = ""
    session: str = ""
    action: str = ""
    action_class: str = ""
    resource_type: str = ""
    resource_id: str = ""
    pep: str = ""
    rule: str = ""
    risk: int | None = None
    ip: str = ""
    kind: str = "evaluation"
    reasons: tuple[str, ...] = ()


class HourCount(msgspec.Struct, frozen=True):
    """How often an effect was decided in one hour; ``hour`` counts from the Unix epoch."""

    hour: int
    effect: Effect
    count: int


class DecisionIndex(Protocol):
    """Keeps the rows and counts: see the contract at the top."""

    def cursor(self, tenant: str) -> int:
        """Return up to which index of the log a tenant's decisions are here."""
        ...

    def add(self, tenant: str, start: int, until: int, rows: Sequence[IndexedDecision]) -> bool:
        """Add rows and their counts and move the cursor from ``start`` to ``until``.

        Returns:
            Whether the cursor stood at ``start`` and the tenant lives; when not, nothing was done.
        """
        ...

    def erasures(self) -> int:
        """Return up to which index of the log its erasures were followed."""
        ...

    def followed(self, start: int, until: int) -> bool:
        """Move what ``erasures`` returns, if it stands at ``start``."""
        ...

    def erase(self, ranges: Sequence[tuple[int, int]]) -> bool:
        """Remove the rows whose payloads are gone, in ranges of the log of all tenants, the second number exclusive.

        Returns:
            Whether every payload in them is gone; when not, ask again later.
        """
        ...

    def rows(self, tenant: str, query: DecisionQuery) -> Sequence[IndexedDecision]:
        """Return the decisions that match, in the query's order."""
        ...

    def count(self, tenant: str, query: DecisionQuery, most: int) -> int:
        """Return how many match, whatever the query's limit; counting ends at ``most``."""
        ...

    def hours(self, tenant: str, since_hour: int, until_hour: int, pep: str | None = None) -> Sequence[HourCount]:
        """Return counts of ``[since_hour, until_hour)`` in order, from what was counted before."""
        ...

    def top(
        self, tenant: str, field: Field, effects: Sequence[Effect], since_ns: int, limit: int
    ) -> Sequence[tuple[str, int]]:
        """Return what came most often, most first, then by name; a resource as ``type:id``."""
        ...

    def heat(self, tenant: str, subject: str | None, since_ns: int) -> Mapping[tuple[int, int], int]:
        """Return counts by weekday (Monday is 0) and hour of the day, in UTC.

        Of all subjects they are of whole hours, so the hour of ``since_ns`` is in them.
        """
        ...
