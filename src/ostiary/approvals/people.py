"""Who may approve: people with their groups and other names, and the rules that they have made. One tenant's law.

- A person is ``type:id``; keys are not people, so nothing here knows of keys.
- A name belongs to one person, other names too: else nobody could count people.
- It is one value, changed as a whole, and named by its digest.

>>> ann, bob = Person("user:ann", ("risk",), ("administrator:adm_1",)), Person("user:bob", ("ops",))
>>> sorted(Law((ann, bob)).known_as(frozenset({"administrator:adm_1"})))
['administrator:adm_1', 'user:ann']
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.approvals.canonical import canonical
from ostiary.approvals.counting import tally
from ostiary.approvals.refusing import refusal
from ostiary.approvals.rules import CONSTITUTION, MAX_GROUPS, Rule, check_groups, check_rule, default_rule
from ostiary.errors import FaultyInputError
from ostiary.identity.webauthn.types import clean_subject
from ostiary.keys import sha256_hex

MOST: Final = 256
MAX_RULES: Final = 64
MAX_KIND: Final = 64


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One human being.

    Attributes:
        name: ``type:id``.
        groups: what they stand for, such as ``risk``.
        also: every other name of theirs: ``administrator:KEY_ID``, an account at a forge.
    """

    name: str
    groups: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every name."""
        return frozenset((self.name, *self.also))


class Law(msgspec.Struct, frozen=True):
    """The people and rules of a tenant."""

    people: tuple[Person, ...] = ()
    rules: Mapping[str, Rule] = {}

    @property
    def digest(self) -> str:
        """By this a change names what it changes."""
        return "sha256:" + sha256_hex(canonical(msgspec.to_builtins(self)))

    def rule(self, kind: str) -> Rule:
        """Return the rule in force for a kind."""
        return self.rules.get(kind) or default_rule(kind)

    def find(self, name: str) -> Person | None:
        """Return a person by the name that they sign with."""
        return next((one for one in self.people if one.name == name), None)

    def who(self, name: str) -> str:
        """Return the person behind any name of theirs, empty when it is nobody's."""
        return next((one.name for one in self.people if name in one.names), "")

    def known_as(self, names: frozenset[str]) -> frozenset[str]:
        """Return ``names`` with every other name of the people who bear one of them."""
        return names.union(*(one.names for one in self.people if not one.names.isdisjoint(names)))


def check_law(law: Law) -> Law:
    """Return a law by which people can count, and can change it again.

    Raises:
        FaultyInputError: ``approval_people_invalid``, ``approval_rule_invalid``, ``subject_invalid``.
        RefusedError: ``approval_unsatisfiable``.
    """
    if not 0 < len(law.people) <= MOST or len(law.rules) > MAX_RULES:
        raise FaultyInputError("approval_people_invalid", f"a tenant has 1 to {MOST} people and {MAX_RULES} rules")
    if len({one.name for one in law.people}) != len(law.people):
        raise FaultyInputError("approval_people_invalid", "somebody stands there twice")
    owners: dict[str, str] = {}
    for one in law.people:
        _check_person(one)
        for name in one.names:
            if owners.setdefault(name, one.name) != one.name:
                raise FaultyInputError("approval_people_invalid", f"`{name[:80]}` is a name of two people")
    for kind, rule in law.rules.items():
        if not 0 < len(kind) <= MAX_KIND or not kind.isascii() or not kind.isprintable():
            raise FaultyInputError("approval_rule_invalid", "a kind has 1 to 64 printable characters")
        check_rule(kind, rule)
    for kind in (*CONSTITUTION, *law.rules):
        if not tally(law.rule(kind), law.people).enough:
            raise refusal("approval_unsatisfiable", f"too few people, or too few groups, could agree to `{kind}`")
    return law


def _check_person(one: Person) -> None:
    clean_subject(one.name)
    if len(one.groups) > MAX_GROUPS or len(one.also) > MAX_GROUPS:
        raise FaultyInputError("approval_people_invalid", f"a person has at most {MAX_GROUPS} groups and other names")
    check_groups(one.groups)
    for name in one.also:
        clean_subject(name)
