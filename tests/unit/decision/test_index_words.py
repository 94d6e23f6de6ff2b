"""A query as text: it comes back the same, and what it does not know is an error with a code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.decision.index.query import MAX_NUMBER, NUMBERS, TEXTS, DecisionQuery
from ostiary.decision.index.words import MAX_FILTERS, NAMES, parse, query_of, words
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.effects import Effect

VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=300)
NUMBER = st.none() | st.integers(0, MAX_NUMBER)
QUERIES = st.builds(
    DecisionQuery,
    effects=st.lists(st.sampled_from(Effect)).map(tuple),
    risk_at_least=st.none() | st.integers(0, 1_000_000),
    limit=st.integers(1, 1000),
    after=st.none() | st.integers(-1, MAX_NUMBER),
    **{name: st.none() | VALUE for name in TEXTS},
    **dict.fromkeys(NUMBERS[:-1], NUMBER),
)


@given(QUERIES)
def test_every_query_comes_back_from_its_text(query: DecisionQuery) -> None:
    assert parse(words(query)) == query


@given(
    st.text(max_size=400) | st.lists(st.sampled_from(["effect=", "DENY", "&", "=", "%", "a", "text", "+"])).map("".join)
)
def test_any_text_is_a_query_or_an_error_of_ours(text: str) -> None:
    try:
        found = parse(text)
    except FaultyInputError as fault:
        code = fault.code
    else:
        assert parse(words(found)) == found
        return
    assert code in {"query_malformed", "query_too_long", "filter_unknown", "filter_repeated", "filter_invalid"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("subjct=user:ada", "filter_unknown"),
        ("subject=a&subject=b", "filter_repeated"),
        ("subject=", "filter_invalid"),
        ("subject=" + "a" * 301, "filter_invalid"),
        ("subject=a%00", "filter_invalid"),
        ("subject=%ff", "query_malformed"),
        ("subject", "query_malformed"),
        ("effect=deny", "filter_invalid"),
        ("effect=ALLOW,", "filter_invalid"),
        ("effect=" + ",".join(["ALLOW"] * 60), "filter_invalid"),
        ("risk_at_least=1.5", "filter_invalid"),
        ("risk_at_least=nan", "filter_invalid"),
        ("risk_at_least=1e-3", "filter_invalid"),
        ("since_ns=-1", "filter_invalid"),
        ("since_ns=1_000", "filter_invalid"),
        ("since_ns=%D9%A3", "filter_invalid"),
        ("since_ns=9999999999999999999", "filter_invalid"),
        ("before=-1", "filter_invalid"),
        ("after=-2", "filter_invalid"),
        ("limit=0", "filter_invalid"),
        ("limit=1001", "filter_invalid"),
        ("&".join(["effect=DENY"] * (MAX_FILTERS + 1)), "query_malformed"),
        ("a" * 10_000_000, "query_too_long"),
    ],
)
def test_what_cannot_be_meant_is_an_error(text: str, code: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        parse(text)
    expected = {code, "query_too_long"} if code == "query_malformed" else {code}
    assert caught.value.code in expected


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(FaultyInputError, match="no text"):
        query_of([("subject", "\ud800")])


def test_every_filter_fits_into_one_query() -> None:
    assert len(NAMES) <= MAX_FILTERS
    assert parse("effect=DENY&effect=ALLOW").effects == (Effect.ALLOW, Effect.DENY)
    assert parse("") == DecisionQuery()
