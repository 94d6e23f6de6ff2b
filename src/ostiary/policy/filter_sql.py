r"""A filter's UCAST condition as the WHERE of a SQL statement: every value a bound parameter, every name quoted.

Rules:

- A column is the one name behind ``document.``, lower case, quoted; values never become part of the text.
- The meaning may be narrower than policy's and never wider: a row whose column is NULL is hidden by whatever compares
  it, `not` included, and only a comparison with ``null`` itself finds it.
- Texts are not ordered (databases do so by collation, policy by bytes), and are searched without LIKE, which knows
  wildcards and in SQLite no case. What is not in the tables is refused (``filter_not_understood``).

>>> where({"type": "field", "field": "document.level", "operator": "lte", "value": 2}, "postgresql")
Where(sql='"level" <= $1', values=[2])
>>> where(None, "sqlite"), where({}, "sqlite")
(Where(sql='1 = 0', values=[]), Where(sql='1 = 1', values=[]))
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from ostiary.errors import RefusedError

Dialect = Literal["postgresql", "sqlite"]
NOT_UNDERSTOOD: Final = "filter_not_understood"
MAX_PARTS: Final = 512
MAX_DEPTH: Final = 12
MAX_VALUES: Final = 10_000
_COLUMN: Final = re.compile(r"document\.([a-z_][a-z0-9_]{0,62})\Z")
_SAME: Final = {"eq": "=", "ne": "<>"}
_ORDER: Final = {"ge": ">=", "gt": ">", "gte": ">=", "le": "<=", "lt": "<", "lte": "<="}
_SEARCH: Final[dict[str, Mapping[Dialect, str]]] = {
    "contains": {"postgresql": "strpos({0}, {1}) > 0", "sqlite": "instr({0}, {1}) > 0"},
    "endswith": {"postgresql": "starts_with(reverse({0}), reverse({1}))", "sqlite": "substr({0}, -length({1})) = {1}"},
    "startswith": {"postgresql": "starts_with({0}, {1})", "sqlite": "substr({0}, 1, length({1})) = {1}"},
}
_MAX_INTEGER: Final = 2**63


class Where(msgspec.Struct, frozen=True):
    """A condition and the values of its parameters, in their order."""

    sql: str
    values: list[Any]


def where(told: Any, dialect: Dialect) -> Where:
    """Return the condition that a filter left: ``None`` never holds, an empty one always does.

    Raises:
        RefusedError: ``filter_not_understood``.
    """
    if told is None or told == {}:
        return Where("1 = 0" if told is None else "1 = 1", [])
    compiler = _Compiler(dialect)
    return Where(compiler.condition(told, 0), compiler.values)


class _Compiler:
    """Writes one condition and collects its values."""

    def __init__(self, dialect: Dialect) -> None:
        self.values: list[Any] = []
        self._dialect = dialect
        self._left = MAX_PARTS

    def condition(self, told: Any, depth: int) -> str:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise _no("it has too many parts")
        if not isinstance(told, dict):
            raise _no("it is no condition")
        if told.get("type") == "compound":
            return self._compound(str(told.get("operator")), told.get("value"), depth)
        found = _COLUMN.match(str(told.get("field")))
        if told.get("type") != "field" or found is None:
            raise _no("it has a field that is no column")
        return self._field(f'"{found[1]}"', str(told.get("operator")), told.get("value"))

    def _compound(self, operator: str, parts: object, depth: int) -> str:
        if not isinstance(parts, list) or not parts or (operator == "not" and len(parts) != 1):
            raise _no("it joins nothing")
        written = [f"({self.condition(one, depth + 1)})" for one in parts]
        if operator == "not":
            return f"NOT {written[0]}"
        if operator not in {"and", "or"}:
            raise _no("it joins conditions in a way that is not known")
        return f" {operator.upper()} ".join(written)

    def _field(self, column: str, operator: str, value: object) -> str:
        if operator in _SAME and value is None:
            return f"{column} IS NULL" if operator == "eq" else f"{column} IS NOT NULL"
        if operator in _SAME:
            return f"{column} {_SAME[operator]} {self._bound(value)}"
        if operator in _ORDER and isinstance(value, int | float) and not isinstance(value, bool):
            return f"{column} {_ORDER[operator]} {self._bound(value)}"
        if operator in _SEARCH and isinstance(value, str):
            return self._searched(column, operator, value)
        if operator == "in" and isinstance(value, list) and len(value) <= MAX_VALUES:
            return f"{column} IN ({', '.join(map(self._bound, value))})" if value else "1 = 0"
        raise _no("it has an operator that is not known for its value")

    def _searched(self, column: str, operator: str, value: str) -> str:
        if not value:  # every text has the empty one in it, and NULL stays unknown
            return f"length({column}) >= 0"
        place = self._bound(value)
        return _SEARCH[operator][self._dialect].format(column, place)

    def _bound(self, value: object) -> str:
        if not _fits(value) or len(self.values) >= MAX_VALUES:
            raise _no("a value is of a kind that no column has, or there are too many")
        self.values.append(value)
        number = len(self.values)  # numbered in SQLite, too: a value may stand in two places
        return f"${number}" if self._dialect == "postgresql" else f"?{number}"


def _fits(value: object) -> bool:
    if isinstance(value, str):
        return "\0" not in value and _whole(value)
    if isinstance(value, int):
        return -_MAX_INTEGER <= value < _MAX_INTEGER
    return isinstance(value, float)


def _whole(text: str) -> bool:
    """Return whether a text is whole characters: half of a surrogate pair is another text to every store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no(why: str) -> RefusedError:
    return RefusedError(NOT_UNDERSTOOD, f"the policy's filter cannot be asked of a database: {why}")
