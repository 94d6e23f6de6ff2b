"""Counts people against a rule, and says what is missing in words.

- A person counts once, and stands for one group at a time: whoever is in two groups does not fill two seats.
- Which seat each one fills is chosen so that as many as can be are filled (augmenting paths; few people, few groups).

>>> from ostiary.approvals.people import Person
>>> ann, bob = Person("user:ann", ("risk", "ops")), Person("user:bob", ("risk",))
>>> tally(Rule(groups=("risk", "ops")), (ann,)).words
'1 more signature needed, of group ops'
>>> tally(Rule(groups=("risk", "ops")), (ann, bob)).enough
True
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from ostiary.approvals.rules import Rule


class Member(Protocol):
    """Somebody with groups."""

    @property
    def name(self) -> str:
        """Who it is."""
        ...

    @property
    def groups(self) -> tuple[str, ...]:
        """Their groups."""
        ...


class Tally(msgspec.Struct, frozen=True):
    """How far an agreement has come.

    Attributes:
        needed: how many people it takes.
        agreed: who counts, in order.
        missing: how many more signatures it takes at least.
        groups: required groups that nobody stands for yet.
        another_group: whether one more must come from a group that nobody stands for yet.
    """

    needed: int
    agreed: tuple[str, ...]
    missing: int
    groups: tuple[str, ...] = ()
    another_group: bool = False

    @property
    def enough(self) -> bool:
        """Whether the rule is satisfied."""
        return self.missing == 0

    @property
    def words(self) -> str:
        """What is missing, for a person."""
        if self.enough:
            return "enough people have agreed"
        many = f"{self.missing} more signature{'s' if self.missing > 1 else ''} needed"
        if self.groups:
            return f"{many}, of group {' and '.join(self.groups)}"
        return f"{many}, of another group" if self.another_group else many


def tally(rule: Rule, agreed: Iterable[Member]) -> Tally:
    """Count different people who may say yes by this rule."""
    people = {one.name: one for one in agreed if not rule.of or not set(rule.of).isdisjoint(one.groups)}
    members = [people[name] for name in sorted(people)]
    empty = tuple(group for group in rule.groups if group not in _seated(rule.groups, members))
    every = sorted({group for one in members for group in one.groups})
    spread = max(0, rule.spread - len(_seated(every, members)))
    missing = max(rule.people - len(members), len(empty), spread)
    return Tally(rule.people, tuple(people[name].name for name in sorted(people)), missing, empty, spread > 0)


def _seated(groups: Sequence[str], members: Sequence[Member]) -> dict[str, int]:
    """Return for as many groups as can be who stands for it; nobody stands for two."""
    seats: dict[str, int] = {}

    def seat(index: int, seen: set[str]) -> bool:
        for group in groups:
            if group in members[index].groups and group not in seen:
                seen.add(group)
                if group not in seats or seat(seats[group], seen):
                    seats[group] = index
                    return True
        return False

    for index in range(len(members)):
        seat(index, set())
    return seats
