# mypy: disable-error-code="arg-type, assignment"
"""Whatever changes, and whenever the index hears of it: nobody finds what they may not read this very moment."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numpy")

from ostiary.errors import RefusedError
from ostiary.rag.compilers import lance_where, postgres_where, qdrant_filter
from ostiary.rag.conditions import ALWAYS, NEVER, Compare, both, checked, either, holds, prepared, read_ucast
from ostiary.rag.rights import Rule, Step, decoded, digest, encoded, opening, permits, plain
from ostiary.testing.retrieval_world import World

NAMES = st.sampled_from(["*", "user:a", "user:b", "group:g", "group:o'brien\"", "uid:1"])
STEPS = st.builds(Step, st.lists(NAMES, min_size=1, max_size=3).map(tuple), st.booleans())
RULES = st.lists(st.lists(STEPS, max_size=4).map(tuple), max_size=4).map(tuple)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_forbidden_and_nothing_missing_in_thousands_of_changes(seed: int) -> None:
    told = World(seed).run(700)
    assert told.checks == 700
    assert told.passages > 500
    assert (told.forbidden, told.missing, told.wrong_order) == (0, 0, 0)


def test_the_oracle_would_see_it() -> None:
    """A source that is not asked again lets stale rights through: the check that this test leaves out is needed."""
    world = World(1)
    world.source.check = lambda _asker, documents: frozenset(documents)
    assert world.run(400).forbidden > 0


@given(RULES, st.frozensets(NAMES, max_size=4))
def test_a_rule_is_what_its_bytes_say(rule: Rule, mine: frozenset[str]) -> None:
    assert decoded(encoded(rule)) == rule
    assert digest(decoded(encoded(rule))) == digest(rule)
    if rule:
        assert permits(plain(rule), mine | {"*"}) == permits(rule, mine | {"*"})
    if permits(rule, mine):
        assert not opening(rule).isdisjoint(mine)


@given(RULES, st.frozensets(NAMES, max_size=4), NAMES)
def test_a_deny_that_comes_first_beats_everything(rule: Rule, mine: frozenset[str], name: str) -> None:
    closed = ((Step((name,), False), *(rule[0] if rule else ())), *rule[1:])  # noqa: FBT003 - a value
    assert not permits(closed, mine | {name})


FIELDS = {"acl": 1, "confidentiality": 2, "source": "s", "document": "d'1"}
VALUES = st.one_of(
    st.integers(-5, 5), st.sampled_from(["s", "d'1", 'x" OR 1=1']), st.booleans(), st.none(), st.floats()
)
TREES = st.recursive(
    st.fixed_dictionaries(
        {
            "type": st.just("field"),
            "field": st.sampled_from(["document.acl", "document.source", "document.nosuch", "subject.id", "document."]),
            "operator": st.sampled_from(["eq", "ne", "lt", "lte", "in", "startswith", ""]),
            "value": st.one_of(VALUES, st.lists(VALUES, max_size=3)),
        }
    ),
    lambda inner: st.fixed_dictionaries(
        {
            "type": st.just("compound"),
            "operator": st.sampled_from(["and", "or", "not", "xor"]),
            "value": st.lists(inner, max_size=3),
        }
    ),
    max_leaves=8,
)


@given(TREES)
def test_a_residue_is_a_condition_or_refused(tree: dict[str, object]) -> None:
    try:
        found = read_ucast(tree)
    except RefusedError as no:
        assert no.code == "filter_not_understood"  # noqa: PT017 - either outcome is right
        return
    assert holds(found, FIELDS) == prepared(found)(FIELDS)
    lance_where(found)
    sql, values = postgres_where(found)
    assert all(f"${number + 1}" in sql for number in range(len(values)))
    assert "OR 1=1" not in sql


@given(st.text(max_size=40))
def test_no_text_gets_out_of_its_quotes(text: str) -> None:
    condition = Compare("source", "eq", text)
    try:
        checked(condition)
    except RefusedError:
        return
    where = lance_where(condition)
    assert where.startswith("source = '")
    assert where.endswith("'")
    assert "'" not in where[len("source = '") : -1].replace("''", "")
    assert postgres_where(condition) == ("source = $1::text", [text])
    assert qdrant_filter(condition) == {"must": [{"key": "source", "match": {"value": text}}]}


def test_joining_with_never_and_always() -> None:
    one = Compare("acl", "eq", 1)
    assert (both(one, NEVER), both(one, ALWAYS), either(one, NEVER), either(one, ALWAYS)) == (NEVER, one, one, ALWAYS)
    assert (both(), either()) == (ALWAYS, NEVER)


def test_an_acl_of_many_rules_is_picked_by_lookup() -> None:
    chance = random.Random(1)  # noqa: S311 - numbers of a test
    many = tuple(sorted(chance.sample(range(100_000), 20_000)))
    test = prepared(Compare("acl", "in", many))
    assert [test({"acl": number}) for number in range(50)] == [number in set(many) for number in range(50)]
