"""The law of a tenant as its topic tells it, and how it changes: by a deed that is bound to what it was and will be.

>>> law_of([], None).people
()
"""

from collections.abc import Sequence

import msgspec

from ostiary.approvals.acts import Enacted, Entry
from ostiary.approvals.canonical import canonical
from ostiary.approvals.people import Law, Person, check_law
from ostiary.approvals.rules import RULE, Rule
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.unreadable import UNREADABLE


def law_of(entries: Sequence[Entry], at_ns: int | None) -> Law:
    """Return the law now, or as it was at a moment; nobody and nothing before there is one."""
    found = [one.act for one in entries if isinstance(one.act, Enacted) and (at_ns is None or one.at_ns <= at_ns)]
    return Law(found[-1].people, found[-1].rules) if found else Law()


def changed(law: Law, kind: str, target: str, change: str) -> Law:
    """Return the law as a change would make it.

    Raises:
        FaultyInputError: ``approval_malformed``, ``approval_…_invalid``.
        RefusedError: ``approval_unsatisfiable``.
    """
    try:
        if kind == RULE:
            rule = msgspec.json.decode(change, type=Rule)
            return check_law(Law(law.people, {**law.rules, target: rule}))
        return check_law(Law(msgspec.json.decode(change, type=tuple[Person, ...]), law.rules))
    except UNREADABLE as fault:
        raise FaultyInputError("approval_malformed", f"the change cannot be read: {fault}") from fault


def law_deed(tenant: str, law: Law, kind: str, target: str, change: str) -> Deed:
    """Return the deed of changing a rule (``target`` is its kind) or the people: bound to what was and what will be."""
    after = changed(law, kind, target, change)
    return Deed(tenant, kind, target, {"before": law.digest, "after": after.digest})


def written(value: object) -> str:
    """Return a rule or people as the text that a proposal carries."""
    return canonical(msgspec.to_builtins(value)).decode()
