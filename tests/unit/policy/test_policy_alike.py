"""Whether two bundles' rules are the same: what would let a study take recorded verdicts for the candidate's own."""

import pytest

from ostiary.policy.alike import same_adaptive, same_guardrails
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import GUARDRAILS, OpaEngine

FRAME = {"g.rego": 'package ostiary.guardrails\ndecision := {"allow": allow}\n', "a.rego": "package ostiary.adaptive\n"}
BY_DATA = FRAME | {
    "g2.rego": 'package ostiary.guardrails\nallow contains {"rule": "may"} if data.table.open[0].for == true\n'
}
BY_LIB = FRAME | {
    "g2.rego": 'package ostiary.guardrails\nallow contains {"rule": "may"} if data.lib.open\n',
    "l.rego": "package lib\na.b := 1\nopen if a.c == true\n",
}
BY_ABOVE = FRAME | {
    "g2.rego": "package ostiary.guardrails\nallow contains 1 if false\n",
    "o.rego": 'package ostiary\nadaptive.b := 1\nguardrails.allow contains {"rule": "may"} if adaptive.open\n',
}


@pytest.mark.parametrize(
    ("texts", "path", "before", "after"),
    [
        (BY_DATA, "table/data.json", '{"open": [{"for": 1}]}', '{"open": [{"for": true}]}'),
        (BY_DATA, "table/data.json", '{"open": [{"for": null}]}', '{"open": [{"for": true}]}'),
        (BY_LIB, "lib/a/data.json", '{"c": false}', '{"c": true}'),
        (BY_LIB, "c.rego", "package lib.a\nc := false", "package lib.a\nc := true"),
        (BY_ABOVE, "a.rego", "package ostiary.adaptive\nopen := false", "package ostiary.adaptive\nopen := true"),
    ],
)
def test_an_author_cannot_hide_a_difference(texts: dict[str, str], path: str, before: str, after: str) -> None:
    one, other = Bundle.of({**texts, path: before}), Bundle.of({**texts, path: after})
    with OpaEngine(one) as shut, OpaEngine(other) as open_:
        assert shut.raw(GUARDRAILS, b"{}") != open_.raw(GUARDRAILS, b"{}")
    assert not same_guardrails(one, other)


def test_what_the_rules_cannot_reach_makes_no_difference() -> None:
    texts = ({"far/data.json": f'{{"n": {number}}}'} for number in (1, 2))
    one, other = (Bundle.of(BY_LIB | each) for each in texts)
    assert same_guardrails(one, other)
    assert same_adaptive(one, other)
    assert same_adaptive(one, Bundle.of({**BY_LIB, "lib/a/data.json": '{"c": true}'}))
