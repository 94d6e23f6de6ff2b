"""How many people it takes: one rule a kind of deed, and what holds when a tenant has made none.

- Shipped: two people from two groups for everything, unknown kinds too; opening the glass and ceremonies are hasty, so
  they take nobody's delegate, and are over soon.
- Who may approve, and how many it takes, is never for one person alone to change.
- A rule is bound to every proposal by its digest: another rule voids it.

>>> default_rule("model.promote").people, default_rule("model.promote").spread
(2, 2)
>>> default_rule("break_glass.open").delegation
False
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.approvals.canonical import canonical
from ostiary.errors import FaultyInputError
from ostiary.keys import sha256_hex

PEOPLE: Final = "approvals.people"
RULE: Final = "approvals.rule"
DELEGATE: Final = "approvals.delegate"
CONSTITUTION: Final = frozenset({PEOPLE, RULE})
MAX_PEOPLE: Final = 16
MAX_GROUPS: Final = 16
MAX_NAME: Final = 64
_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_SHORTEST: Final = 60


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it takes to agree to one kind of deed.

    Attributes:
        people: how many different people must say yes.
        groups: from each of these at least one of them, and not the same one twice.
        spread: from how many different groups they come at least; one person stands for one group.
        of: who may say yes at all: members of these groups; empty for everybody among the people.
        deny: so many noes end it.
        expires_s: seconds in which people can sign, and the deed can be done.
        not_before_s: seconds that must pass before it can be done.
        holds_s: seconds, from the proposal on, for which what was done by it holds.
        delegation: whether somebody else may sign for one of them.
    """

    people: int = 2
    groups: tuple[str, ...] = ()
    spread: int = 2
    of: tuple[str, ...] = ()
    deny: int = 1
    expires_s: int = 3 * _DAY
    not_before_s: int = 0
    holds_s: int = 400 * _DAY
    delegation: bool = True

    @property
    def digest(self) -> str:
        """By this a proposal names it."""
        return "sha256:" + sha256_hex(canonical(msgspec.to_builtins(self)))


HIGH: Final = Rule()
OWN_DELEGATION: Final = Rule(people=1, spread=1, expires_s=_DAY, delegation=False)
_CLOSED: Final = Rule(delegation=False)
_SHIPPED: Final = {
    "administrators.change": _CLOSED,
    PEOPLE: _CLOSED,
    RULE: _CLOSED,
    "break_glass.open": Rule(expires_s=_HOUR, holds_s=_DAY, delegation=False),
    "keys.ceremony": Rule(expires_s=_DAY, delegation=False),
    "model.promote": HIGH,
    "model.release": HIGH,
    "model.rollback": Rule(expires_s=_DAY),
    "phase.change": HIGH,
    "policy.activate": HIGH,
    "subject.erase": Rule(delegation=False),
    "threshold.change": HIGH,
}
KINDS: Final = tuple(sorted(_SHIPPED))


def default_rule(kind: str) -> Rule:
    """Return what holds for a kind when the tenant has made no rule."""
    return OWN_DELEGATION if kind == DELEGATE else _SHIPPED.get(kind, HIGH)


def strictest(rules: Sequence[Rule]) -> Rule:
    """Return the times and noes of several rules at once, each the strictest; who must agree is asked of each."""
    return msgspec.structs.replace(
        rules[0],
        deny=min(one.deny for one in rules),
        expires_s=min(one.expires_s for one in rules),
        not_before_s=max(one.not_before_s for one in rules),
        holds_s=min(one.holds_s for one in rules),
        delegation=all(one.delegation for one in rules),
    )


def check_rule(kind: str, rule: Rule) -> Rule:
    """Return a rule that can be one.

    Raises:
        FaultyInputError: ``approval_rule_invalid``.
    """
    if kind == DELEGATE:
        raise _faulty("only whoever delegates agrees to a delegation: there is no other rule for it")
    least = 2 if kind in CONSTITUTION else 1
    if not least <= rule.people <= MAX_PEOPLE:
        raise _faulty(f"`{kind[:MAX_NAME]}` takes {least} to {MAX_PEOPLE} people")
    if not 1 <= rule.spread <= rule.people or len(rule.groups) > rule.people:
        raise _faulty("each person stands for one group: no more groups than people")
    if kind in CONSTITUTION and rule.delegation:
        raise _faulty(f"nobody signs for another one to change `{kind}`")
    if not 1 <= rule.deny <= MAX_PEOPLE:
        raise _faulty("it takes at least one no")
    if not _SHORTEST <= rule.expires_s <= 30 * _DAY or not 0 <= rule.not_before_s < rule.expires_s:
        raise _faulty("a proposal lives for a minute to 30 days, and begins before it ends")
    if not _SHORTEST <= rule.holds_s <= 400 * _DAY:
        raise _faulty("what was agreed to holds for a minute to 400 days")
    check_groups((*rule.groups, *rule.of))
    return rule


def check_groups(names: Sequence[str]) -> None:
    """Refuse names of groups that are none.

    Raises:
        FaultyInputError: ``approval_rule_invalid``.
    """
    if len(names) > 2 * MAX_GROUPS or not all(0 < len(name) <= MAX_NAME and name.isprintable() for name in names):
        raise _faulty(f"a group's name has 1 to {MAX_NAME} printable characters, and there are few of them")


def _faulty(text: str) -> FaultyInputError:
    return FaultyInputError("approval_rule_invalid", text)
