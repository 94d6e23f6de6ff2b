"""Which names each part of a parsed query knows; looked up for each column, worked out once for each part.

Without that a query of thousands of columns would be walked thousands of times.
"""

from collections.abc import Iterator, Mapping

from sqlglot import exp


class Names:
    """The names in one query. It remembers parts by where they are in memory: it must not outlive the tree."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._sources: dict[int, dict[str, exp.Expr]] = {}
        self._own: dict[int, set[str]] = {}

    def around(self, node: exp.Expr) -> Iterator[exp.Expr]:
        """Yield the queries around a node that have sources, the nearest first."""
        parent = node.parent
        while parent is not None and not isinstance(parent, exp.CTE):  # which sees nothing of what is around it
            if isinstance(parent, exp.Select) and self.sources(parent):
                yield parent
            parent = parent.parent

    def sources(self, select: exp.Expr) -> Mapping[str, exp.Expr]:
        """Return the sources of one query by the names under which it knows them."""
        found = self._sources.get(id(select))
        if found is None:
            found = self._sources[id(select)] = _sources(select)
        return found

    def own(self, select: exp.Expr) -> set[str]:
        """Return names that a query makes itself: aliases and parameters of lambdas."""
        found = self._own.get(id(select))
        if found is None:
            found = self._own[id(select)] = _own(select)
        return found


def _sources(select: exp.Expr) -> dict[str, exp.Expr]:
    origin = select.args.get("from_") or select.args.get("from")
    parts = [origin.this] if origin is not None else []
    parts += [join.this for join in select.args.get("joins") or ()]
    parts += list(select.args.get("laterals") or ())
    for part in list(parts):
        parts += [join.this for join in part.args.get("joins") or ()]
    return {part.alias_or_name.lower() or f" {number}": part for number, part in enumerate(parts)}


def _own(select: exp.Expr) -> set[str]:
    names = {one.alias.lower() for one in select.find_all(exp.Alias, exp.PropertyEQ) if one.alias}
    for made in select.find_all(exp.Lambda, exp.Comprehension):
        parameters = made.expressions if isinstance(made, exp.Lambda) else [made.args.get("expression")]
        names |= {one.name.lower() for one in parameters if one is not None}
    return names
