"""Break-glass and grants under every input: narrow, ended, bound to every term; codes are one voice a person."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.approvals.access import Grant, scope
from ostiary.approvals.glass import SECOND_NS, Limits, Opening, Terms, bound, checked
from ostiary.approvals.sealed_codes import CodeSet, SealedCode, new_code, read_code, redeem
from ostiary.errors import OstiaryError, RefusedError

NOW = 1_800_000_000 * SECOND_NS
LIMITS = Limits(14_400)
pairs = st.builds("{}:{}".format, st.sampled_from(["user", "db"]), st.text("abc*\n:", min_size=0, max_size=3))
rules = st.one_of(st.sampled_from(["off-network", "no_allow_rule", "embargo"]), st.text("aB-*\n", max_size=4))
terms = st.builds(
    Terms,
    replaces=st.lists(rules, max_size=3).map(tuple),
    resources=st.lists(pairs, max_size=3).map(tuple),
    subjects=st.lists(pairs, max_size=3).map(tuple),
    from_ns=st.integers(NOW - 100 * SECOND_NS, NOW + 100 * SECOND_NS),
    until_ns=st.integers(NOW - 100 * SECOND_NS, NOW + 20_000 * SECOND_NS),
    reason=st.text("ab \n\u202e", max_size=40),
)


def fit(given_terms: Terms) -> Terms | None:
    try:
        return checked(given_terms, LIMITS, NOW)
    except OstiaryError:
        return None


@given(terms)
def test_what_may_be_opened_is_narrow_and_ends(wanted: Terms) -> None:
    made = fit(wanted)
    if made is None:
        return
    assert 0 < made.until_ns - made.from_ns <= LIMITS.longest_s * SECOND_NS
    assert made.until_ns > NOW
    assert all("*" not in subject for subject in made.subjects)
    assert made.reason.isprintable() or "\ufffd" in made.reason
    assert fit(made) == made


@given(terms, terms)
def test_other_terms_are_another_deed(one: Terms, other: Terms) -> None:
    first, second = fit(one), fit(other)
    if first is not None and second is not None:
        assert (bound(first) == bound(second)) == (first == second)


@given(terms, pairs, pairs, st.integers(NOW - 200 * SECOND_NS, NOW + 30_000 * SECOND_NS))
def test_it_covers_only_what_it_names_while_it_lasts(wanted: Terms, subject: str, resource: str, at_ns: int) -> None:
    made = fit(wanted)
    if made is None:
        return
    kind, _, name = resource.partition(":")
    if Opening("bg_1", "acme", made, "quorum", (), NOW).covers(subject, kind, name, at_ns):
        assert max(NOW, made.from_ns) <= at_ns < made.until_ns
        assert subject in made.subjects
        assert resource in made.resources or f"{kind}:*" in made.resources


people = st.lists(st.sampled_from(["user:a", "user:b", "user:c"]), min_size=2, max_size=6)


@given(people, st.integers(2, 3), st.lists(st.integers(0, 7), max_size=6), st.integers(0, 5))
def test_only_codes_of_enough_people_open(owners: list[str], need: int, used: list[int], spoiled: int) -> None:
    fresh = [new_code("bgc_1", number, person, bytes([number]) * 16) for number, person in enumerate(owners)]
    kept = tuple(SealedCode(one.person, one.secret_hash) for one in fresh)
    codes = CodeSet("bgc_1", "acme", need, kept, LIMITS, NOW, NOW + SECOND_NS, "adm_1")
    typed = [fresh[number].text for number in used if number < len(fresh)]
    if spoiled < len(typed):
        typed[spoiled] = typed[spoiled][:-1] + ("B" if typed[spoiled][-1] != "B" else "C")
    owned = {owners[number] for number in used if number < len(fresh)}
    good = len(owned) >= need and spoiled >= len(typed)
    if good:
        assert set(redeem([codes], typed, NOW).people) == owned
        return
    with pytest.raises(RefusedError) as caught:
        redeem([codes], typed, NOW)
    assert caught.value.code == "break_glass_codes_wrong"


@given(st.text("bgc_.-01aZ \n\u00e9", max_size=200))
def test_whatever_is_typed_is_read(text: str) -> None:
    read = read_code(text)
    assert read.number >= -1
    with pytest.raises(RefusedError) as caught:
        redeem([], [text], NOW)
    assert caught.value.code == "break_glass_codes_wrong"


LETTERS = st.text("ab\u00e9", max_size=2)
values: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | LETTERS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(LETTERS, inner, max_size=2),
    max_leaves=4,
)
properties = st.dictionaries(LETTERS, values, max_size=3)


@given(properties, properties, properties, properties)
def test_a_grant_is_for_the_properties_that_were_judged(one: Any, two: Any, three: Any, four: Any) -> None:
    grant = Grant("agr", "acme", "arq", "user:a", "read", "doc", "1", scope(one, two), 0, 9, "", "adm")
    same = msgspec.json.encode([one, two], order="deterministic") == msgspec.json.encode(
        [three, four], order="deterministic"
    )
    assert grant.covers("user:a", "read", "doc", "1", scope(three, four), 5) == same
