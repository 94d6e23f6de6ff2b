"""Laws of the token verifier: whatever the bytes, it answers with an identity or with one of its own refusals."""

import base64
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.extract import MEMBERS, extract_presented
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.pep import PepAuthenticator
from ostiary.identity.ports import RegisteredPep
from ostiary.identity.reasons import Refusal
from ostiary.identity.registry import FixedRegistry
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import DpopSettings
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.types import PepIdentity, PresentedPep, PresentedSubject, VerifiedIdentity
from ostiary.testing.issuer import FakeHolder, FakeIssuer, FakeKey, compact
from ostiary.vocabulary.entities import Subject

NOW_NS = 1_790_000_000_000_000_000
HTM, HTU = "POST", "https://api.example/data"
ALICE = Subject(type="user", id="alice")
PEP = PepIdentity(pep_id="web", tenant="default")
HOLDER = FakeHolder()
ISSUERS = {alg: FakeIssuer(f"https://{alg}.example", keys=[FakeKey.generate("k", alg)]) for alg in ("ES256", "EdDSA")}
BOOK = IssuerBook([issuer.config(clock_skew_s=5, max_lifetime_s=600) for issuer in ISSUERS.values()])
TOKENS = TokenMemory(BOOK)
VERIFIER = SubjectVerifier(TOKENS, DpopVerifier(DpopSettings(), MemoryReplay(0, 100_000)))
WORKLOAD = RegisteredPep(pep_id="job", tenant="default", token_issuer="https://ES256.example", token_subject="alice")
AUTHENTICATOR = PepAuthenticator(FixedRegistry([WORKLOAD]), TOKENS)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
CLAIM = st.sampled_from(
    ["iss", "aud", "sub", "exp", "iat", "nbf", "cnf", "scope", "amr", "acr", "auth_time", "sid", "jti"]
)
HEADER = st.sampled_from(["alg", "typ", "kid", "jwk", "crit", "b64", "enc", "jku", "x5t"])


def verdict(token: str, dpop: str | None = None, now_ns: int = NOW_NS) -> str:
    """Return the refusal's code, or an empty string when accepted. Every other exception is a finding."""
    presented = PresentedSubject(token=token, dpop=dpop, htm=HTM, htu=HTU)
    try:
        identity = VERIFIER.verify(PEP, ALICE, presented, now_ns)
    except RefusedError as refused:
        return Refusal(refused.code)
    assert isinstance(identity, VerifiedIdentity)
    return ""


def changed(text: str, data: st.DataObject) -> str:
    """Return ``text`` with one character replaced by any other."""
    place = data.draw(st.integers(0, 10_000)) % len(text)
    other = data.draw(st.characters(codec="utf-8"))
    assume(other != text[place])
    return text[:place] + other + text[place + 1 :]


@given(st.sampled_from(sorted(ISSUERS)), st.data())
@settings(max_examples=tries(100, 400), deadline=None)
def test_a_token_with_any_character_changed_is_refused(alg: str, data: st.DataObject) -> None:
    token = ISSUERS[alg].token(NOW_NS, sub="alice", scope="read")
    assert verdict(token) == ""
    assert verdict(changed(token, data))


@given(st.sampled_from(sorted(ISSUERS)), st.data())
@settings(max_examples=tries(100, 300), deadline=None)
def test_a_token_with_any_bit_of_its_parts_changed_is_refused(alg: str, data: st.DataObject) -> None:
    parts = ISSUERS[alg].token(NOW_NS, sub="alice").split(".")
    chosen = data.draw(st.integers(0, 2))
    raw = bytearray(base64.urlsafe_b64decode(parts[chosen] + "=="))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << (bit % 8)
    parts[chosen] = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert verdict(".".join(parts))


