"""What always holds of exchanges: no bytes crash a parser, and no token is ever more than the one before it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.exchange.actors import MAX_ACTORS, chain, check_may_act
from ostiary.identity.exchange.asking import TOKEN_TYPES, AskedToken, read_asked_detail, read_form, read_request
from ostiary.identity.exchange.details import AccessDetail, read_details
from ostiary.identity.exchange.narrowing import narrowed, within
from ostiary.identity.exchange.reasons import ExchangeRefusal, error_of
from ostiary.identity.exchange.restrictions import (
    KINDS,
    AskedAccess,
    Failure,
    Success,
    check,
    read_wire,
    restrictions_of,
    verify,
    wire,
)
from ostiary.identity.reasons import Refusal

ERRORS = {
    "invalid_authorization_details",
    "invalid_dpop_proof",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "unsupported_grant_type",
    "use_dpop_nonce",
}
WORDS = ("", "a", "b")
TYPES = ("ostiary_dataset", "ostiary_feature_set")
IDS = ("x", "y")
ACTIONS = ("read", "list", "write")
COLUMNS = ("*", "c1", "c2", "c3")
PATHS = ("", "p", "p/", "p/q", "p/q/r", "pq", "p/../q", "..", "p\\..\\q")
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def details(prefixes: tuple[str, ...] = PATHS[:6]) -> st.SearchStrategy[AccessDetail]:
    return st.builds(
        AccessDetail,
        type=st.sampled_from(TYPES),
        identifier=st.sampled_from(IDS),
        actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3, unique=True).map(tuple),
        datatypes=st.lists(st.sampled_from(COLUMNS), max_size=3, unique=True).map(tuple),
        purpose=st.sampled_from(WORDS),
        stage=st.sampled_from(WORDS),
        commit=st.sampled_from(WORDS),
        prefix=st.sampled_from(prefixes),
        max_bytes=st.sampled_from((0, 1, 10)),
        max_objects=st.sampled_from((0, 1, 10)),
    )


asked_accesses = st.builds(
    AskedAccess,
    resource_type=st.sampled_from(("dataset", "feature_set")),
    resource_id=st.sampled_from(IDS),
    action=st.sampled_from(ACTIONS),
    columns=st.lists(st.sampled_from(COLUMNS), max_size=3, unique=True).map(tuple),
    path=st.sampled_from(PATHS),
    purpose=st.sampled_from(WORDS),
    stage=st.sampled_from(WORDS),
    commit=st.sampled_from(WORDS),
)


def attempt(read: Callable[[], Any]) -> tuple[Any, str]:
    """Return what was read, or the code of the error of ours that was raised; every other error is a bug."""
    try:
        return read(), ""
    except (FaultyInputError, RefusedError) as error:
        return None, error.code


@given(details(), details(), asked_accesses)
def test_a_narrowed_token_opens_nothing_that_the_first_did_not(
    parent: AccessDetail, wanted: AccessDetail, asked: AskedAccess
) -> None:
    child = narrowed(parent, wanted)
    if within(parent, child) and verify(child, asked):
        assert verify(parent, asked)
        for limit, more in ((parent.max_bytes, child.max_bytes), (parent.max_objects, child.max_objects)):
            assert not limit or 0 < more <= limit


@given(details())
def test_every_token_can_be_exchanged_for_its_like(detail: AccessDetail) -> None:
    assert within(detail, narrowed(detail, detail))


@given(details(), details(), details())
def test_narrowing_twice_is_narrowing(first: AccessDetail, second: AccessDetail, third: AccessDetail) -> None:
    if within(first, second) and within(second, third):
        assert within(first, third)


@given(details(), asked_accesses)
def test_a_verdict_and_its_code_agree(detail: AccessDetail, asked: AskedAccess) -> None:
    verdict, code = verify(detail, asked), check(detail, asked)
    if isinstance(verdict, Failure):
        assert code == verdict.code
        assert error_of(verdict.code) == "invalid_authorization_details"
        assert verdict.reason
    else:
        assert isinstance(verdict, Success)
        assert code is None


@given(details())
def test_restrictions_are_written_and_read(detail: AccessDetail) -> None:
    for one in restrictions_of(detail):
        assert read_wire(json.loads(json.dumps(wire(one)))) == one


def test_tags_are_unique_and_every_kind_has_a_say() -> None:
    assert len(KINDS) == 6
    assert {
        one.tag for one in restrictions_of(AccessDetail("ostiary_model", "m", ("a",), prefix="p", max_bytes=1))
    } == set(KINDS)


@given(anything)
def test_what_is_no_restriction_is_refused_and_never_ignored(value: Any) -> None:
    found, code = attempt(lambda: read_wire(value))
    assert (found is None) == (code == "restriction_unknown")
    assert found is None or value[0] in KINDS


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_form_or_a_fault(body: bytes) -> None:
    form, code = attempt(lambda: read_form(body))
    assert code == ("token_request_invalid" if form is None else "")
    assert form is None or all(form.values())


FORM = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token": "a.b.c",
    "subject_token_type": TOKEN_TYPES[0],
    "authorization_details": '[{"type":"ostiary_dataset","identifier":"x","actions":["read"]}]',
}


@given(st.dictionaries(st.sampled_from([*FORM, "scope", "audience", "actor_token", "resource"]), st.text(max_size=60)))
def test_any_form_is_a_request_or_a_fault(changes: dict[str, str]) -> None:
    found, code = attempt(lambda: read_request({**FORM, **changes}))
    assert isinstance(found, AskedToken) if not code else error_of(code) in ERRORS


@given(anything | details().map(msgspec.to_builtins).map(lambda one: [one]))
def test_any_details_are_read_or_refused(value: Any) -> None:
    detail, code = attempt(lambda: read_asked_detail(json.dumps(value)))
    assert code == ("authorization_details_invalid" if detail is None else "")
    assert detail is None or read_details(json.loads(json.dumps([msgspec.to_builtins(detail)]))) == detail


@given(st.text(max_size=100))
def test_any_text_of_details_is_read_or_refused(text: str) -> None:
    with pytest.raises(FaultyInputError):
        read_asked_detail(text + "]")


@given(anything, anything)
def test_any_chain_is_kept_whole_or_refused(act: Any, may_act: Any) -> None:
    actor = {"iss": "https://idp.example", "sub": "spiffe://x/y", "sub_type": "workload"}
    claims = {"act": act, "may_act": may_act}

    def read() -> Any:
        check_may_act(claims, actor, "https://idp.example")
        return chain(claims, actor)

    made, code = attempt(read)
    assert code.startswith("actor_") if made is None else made["sub"] == actor["sub"]


@given(st.integers(0, 8))
def test_a_chain_is_as_long_as_it_may_be(length: int) -> None:
    claims: dict[str, Any] = {}
    for number in range(length):
        claims = {"act": {"sub": f"s{number}", **claims}}
    if length < MAX_ACTORS:
        depth, link = 0, chain(claims, {"sub": "last"})
        while link is not None:
            depth, link = depth + 1, link.get("act")
        assert depth == length + 1
    else:
        with pytest.raises(RefusedError, match="act for"):
            chain(claims, {"sub": "last"})


def test_every_code_is_some_oauth_error_and_codes_are_in_order() -> None:
    codes = [one.value for one in ExchangeRefusal]
    assert codes == sorted(codes)
    assert {error_of(code) for code in [*codes, *(one.value for one in Refusal)]} <= ERRORS


def test_every_code_is_explained(repo: Path) -> None:
    page = (repo / "docs" / "reference" / "identity.md").read_text()
    restrictions = {"resource", "action", "purpose", "stage", "commit", "columns", "prefix", "budget"}
    for code in [*ExchangeRefusal, *(f"token_other_{name}" for name in restrictions)]:
        assert f"`{code}`" in page
