"""The example event tokens of SSF 1.0, CAEP 1.0 and RISC 1.0, signed RS256 here: each is verified and comes back whole.

Origin: github openid/sharedsignals @ e47d2a0 (c) OpenID Foundation; see vectors/ssf/README.md beside the data.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import RSAKey

from ostiary.identity.secevent import SetVerifier, TransmitterConfig, UnverifiedSet, read_payload, read_subject_id
from ostiary.identity.secevent.signing import sign_set
from ostiary.identity.settings import JwksSource
from ostiary.testing.issuer import compact

RS256 = next(model for model in JWS_ALGORITHMS if model.name == "RS256")
SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class RsaSigner:
    key: RSAKey
    kid: str = "rsa-1"
    alg: str = "RS256"

    def sign(self, data: bytes, /) -> bytes:
        return RS256.sign(data, self.key)


@cache
def signer() -> RsaSigner:
    return RsaSigner(RSAKey.generate_key(2048))


@pytest.fixture(scope="module")
def examples(shared: Path) -> list[dict[str, Any]]:
    place = shared / "vectors" / "ssf" / "example-sets.json"
    if not place.is_file():
        pytest.skip(f"no example event tokens at {place}")
    found: list[dict[str, Any]] = json.loads(place.read_text())
    assert len(found) == 26
    return found


def verifier(claims: dict[str, Any]) -> SetVerifier:
    audience = claims["aud"] if isinstance(claims["aud"], str) else claims["aud"][-1]
    jwks = json.dumps({"keys": [{**signer().key.as_dict(private=False), "kid": "rsa-1", "use": "sig"}]})
    source = JwksSource(inline=jwks)
    return SetVerifier(TransmitterConfig(tenant="default", issuer=claims["iss"], audience=audience, jwks=source))


def test_every_example_is_verified_and_written_back_value_for_value(examples: list[dict[str, Any]]) -> None:
    for claims in examples:
        token = compact({"alg": "RS256", "kid": "rsa-1", "typ": "secevent+jwt"}, claims, signer())
        verified = verifier(claims).verify(UnverifiedSet(token), int(claims["iat"]) * SECOND_NS)
        assert verified.payload.claims() == claims


def test_every_example_signed_by_us_is_the_same_bytes_again(examples: list[dict[str, Any]]) -> None:
    for claims in examples:
        payload = read_payload(claims)
        token = sign_set(payload, signer())
        again = verifier(claims).verify(UnverifiedSet(token), int(claims["iat"]) * SECOND_NS).payload
        assert again == payload
        assert json.dumps(again.claims(), sort_keys=True) == json.dumps(claims, sort_keys=True)


def test_every_example_has_an_event_of_a_known_type(examples: list[dict[str, Any]]) -> None:
    names = {read_payload(claims).event.name for claims in examples}
    assert "" not in names
    assert {"session-revoked", "credential-compromise", "verification", "stream-updated"} <= names


def test_every_subject_of_the_specifications_is_read_and_written_back(shared: Path) -> None:
    place = shared / "vectors" / "ssf" / "spec-examples.json"
    if not place.is_file():
        pytest.skip(f"no examples of subjects at {place}")
    documents = json.loads(place.read_text())["examples"]
    subjects = [one["json"] for found in documents.values() for one in found if "format" in one["json"]]
    assert len(subjects) == 9
    for subject in subjects:
        assert read_subject_id(subject).document() == subject
