"""Walks a parsed query: which kinds of things stand in it, and to which table each column surely belongs.

A column is surely the set's when it is qualified by a name of the set, or when the set is the only source around it and
nothing in the same query has that name. Everything less sure is said as ``may``.
"""

import logging
from collections.abc import Iterator
from typing import Final

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as Grammar
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.features import postgres_words
from ostiary.pipeline.features.analysis import (
    MAX_DEPTH,
    MAX_SELECTS,
    MAX_SOURCES,
    MAX_TOKENS,
    NOT_UNDERSTOOD,
    UNKNOWN_TABLE,
    Analysis,
    Dialect,
    function_name,
    is_never,
    is_never_type,
    makes_rows,
    not_allowed,
)
from ostiary.pipeline.features.scopes import Names

# Queries hold people's data, and sqlglot writes those it does not know into the log.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
_NEVER_NODES: Final = (
    exp.Command,
    exp.DML,
    exp.DDL,
    exp.Into,
    exp.Lock,
    exp.Operator,
    exp.Parameter,
    exp.Pivot,
    exp.Placeholder,
    exp.SessionParameter,
)


class Reading:
    """One query, read."""

    def __init__(self, sql: str, table: str, dialect: Dialect) -> None:
        """Parse and check the kinds of what stands in it."""
        self._table = table
        self._dialect = dialect
        self._tree = _parsed(sql, dialect)
        self._names = Names()
        try:
            self._nodes = list(_walked(self._tree))
            self._ctes = {cte.alias.lower() for cte in self._all(exp.CTE)}
            self._check_kinds()
            self._check_tables()
            self._check_weight()
        except RecursionError as fault:
            raise _odd() from fault

    def analysis(self) -> Analysis:
        """Return what the query needs."""
        needs: dict[str, None] = {}
        may: dict[str, None] = {}
        for column in self._all(exp.Column):
            if isinstance(column.this, exp.Star) or self._is_row(column):
                continue
            (needs if self._surely(column) else may)[column.name] = None
        whole = any(self._whole(node) for node in self._nodes)
        return Analysis(tuple(sorted(needs)), tuple(sorted(set(may) - set(needs))), whole, self._canonical())

    def _canonical(self) -> str:
        """Return the query written anew, every name quoted: `current_role` is then a column that is not there."""
        if self._dialect != "postgres":
            return ""  # there the engine itself is the wall, and it gets the query as it came
        tree = normalize_identifiers(self._tree, dialect=self._dialect)  # the last use of the tree: it is changed
        return str(tree.sql(dialect=self._dialect, comments=False, identify=True))

    def _all(self, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
        return (node for node in self._nodes if isinstance(node, kind))

    def _check_kinds(self) -> None:
        if sum(isinstance(node, exp.Select) for node in self._nodes) > MAX_SELECTS:
            raise FaultyInputError(NOT_UNDERSTOOD, f"the query has more than {MAX_SELECTS} parts")
        for node in self._nodes:
            # A query may be a statement's child only; `SELECT … INTO` and `FOR UPDATE` hide inside of one.
            if isinstance(node, _NEVER_NODES) and not isinstance(node, exp.Query | exp.CTE):
                raise not_allowed("only one query that reads is allowed")
            if isinstance(node, exp.Func):
                self._check_function(node)
            if isinstance(node, exp.DataType) and is_never_type(node.sql(dialect=self._dialect)):
                raise not_allowed("numbers without end are not allowed here")
        if self._dialect == "postgres":
            postgres_words.check(self._nodes)

    def _check_function(self, node: exp.Expr) -> None:
        name = function_name(node)
        if is_never(name):
            raise not_allowed(f"the function `{name[:60]}` is not allowed here")

    def _check_tables(self) -> None:
        for table in self._all(exp.Table):
            inner = table.this
            if isinstance(inner, exp.Func):
                name = function_name(inner)
                if not makes_rows(name):
                    raise not_allowed(f"the table function `{name[:60]}` is not allowed here")
            elif not self._is_known(table):
                raise RefusedError(UNKNOWN_TABLE, "the query names a table that is not there")

    def _check_weight(self) -> None:
        """Bound how many sources there are once each CTE is written where it is used: that doubles quickly.

        An engine does so while it binds the query, where no limit of time or memory reaches it.
        """
        inside = {cte: [one.this.name.lower() for one in cte.find_all(exp.Table)] for cte in self._all(exp.CTE)}
        weights = dict.fromkeys(self._ctes, 1)
        for _ in inside:
            for cte, names in inside.items():
                own = cte.alias.lower()
                weights[own] = max(weights[own], sum(1 if name == own else weights.get(name, 1) for name in names))
            if max(weights.values()) > MAX_SOURCES:
                break
        used = sum(weights.get(table.this.name.lower(), 1) for table in self._all(exp.Table))
        if used > MAX_SOURCES:
            raise FaultyInputError(
                NOT_UNDERSTOOD, f"the query has more than {MAX_SOURCES} sources, its CTEs written out"
            )

    def _is_known(self, table: exp.Expr) -> bool:
        if not isinstance(table.this, exp.Identifier) or table.args.get("db") or table.args.get("catalog"):
            return False
        name = table.this.name.lower()
        return name == self._table or name in self._ctes

    def _is_row(self, column: exp.Expr) -> bool:
        """Whether a column's name is the name of a source: then it stands for the whole row."""
        if column.args.get("table"):
            return False
        return any(column.name.lower() in self._names.sources(select) for select in self._names.around(column))

    def _whole(self, node: exp.Expr) -> bool:
        if isinstance(node, exp.Star):
            return not isinstance(node.parent, exp.Count)
        if isinstance(node, exp.Columns):
            return True
        return isinstance(node, exp.Column) and not isinstance(node.this, exp.Star) and self._is_row(node)

    def _surely(self, column: exp.Expr) -> bool:
        around = list(self._names.around(column))
        if not around or self._table in self._ctes:
            return False
        qualifier = column.text("table").lower()
        if qualifier:
            known = (self._names.sources(one) for one in around)
            found = next((sources[qualifier] for sources in known if qualifier in sources), None)
            return found is not None and self._is_set(found) and not column.args.get("db")
        sources = self._names.sources(around[0])
        alone = len(around) == 1 and len(sources) == 1 and all(self._is_set(one) for one in sources.values())
        return alone and column.name.lower() not in self._names.own(around[0])

    def _is_set(self, source: exp.Expr) -> bool:
        if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
            return False
        alias = source.args.get("alias")
        return source.this.name.lower() == self._table and not (alias is not None and alias.args.get("columns"))


def _parsed(sql: str, dialect: Dialect) -> exp.Expr:
    try:
        grammar = Grammar.get_or_raise(dialect)
        words = grammar.tokenize(sql)
        if len(words) > MAX_TOKENS:
            raise FaultyInputError(NOT_UNDERSTOOD, f"the query is longer than {MAX_TOKENS} words")
        trees = [tree for tree in grammar.parser().parse(words, sql) if tree is not None]
    except (SqlglotError, RecursionError, ValueError, KeyError, AttributeError, TypeError, IndexError) as fault:
        raise _odd() from fault
    if len(trees) != 1:
        raise not_allowed("exactly one query is allowed")
    tree = trees[0]
    if not isinstance(tree, exp.Query) or isinstance(tree, exp.Table):
        raise not_allowed("only one query that reads is allowed")
    return tree


def _walked(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Yield all nodes.

    Raises:
        FaultyInputError: ``query_not_understood``: too deep for those who come after us.
    """
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise FaultyInputError(NOT_UNDERSTOOD, f"the query is deeper than {MAX_DEPTH}")
        yield node
        waiting += [(child, depth + 1) for child in node.iter_expressions()]


def _odd() -> FaultyInputError:
    return FaultyInputError(NOT_UNDERSTOOD, "the query cannot be read")
