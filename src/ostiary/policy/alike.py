"""Whether two bundles have the same guardrails, or the same adaptive rules: what one said, the other would say too.

Only what these can reach counts: every source that an evaluation of them can touch, to the letter, and the data that
these sources name or that lie below their packages. A name that only evaluation knows makes all data count. Data are
compared as they are written: to Python ``1`` and ``true`` are equal. In doubt they are not alike.

>>> from ostiary.policy.bundle import Bundle
>>> texts = {"g.rego": '''package ostiary.guardrails
... decision := {"ceiling": data.table.ceiling}''', "a.rego": "package ostiary.adaptive"}
>>> one = Bundle.of({**texts, "table/data.json": '{"ceiling": "DENY"}', "other/data.json": '{"n": 1}'})
>>> other = Bundle.of({**texts, "table/data.json": '{"ceiling": "DENY"}', "other/data.json": '{"n": 2}'})
>>> third = Bundle.of({**texts, "table/data.json": '{"ceiling": "ALLOW"}', "other/data.json": '{"n": 1}'})
>>> same_guardrails(one, other), same_guardrails(one, third), same_adaptive(one, third)
(True, False, True)
"""

import json
from collections.abc import Callable
from typing import Any

from ostiary.policy.bundle import Bundle
from ostiary.policy.lint_reach import ADAPTIVE, GUARDRAILS, touched_from
from ostiary.policy.rego_tree import Module, Parser


def same_guardrails(one: Bundle, other: Bundle) -> bool:
    """Return whether both bundles' guardrails are the same.

    Raises:
        FaultyInputError: a source does not parse.
    """
    return _same(one, other, lambda live: touched_from(GUARDRAILS, live))


def same_adaptive(one: Bundle, other: Bundle) -> bool:
    """Return whether both bundles' adaptive rules are the same.

    Raises:
        FaultyInputError: a source does not parse.
    """
    return _same(one, other, lambda live: touched_from(ADAPTIVE, live))


def _same(one: Bundle, other: Bundle, reach: Callable[[list[Module]], list[Module]]) -> bool:
    if one.digest == other.digest:
        return True
    mine, theirs = reach(_parsed(one)), reach(_parsed(other))
    texts = [{m.path: bundle.live_sources[m.path] for m in found} for bundle, found in ((one, mine), (other, theirs))]
    if texts[0] != texts[1]:
        return False
    paths = {each.constant for module in mine for each in module.references | module.spelled if each.head == "data"}
    paths |= {module.package for module in mine}  # data below a rule's name are had by that name, without `data`
    return all(_written(one.live_data, path) == _written(other.live_data, path) for path in paths)


def _parsed(bundle: Bundle) -> list[Module]:
    parser = Parser()
    try:
        return [parser.parse(path, text) for path, text in bundle.live_sources.items()]
    finally:
        parser.close()


def _written(data: Any, path: tuple[str, ...]) -> str:
    """Return what lies at ``path`` in one spelling, empty where nothing does: absent and null are two to Rego."""
    for step in path:
        if not isinstance(data, dict) or step not in data:
            return ""
        data = data[step]
    return json.dumps(data, sort_keys=True)
