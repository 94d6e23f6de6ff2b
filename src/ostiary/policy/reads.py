"""What a rule can read of its input, told by OPA's own parse of every live source: the ground for asking once only.

Two documents that agree in all that a rule can read get the same answer from it; so one of them need not be asked.

- A rule reads what its clauses, their ``else`` and every rule that they reach by name can read. Whole packages are
  followed where a step is not constant, and rules of one name in one package are one rule.
- A name of the own package is a path of ``data`` as any other: a package above can add to it (``guardrails.deny`` in
  ``package ostiary``), and a package below is part of it.
- A bare ``input``, a step that only evaluation knows, a node that this module does not know: all of it is read.
- A local variable that bears a rule's name is taken for the rule: that reads too much, never too little.
- Nothing here is believed blindly: who uses it asks some documents whole, and compares (``policy.rerun``).

>>> from ostiary.policy.bundle import Bundle
>>> tree = RuleTree(Bundle.of({"g.rego": '''package ostiary.guardrails
... deny contains {"rule": "x"} if input.network.country in shut
... shut := {input.subject.home}
... allow contains {"rule": "y"} if input[data.table.name] == 1'''}))
>>> tree.reads((("ostiary", "guardrails"), "deny")), tree.reads((("ostiary", "guardrails"), "allow"))
((('network', 'country'), ('subject', 'home')), ((),))
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from ostiary.policy.bundle import Bundle
from ostiary.policy.rego_tree import Parser

Path = tuple[str, ...]
Rule = tuple[Path, str]
"""A package and a rule's name in it."""

MOST_DEEP: Final = 32
"""Steps of a path: whoever goes further down reads all that lies there."""

Clause = dict[str, Any]
_PLAIN: Final = frozenset({"string", "number", "boolean", "null"})
_NESTED: Final = frozenset(
    {"array", "object", "set", "call", "arraycomprehension", "setcomprehension", "objectcomprehension"}
)


class _Seen(msgspec.Struct):
    """What one rule names: paths of the input, and paths of ``data``, those in its own package among them."""

    inputs: set[Path] = msgspec.field(default_factory=set)
    data: set[Path] = msgspec.field(default_factory=set)


class Source(msgspec.Struct):
    """One parsed source: its file, its package, what its imports rename, its rules."""

    path: str
    package: Path
    names: dict[str, Path]
    rules: list[Clause]


class RuleTree:
    """Every live rule of a bundle, and what it reads."""

    def __init__(self, bundle: Bundle) -> None:
        """Parse the live sources.

        Raises:
            FaultyInputError: a source does not parse.
        """
        parser = Parser()
        try:
            trees = [(path, parser.tree(path, text)) for path, text in bundle.live_sources.items()]
        finally:
            parser.close()
        self.sources = [_source(path, tree) for path, tree in trees]
        self.known = {(source.package, name_of(clause)) for source in self.sources for clause in source.rules}
        self._at: dict[Path, frozenset[Rule]] = {}
        self._seen = {rule: self._of(rule) for rule in self.known}

    def clauses(self, rule: Rule) -> list[tuple[Source, Clause]]:
        """Return the clauses of one rule with the sources that they stand in."""
        package, name = rule
        found = [source for source in self.sources if source.package == package]
        return [(source, clause) for source in found for clause in source.rules if name_of(clause) == name]

    def reads(self, rule: Rule) -> tuple[Path, ...]:
        """Return the paths of the input that a rule can read; the empty path is all of it."""
        package, name = rule
        return self._closure({rule} | self._rules_at((*package, name)), set())

    def reads_of_clause(self, source: Source, clause: Clause) -> tuple[Path, ...]:
        """Return the paths that one clause alone can read, with all that it reaches."""
        seen = _Seen()
        # Its own name in its head is where its value goes: nothing that it reads.
        head = {name: value for name, value in (clause.get("head") or {}).items() if name not in {"ref", "name"}}
        _walk({**clause, "head": head}, source.names, self._own(source.package), seen)
        return self._closure(self._named(seen), seen.inputs)

    def _own(self, package: Path) -> dict[str, Path]:
        return {name: (*package, name) for at, name in self.known if at == package}

    def _of(self, rule: Rule) -> _Seen:
        found, own = _Seen(), self._own(rule[0])
        for source, clause in self.clauses(rule):
            _walk(clause, source.names, own, found)
        return found

    def _named(self, seen: _Seen) -> set[Rule]:
        return set[Rule]().union(*map(self._rules_at, seen.data))

    def _rules_at(self, path: Path) -> frozenset[Rule]:
        found = self._at.get(path)
        if found is None:
            found = self._at[path] = frozenset(rule for rule in self.known if _touches(path, rule))
        return found

    def _closure(self, start: set[Rule], paths: set[Path]) -> tuple[Path, ...]:
        reached, waiting, found = set(start), list(start), set(paths)
        while waiting:
            rule = waiting.pop()
            seen = self._seen.get(rule, _Seen(inputs={()}))
            found |= seen.inputs
            named = self._named(seen) - reached
            waiting += named
            reached |= named
        return least(found)


