"""A Sigma rule, read whole or refused with the line: what it is, which events it is about, and the test itself.

>>> text = b'''title: Somebody erases
... id: 5f0e8f0c-7f0f-4b3e-9d5e-3f5d6b7a8c90
... logsource: {product: ostiary, service: access}
... detection: {erase: {action_class: delete, resource_id|startswith: prod}, condition: erase}
... level: high
... '''
>>> rule = read_rule("r.yml", text)
>>> rule.matches({"action_class": "delete", "resource_id": "PROD/x"}), rule.matches({"action_class": "read"})
(True, False)
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec

from ostiary.signals.sigma.condition import ConditionFaultError, Tree, parse
from ostiary.signals.sigma.document import Node, read_document
from ostiary.signals.sigma.sources import SOURCES, LogSource
from ostiary.signals.sigma.values import KNOWN, Test, tests_of

Facts = Mapping[str, Any]
Judge = Callable[[Facts], bool]
LEVELS: Final = ("informational", "low", "medium", "high", "critical")
MAX_DETECTIONS: Final = 64
MAX_TESTS: Final = 2_000
_KEYS: Final = frozenset(
    {
        "author", "date", "description", "detection", "falsepositives", "fields", "id", "level", "license", "logsource",
        "modified", "name", "references", "related", "scope", "status", "tags", "taxonomy", "title",
    }
)  # fmt: skip
_SOURCE_KEYS: Final = frozenset({"category", "definition", "product", "service"})
_TECHNIQUE: Final = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)\Z")


class SigmaRule(msgspec.Struct, frozen=True):
    """One rule, ready to be asked.

    Attributes:
        attack: techniques of MITRE ATT&CK among its tags, such as ``T1110.003``.
        source: which events it is about.
    """

    file: str
    rule_id: str
    title: str
    level: str
    attack: tuple[str, ...]
    source: LogSource
    matches: Judge


def read_rule(name: str, data: bytes) -> SigmaRule:
    """Return the rule of one file.

    Raises:
        FaultyInputError: ``sigma_invalid``, ``sigma_unsupported``, with file and line.
        UnavailableError: ``re2_missing``.
    """
    whole = read_document(name, data)
    for key, node in whole.members().items():
        if key not in _KEYS:
            raise node.unknown(f"`{key[:40]}`")
    level = whole.get("level")
    if level.value not in LEVELS:
        raise level.wrong(f"the level is one of {', '.join(LEVELS)}")
    tags = whole.members().get("tags")
    found = [_TECHNIQUE.match(one.text().lower()) for one in tags.items()] if tags else []
    source = _source(whole.get("logsource"))
    return SigmaRule(
        file=name,
        rule_id=_uuid(whole.get("id")),
        title=whole.get("title").text()[:256],
        level=str(level.value),
        attack=tuple(one[1].upper() for one in found if one),
        source=source,
        matches=_detection(whole.get("detection"), source),
    )


def _uuid(node: Node) -> str:
    try:
        return str(UUID(node.text()))
    except ValueError as fault:
        raise node.wrong("the id is a UUID") from fault


def _source(node: Node) -> LogSource:
    told = node.members()
    for key, value in told.items():
        if key not in _SOURCE_KEYS or key == "category":
            raise value.unknown(f"`logsource.{key[:40]}`")
    place = tuple(told[key].text().lower() if key in told else "" for key in ("product", "service"))
    if place not in SOURCES:
        raise node.unknown(f"the log source `{'/'.join(place)}`")
    return SOURCES[place[0], place[1]]


class _Limit:
    def __init__(self) -> None:
        self.left = MAX_TESTS

    def take(self, node: Node, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise node.wrong(f"a rule has at most {MAX_TESTS} tests")


def _detection(node: Node, source: LogSource) -> Judge:
    told, limit = dict(node.members()), _Limit()
    condition = told.pop("condition", None)
    if condition is None or len(told) > MAX_DETECTIONS:
        raise node.wrong(f"a detection has a condition and at most {MAX_DETECTIONS} parts")
    if "timeframe" in told:
        raise told["timeframe"].unknown("`timeframe`")
    judges = {name: _search(one, source, limit) for name, one in told.items()}
    found = [_asked(one, judges) for one in condition.items()]
    if not found:
        raise condition.wrong("the condition is empty")
    return partial(_any_judge, found)


def _asked(node: Node, judges: Mapping[str, Judge]) -> Judge:
    try:
        return _joined(parse(node.text(), judges), judges)
    except ConditionFaultError as fault:
        raise (node.wrong(fault.why) if fault.supported else node.unknown(fault.why)) from fault


def _joined(tree: Tree, judges: Mapping[str, Judge]) -> Judge:
    if tree[0] == "name":
        return judges[tree[1]]
    parts = [_joined(one, judges) for one in tree[1:]]
    if tree[0] == "not":
        return lambda facts: not parts[0](facts)
    return partial(_all_judges if tree[0] == "and" else _any_judge, parts)


def _any_judge(judges: list[Judge], facts: Facts) -> bool:
    return any(judge(facts) for judge in judges)


def _all_judges(judges: list[Judge], facts: Facts) -> bool:
    return all(judge(facts) for judge in judges)


def _search(node: Node, source: LogSource, limit: _Limit) -> Judge:
    """Return a map, all of which must hold, or a list, of which one must; texts in a list are looked for anywhere."""
    if isinstance(node.value, dict):
        if not node.value:
            raise node.wrong("a detection must not be empty")
        return partial(_all_judges, [_field(key, one, source, limit) for key, one in node.value.items()])
    parts = node.items()
    if not parts:
        raise node.wrong("a detection must not be empty")
    return partial(
        _any_judge,
        [_search(one, source, limit) if isinstance(one.value, dict) else _keyword(one, limit) for one in parts],
    )


def _keyword(node: Node, limit: _Limit) -> Judge:
    limit.take(node, 1)
    node.text()
    (test,) = tests_of(["contains"], [node])
    return lambda facts: any(test(one) for value in facts.values() for one in _each(value))


def _field(key: str, node: Node, source: LogSource, limit: _Limit) -> Judge:
    name, *modifiers = key.split("|")
    mine = source.field(name)
    if mine is None:
        raise node.unknown(f"the field `{name[:64]}` of this log source")
    for one in modifiers:
        if one not in KNOWN:
            raise node.unknown(f"the modifier `{one[:40]}`")
    values = node.items()
    if not values or len(set(modifiers)) < len(modifiers):
        raise node.wrong("a field has a value, and each modifier once")
    limit.take(node, len(values))
    tests = tests_of(modifiers, values)
    if "all" in modifiers:
        return lambda facts: all(_holds(test, facts.get(mine)) for test in tests)
    return lambda facts: any(_holds(test, facts.get(mine)) for test in tests)


def _holds(test: Test, value: Any) -> bool:
    return any(test(one) for one in _each(value))


def _each(value: Any) -> Any:
    return (value or [None]) if isinstance(value, list | tuple) else [value]
