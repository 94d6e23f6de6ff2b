"""Signing and verifying keys: right answers, no exceptions for wrong ones, nothing secret shown."""

import copy
import logging

import pytest

from ostiary.errors import FaultyInputError
from ostiary.keys import ALGORITHMS, SigningKey, VerifyingKey


@pytest.fixture(params=ALGORITHMS)
def key(request: pytest.FixtureRequest) -> SigningKey:
    return SigningKey.generate("acme.test.k1", request.param)


def test_signature_verifies_and_alterations_do_not(key: SigningKey) -> None:
    signature = key.sign(b"text")
    assert len(signature) == (384 if key.alg == "RS256" else 64)
    assert key.public.verify(signature, b"text")
    assert not key.public.verify(signature, b"texts")
    assert not key.public.verify(bytes(64), b"text")
    assert not key.public.verify(signature[:-1], b"text")
    assert not key.public.verify(b"", b"text")


def test_another_key_does_not_verify(key: SigningKey) -> None:
    assert not SigningKey.generate("acme.test.k2", key.alg).public.verify(key.sign(b"text"), b"text")


def test_public_key_survives_jwk_pem_and_raw(key: SigningKey) -> None:
    public = key.public
    assert VerifyingKey.from_jwk(public.jwk()) == public
    assert VerifyingKey.from_pem(public.kid, public.pem()) == public
    assert VerifyingKey.from_raw(public.kid, public.alg, public.raw) == public
    assert hash(VerifyingKey.from_jwk(public.jwk())) == hash(public)
    assert "d" not in public.jwk()


def test_private_key_survives_pem(key: SigningKey) -> None:
    again = SigningKey.from_pem(key.kid, key.private_pem())
    assert key.public.verify(again.sign(b"x"), b"x")


def test_secret_is_in_no_representation(key: SigningKey, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("test").warning("%s %r %s", key, key, [key])
    secret = key.private_pem().splitlines()[1].decode()
    assert secret not in caplog.text + repr(key) + str(key) + f"{key}"
    assert key.kid in repr(key)


def test_secret_key_cannot_be_copied(key: SigningKey) -> None:
    for leak in (copy.copy, copy.deepcopy, SigningKey.__reduce__):
        with pytest.raises(TypeError):
            leak(key)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "RSA", "n": "x", "e": "AQAB"},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 42},
        {"kty": "OKP", "crv": "Ed25519", "x": "!" * 43},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "P-384", "x": "A" * 43, "y": "A" * 43},
        {"kty": "OKP", "crv": "Ed25519", "x": ["A"]},
    ],
)
def test_malformed_jwk_is_refused(jwk: dict[str, object]) -> None:
    with pytest.raises(FaultyInputError) as caught:
        VerifyingKey.from_jwk(jwk)
    assert caught.value.code == "key_malformed"


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", b"x" * 20_000])
def test_malformed_pem_is_refused_without_showing_it(pem: bytes) -> None:
    for load in (VerifyingKey.from_pem, SigningKey.from_pem):
        with pytest.raises(FaultyInputError) as caught:
            load("k", pem)
        assert caught.value.code == "key_malformed"


def test_unknown_algorithm_is_refused() -> None:
    with pytest.raises(FaultyInputError):
        SigningKey.generate("k", "HS256")
    with pytest.raises(FaultyInputError):
        VerifyingKey.from_raw("k", "HS256", bytes(32))
    with pytest.raises(FaultyInputError):
        SigningKey.from_seed("k", bytes(31))
