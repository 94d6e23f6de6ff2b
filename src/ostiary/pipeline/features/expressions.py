"""Derived features as small typed trees over columns: what they read is known without reading any SQL.

    {"op": "div", "args": [{"column": "amount"}, {"column": "balance"}]}

- A node is a column, a number, or one of a few operators; at most ``MAX_NODES`` of them, ``MAX_DEPTH`` deep.
- All is float64. What has no answer (a division by zero, the logarithm of nothing) is null and never an error: an error
  would tell of a value.

>>> inputs_of({"op": "add", "args": [{"column": "a"}, 1]})
('a',)
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from ostiary.errors import FaultyInputError

MAX_DEPTH: Final = 8
MAX_NODES: Final = 64
ARITY: Final = {
    "abs": 1,
    "add": 2,
    "coalesce": 2,
    "div": 2,
    "eq": 2,
    "ge": 2,
    "gt": 2,
    "if": 3,
    "log1p": 1,
    "mul": 2,
    "neg": 1,
    "sub": 2,
}
Expression = dict[str, Any] | int | float
# How each operator is written for PostgreSQL; every operand is a parenthesised double precision.
_SQL: Final = {
    "abs": "abs({0})",
    "add": "({0} + {1})",
    "coalesce": "coalesce({0}, {1})",
    "div": "({0} / nullif({1}, 0))",
    "eq": "(({0} = {1})::int)::double precision",
    "ge": "(({0} >= {1})::int)::double precision",
    "gt": "(({0} > {1})::int)::double precision",
    "if": "(case when {0} is null then null when {0} <> 0 then {1} else {2} end)",
    "log1p": "(case when {0} > -1 then ln(1 + {0}) end)",
    "mul": "({0} * {1})",
    "neg": "(- {0})",
    "sub": "({0} - {1})",
}


def check_expression(tree: object) -> None:
    """Accept a tree, or say what is wrong with it.

    Raises:
        FaultyInputError: ``feature_set_invalid``.
    """
    count = sum(1 for _ in _nodes(tree, 1))
    if count > MAX_NODES:
        raise _invalid(f"a derived feature has {count} nodes, {MAX_NODES} are allowed")


def inputs_of(tree: object) -> tuple[str, ...]:
    """Return the columns that a tree reads, in the order of their first use."""
    names = (node["column"] for node in _nodes(tree, 1) if isinstance(node, dict) and "column" in node)
    return tuple(dict.fromkeys(names))


def _nodes(tree: object, depth: int) -> Iterator[object]:
    if depth > MAX_DEPTH:
        raise _invalid(f"a derived feature is deeper than {MAX_DEPTH}")
    if isinstance(tree, int | float) and not isinstance(tree, bool):
        yield tree
        return
    if not isinstance(tree, dict):
        raise _invalid("a node of a derived feature is a number, a column or an operator")
    if set(tree) == {"column"} and isinstance(tree["column"], str):
        yield tree
        return
    operator, arguments = tree.get("op"), tree.get("args")
    if set(tree) != {"op", "args"} or not isinstance(arguments, list) or ARITY.get(str(operator)) != len(arguments):
        raise _invalid(f"`{str(operator)[:40]}` is no operator of a derived feature, or has other arguments")
    yield tree
    for argument in arguments:
        yield from _nodes(argument, depth + 1)


def evaluate(tree: Expression, columns: Callable[[str], Any], rows: int) -> Any:
    """Return an Arrow array of float64; ``columns`` gives the array of an input."""
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own

    if not isinstance(tree, dict):
        return pa.array([float(tree)] * rows, pa.float64())
    if "column" in tree:
        return columns(tree["column"]).cast(pa.float64())
    return _apply(tree["op"], [evaluate(one, columns, rows) for one in tree["args"]])


def _apply(operator: str, given: list[Any]) -> Any:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    nothing = pa.scalar(None, pa.float64())
    plain: dict[str, Callable[..., Any]] = {
        "abs": pc.abs,
        "add": pc.add,
        "coalesce": pc.coalesce,
        "div": lambda a, b: pc.divide(a, pc.if_else(pc.equal(b, 0.0), nothing, b)),
        "eq": lambda a, b: pc.equal(a, b).cast(pa.float64()),
        "ge": lambda a, b: pc.greater_equal(a, b).cast(pa.float64()),
        "gt": lambda a, b: pc.greater(a, b).cast(pa.float64()),
        "if": lambda a, b, c: pc.if_else(pc.not_equal(a, 0.0), b, c),
        "log1p": lambda a: pc.log1p(pc.if_else(pc.greater(a, -1.0), a, nothing)),
        "mul": pc.multiply,
        "neg": pc.negate,
        "sub": pc.subtract,
    }
    return plain[operator](*given)


def to_sql(tree: Expression, column: Callable[[str], str]) -> str:
    """Return a tree for PostgreSQL; ``column`` gives the quoted name of an input."""
    if not isinstance(tree, dict):
        return f"({float(tree)!r}::double precision)"
    if "column" in tree:
        return f"({column(tree['column'])}::double precision)"
    return _SQL[tree["op"]].format(*(to_sql(one, column) for one in tree["args"]))


def _invalid(text: str) -> FaultyInputError:
    return FaultyInputError("feature_set_invalid", text)
