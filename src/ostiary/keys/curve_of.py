"""A ring's P-256 key as a ``CurveKey``: the same secret, signing as OMS and Sigstore want it (DER, ADR-0026).

>>> key = SigningKey.generate("t.demo.k1", "ES256")
>>> curve_of(key).public.fingerprint == curve_public_of(key.public).fingerprint
True
"""

from ostiary.errors import FaultyInputError
from ostiary.keys.curves import CurveKey, CurvePublicKey
from ostiary.keys.signing import SigningKey
from ostiary.keys.verifying import ES256, VerifyingKey


def curve_of(key: SigningKey) -> CurveKey:
    """Return the same key for signatures in DER.

    Raises:
        FaultyInputError: ``key_malformed`` when it is not on P-256.
    """
    if key.alg != ES256:
        raise FaultyInputError("key_malformed", "the key is not on P-256")
    return CurveKey.from_pem(key.private_pem())


def curve_public_of(key: VerifyingKey) -> CurvePublicKey:
    """Return the same public key for signatures in DER.

    Raises:
        FaultyInputError: ``key_malformed`` when it is not on P-256.
    """
    return CurvePublicKey.from_pem(key.pem())