def least(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the paths without those that lie below another, sorted."""
    found: list[Path] = []
    for path in sorted(set(paths)):
        if not found or path[: len(found[-1])] != found[-1]:
            found.append(path)
    return tuple(found)


def name_of(clause: Mapping[str, Any]) -> str:
    """Return the name of the rule that a clause belongs to."""
    head = clause.get("head") or {}
    ref = head.get("ref") or [{}]
    return str(ref[0].get("value") or head.get("name") or "")


def _source(path: str, tree: Mapping[str, Any]) -> Source:
    package = tuple(str(step["value"]) for step in tree["package"]["path"][1:])
    names: dict[str, Path] = {}
    for item in tree.get("imports") or []:
        imported = tuple(str(step.get("value")) for step in item["path"]["value"])
        if imported[0] in {"data", "input"}:
            names[str(item.get("alias") or imported[-1])] = imported
    return Source(path, package, names, tree.get("rules") or [])


def _walk(clause: Any, names: Mapping[str, Path], own: Mapping[str, Path], found: _Seen) -> None:
    # By an explicit stack, as the parser's own reader: sources nest more deeply than Python's stack likes.
    waiting = [clause]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += _step(node, names, own, found)


def _step(node: dict[str, Any], names: Mapping[str, Path], own: Mapping[str, Path], found: _Seen) -> list[Any]:
    kind, value = node.get("type"), node.get("value")
    if not isinstance(kind, str) or ("terms" in node or "head" in node):
        return list(node.values())
    if kind == "ref" and isinstance(value, list) and value:
        _note(value, names, own, found)
        return value[1:] if value[0].get("type") == "var" else value
    if kind == "var":
        _note([node], names, own, found)
    elif kind not in _PLAIN | _NESTED:
        found.inputs.add(())  # a node that this module has not met: it may read anything
        return list(node.values())
    return [] if kind in _PLAIN else [value]


def _note(parts: list[dict[str, Any]], names: Mapping[str, Path], own: Mapping[str, Path], found: _Seen) -> None:
    if parts[0].get("type") != "var":
        return
    head, steps = str(parts[0]["value"]), tuple(_constant(parts[1:]))
    path = (*names.get(head, (head,)), *steps)
    if path[0] == "input":
        found.inputs.add(path[1 : 1 + MOST_DEEP])
    elif path[0] == "data":
        found.data.add(path[1:])
    if head in own:
        found.data.add((*own[head], *steps))


def _constant(parts: list[dict[str, Any]]) -> Iterator[str]:
    for part in parts:
        value = part.get("value")
        if part.get("type") != "string" or not isinstance(value, str):
            return
        yield value


def _touches(path: Path, rule: Rule) -> bool:
    package, name = rule
    if len(path) > len(package):
        return path[: len(package)] == package and path[len(package)] == name
    return package[: len(path)] == path
