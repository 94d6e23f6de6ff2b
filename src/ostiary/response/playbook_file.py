r"""Reads a playbook from YAML, strictly; every fault has a code and a line.

Rules:

- At most 64 KiB, 16 levels, 16 triggers, 16 conditions, 16 steps; no anchors, tags, or keys that are not known.
- A step is one of ``StepKind`` with the members that this kind takes, and no others.
- A condition names one fact and exactly one comparison.

>>> read_playbook("x.yaml", b"name: x\ntriggers: [signal:y]\nsteps:\n  - do: notify\n").steps[0].do.value
'notify'
"""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from ostiary.errors import FaultyInputError
from ostiary.response.conditions import COMPARISONS, Condition
from ostiary.response.playbook import PHASES, Playbook
from ostiary.response.steps import Step, StepKind
from ostiary.signals.anylog.document import Node, parse
from ostiary.signals.anylog.faults import at, hint
from ostiary.signals.texts import shown

T = TypeVar("T")
D = TypeVar("D")
MAX_BYTES: Final = 64 << 10
MAX_ITEMS: Final = 16
MAX_LIFETIME_S: Final = 86_400
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}\Z")
_KIND: Final = re.compile(r"[a-z_]{1,32}:(?:\*|[A-Za-z0-9_-]{1,64})\Z")
_FACT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}\Z")
_TECHNIQUE: Final = re.compile(r"(?:AML\.T[0-9]{4}(?:\.[0-9]{3})?|T[0-9]{4}(?:\.[0-9]{3})?|LLM[0-9]{2})\Z")
_KEYS: Final = ("name", "describe", "triggers", "when", "steps", "phase", "dry_run", "techniques")
_OF_KIND: Final[dict[StepKind, tuple[str, ...]]] = {
    StepKind.NOTIFY: ("sink", "text"),
    StepKind.OPEN_CASE: ("text",),
    StepKind.DEMAND_STEP_UP: ("acr_values",),
    StepKind.REDUCE_SESSION: ("privileges", "lifetime_s"),
}


def read_playbook(name: str, data: bytes) -> Playbook:
    """Return the playbook in ``data``.

    Raises:
        FaultyInputError: ``playbook_…`` with the line in ``pointer``; ``name`` is the file's, for the message.
    """
    try:
        return _playbook(_root(data))
    except FaultyInputError as fault:
        code = "playbook_" + fault.code.removeprefix("mapping_").removeprefix("playbook_")
        line, text = fault.pointer or "1", fault.message.replace("a mapping", "a playbook")
        raise FaultyInputError(code, f"{shown(name)}:{line}: {text}", line) from fault


def _root(data: bytes) -> Node:
    if len(data) > MAX_BYTES:
        raise at(1, "playbook_too_large", f"a playbook has at most {MAX_BYTES >> 10} KiB")
    return _object(parse(data), _KEYS, "a playbook")


def _playbook(root: Node) -> Playbook:
    for key in ("name", "triggers", "steps"):
        if key not in root.value:
            raise at(root.line, "playbook_key_missing", f"a playbook has a `{key}`")
    phase = _get(root, "phase", _text, "low_risk")
    if phase not in PHASES:
        raise at(root.lines["phase"], "playbook_phase", f"`{shown(phase)}` is no phase{hint(phase, PHASES)}")
    return Playbook(
        name=_matching(root.child("name"), _NAME, "name"),
        describe=_get(root, "describe", _text, ""),
        triggers=_items(root.child("triggers"), lambda node: _matching(node, _KIND, "trigger"), "triggers"),
        when=_get(root, "when", lambda node: _items(node, _condition, "conditions"), ()),
        steps=_items(root.child("steps"), _step, "steps"),
        phase=phase,
        dry_run=_get(root, "dry_run", _flag, False),  # noqa: FBT003 - a default value
        techniques=_get(
            root,
            "techniques",
            lambda node: _items(node, lambda one: _matching(one, _TECHNIQUE, "technique"), "ids"),
            (),
        ),
    )


