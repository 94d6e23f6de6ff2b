"""Attack: rules read a member of the input by a road that a reading of them could miss; then it would be kept from OPA.

A deny that is not shown what it denies by says nothing. So an excerpt (``policy.excerpts``) and a shared answer
(``policy.rerun``) must be what the whole document would give, however far from each other an author puts his rules.
"""

from typing import Any

import msgspec
import pytest

from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import GUARDRAILS, OpaEngine
from ostiary.policy.excerpts import Excerpt
from ostiary.policy.rerun import RerunEngine

GUARD = 'package ostiary.guardrails\ndecision := {"deny": deny, "allow": allow}\nallow contains {"rule": "all"}\n'
ADAPTIVE = "package ostiary.adaptive\ndecision := {}\n"
SHUT = '{"rule": "shut"}'
PLAIN = 'deny contains {"rule": "other"} if input.context.other\n'
DEEP = ".".join(["input.context.shut", *["x"] * 40])

VERY_DEEP = "input.far" + ".x" * 3_000
ROADS = {
    "the package above": {
        "g.rego": GUARD + PLAIN,
        "o.rego": f"package ostiary\nguardrails.deny contains {SHUT} if input.context.shut\n",
    },
    "the package above, for a helper": {
        "g.rego": GUARD + PLAIN + f"deny contains {SHUT} if data.lib.deep.closed\n",
        "d.rego": "package lib.deep\nshut contains 1 if false\nclosed if shut[_]\n",
        "l.rego": "package lib\ndeep.shut contains 2 if input.context.shut\n",
    },
    "a package below": {
        "g.rego": GUARD + PLAIN + f"deny contains {SHUT} if shut.really\nshut.maybe := 1\n",
        "s.rego": "package ostiary.guardrails.shut\nreally if input.context.shut\n",
    },
    "a package below, as a value": {
        "g.rego": GUARD
        + PLAIN
        + f'deny contains {SHUT} if {{\n\tsome x\n\tall := shut\n\tall[x] == "yes"\n}}\nshut.maybe := 1\n',
        "s.rego": 'package ostiary.guardrails.shut\nreally := "yes" if input.context.shut\n',
    },
    "an odd name": {"g.rego": GUARD + PLAIN + f'deny contains {SHUT} if input.context["shut\\"\\\\\\n"]\n'},
    "an odd name at the top": {"g.rego": GUARD + PLAIN + f'deny contains {SHUT} if input["\\n"]\n'},
    "far down": {"g.rego": GUARD + PLAIN + f"deny contains {SHUT} if {DEEP}\n"},
    "farther down than Python's stack": {
        "g.rego": GUARD + f"deny contains {SHUT} if {DEEP}\ndeny contains 1 if {VERY_DEEP}\n"
    },
}
far: dict[str, Any] = {"x": 1}
for _ in range(39):
    far = {"x": far}
DOCUMENTS: list[dict[str, Any]] = [
    {"context": {}},
    {"context": {"shut": True, "other": False}},
    {"context": {"shut": far}},
    {"context": {'shut"\\\n': True}},
    {"context": {}, "\n": True},
]


@pytest.mark.parametrize("road", ROADS)
def test_what_is_kept_from_opa_changes_nothing(road: str) -> None:
    bundle = Bundle.of({"a.rego": ADAPTIVE, **ROADS[road]})
    shut = 0
    with OpaEngine(bundle, sparing=True) as engine, RerunEngine(bundle, check_every=0) as shared:
        for told in DOCUMENTS:
            document = msgspec.json.encode(told)
            whole = engine.raw(GUARDRAILS, document)
            assert engine.raw(GUARDRAILS, engine.shown(GUARDRAILS, document)) == whole
            assert shared.guardrails(document) == engine.guardrails(document)
            shut += b'"shut"' in whole
    assert shut


def test_of_two_paths_the_shorter_counts() -> None:
    assert Excerpt([("a",), ("a", "b")]).of(b'{"a": {"c": 1}}') == b'{"a":{"c": 1}}'
    assert Excerpt([("a", "b"), ("a",)]).of(b'{"a": {"c": 1}}') == b'{"a":{"c": 1}}'
