"""Signs event tokens with one of our own keys.

>>> class Zeros:
...     kid, alg = "k1", "EdDSA"
...     def sign(self, data, /): return bytes(64)
>>> from ostiary.identity.secevent.payload import SecurityEvent
>>> from ostiary.identity.secevent.subjects import Opaque
>>> sign_set(SetPayload(iss="i", jti="1", iat=5, aud="us", sub_id=Opaque("s"), event=SecurityEvent("urn:x")),
...          Zeros()).count(".")
2
"""

from typing import Final

from ostiary.identity.ports import JwsSigner
from ostiary.identity.secevent.payload import SetPayload
from ostiary.identity.signing import sign_jwt

SET_TYPE: Final = "secevent+jwt"
MEDIA_TYPE: Final = "application/secevent+jwt"


def sign_set(payload: SetPayload, key: JwsSigner) -> str:
    """Return the event token as a compact JWS with the explicit type that SSF 1.0 §4.1.1 demands."""
    return sign_jwt(payload.claims(), key, {"typ": SET_TYPE})
