"""Keys of supply-chain formats: three curves, one hash each, and nothing secret shown."""

import copy

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from ostiary.errors import FaultyInputError
from ostiary.keys.curves import CurveKey, CurvePublicKey

CURVES = ("P-256", "P-384", "P-521")


@pytest.mark.parametrize("curve", CURVES)
def test_a_key_travels_and_stays_the_same(curve: str) -> None:
    key = CurveKey.generate(curve)
    again = CurveKey.from_pem(key.private_pem())
    public = CurvePublicKey.from_pem(key.public.pem())
    assert public == CurvePublicKey.from_der(key.public.der) == again.public
    assert hash(public) == hash(key.public)
    assert public.curve == curve
    assert public.verify(again.sign(b"text"), b"text")
    assert not public.verify(again.sign(b"text"), b"other")
    assert not CurveKey.generate(curve).public.verify(again.sign(b"text"), b"text")
    assert public != "a key"


def test_nothing_secret_is_shown_or_copied() -> None:
    key = CurveKey.generate()
    assert repr(key) == "CurveKey(P-256)"
    for leak in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be copied"):
            leak(key)


def test_other_keys_are_none() -> None:
    edwards = Ed25519PrivateKey.generate()
    koblitz = generate_private_key(SECP256K1())
    for other in (edwards, koblitz):
        with pytest.raises(FaultyInputError):
            CurveKey.from_pem(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(FaultyInputError):
            CurvePublicKey.from_der(other.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(FaultyInputError):
        CurveKey.generate("P-224")


def test_an_encrypted_key_needs_its_password() -> None:
    with pytest.raises(FaultyInputError) as caught:
        CurveKey.from_pem(CurveKey.generate().private_pem(), b"a password that it does not have")
    assert "PRIVATE" not in caught.value.message
