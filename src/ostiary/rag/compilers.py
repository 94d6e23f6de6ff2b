r"""A condition in the words of a store: DataFusion SQL for LanceDB, bound SQL for PostgreSQL, JSON for Qdrant.

- PostgreSQL gets every value as a bound parameter. Qdrant gets JSON values. LanceDB takes a text only: whole numbers
  are written as digits, texts as literals with each quote doubled, and texts that DataFusion could read otherwise are
  refused by ``conditions.checked`` before.
- Field names are those of the closed tables, so that no name comes from outside.
- No column is null. If one were, SQL's third truth would hide its row and never show it.

>>> from ostiary.rag.conditions import Compare, both
>>> odd = both(Compare("acl", "in", (3, 4)), Compare("source", "eq", "o'brien"))
>>> lance_where(odd)
"(acl IN (3, 4)) AND (source = 'o''brien')"
>>> postgres_where(odd)
('(acl = ANY($1::int[])) AND (source = $2::text)', [[3, 4], "o'brien"])
"""

from collections.abc import Callable
from typing import Any, Final

from ostiary.rag.conditions import NUMBERS, Compare, Condition, Group, Value, checked

_SQL: Final = {"eq": "=", "ge": ">=", "gt": ">", "le": "<=", "lt": "<", "ne": "<>"}
_RANGE: Final = {"ge": "gte", "gt": "gt", "le": "lte", "lt": "lt"}


def lance_where(condition: Condition) -> str:
    """Return the condition as a text for LanceDB's ``where``."""
    return _joined(checked(condition), _lance)


def _lance(test: Compare) -> str:
    if isinstance(test.value, tuple):
        return f"{_column(test)} IN ({', '.join(map(_literal, test.value))})" if test.value else "false"
    return f"{_column(test)} {_SQL[test.op]} {_literal(test.value)}"


def _literal(value: Value) -> str:
    return str(int(value)) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def postgres_where(condition: Condition, first: int = 1) -> tuple[str, list[Any]]:
    """Return the condition as SQL with parameters from ``$first`` on, and their values."""
    values: list[Any] = []

    def test(one: Compare) -> str:
        values.append(list(one.value) if isinstance(one.value, tuple) else one.value)
        place = f"${first + len(values) - 1}"
        kind = "int" if one.field in NUMBERS else "text"
        place += f"::{kind}"
        return f"{_column(one)} = ANY({place}[])" if one.op == "in" else f"{_column(one)} {_SQL[one.op]} {place}"

    return _joined(checked(condition), test), values


def _column(test: Compare) -> str:
    return "index_name" if test.field == "index" else test.field  # `index` is a word of SQL


def _joined(condition: Condition, test: Callable[[Compare], str]) -> str:
    if isinstance(condition, Compare):
        return test(condition)
    if condition.op == "not":
        return f"NOT ({_joined(condition.parts[0], test)})"
    if not condition.parts:
        return "true" if condition.op == "and" else "false"
    word = f" {condition.op.upper()} "
    return word.join(f"({_joined(one, test)})" for one in condition.parts)


def qdrant_filter(condition: Condition) -> dict[str, Any]:
    """Return the condition as the ``filter`` of Qdrant's REST interface."""
    found = _qdrant(checked(condition))
    return found if isinstance(condition, Group) else {"must": [found]}


def _qdrant(condition: Condition) -> dict[str, Any]:
    if isinstance(condition, Compare):
        return _qdrant_test(condition)
    parts = [_qdrant(one) for one in condition.parts]
    if condition.op == "not":
        return {"must_not": parts}
    if condition.op == "and":
        return {"must": parts}
    # Qdrant reads an empty `should` as no condition at all; of a condition that never holds it must be told so.
    return {"should": parts} if parts else {"must": [{"has_id": []}]}


def _qdrant_test(test: Compare) -> dict[str, Any]:
    key = test.field
    if isinstance(test.value, tuple):
        return {"key": key, "match": {"any": list(test.value)}} if test.value else {"has_id": []}
    if test.op == "eq":
        return {"key": key, "match": {"value": test.value}}
    if test.op == "ne":
        return {"must_not": [{"key": key, "match": {"value": test.value}}]}
    if test.field not in NUMBERS:
        raise _unordered(test)
    return {"key": key, "range": {_RANGE[test.op]: test.value}}


def _unordered(test: Compare) -> Exception:
    from ostiary.errors import RefusedError  # noqa: PLC0415 - needed for this alone
    from ostiary.rag.conditions import NOT_UNDERSTOOD  # noqa: PLC0415

    return RefusedError(NOT_UNDERSTOOD, f"Qdrant does not order texts such as `{test.field}`")
