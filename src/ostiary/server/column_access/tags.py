"""What the tables of policy open of a feature set's columns, in one stage and for one purpose: as features.rego says.

1. A column is open when every tag of it is opened; masked when every tag is opened or masked, and one mask is left.
2. A column without a tag is nobody's. A derived column is seen only when everything that it reads is open as it is.
3. A tag that stands in no table opens nothing. What is no rule opens nothing.

A test holds this against the real policy, rule by rule: it is a picture for people, and decides nothing.

>>> columns = {"email": {"tags": ["pii"], "reads": []}, "amount": {"tags": ["feature"], "reads": []}}
>>> rules = {"feature": {"stages": ["*"]}, "pii": {"stages": [], "masked": [{"stages": ["train"], "mask": {"a": 1}}]}}
>>> [(name, one.state) for name, one in seen(columns, rules, "train", "").items()]
[('email', 'masked'), ('amount', 'open')]
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

State = Literal["open", "masked", "closed"]
ANY: Final = "*"
_NULL: Final = {"method": "null"}


class Cell(msgspec.Struct, frozen=True):
    """How one column is seen; ``mask`` as policy tells it, ``because`` names the tags that close it."""

    state: State
    mask: dict[str, Any] = {}
    because: tuple[str, ...] = ()


def seen(columns: Mapping[str, Any], rules: Mapping[str, Any], stage: str, purpose: str) -> dict[str, Cell]:
    """Return how each column is seen.

    Args:
        columns: name to ``tags`` and ``reads``, as the feature set was registered.
        rules: ``data.pipeline.features.reads`` or ``writes``.
        stage: of the access; empty where it tells none.
        purpose: the same of its purpose.
    """
    opened = {tag for tag, rule in rules.items() if _fits(rule, stage, purpose)}
    masks = {tag: [one["mask"] for one in _masked(rule) if _fits(one, stage, purpose)] for tag, rule in rules.items()}
    plain = {name for name, told in columns.items() if told["tags"] and set(told["tags"]) <= opened}
    return {
        name: _open(told, plain) if name in plain else _masked_or_closed(told, opened, masks)
        for name, told in columns.items()
    }


def stages_of(rules: Mapping[str, Any], filters: Sequence[Any] = ()) -> list[str]:
    """Return every stage that the tables name, sorted, without ``*``."""
    parts = [one for rule in rules.values() for one in (rule, *_masked(rule))] + list(filters)
    found = {stage for one in parts if isinstance(one, dict) for stage in _list(one.get("stages"))}
    return sorted(found - {ANY})


def elsewhere(rule: Mapping[str, Any], stage: str, purpose: str) -> bool:
    """Return whether a row filter is surely for other stages or purposes; untold, all filters hold."""
    return any(
        isinstance(rule.get(listed), list) and ANY not in rule[listed] and told and told not in rule[listed]
        for listed, told in (("stages", stage), ("purposes", purpose))
    )


def _open(told: Mapping[str, Any], plain: set[str]) -> Cell:
    shut = tuple(f"reads {name}" for name in told.get("reads") or () if name not in plain)
    return Cell("closed", because=shut) if shut else Cell("open")


def _masked_or_closed(told: Mapping[str, Any], opened: set[str], masks: Mapping[str, list[Any]]) -> Cell:
    shut = tuple(tag for tag in told["tags"] if tag not in opened)
    left = [masks.get(tag, []) for tag in shut]
    if not shut or told.get("reads") or not all(left):
        return Cell("closed", because=shut or ("no tag",))
    # Two tags that ask for the same mask are one; two different ones show nothing.
    different = {msgspec.json.encode(one, order="sorted"): one for some in left for one in some}
    mask = next(iter(different.values())) if len(different) == 1 else _NULL
    return Cell("masked", mask=dict(mask), because=shut)


def _fits(rule: object, stage: str, purpose: str) -> bool:
    if not isinstance(rule, dict):
        return False
    stages = _list(rule.get("stages"))
    in_stage = ANY in stages or (bool(stage) and stage in stages)
    return in_stage and ("purposes" not in rule or (bool(purpose) and purpose in _list(rule["purposes"])))


def _masked(rule: object) -> list[dict[str, Any]]:
    masked = rule.get("masked") if isinstance(rule, dict) else None
    return [one for one in masked or () if isinstance(one, dict) and isinstance(one.get("mask"), dict)]


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
