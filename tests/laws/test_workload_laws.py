"""Laws of all kinds of workload, found by reflection, and of the parsers of SPIFFE IDs and bundles."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.algorithms import ALGORITHMS
from ostiary.identity.discovery import Discovered
from ostiary.identity.jwks import KeySet
from ostiary.identity.workloads.bundle import BundleReader, MemoryMarks
from ostiary.identity.workloads.found import kinds
from ostiary.identity.workloads.kind import WorkloadKind
from ostiary.identity.workloads.shapes import PATH
from ostiary.identity.workloads.spiffe_id import SpiffeIdError, parse_spiffe_id
from ostiary.identity.workloads.trust import MEMBER, Told
from ostiary.testing.workloads import FAKES, FakeWorkloads

NOW_NS = 1_790_000_000_000_000_000
KINDS = [pytest.param(kind, id=name) for name, kind in kinds().items()]
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SCALAR = st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=12)
TELLING = st.sampled_from(
    [
        "main",
        "refs/heads/main",
        "refs/tags/main",
        "refs/pull/1/merge",
        "pull_request_target",
        "false",
        "true",
        "42",
        "43",
        "self-hosted",
        "github-hosted",
        "branch",
        "tag",
        "/ns/prod",
        "spiffe://example.org/ns/dev/x",
        "prod",
        "",
        "*",
        "9919",
    ]
)
ALTERED = SCALAR | TELLING | st.lists(TELLING, max_size=2) | st.dictionaries(st.sampled_from(["name", "uid"]), TELLING)
Path = tuple[str, ...]


def fake_of(kind: WorkloadKind) -> FakeWorkloads:
    return FAKES[kind.name]()


def places(claims: dict[str, Any], before: Path = ()) -> list[Path]:
    """Return the ways to every claim, nested ones included."""
    here = [(*before, name) for name in claims]
    inner = [
        deep for name, value in claims.items() if isinstance(value, dict) for deep in places(value, (*before, name))
    ]
    return here + inner


def changed(claims: dict[str, Any], way: Path, value: object, *, drop: bool) -> dict[str, Any]:
    """Return a copy with one claim changed or dropped, or unchanged where the way has gone."""
    name, rest = way[0], way[1:]
    if name not in claims:
        return claims
    if rest:
        inner = claims[name]
        return {**claims, name: changed(inner, rest, value, drop=drop)} if isinstance(inner, dict) else claims
    return {other: told for other, told in claims.items() if other != name} if drop else {**claims, name: value}


def answer(fake: FakeWorkloads, claims: dict[str, Any]) -> Told | None:
    workload = fake.config().workload
    assert workload is not None
    try:
        return workload.judge(claims)
    except RefusedError as refused:
        code = refused.code
    assert code.startswith("workload_")
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_whole(kind: WorkloadKind) -> None:
    assert kind.immutable
    assert set(kind.immutable) <= set(kind.required)
    assert set(kind.shown) <= {*kind.required, *kind.optional}
    assert set(kind.immutable) <= set(kind.shown)
    assert not set(kind.required) & set(kind.optional)
    assert MEMBER not in {*kind.required, *kind.optional}
    assert set(kind.algorithms) <= set(ALGORITHMS)
    assert 60 <= kind.max_lifetime_s <= 86_400
    assert kind.text
    assert all(key.text.endswith(".") for key in kind.keys.values())


@pytest.mark.parametrize("kind", KINDS)
def test_each_rule_needs_an_immutable_id(kind: WorkloadKind) -> None:
    needed = {name for name, key in kind.keys.items() if key.needed and not key.name_only}
    assert needed & {*kind.immutable, "paths"}
    for name, key in kind.keys.items():
        assert not (key.never and set(key.never) & set(key.default)), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_genuine_claims_are_accepted(kind: WorkloadKind) -> None:
    fake = fake_of(kind)
    told = answer(fake, fake.claims(NOW_NS))
    assert told is not None
    assert told.subject_id == fake.subject


@pytest.mark.parametrize("kind", KINDS)
def test_no_required_claim_can_be_done_without(kind: WorkloadKind) -> None:
    fake = fake_of(kind)
    claims = fake.claims(NOW_NS)
    derived = {"serviceaccount_name", "serviceaccount_uid", "namespace", "path", "spiffe_id", "trust_domain"}
    for name in set(kind.required) - derived:
        assert name in claims
        assert answer(fake, changed(claims, (name,), None, drop=True)) is None, name


@pytest.mark.parametrize("kind", KINDS)
@SLOW
@given(data=st.data())
def test_an_accepted_token_is_always_about_the_same_subject(kind: WorkloadKind, data: st.DataObject) -> None:
    """Whatever is altered: who gets in is whom the rule's ids name, or a path under the rule's."""
    fake = fake_of(kind)
    claims = fake.claims(NOW_NS)
    for _ in range(data.draw(st.integers(1, 3))):
        way = data.draw(st.sampled_from(places(claims) or [("x",)]))
        claims = changed(claims, way, data.draw(ALTERED), drop=data.draw(st.booleans()))
    told = answer(fake, claims)
    if told is not None:
        assert told.subject_id == fake.subject or told.subject_id.startswith("spiffe://example.org/ns/prod/")


@pytest.mark.parametrize("kind", KINDS)
@SLOW
@given(data=st.data())
def test_a_refusal_is_never_altered_into_an_acceptance(kind: WorkloadKind, data: st.DataObject) -> None:
    """A second change, of another claim and away from what is genuine, never makes good the first."""
    fake = fake_of(kind)
    genuine = fake.claims(NOW_NS)
    needed = [way for way in places(genuine) if answer(fake, changed(genuine, way, None, drop=True)) is None]
    first = data.draw(st.sampled_from(needed))
    once = changed(genuine, first, data.draw(ALTERED), drop=data.draw(st.booleans()))
    assume(answer(fake, once) is None)
    second = data.draw(st.sampled_from(places(genuine)))
    assume(first[: len(second)] != second)
    assume(second[: len(first)] != first)
    twice = changed(once, second, data.draw(ALTERED), drop=data.draw(st.booleans()))
    accepted = answer(fake, twice)
    # A ref and its type, or a ref and the workflow at it, make a pair: both may be told anew, and rules judge them.
    paired = {"ref", "ref_type", "ref_path", "job_workflow_ref", "ci_config_ref_uri", "project_path", "repository"}
    assert accepted is None or {first[0], second[0]} <= paired


@pytest.mark.parametrize("kind", KINDS)
@SLOW
@given(claims=st.dictionaries(st.text(max_size=8) | st.sampled_from(["sub", "kubernetes.io", "ref", "iss"]), ALTERED))
def test_any_claims_are_answered(kind: WorkloadKind, claims: dict[str, Any]) -> None:
    assert answer(fake_of(kind), claims) is None


ID_TEXT = st.text(st.sampled_from("aZ9.-_/:@%?#\u0430\u200b spiffe"), max_size=40)


@settings(max_examples=tries(100, 300), deadline=None)
@given(text=ID_TEXT | ID_TEXT.map(lambda text: f"spiffe://{text}") | ID_TEXT.map(lambda text: f"spiffe://td/{text}"))
def test_a_spiffe_id_has_one_spelling(text: str) -> None:
    try:
        parsed = parse_spiffe_id(text)
    except SpiffeIdError:
        return
    assert str(parsed) == text
    assert text.isascii()
    assert not set(text.removeprefix("spiffe://")) & set("%?#@: ")
    assert parsed.trust_domain == parsed.trust_domain.lower() != ""
    assert parsed.path == "" or PATH.fits(parsed.path)
    assert not {"", ".", ".."} & set(parsed.path.split("/")[1:])


@pytest.mark.parametrize(
    "text",
    [
        *("", "spiffe://", "spiffe:///x", "spiffe:/td/x", "SPIFFE://td/x", "https://td/x", "spiffe://TD/x", "//td/x"),
        *("spiffe://td/", "spiffe://td//x", "spiffe://td/x/", "spiffe://td/.", "spiffe://td/..", "spiffe://td/a/../b"),
        *("spiffe://td/%2e%2e", "spiffe://td/a%2fb", "spiffe://td:80/x", "spiffe://u@td/x", "spiffe://td/x?y"),
        *("spiffe://td/x#y", "spiffe://td/x y", "spiffe://td/x\n", " spiffe://td/x", "spiffe://td\\x", "spiffe://tд/x"),
        *("spiffe://td/\u212a", "spiffe://t\u200bd/x", "spiffe://[::1]/x", f"spiffe://{'a' * 256}/x"),
        f"spiffe://td/{'a' * 2048}",
    ],
)
def test_these_are_no_spiffe_ids(text: str) -> None:
    with pytest.raises(SpiffeIdError):
        parse_spiffe_id(text)


@pytest.mark.parametrize(
    "text", ["spiffe://td", "spiffe://td/x", "spiffe://a_b.c-d.9/A/b..c/._-", f"spiffe://{'a' * 255}/x"]
)
def test_these_are_spiffe_ids(text: str) -> None:
    assert str(parse_spiffe_id(text)) == text


@pytest.mark.parametrize("value", [None, 7, b"spiffe://td/x", ["spiffe://td/x"]])
def test_what_is_no_text_is_no_spiffe_id(value: object) -> None:
    with pytest.raises(SpiffeIdError):
        parse_spiffe_id(value)


HOSTS = st.sampled_from(
    ["idp.example", "idp.example:1", "IDP.example", "x@idp.example", "idp.example@evil.example", ""]
)
ADDRESS = st.builds("{}{}{}".format, st.sampled_from(["https://", "http://", "//", ""]), HOSTS, ID_TEXT)


class _Document:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def fetch(self) -> bytes:
        return self.raw


@settings(max_examples=tries(100, 200), deadline=None)
@given(
    raw=st.binary(max_size=200)
    | st.fixed_dictionaries({"issuer": st.just("https://idp.example") | SCALAR, "jwks_uri": SCALAR | ADDRESS}).map(
        lambda document: json.dumps(document).encode()
    )
)
def test_any_discovery_document_is_followed_to_its_own_host_or_refused(raw: bytes) -> None:
    followed: list[str] = []

    def follow(address: str) -> _Document:
        followed.append(address)
        return _Document(b"{}")

    try:
        Discovered(_Document(raw), "https://idp.example", frozenset({"idp.example"}), follow).fetch()
    except UnavailableError:
        assert followed == []
    assert all("//idp.example" in address.lower() for address in followed)


@settings(max_examples=tries(100, 200), deadline=None)
@given(
    document=st.binary(max_size=200)
    | st.text(st.sampled_from('{}[]",:keys spiffe_sequence0129'), max_size=80).map(str.encode)
)
def test_any_bundle_is_read_or_refused(document: bytes) -> None:
    try:
        read: object = BundleReader("t", "td", MemoryMarks())(document)
    except UnavailableError as refused:
        read = refused
    assert isinstance(read, KeySet) or (isinstance(read, UnavailableError) and read.code == "jwks_unavailable")
