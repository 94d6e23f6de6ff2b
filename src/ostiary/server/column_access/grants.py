"""Which roles and subjects a tenant's tables grant an action on a feature set: as grants.rego says, conditions told.

1. A role's grant counts when action, id and sensitivity fit; what it asks for besides (``when``) is told, not decided.
2. Roles come by the groups of subjects that the catalogue knows, and by their type. Whoever is only in a token's groups
   is not known here.
3. Access that people granted for a time counts until its end.

>>> table = {"roles": {"ci": {"feature_set": [{"id": "g", "actions": ["class:read"], "max_sensitivity": 2}]}}}
>>> [(one.role, one.grant) for one in granted(table, "customers", 1, "features.read", "read")]
[('ci', 'g')]
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from ostiary.signals.inventory import Catalogue

TYPE: Final = "feature_set"
MOST_SUBJECTS: Final = 500
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_MOST_BRACES: Final = 4


class RoleGrant(msgspec.Struct, frozen=True):
    """A grant that fits; ``when`` are conditions that must hold, too."""

    role: str
    grant: str
    when: tuple[str, ...] = ()


class Holder(msgspec.Struct, frozen=True):
    """A subject with a role; ``through`` says by which group or type."""

    subject: str
    role: str
    through: str


def granted(access: Mapping[str, Any], id_: str, sensitivity: int, action: str, kind: str) -> list[RoleGrant]:
    """Return the grants of all roles that fit an action on one feature set.

    Args:
        access: ``data.access``.
        id_: of the feature set.
        sensitivity: its own, or what policy takes where it is not known.
        action: such as ``features.read``.
        kind: the class of the action.
    """
    roles = access.get("roles", {})
    return [
        RoleGrant(role, str(one.get("id", "")), tuple(str(each) for each in one.get("when") or ()))
        for role, by_type in sorted(roles.items())
        for one in (*by_type.get(TYPE, ()), *by_type.get("*", ()))
        if _covers(one, id_, sensitivity, action, kind)
    ]


def holders(access: Mapping[str, Any], catalogue: Catalogue, roles: Iterable[str]) -> tuple[list[Holder], bool]:
    """Return subjects of the catalogue that hold one of ``roles``, and whether there are more than are told."""
    wanted, found = set(roles), list[Holder]()
    for one in _all(access, catalogue):
        if one.role in wanted:
            found.append(one)
        if len(found) > MOST_SUBJECTS:
            return found[:MOST_SUBJECTS], True
    return found, False


def _all(access: Mapping[str, Any], catalogue: Catalogue) -> Iterator[Holder]:
    groups, types = access.get("groups", {}), access.get("types", {})
    subjects, _ = catalogue.names()
    for kind, name in sorted(subjects):
        entry = catalogue.subject(kind, name)
        for group in entry.groups if entry is not None else ():
            yield from (Holder(f"{kind}:{name}", role, f"group {group}") for role in groups.get(group, ()))
        yield from (Holder(f"{kind}:{name}", role, f"type {kind}") for role in types.get(kind, ()))


def _covers(grant: Mapping[str, Any], id_: str, sensitivity: int, action: str, kind: str) -> bool:
    most = grant.get("max_sensitivity")
    if not isinstance(most, int | float) or isinstance(most, bool) or sensitivity > most:
        return False
    if "ids" in grant and not any(globbed(pattern, id_) for pattern in grant["ids"] or ()):
        return False
    return any(_acts(str(pattern), action, kind) for pattern in grant.get("actions", ()))


def _acts(pattern: str, action: str, kind: str) -> bool:
    if pattern.startswith("class:"):
        return pattern == f"class:{kind}"
    return pattern in {action, "*"} or ("*" in pattern and globbed(pattern, action))


def globbed(pattern: object, text: str) -> bool:
    """Return whether a glob of Rego without delimiters fits: ``*`` stands for anything, ``{a,b}`` for either.

    >>> globbed("customer_{risk,score}*", "customer_score_2"), globbed("customer_?", "customer_10")
    (True, False)
    """
    return any(fnmatchcase(text, one) for one in _spelt_out(str(pattern), 0))


def _spelt_out(pattern: str, depth: int) -> Iterator[str]:
    found = _BRACES.search(pattern) if depth < _MOST_BRACES else None
    if found is None:
        yield pattern
        return
    for one in found.group(1).split(","):
        yield from _spelt_out(pattern[: found.start()] + one + pattern[found.end() :], depth + 1)
