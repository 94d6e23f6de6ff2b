"""Rego modules as OPA's own parser sees them (`rego.parse_module`), cut down to what lint asks about.

- A reference is its head and the steps behind it; a step that is not constant is ``None``.
- A head that an import renames is told as the imported path. Anything that could be a reference counts as one.

>>> module = Parser().parse("a.rego", '''package a
... import input.risk as r
... p if data.limits[r.kind]''')
>>> module.package, sorted(map(str, module.references))
(('a',), ['data.limits[…]', 'input.risk', 'input.risk.kind'])
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from typing_extensions import override

from ostiary.errors import FaultyInputError
from ostiary.policy.opa_library import load_library

_SCRATCH: Final = "package scratch\ntree := rego.parse_module(input.name, input.source)"
_ROOTS: Final = {"data", "input"}


class Reference(msgspec.Struct, frozen=True):
    """``head`` and the steps behind it; ``None`` is a step that only evaluation knows."""

    head: str
    steps: tuple[str | None, ...] = ()

    @property
    def constant(self) -> tuple[str, ...]:
        """The steps up to the first that is not constant."""
        found: list[str] = []
        for step in self.steps:
            if step is None:
                break
            found.append(step)
        return tuple(found)

    @override
    def __str__(self) -> str:
        """Return it as one would write it."""
        return self.head + "".join("[…]" if step is None else f".{step}" for step in self.steps)


class Rule(msgspec.Struct, frozen=True):
    """One rule clause: its name, whether it is a ``default``, whether it holds without any condition, its head."""

    name: str
    default: bool
    unconditional: bool
    head: dict[str, Any]


class Module(msgspec.Struct, frozen=True):
    """One parsed source. ``spelled`` holds each reference as written, before imports rename it."""

    path: str
    package: tuple[str, ...]
    references: frozenset[Reference]
    spelled: frozenset[Reference]
    rules: tuple[Rule, ...]
    rule_ids: frozenset[str]

    @property
    def is_test(self) -> bool:
        """Whether the module serves tests only."""
        return self.path.endswith("_test.rego")


class Parser:
    """OPA's parser in a scratch engine."""

    def __init__(self) -> None:
        """Start the scratch engine."""
        self._opa = load_library().new_engine()
        self._opa.add_policy("scratch.rego", _SCRATCH)

    def close(self) -> None:
        """Release the scratch engine."""
        self._opa.close()

    def parse(self, path: str, source: str) -> Module:
        """Return the module in ``source``.

        Raises:
            FaultyInputError: ``rego_parse_error`` with the line in ``pointer``.
        """
        return _module(path, self.tree(path, source))

    def tree(self, path: str, source: str) -> dict[str, Any]:
        """Return OPA's own tree of ``source``.

        Raises:
            FaultyInputError: ``rego_parse_error`` with the line in ``pointer``.
        """
        question = msgspec.json.encode({"name": path, "source": source})
        answer = msgspec.json.decode(self._opa.evaluate(b"scratch.tree", question))
        if answer.get("error"):
            line, text = where(str(answer["error"].get("message", "")), path)
            raise FaultyInputError("rego_parse_error", text, str(line))
        results = answer.get("result") or []
        if not results:
            raise FaultyInputError("rego_parse_error", "the parser gave no answer", "1")
        tree: dict[str, Any] = results[0]["expressions"][0]["value"]
        return tree


def where(message: str, path: str) -> tuple[int, str]:
    """Return the line and the text of one of OPA's messages about ``path``."""
    match = re.search(re.escape(path) + r":(\d+): ([^\n]*)", message)
    return (int(match.group(1)), match.group(2)) if match is not None else (1, message.split("\n", maxsplit=1)[0])


def _module(path: str, tree: dict[str, Any]) -> Module:
    names: dict[str, Reference] = {}
    spelled: set[Reference] = set()
    for item in tree.get("imports") or []:
        imported = _reference(item["path"]["value"])
        if imported.head in _ROOTS:
            spelled.add(imported)
            local = item.get("alias") or (imported.steps[-1] if imported.steps else imported.head)
            names[str(local)] = imported
    rules = tree.get("rules") or []
    spelled.update(_references(rules, names))
    return Module(
        path=path,
        package=tuple(step or "" for step in _reference(tree["package"]["path"]).steps),
        references=frozenset(_resolved(each, names) for each in spelled),
        spelled=frozenset(spelled),
        rules=tuple(_rule(each) for each in _clauses(rules)),
        rule_ids=frozenset(_rule_ids(rules)),
    )


def _references(tree: Any, names: dict[str, Reference]) -> Iterator[Reference]:
    # By an explicit stack: a source may nest as deeply as its limits allow, Python's own stack less so.
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            kind, value = node.get("type"), node.get("value")
            if kind == "ref" and isinstance(value, list) and value and value[0].get("type") == "var":
                yield _reference(value)
                waiting += value[1:]
            elif kind == "var" and isinstance(value, str) and (value in _ROOTS or value in names):
                yield Reference(value)
            else:
                waiting += node.values()


def _reference(parts: list[dict[str, Any]]) -> Reference:
    return Reference(str(parts[0]["value"]), tuple(_step(part) for part in parts[1:]))


def _step(part: dict[str, Any]) -> str | None:
    value = part.get("value")
    return value if part.get("type") == "string" and isinstance(value, str) else None


def _resolved(reference: Reference, names: dict[str, Reference]) -> Reference:
    imported = names.get(reference.head)
    return reference if imported is None else Reference(imported.head, imported.steps + reference.steps)


def _clauses(rules: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for rule in rules:
        clause: dict[str, Any] | None = rule
        while clause is not None:
            yield clause
            clause = clause.get("else")


def _rule(clause: dict[str, Any]) -> Rule:
    head = clause.get("head") or {}
    ref = head.get("ref") or [{}]
    body = clause.get("body") or []
    unconditional = all(_is_true(expression) for expression in body)
    return Rule(str(head.get("name") or ref[0].get("value", "")), bool(clause.get("default")), unconditional, head)


def _is_true(expression: dict[str, Any]) -> bool:
    terms = expression.get("terms")
    return isinstance(terms, dict) and terms.get("type") == "boolean" and terms.get("value") is True


def _rule_ids(tree: Any) -> Iterator[str]:
    """Yield every constant ``"rule": "…"`` of object literals."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        waiting += node if isinstance(node, list) else node.values() if isinstance(node, dict) else ()
        if isinstance(node, dict) and node.get("type") == "object":
            for key, value in node.get("value") or []:
                if key.get("value") == "rule" and value.get("type") == "string":
                    yield str(value["value"])
