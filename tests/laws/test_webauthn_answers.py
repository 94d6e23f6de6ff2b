"""Laws of the parser of browsers' answers: one meaning or a refusal with one code, for any input whatever."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.webauthn.answers import (
    MAX_ATTESTATION,
    MAX_CLIENT_DATA,
    read_assertion,
    read_attestation,
    read_bytes,
    write_bytes,
)
from ostiary.identity.webauthn.registration import AttestationRules, verify_attestation
from ostiary.identity.webauthn.types import Authenticator, RelyingParty
from ostiary.testing.passkey import FakePasskey, decoded, encoded

ORIGIN, RP = "https://id.example.org", "id.example.org"
PARTY = RelyingParty(RP, "Test", (ORIGIN,))
PASSKEY = FakePasskey(ORIGIN, RP)
USER = {"id": encoded(b"handle"), "name": "ann", "displayName": "ann"}
CREATED = PASSKEY.create({"challenge": encoded(bytes(64)), "user": USER})
GOTTEN = PASSKEY.get({"challenge": encoded(bytes(64))})
NEW = Authenticator(
    tenant="acme", subject="user:ann", credential_id="", public_key=b"", user_handle=b"h", sign_count=0, name="key"
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(
    ["id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature", "userHandle", "transports"]
)


def changed(answer: dict[str, Any], member: str, value: Any) -> dict[str, Any]:
    told = copy.deepcopy(answer)
    (told if member in told else told["response"])[member] = value
    return told


def code_of(read: Callable[[dict[str, Any]], object], told: dict[str, Any]) -> str:
    try:
        read(told)
    except FaultyInputError as fault:
        return fault.code
    return ""


@given(JSON.filter(lambda value: isinstance(value, dict)))
def test_any_object_is_refused_with_the_one_code(told: Any) -> None:
    for read in (read_assertion, read_attestation):
        with pytest.raises(FaultyInputError) as caught:
            read(told)
        assert caught.value.code == "webauthn_answer_malformed"


@given(MEMBERS, JSON)
def test_any_member_may_be_anything_and_nothing_else_is_raised(member: str, value: Any) -> None:
    for read, answer in ((read_assertion, GOTTEN), (read_attestation, CREATED)):
        assert code_of(read, changed(answer, member, value)) in {"", "webauthn_answer_malformed"}


@given(st.binary(max_size=2000))
def test_client_data_of_any_bytes(data: bytes) -> None:
    told = changed(GOTTEN, "clientDataJSON", write_bytes(data))
    with pytest.raises(FaultyInputError):
        read_assertion(told)


@given(st.binary(max_size=64))
def test_bytes_have_one_spelling(data: bytes) -> None:
    assert read_bytes({"x": write_bytes(data)}, "x", 64, least=0) == data
    for spelling in (write_bytes(data) + "=", write_bytes(data) + " ", " " + write_bytes(data)):
        with pytest.raises(FaultyInputError):
            read_bytes({"x": spelling}, "x", 64, least=0)


@settings(max_examples=60)
@given(st.binary(max_size=600), st.integers(0, 196))
def test_a_spoiled_attestation_is_refused_and_nothing_else_is_raised(noise: bytes, at: int) -> None:
    whole = decoded(CREATED["response"]["attestationObject"])
    for data in (noise, whole[:at] + noise, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
        if not data or data == whole:
            continue
        told = changed(CREATED, "attestationObject", write_bytes(data))
        with pytest.raises((FaultyInputError, RefusedError)) as caught:
            verify_attestation(PARTY, read_attestation(told), AttestationRules(), NEW)
        assert caught.value.code.startswith("webauthn_")


@pytest.mark.parametrize(
    ("member", "size"), [("clientDataJSON", MAX_CLIENT_DATA + 1), ("attestationObject", MAX_ATTESTATION + 1)]
)
def test_what_is_too_long_is_not_decoded(member: str, size: int) -> None:
    with pytest.raises(FaultyInputError):
        read_attestation(changed(CREATED, member, "A" * (size * 2)))


@pytest.mark.parametrize("nested", [b"\x81" * 16_000 + b"\x00", b"\xa1\x61a" * 5000 + b"\x00", b"\xd8\x1c" * 8000])
def test_nested_cbor_is_refused(nested: bytes) -> None:
    told = changed(CREATED, "attestationObject", write_bytes(nested))
    with pytest.raises(FaultyInputError):
        verify_attestation(PARTY, read_attestation(told), AttestationRules(), NEW)


def test_an_honest_answer_is_read() -> None:
    assert read_assertion(GOTTEN).challenge == bytes(64)
    made = verify_attestation(PARTY, read_attestation(CREATED), AttestationRules(), NEW)
    assert made.credential_id == PASSKEY.credential_id
    assert made.transports == ("hybrid", "internal")


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"webauthn.get","type":"x","challenge":"AA","origin":"o"}',
        b'{"type":"webauthn.get","challenge":"AA"}',
        b'{"type":1,"challenge":"AA","origin":"o"}',
        b'{"type":"webauthn.get","challenge":"AA","origin":"o","crossOrigin":"yes"}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_client_data_that_could_be_read_two_ways_is_refused(text: bytes) -> None:
    with pytest.raises(FaultyInputError):
        read_assertion(changed(GOTTEN, "clientDataJSON", write_bytes(text)))
