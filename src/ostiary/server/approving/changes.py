"""What a proposal would change, as pairs of before and after, for whoever must agree.

- Values that stand for before and after are shown side by side; everything else it is bound to is evidence.
- A change of rules or people is shown member by member, against the law in force.

>>> changes({"from": "shadow", "to": "live", "report": "sha256:aa"})
([('phase or value', 'shadow', 'live')], [('report', 'sha256:aa')])
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from ostiary.approvals.people import Law, Person
from ostiary.approvals.proposal import Proposal
from ostiary.approvals.rules import DELEGATE, PEOPLE, RULE, Rule

_PAIRS: Final = (
    ("from", "to", "phase or value"),
    ("before", "after", "content"),
    ("previous", "digest", "digest"),
    ("old", "new", "value"),
)
_NS: Final = 1_000_000_000
_LAST_NS: Final = 2**63
Change = tuple[str, str, str]


def changes(bound: Mapping[str, str]) -> tuple[list[Change], list[tuple[str, str]]]:
    """Return pairs of before and after, and the rest."""
    pairs = [(words, bound[old], bound[new]) for old, new, words in _PAIRS if old in bound and new in bound]
    used = {name for old, new, _ in _PAIRS if old in bound and new in bound for name in (old, new)}
    return pairs, [(name, _told(name, bound[name])) for name in sorted(bound) if name not in used]


def _told(name: str, value: str) -> str:
    """Return a value as it is, a moment in nanoseconds with its date beside it."""
    if not name.endswith("_ns") or not value.isascii() or not value.isdigit() or not 0 < int(value) < _LAST_NS:
        return value
    return f"{datetime.fromtimestamp(int(value) // _NS, UTC):%-d %B %Y, %H:%M} UTC ({value})"


def changes_of(proposal: Proposal, law: Law) -> tuple[list[Change], list[tuple[str, str]]]:
    """Return what a proposal would change against ``law``, and its evidence."""
    pairs, rest = changes(proposal.bound)
    if proposal.kind == DELEGATE:
        return [("who signs", *pair[1:]) for pair in pairs], rest
    if proposal.kind == RULE:
        return [*_rule_changes(law.rule(proposal.target), proposal.change), *pairs], rest
    if proposal.kind == PEOPLE:
        return [*_people_changes(law.people, proposal.change), *pairs], rest
    return pairs, rest


def _rule_changes(old: Rule, change: str) -> list[Change]:
    new = msgspec.json.decode(change, type=Rule)
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in Rule.__struct_fields__)
    return [
        (name.replace("_s", " (s)"), _text(before), _text(after)) for name, before, after in pairs if before != after
    ]


def _people_changes(old: tuple[Person, ...], change: str) -> list[Change]:
    before = {one.name: _person(one) for one in old}
    after = {one.name: _person(one) for one in msgspec.json.decode(change, type=tuple[Person, ...])}
    names = sorted({*before, *after})
    return [(n, before.get(n, "—"), after.get(n, "—")) for n in names if before.get(n) != after.get(n)]


def _person(one: Person) -> str:
    also = f"; also {', '.join(one.also)}" if one.also else ""
    return f"{', '.join(one.groups) or 'no group'}{also}"


def _text(value: Any) -> str:
    return ", ".join(value) or "—" if isinstance(value, tuple) else str(value).lower()
