"""Laws of the small parsers: one spelling for each value, one meaning for each text, no surprise for any input."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.algorithms import KeyRefusedError, import_public
from ostiary.identity.htu import normalise
from ostiary.identity.jwks import parse_jwks
from ostiary.identity.mtls import thumbprint
from ostiary.identity.strict import MAX_DEPTH, NotStrictError, b64url_decode, b64url_encode, parse_object

TEXT = st.text(st.characters(codec="utf-8"))
VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(st.binary())
def test_base64url_has_one_spelling(raw: bytes) -> None:
    assert b64url_decode(b64url_encode(raw)) == raw


@given(st.binary(max_size=40))
@settings(max_examples=tries(100, 400))
def test_whatever_base64url_is_accepted_is_the_spelling_of_its_bytes(text: bytes) -> None:
    raw = b64url_decode(text)
    assert raw is None or b64url_encode(raw) == text


@given(st.dictionaries(TEXT, VALUE, max_size=5), st.booleans())
@settings(max_examples=tries(100, 300))
def test_json_objects_come_back_as_they_were(value: dict[str, Any], ascii_only: bool) -> None:  # noqa: FBT001
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()
    if depth(value) <= MAX_DEPTH:
        assert parse_object(raw) == value
    else:
        with pytest.raises(NotStrictError):
            parse_object(raw)


@given(st.binary() | st.text().map(lambda text: text.encode(errors="surrogatepass")))
@settings(max_examples=tries(150, 500))
def test_any_bytes_are_an_object_or_refused(raw: bytes) -> None:
    try:
        value = parse_object(raw)
    except NotStrictError:
        return
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@given(st.integers(0, 40), st.sampled_from(['"[{"', '"\\"[["', '"]]]"', "1"]))
def test_brackets_in_strings_do_not_count_as_depth(levels: int, core: str) -> None:
    raw = ('{"a":' + "[" * levels + core + "]" * levels + "}").encode()
    if levels < MAX_DEPTH:
        assert "a" in parse_object(raw)
    else:
        with pytest.raises(NotStrictError):
            parse_object(raw)


@given(st.text(max_size=60) | st.from_regex(r"(?i)https?://[a-z.]{1,8}(:\d{1,6})?(/[a-z.%0-9]{0,4}){0,4}(\?x)?(#y)?"))
@settings(max_examples=tries(150, 500))
def test_a_normalised_uri_is_its_own_normal_form(uri: str) -> None:
    once = normalise(uri)
    assert once is None or normalise(once) == once


@given(st.from_regex(r"(/[a-z.%\-]{0,4}){0,5}", fullmatch=True), st.text("?#ab/", max_size=5))
@settings(max_examples=tries(100, 300))
def test_query_and_fragment_never_matter(path: str, tail: str) -> None:
    base = normalise(f"https://api.example{path}")
    assert base is None or normalise(f"https://api.example{path}?{tail}") == base


@given(st.binary(min_size=32, max_size=32))
def test_all_spellings_of_a_thumbprint_are_one(digest: bytes) -> None:
    wanted = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    for text in (digest.hex(), digest.hex().upper(), digest.hex(":"), wanted):
        assert thumbprint(text) == wanted


@given(st.text(max_size=100).filter(lambda text: len(text) not in {43, 64, 95}))
def test_any_other_thumbprint_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as refused:
        thumbprint(text)
    assert refused.value.code == "mtls_certificate_invalid"


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.sampled_from(["keys", "x"]), VALUE).map(lambda v: json.dumps(v).encode())
)
@settings(max_examples=tries(100, 300))
def test_any_jwks_is_usable_or_unavailable(document: bytes) -> None:
    with pytest.raises(UnavailableError):
        parse_jwks(document)


@given(
    st.fixed_dictionaries(
        {"kty": st.sampled_from(["EC", "OKP", "RSA", "oct", "AKP"])},
        optional={
            name: VALUE | TEXT | st.sampled_from(["P-256", "Ed25519", "AQAB", "A" * 43, "A" * 342])
            for name in ("crv", "x", "y", "n", "e", "d", "k", "use", "alg", "key_ops")
        },
    )
)
@settings(max_examples=tries(150, 500))
def test_any_jwk_is_a_key_or_refused(jwk: dict[str, Any]) -> None:
    try:
        key = import_public(jwk)
    except KeyRefusedError:
        return
    assert not key.verify("ES256", b"", bytes(64))