def _step(node: Node) -> Step:
    step = _object(node, ("do", "approval", *sum(_OF_KIND.values(), ())), "a step")
    if "do" not in step.value:
        raise at(step.line, "playbook_key_missing", "a step says what to `do`")
    word = _text(step.child("do"))
    if word not in list(StepKind):
        raise at(step.lines["do"], "playbook_step_unknown", f"`{shown(word)}` is no step{hint(word, list(StepKind))}")
    kind = StepKind(word)
    _object(step, ("do", "approval", *_OF_KIND.get(kind, ())), f"the step `{kind}`")
    return Step(
        do=kind,
        approval=_get(step, "approval", _flag, False),  # noqa: FBT003 - a default value
        sink=_get(step, "sink", lambda one: _matching(one, _NAME, "sink"), ""),
        text=_get(step, "text", _text, ""),
        acr_values=_get(step, "acr_values", lambda one: _items(one, _text, "classes"), ()),
        privileges=_get(step, "privileges", lambda one: _items(one, _text, "privileges"), ()),
        lifetime_s=_get(step, "lifetime_s", _seconds, None),
    )


def _condition(node: Node) -> Condition:
    found = _object(node, ("fact", *COMPARISONS), "a condition")
    given = [word for word in COMPARISONS if word in found.value]
    if "fact" not in found.value or len(given) != 1:
        raise at(
            found.line, "playbook_condition", "a condition has a `fact` and one comparison" + hint("", COMPARISONS)
        )
    (word,), value = given, found.child(given[0])
    fact = _matching(found.child("fact"), _FACT, "fact")
    return Condition(
        fact,
        is_=_scalar(value) if word == "is" else None,
        is_not=_scalar(value) if word == "is_not" else None,
        in_=_items(value, _scalar, "values") if word == "in" else None,
        at_least=_number(value) if word == "at_least" else None,
        at_most=_number(value) if word == "at_most" else None,
        exists=_flag(value) if word == "exists" else None,
    )


def _object(node: Node, allowed: tuple[str, ...], what: str) -> Node:
    if not isinstance(node.value, dict):
        raise at(node.line, "playbook_value", f"{what} is made of keys and values")
    for key in node.value:
        if key not in allowed:
            raise at(node.lines[key], "playbook_key_unknown", f"`{shown(key)}` is no key of {what}{hint(key, allowed)}")
    return node


def _get(node: Node, key: str, read: Callable[[Node], T], default: D) -> T | D:
    return read(node.child(key)) if key in node.value else default


def _items(node: Node, read: Callable[[Node], T], what: str) -> tuple[T, ...]:
    if not isinstance(node.value, list) or not 0 < len(node.value) <= MAX_ITEMS:
        raise at(node.line, "playbook_value", f"1 to {MAX_ITEMS} {what} are needed, in a list")
    return tuple(read(item) for item in node.value)


def _matching(node: Node, pattern: re.Pattern[str], what: str) -> str:
    text = _text(node)
    if not pattern.match(text):
        raise at(node.line, "playbook_value", f"`{shown(text)}` is no {what}")
    return text


def _text(node: Node) -> str:
    return _typed(node, str, "a text")


def _flag(node: Node) -> bool:
    return _typed(node, bool, "true or false")


def _scalar(node: Node) -> str | int | float | bool:
    if isinstance(node.value, str | int | float):
        return node.value
    raise at(node.line, "playbook_value", "a plain value is needed here")


def _number(node: Node) -> float:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise at(node.line, "playbook_value", "a number is needed here")
    return float(node.value)


def _seconds(node: Node) -> int:
    seconds = _typed(node, int, "a number of seconds")
    if isinstance(seconds, bool) or not 0 <= seconds <= MAX_LIFETIME_S:
        raise at(node.line, "playbook_value", f"0 to {MAX_LIFETIME_S} seconds are allowed")
    return seconds


def _typed(node: Node, wanted: type[T], what: str) -> T:
    value: Any = node.value
    if not isinstance(value, wanted):
        raise at(node.line, "playbook_value", f"{what} is needed here")
    return value
