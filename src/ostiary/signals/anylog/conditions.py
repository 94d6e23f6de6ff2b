"""Conditions of a mapping: which rows are left out, which marks an action has, when a value counts.

Rules:
- A condition names one column and what must hold of it; several of these in one condition must all hold.
- A list of conditions holds when one of them does; ``all``, ``any`` and ``not`` join conditions.
- Texts are compared as they are written, letter by letter: there are no patterns, so nothing can run long.
- An absent column fulfils nothing but ``is_not`` and ``told: false``.
"""

from collections.abc import Callable
from typing import Any, Final

from ostiary.signals.anylog.context import Build, Context
from ostiary.signals.anylog.converters import written
from ostiary.signals.anylog.document import Node, entries
from ostiary.signals.anylog.faults import at
from ostiary.signals.anylog.lookups import Lookup

Test = Callable[[Any], bool]

TESTS: Final = ("above", "below", "contains", "ends", "is", "is_not", "starts", "told")
JOINS: Final = ("all", "any", "not")
KEYS: Final = ("column", *TESTS, *JOINS)
MAX_CONDITIONS: Final = 64
MAX_WORDS: Final = 2_048


def conditions(node: Node, context: Context) -> Build:
    """Return what builds the test of one condition, or of a list of which one must hold.

    Raises:
        FaultyInputError: ``mapping_key``, ``mapping_value``, ``mapping_missing``, ``mapping_column``.
    """
    if not isinstance(node.value, list):
        return condition(node, context)
    if not 0 < len(node.value) <= MAX_CONDITIONS:
        raise at(node.line, "mapping_value", f"a list of conditions has from 1 to {MAX_CONDITIONS}")
    return _any([condition(each, context) for each in node.value])


def condition(node: Node, context: Context, more: tuple[str, ...] = ()) -> Build:
    """Return what builds the test of one condition; ``more`` are keys that the caller reads."""
    entries(node, (*KEYS, *more), "a condition")
    builds = [_joined(key, node.child(key), context) for key in JOINS if key in node.value]
    tests = [_test(key, node.child(key)) for key in TESTS if key in node.value]
    if tests and "column" not in node.value:
        raise at(node.line, "mapping_missing", "a condition needs a `column`")
    if "column" in node.value:
        if not tests:
            raise at(node.line, "mapping_missing", f"a condition says what must hold: {', '.join(TESTS)}")
        builds.append(_of_column(context.column(node.child("column")), tests))
    if not builds:
        raise at(node.line, "mapping_missing", "a condition needs a `column`, or `all`, `any`, `not`")
    return builds[0] if len(builds) == 1 else _all(builds)


def _joined(key: str, node: Node, context: Context) -> Build:
    if key == "not":
        return _not(conditions(node, context))
    if not isinstance(node.value, list) or not 0 < len(node.value) <= MAX_CONDITIONS:
        raise at(node.line, "mapping_value", f"`{key}` is a list of 1 to {MAX_CONDITIONS} conditions")
    builds = [condition(each, context) for each in node.value]
    return _all(builds) if key == "all" else _any(builds)


def _of_column(path: tuple[str | int, ...], tests: list[Test]) -> Build:
    def build(lookup: Lookup) -> Test:
        get = lookup(path)
        if len(tests) == 1:
            only = tests[0]
            return lambda row: only(get(row))
        return lambda row: all(test(get(row)) for test in tests)

    return build


def _all(builds: list[Build]) -> Build:
    def build(lookup: Lookup) -> Test:
        tests = [each(lookup) for each in builds]
        return lambda row: all(test(row) for test in tests)

    return build


def _any(builds: list[Build]) -> Build:
    def build(lookup: Lookup) -> Test:
        tests = [each(lookup) for each in builds]
        return lambda row: any(test(row) for test in tests)

    return build


def _not(inner: Build) -> Build:
    def build(lookup: Lookup) -> Test:
        test = inner(lookup)
        return lambda row: not test(row)

    return build


def _test(key: str, node: Node) -> Test:
    if key == "told":
        return _told(node)
    if key in {"above", "below"}:
        return _compared(key, node)
    words = _words(key, node)
    known = frozenset(words)
    tests: dict[str, Test] = {
        "contains": lambda value: (text := _texted(value)) is not None and any(word in text for word in words),
        "ends": lambda value: (text := written(value)) is not None and text.endswith(words),
        "is": lambda value: written(value) in known,
        "is_not": lambda value: written(value) not in known,
        "starts": lambda value: (text := written(value)) is not None and text.startswith(words),
    }
    return tests[key]


def _texted(value: Any) -> Any:
    """Return a text, or a list's texts: ``contains`` looks for a part of the one or a member of the other."""
    return [written(each) for each in value] if isinstance(value, list) else written(value)


def _told(node: Node) -> Test:
    if not isinstance(node.value, bool):
        raise at(node.line, "mapping_value", "`told` is true or false")
    wanted = node.value
    return lambda value: (value is not None) == wanted


def _compared(key: str, node: Node) -> Test:
    border = node.value
    if isinstance(border, bool) or not isinstance(border, int | float):
        raise at(node.line, "mapping_value", f"`{key}` is a number")
    if key == "above":
        return lambda value: (number := _number(value)) is not None and number > border
    return lambda value: (number := _number(value)) is not None and number < border


def _number(value: Any) -> float | None:
    text = written(value)
    if text is None or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _words(key: str, node: Node) -> tuple[str, ...]:
    items = node.value if isinstance(node.value, list) else [node]
    words = [written(each.value) for each in items]
    if not 0 < len(words) <= MAX_WORDS or any(not word for word in words):
        raise at(node.line, "mapping_value", f"`{key}` is a text, or a list of at most {MAX_WORDS:,} texts")
    return tuple(word for word in words if word)
