"""Laws of the event token's reader: whatever the bytes, an answer or one of its own refusals; what is read, is kept."""

import base64
import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.errors import RefusedError
from ostiary.identity.secevent import (
    SetPayload,
    SetRefusal,
    SetVerifier,
    TransmitterConfig,
    UnverifiedSet,
    VerifiedSet,
    push_error,
    read_payload,
    read_subject_id,
)
from ostiary.identity.secevent.reasons import ERRORS
from ostiary.testing.issuer import FakeIssuer, FakeKey, compact

NOW_NS = 1_790_000_000_000_000_000
KEY = FakeKey.generate("k1")
VERIFIER = SetVerifier(TransmitterConfig(tenant="acme", issuer="i", audience="a", jwks=FakeIssuer(keys=[KEY]).jwks()))
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FORMATS = ["account", "aliases", "complex", "did", "email", "ip-addresses", "iss_sub", "jwt_id", "opaque", "uri"]
MEMBERS = ["uri", "email", "iss", "sub", "id", "identifiers", "ip-addresses", "url", "user", "session", "format"]
SUBJECT = st.fixed_dictionaries(
    {"format": st.sampled_from(FORMATS) | st.text(max_size=5)},
    optional={name: ANYTHING for name in MEMBERS if name != "format"},
)
CLAIM = st.sampled_from(["iss", "jti", "iat", "aud", "txn", "sub_id", "events", "sub", "exp", "toe"])
FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def genuine() -> dict[str, Any]:
    return {
        "iss": "i",
        "jti": "1",
        "iat": NOW_NS // 10**9,
        "aud": "a",
        "sub_id": {"format": "opaque", "id": "x"},
        "events": {"urn:x": {"n": 1}},
    }


def outcome(read: Callable[[], Any]) -> tuple[str, Any]:
    """Return the refusal's code, or an empty string and what was read. Every other exception is a finding."""
    try:
        return "", read()
    except RefusedError as refused:
        return SetRefusal(refused.code), None


def verdict(token: str) -> str:
    code, verified = outcome(lambda: VERIFIER.verify(UnverifiedSet(token), NOW_NS))
    assert isinstance(verified, VerifiedSet) if code == "" else push_error(code) in ERRORS
    return code


@FAST
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_refused(text: str) -> None:
    assert verdict(text)


@FAST
@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=80))
def test_any_three_parts_are_refused(header: bytes, payload: bytes, signature: bytes) -> None:
    parts = (base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (header, payload, signature))
    assert verdict(".".join(parts))


@FAST
@given(st.dictionaries(CLAIM, ANYTHING, max_size=4))
def test_any_signed_claims_are_judged_and_what_is_believed_comes_back_whole(changes: dict[str, Any]) -> None:
    claims = {**genuine(), **changes}
    token = compact({"alg": "ES256", "kid": "k1", "typ": "secevent+jwt"}, claims, KEY.signer)
    if verdict(token) == "":
        payload = VERIFIER.verify(UnverifiedSet(token), NOW_NS).payload
        assert json.loads(json.dumps(payload.claims())) == claims
        assert not {"sub", "exp"} & claims.keys()


@FAST
@given(SUBJECT)
def test_any_subject_is_read_whole_or_refused(subject: dict[str, Any]) -> None:
    code, found = outcome(lambda: read_subject_id(subject))
    if code:
        assert code == SetRefusal.SET_SUBJECT_INVALID
    else:
        assert found.document() == subject
        assert isinstance(hash(found), int)


@FAST
@given(st.dictionaries(CLAIM, ANYTHING, max_size=6))
def test_any_claims_are_read_or_refused(claims: dict[str, Any]) -> None:
    code, payload = outcome(lambda: read_payload(claims))
    assert bool(code) != isinstance(payload, SetPayload)
