"""What holds for approvals whatever is asked: one form for one value, counting that no order or key changes."""

import json
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ostiary.approvals.canonical import canonical
from ostiary.approvals.counting import tally
from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Draft, Proposal, check_draft, document, same_deed
from ostiary.approvals.rules import HIGH, Rule
from ostiary.approvals.words import WORDS, words_of
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.model_approvals import Evidence, evidence_of
from ostiary.vocabulary.approvals import Deed

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
GROUPS = st.lists(st.sampled_from("abcd"), max_size=3, unique=True).map(tuple)
PEOPLE = st.lists(GROUPS, max_size=6).map(lambda found: [Person(f"user:{n}", g) for n, g in enumerate(found)])
RULES = st.builds(
    Rule, people=st.integers(1, 4), groups=st.lists(st.sampled_from("abcd"), max_size=3, unique=True).map(tuple)
).flatmap(lambda rule: st.integers(1, 4).map(lambda n: msgspec.structs.replace(rule, spread=n)))
BOUND = st.dictionaries(st.sampled_from("vwxyz"), st.sampled_from(["1", "2"]), max_size=4)


@given(VALUES)
def test_the_form_is_that_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)
    assert json.loads(canonical(value)) == value


@pytest.mark.parametrize("value", [2**53, 1.5, b"x", {1: 2}, "\ud800", object()])
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(FaultyInputError):
        canonical(value)


def test_what_lies_too_deep_is_refused() -> None:
    value: Any = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(FaultyInputError):
        canonical(value)


@given(RULES, PEOPLE, st.randoms(use_true_random=False))
def test_counting_depends_on_nobodys_order(rule: Rule, people: list[Person], random: Any) -> None:
    first = tally(rule, people)
    random.shuffle(people)
    assert tally(rule, [*people, *people]) == first, "nor on how often somebody is named"


@given(RULES, PEOPLE)
def test_one_more_person_never_takes_an_agreement_away(rule: Rule, people: list[Person]) -> None:
    for end in range(len(people)):
        before, after = tally(rule, people[:end]), tally(rule, people[: end + 1])
        assert after.missing <= before.missing
        assert before.missing - after.missing <= 1, "one person is one step"


@given(RULES, PEOPLE)
def test_enough_is_as_many_people_as_the_rule_says_each_for_one_group(rule: Rule, people: list[Person]) -> None:
    count = tally(rule, people)
    if count.enough:
        assert len(count.agreed) >= max(rule.people, len(rule.groups), rule.spread)
        assert all(any(group in one.groups for one in people) for group in rule.groups)
    else:
        assert f"{count.missing} more signature" in count.words


def proposal(bound: dict[str, str], **changes: Any) -> Proposal:
    made = Proposal("acme", "apr_1", "k", "t", bound, (), "user:z", "", "why", 5, 5, 9, "n", (HIGH,))
    return msgspec.structs.replace(made, **changes)


@given(BOUND, BOUND)
def test_an_agreement_is_for_exactly_what_it_is_bound_to(one: dict[str, str], other: dict[str, str]) -> None:
    made, deed = proposal(one), Deed("acme", "k", "t", other)
    if one == other:
        same_deed(made, deed)
    else:
        with pytest.raises(RefusedError, match="another"):
            same_deed(made, deed)
    assert (made.digest == proposal(other).digest) == (one == other)


def test_every_member_of_a_proposal_is_signed() -> None:
    made = proposal({"a": "1"})
    told = document(made)
    assert set(told) == set(Proposal.__struct_fields__)
    others: dict[str, Any] = {"rules": (Rule(people=3),), "authors": ("user:y",), "bound": {"a": "2"}}
    for name in Proposal.__struct_fields__:
        value = others.get(name, 7 if isinstance(getattr(made, name), int) else "other")
        assert msgspec.structs.replace(made, **{name: value}).digest != made.digest, name


@given(
    st.sampled_from(["user:a", "user:b"]), st.sampled_from(["user:a", "user:b"]), st.sampled_from(["approve", "reject"])
)
def test_a_challenge_is_for_one_person_signer_and_decision(person: str, signer: str, decision: Any) -> None:
    made = proposal({})
    mine = made.challenge("user:a", "user:b", "approve")
    assert (made.challenge(person, signer, decision) == mine) == (
        (person, signer, decision) == ("user:a", "user:b", "approve")
    )
    assert len(mine) == 32, "the challenges of step-up have 64 bytes"


@given(st.binary(min_size=8, max_size=32))
def test_words_tell_the_first_bytes_and_nothing_else(digest: bytes) -> None:
    told = words_of(digest).split()
    assert bytes(WORDS.index(word) for word in told) == digest[:8]


def test_the_list_of_words_is_as_it_was() -> None:
    assert (len(WORDS), len(set(WORDS))) == (256, 256)
    assert all(word.isascii() and word.islower() and 3 <= len(word) <= 6 for word in WORDS)


@given(st.dictionaries(TEXT, st.text(max_size=30), max_size=40), st.text(max_size=70), st.text(max_size=600))
def test_a_draft_is_bounded(bound: dict[str, str], kind: str, target: str) -> None:
    try:
        checked = check_draft(Draft(Deed("acme", kind, target, bound), "user:z"))
    except FaultyInputError:
        return
    assert len(canonical(document(proposal(dict(bound), kind=kind, target=target)))) < 64_000
    assert checked.deed.kind.isprintable()


@given(st.text(max_size=64))
def test_evidence_names_a_proposal_and_nothing_else(text: str) -> None:
    try:
        data = evidence_of(text)
    except UnicodeEncodeError:
        return
    if text:
        assert msgspec.json.decode(data, type=Evidence).proposal == text
