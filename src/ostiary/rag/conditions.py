"""Conditions on documents, as a closed little language: what policy leaves unknown, and what a store is asked for.

- They come from OPA's partial evaluation as UCAST, or are built here; nothing else is one. A field or an operator that
  is not in the tables is a residue nobody understands, and refuses (``filter_not_understood``).
- Values are texts, whole numbers and truth; compilers bind them or quote them (``rag.compilers``).
- ``holds`` is the meaning; every compiler is tested against it.

>>> clear = read_ucast({"type": "field", "field": "document.confidentiality", "operator": "lte", "value": 2})
>>> holds(clear, {"confidentiality": 2}), holds(clear, {"confidentiality": 3}), holds(NEVER, {})
(True, False, False)
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal

import msgspec

from ostiary.errors import RefusedError

NOT_UNDERSTOOD: Final = "filter_not_understood"
MAX_PARTS: Final = 512
MAX_DEPTH: Final = 12
MAX_VALUES: Final = 100_000
NUMBERS: Final = frozenset({"acl", "confidentiality", "integrity"})
TEXTS: Final = frozenset({"document", "index", "kind", "source", "tenant", "verdict"})
Value = int | str
Operator = Literal["eq", "ge", "gt", "in", "le", "lt", "ne"]


class Compare(msgspec.Struct, frozen=True):
    """One comparison of one field."""

    field: str
    op: Operator
    value: Value | tuple[Value, ...]


class Group(msgspec.Struct, frozen=True):
    """Several conditions joined; ``not`` has one part. ``and`` of nothing always holds, ``or`` of nothing never."""

    op: Literal["and", "not", "or"]
    parts: tuple["Condition", ...] = ()


Condition = Compare | Group
ALWAYS: Final = Group("and")
NEVER: Final = Group("or")
_UCAST: Final[dict[str, Operator]] = {
    "eq": "eq", "ge": "ge", "gt": "gt", "gte": "ge", "in": "in", "le": "le", "lt": "lt", "lte": "le", "ne": "ne",
}  # fmt: skip
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda a, b: bool(a == b),
    "ge": lambda a, b: bool(a >= b),
    "gt": lambda a, b: bool(a > b),
    "in": lambda a, b: a in b,
    "le": lambda a, b: bool(a <= b),
    "lt": lambda a, b: bool(a < b),
    "ne": lambda a, b: bool(a != b),
}


def both(*parts: Condition) -> Condition:
    """Return what holds where all hold."""
    kept = tuple(one for one in parts if one != ALWAYS)
    if NEVER in kept:
        return NEVER
    return kept[0] if len(kept) == 1 else Group("and", kept)


def either(*parts: Condition) -> Condition:
    """Return what holds where any holds."""
    kept = tuple(one for one in parts if one != NEVER)
    if ALWAYS in kept:
        return ALWAYS
    return kept[0] if len(kept) == 1 else Group("or", kept)


def holds(condition: Condition, facts: Mapping[str, Value]) -> bool:
    """Return whether a condition holds of a document; a field that is not told makes it false, whatever it is."""
    if isinstance(condition, Compare):
        return condition.field in facts and _COMPARE[condition.op](facts[condition.field], condition.value)
    if condition.op == "not":
        part = condition.parts[0]
        return fields(part) <= set(facts) and not holds(part, facts)
    found = (holds(one, facts) for one in condition.parts)
    return all(found) if condition.op == "and" else any(found)


def fields(condition: Condition) -> set[str]:
    """Return the fields that a condition speaks of."""
    if isinstance(condition, Compare):
        return {condition.field}
    return set[str]().union(*(fields(one) for one in condition.parts))


def checked(condition: Condition) -> Condition:
    """Return a condition of known fields whose values have the fields' types.

    Raises:
        RefusedError: ``filter_not_understood``.
    """
    if isinstance(condition, Group):
        for one in condition.parts:
            checked(one)
        if condition.op == "not" and len(condition.parts) != 1:
            raise _no("a `not` has one part")
        return condition
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    if isinstance(condition.value, tuple) != (condition.op == "in") or len(values) > MAX_VALUES:
        raise _no("`in` has a bounded list, and nothing else has one")
    if not all(_fits(condition.field, one) for one in values):
        raise _no("a value has not the type of its field")
    return condition


def _fits(field: str, value: object) -> bool:
    if field in NUMBERS:
        return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31
    return field in TEXTS and isinstance(value, str) and "\0" not in value and _whole(value)


def _whole(text: str) -> bool:
    """Return whether a text is whole characters: half of a surrogate pair is another text to every store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_ucast(told: Any, known: str = "document.") -> Condition:
    """Return the condition of a UCAST tree; an empty tree always holds.

    Raises:
        RefusedError: ``filter_not_understood``: a residue that our stores could not be asked for.
    """
    if told == {}:
        return ALWAYS
    left = [MAX_PARTS]
    return checked(_read(told, known, left, 0))


def _read(told: Any, known: str, left: list[int], depth: int) -> Condition:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH or not isinstance(told, dict):
        raise _no("it has too many parts")
    kind, op, value = told.get("type"), told.get("operator"), told.get("value")
    if op not in (*_UCAST, "and", "not", "or"):  # a tuple: what cannot be hashed is not known either
        raise _no("it has an operator or a field that is not known")
    if kind == "compound" and op not in _UCAST and isinstance(value, list) and value:
        return Group(op, tuple(_read(one, known, left, depth + 1) for one in value))
    field = told.get("field")
    if kind != "field" or op not in _UCAST or not isinstance(field, str) or not field.startswith(known):
        raise _no("it has an operator or a field that is not known")
    given = tuple(value) if isinstance(value, list) else value
    return Compare(field.removeprefix(known), _UCAST[op], given)  # type: ignore[arg-type] # `checked` looks at the value


def _no(why: str) -> RefusedError:
    return RefusedError(NOT_UNDERSTOOD, f"the policy's filter cannot be asked of a store: {why}")


def prepared(condition: Condition) -> Callable[[Mapping[str, Value]], bool]:
    """Return ``holds`` for one condition asked of many documents: lists are looked up, not walked."""
    return partial(holds, _quick(condition))


def _quick(condition: Condition) -> Condition:
    if isinstance(condition, Group):
        return Group(condition.op, tuple(_quick(one) for one in condition.parts))
    if isinstance(condition.value, tuple):
        return Compare(condition.field, condition.op, frozenset(condition.value))  # type: ignore[arg-type]
    return condition


def acls_of(condition: Condition) -> frozenset[int] | None:
    """Return the only rules under which a document for which this holds can be, or ``None`` when it may be any."""
    if isinstance(condition, Compare):
        if condition.field != "acl" or condition.op != "in" or not isinstance(condition.value, tuple):
            return None
        return frozenset(one for one in condition.value if isinstance(one, int))
    if condition.op == "not":
        return None
    found = [acls_of(one) for one in condition.parts]
    if condition.op == "and":
        known = [one for one in found if one is not None]
        return frozenset.intersection(*known) if known else None
    return None if None in found else frozenset[int]().union(*(one for one in found if one is not None))
