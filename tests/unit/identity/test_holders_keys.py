"""Keys that proofs bring: P-256 ones are loaded by our own room of keys, and mean what joserfc says that they mean."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from ostiary.identity.algorithms import KeyRefusedError, import_public
from ostiary.identity.strict import b64url_decode, b64url_encode
from ostiary.testing.issuer import FakeKey

TEXT = b"what was signed"
BITS = st.binary(min_size=32, max_size=32)


def leading(key: FakeKey) -> int:
    return (b64url_decode(key.jwk["x"].encode()) or b"\xff")[0]


def short(jwk: Mapping[str, str]) -> dict[str, str | list[str]]:
    """Return a key whose ``x`` begins with a zero byte, spelled without it, as some libraries do."""
    return {**jwk, "x": b64url_encode((b64url_decode(jwk["x"].encode()) or b"").lstrip(b"\0")).decode()}


def test_a_key_has_the_thumbprint_and_signatures_that_joserfc_gives_it() -> None:
    for _ in range(5):
        made = FakeKey.generate("ES256")
        key = import_public(made.jwk)
        assert key.thumbprint == ECKey.import_key(dict(made.jwk)).thumbprint() == made.jkt
        signature = made.signer.sign(TEXT)
        assert key.verify("ES256", TEXT, signature)
        assert not key.verify("ES256", TEXT + b".", signature)
        for wrong in (b"", signature[:-1], signature + b"\0", bytes(64), b"\xff" * 64, signature[32:] + signature[:32]):
            assert not key.verify("ES256", TEXT, wrong)
        assert not key.verify("ES384", TEXT, signature)
        assert not key.verify("EdDSA", TEXT, signature)


def test_a_coordinate_that_lost_its_leading_zero_is_still_its_key() -> None:
    made = next(key for key in iter(FakeKey.generate, None) if leading(key) == 0)  # one in 256 is such
    told = short(made.jwk)
    key = import_public(told)
    assert key.verify("ES256", TEXT, made.signer.sign(TEXT))
    assert key.thumbprint == ECKey.import_key(told).thumbprint() != made.jkt  # RFC 7638: as it is spelled


@given(BITS, BITS)
@settings(max_examples=200)
def test_a_point_that_is_not_on_the_curve_is_no_key(x: bytes, y: bytes) -> None:
    jwk = {"kty": "EC", "crv": "P-256", "x": b64url_encode(x).decode(), "y": b64url_encode(y).decode()}
    with pytest.raises(KeyRefusedError):  # a point on the curve comes up once in 2^128 tries
        import_public(jwk)
    with pytest.raises(ValueError, match=r"."):
        ECKey.import_key(dict(jwk))


def test_another_curve_s_coordinates_do_not_pass_for_this_one() -> None:
    jwk = ECKey.generate_key("P-384").as_dict(private=False)
    with pytest.raises(KeyRefusedError):
        import_public({**jwk, "crv": "P-256"})