@given(st.data())
@settings(max_examples=tries(100, 200), deadline=None)
def test_a_proof_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    token = ISSUERS["ES256"].token(NOW_NS, cnf=HOLDER.confirmation)
    proof = HOLDER.proof(NOW_NS, token, HTM, HTU)
    assert verdict(token, changed(proof, data)).startswith("dpop_")
    assert verdict(token, proof) == ""


@given(
    st.text()
    | st.binary().map(lambda raw: raw.decode("latin-1"))
    | st.from_regex(r"[A-Za-z0-9_=+/-]*(\.[A-Za-z0-9_=-]*){0,6}")
)
@settings(max_examples=tries(150, 500), deadline=None)
def test_rubbish_is_refused_and_never_anything_else(text: str) -> None:
    bound = ISSUERS["ES256"].token(NOW_NS, cnf=HOLDER.confirmation)
    assert verdict(text).startswith("token_")
    assert verdict(bound, text).startswith("dpop_")
    for header in (text, f"Bearer {text}", f"Basic {text}", None):
        with pytest.raises(RefusedError) as refused:
            AUTHENTICATOR.authenticate(PresentedPep(authorization=header, client_cert_sha256=text), NOW_NS)
        assert refused.value.code == Refusal.PEP_UNAUTHENTICATED


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(max_examples=tries(100, 400), deadline=None)
def test_any_header_and_payload_under_a_genuine_signature_is_judged_calmly(header: bytes, payload: bytes) -> None:
    issuer = ISSUERS["ES256"]
    signer = issuer.keys[0].signer
    assert verdict(compact(header, issuer.claims(NOW_NS), signer))
    assert verdict(compact(issuer.header(), payload, signer))


@given(st.dictionaries(CLAIM, ANYTHING, max_size=4), st.dictionaries(HEADER, ANYTHING, max_size=2))
@settings(max_examples=tries(150, 600), deadline=None)
def test_any_values_of_any_members_are_judged_calmly(claims: dict[str, Any], header: dict[str, Any]) -> None:
    issuer = ISSUERS["ES256"]
    token = compact(issuer.header(**header), {**issuer.claims(NOW_NS), **claims}, issuer.keys[0].signer)
    proof_claims = {**HOLDER.claims(NOW_NS, token, HTM, HTU), **claims}
    verdict(token)
    bound = issuer.token(NOW_NS, cnf=HOLDER.confirmation)
    verdict(bound, compact(HOLDER.header(**header), proof_claims, HOLDER.key.signer))


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(-1000, 1000))
@settings(max_examples=tries(150, 500), deadline=None)
def test_a_token_is_accepted_exactly_within_its_time(issued: int, begins: int, expires: int, asked: int) -> None:
    now = NOW_NS // 10**9
    token = ISSUERS["ES256"].token(NOW_NS, iat=now + issued, nbf=now + begins, exp=now + expires)
    skew, longest = 5, 600
    good = (
        max(issued, begins) - skew <= asked < expires + skew
        and max(issued, begins) < expires
        and expires - issued <= longest
    )
    at = NOW_NS + asked * 10**9
    assert (verdict(token, now_ns=at) == "") is good
    assert (verdict(token, now_ns=at) == "") is good  # remembered or not


@given(st.dictionaries(st.sampled_from([*MEMBERS, "ip", "subject_tokens", ""]), ANYTHING, max_size=6))
@settings(max_examples=tries(100, 300), deadline=None)
def test_nothing_presented_is_left_in_the_context(context: dict[str, Any]) -> None:
    before = json.dumps(context)
    wrong = [name for name in MEMBERS & context.keys() if not isinstance(context[name], str | None)]
    if wrong:
        with pytest.raises(FaultyInputError) as fault:
            extract_presented(context)
        assert fault.value.code == Refusal.PRESENTED_MEMBER_INVALID
        assert fault.value.pointer.removeprefix("/context/") in wrong
    else:
        presented, rest = extract_presented(context)
        assert rest == {name: value for name, value in context.items() if name not in MEMBERS}
        assert presented.token == context.get("subject_token")
    assert json.dumps(context) == before
