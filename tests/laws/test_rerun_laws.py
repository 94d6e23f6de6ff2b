"""Law: an engine that shares answers says of every document what the real engine says of it."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.policy.parts import take_apart
from ostiary.policy.rerun import RerunEngine

# Every way of reading an input that the analysis must see: by name, alias, another package, a step that only
# evaluation knows, negation, a function, `with`, a default, an else, a rule with a reference for a head.
TRICKY = {
    "g.rego": """package ostiary.guardrails
import data.other as o
import input.subject.id as who
decision := {"allow": allow, "deny": deny, "ceiling": ceiling, "unmet": unmet}
default ceiling := "TERMINATE"
ceiling := "DENY" if input.resource.n == 1
allow contains {"rule": "by-name"} if input.action.name == "a"
allow contains {"rule": "by-alias", "who": who} if who == "x"
allow contains {"rule": "by-package"} if o.odd
allow contains {"rule": "by-function"} if small(input.resource.n)
allow contains {"rule": "by-table"} if table["k"]
deny contains {"rule": "not-there"} if not input.action.name
deny contains {"rule": "null"} if input.resource.n == null
deny contains {"rule": "mocked"} if o.odd with input.context.flag as input.resource.n
deny contains {"rule": "counted", "n": count(input.context.list)} if input.context.list
table["k"] if input.context.flag == "k"
small(n) if n < 2
unmet := [x | some x in input.context.list] if count(deny) > 9
else := []
""",
    "o.rego": "package other\nodd if input.context.flag == true\n",
    "a.rego": """package ostiary.adaptive
decision := {"proposals": proposals}
proposals contains {"rule": "p", "effect": "STEP_UP"} if input.risk.score > 0.5
proposals contains {"rule": "q", "effect": "DENY"} if input.guardrails.floor == "DENY"
""",
}
scalars = st.sampled_from([None, True, False, 0, 1, 1.0, 2, "a", "k", "x", "", "\u0000", 'absent","'])
members = st.dictionaries(st.sampled_from(["id", "name", "n", "flag", "extra"]), scalars, max_size=3)
contexts = members.flatmap(
    lambda told: st.sampled_from([told, {**told, "list": []}, {**told, "list": [1, "a"]}, {**told, "list": {}}])
)
documents = st.dictionaries(
    st.sampled_from(["subject", "action", "resource", "risk", "guardrails", "other"]), members | scalars, max_size=6
).flatmap(lambda told: contexts.map(lambda context: {**told, "context": context}))


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[OpaEngine, RerunEngine]]:
    bundle = Bundle.of(TRICKY)
    with OpaEngine(bundle) as real, RerunEngine(bundle, check_every=0) as shared:
        yield real, shared


@settings(max_examples=tries(100, 250))
@given(st.lists(documents, min_size=1, max_size=3))
def test_sharing_changes_no_answer(engines: tuple[OpaEngine, RerunEngine], asked: list[dict[str, object]]) -> None:
    real, shared = engines
    for told in asked:
        document = msgspec.json.encode(told)
        assert shared.guardrails(document) == real.guardrails(document)
        assert shared.adaptive(document) == real.adaptive(document)


def test_the_clauses_are_told_apart_and_shared(engines: tuple[OpaEngine, RerunEngine]) -> None:
    _, shared = engines
    before = shared.asked
    for n in range(20):
        shared.guardrails(b'{"action": {"name": "zz"}, "other": %d}' % n)
    assert shared.asked - before <= 1


def test_members_that_share_a_source_are_both_taken_apart() -> None:
    clauses = "".join(
        f'{member} contains {{"rule": "{member}-{n}"}} if input.context.c{n} == true\n'
        for n in range(5)
        for member in ("allow", "deny")
    )
    head = 'package ostiary.guardrails\ndecision := {"allow": allow, "deny": deny}\n'
    taken = take_apart(Bundle.of({"g.rego": head + clauses, "a.rego": TRICKY["a.rego"]}))
    assert {part.member: len(part.rules) for part in taken.parts if part.question == "guardrails"} == {
        "allow": 1,
        "deny": 1,
    }
    assert sum(part.question == "guardrails" for part in taken.parts) == 10


def test_a_bundle_can_neither_add_to_our_own_sources_nor_be_overwritten_by_them() -> None:
    clauses = "".join(f'deny contains {{"rule": "d{n}"}} if input.context.c{n} == true\n' for n in range(5))
    bundle = Bundle.of(
        {
            "g.rego": 'package ostiary.guardrails\ndecision := {"deny": deny, "allow": allow}\n' + clauses,
            "rerun_parts.rego": 'package ostiary.guardrails\nallow contains {"rule": "may"} if input.context.may\n',
            "r.rego": 'package ostiary.rerun\npart["guardrails/deny/0"] := []\nanswers := {"guardrails/deny/0": []}\n',
            "a.rego": TRICKY["a.rego"],
        }
    )
    document = msgspec.json.encode({"context": {"c0": True, "may": True}})
    with OpaEngine(bundle) as real, RerunEngine(bundle, check_every=0) as shared:
        assert shared.guardrails(document) == real.guardrails(document)
        assert [hit.rule for hit in real.guardrails(document).hits] == ["d0", "may"]
