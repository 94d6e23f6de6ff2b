"""Whether two bundles have the same guardrails, or the same adaptive rules: what one said, the other would say too.

Only what these can reach counts: every source that an evaluation of them can touch, to the letter, and the data that
these sources name. A name that only evaluation knows makes all data count. In doubt they are not alike.

>>> from ostiary.policy.bundle import Bundle
>>> texts = {"g.rego": '''package ostiary.guardrails
... decision := {"ceiling": data.table.ceiling}''', "a.rego": "package ostiary.adaptive"}
>>> one = Bundle.of({**texts, "table/data.json": '{"ceiling": "DENY"}', "other/data.json": '{"n": 1}'})
>>> other = Bundle.of({**texts, "table/data.json": '{"ceiling": "DENY"}', "other/data.json": '{"n": 2}'})
>>> third = Bundle.of({**texts, "table/data.json": '{"ceiling": "ALLOW"}', "other/data.json": '{"n": 1}'})
>>> same_guardrails(one, other), same_guardrails(one, third), same_adaptive(one, third)
(True, False, True)
"""

from collections.abc import Callable
from typing import Any

from ostiary.policy.bundle import Bundle
from ostiary.policy.lint_reach import ADAPTIVE, reachable, touched_from
from ostiary.policy.rego_tree import Module, Parser


def same_guardrails(one: Bundle, other: Bundle) -> bool:
    """Return whether both bundles' guardrails are the same.

    Raises:
        FaultyInputError: a source does not parse.
    """
    return _same(one, other, reachable)


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
    return all(_at(one.live_data, path) == _at(other.live_data, path) for path in paths)


def _parsed(bundle: Bundle) -> list[Module]:
    parser = Parser()
    try:
        return [parser.parse(path, text) for path, text in bundle.live_sources.items()]
    finally:
        parser.close()


def _at(data: Any, path: tuple[str, ...]) -> tuple[bool, Any]:
    # Absent and null are two things to Rego.
    for step in path:
        if not isinstance(data, dict) or step not in data:
            return False, None
        data = data[step]
    return True, data
