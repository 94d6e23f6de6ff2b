"""A forger wants sessions ended, or kept, by event tokens that no transmitter made for us. None works, each is named.

One row is one attack: how the token is made, our code for it, and the word of RFC 8935 §2.4 that the sender hears.
"""

import base64
import hashlib
import hmac
import json
import pickle  # noqa: TID251 - to see that it is refused
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.secevent import SetVerifier, TransmitterConfig, UnverifiedSet, VerifiedSet, push_error
from ostiary.identity.settings import JwksSettings, JwksSource
from ostiary.testing.issuer import FakeIssuer, FakeKey, compact

NOW = 1_790_000_000
NOW_NS = NOW * 1_000_000_000
ISSUER, AUDIENCE = "https://idp.example", "https://us.example/ssf"
KEY, OTHER = FakeKey.generate("k1"), FakeKey.generate("k1")
URI = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise"
HEADER = {"alg": "ES256", "kid": "k1", "typ": "secevent+jwt"}
CONFIG = TransmitterConfig(
    tenant="acme", issuer=ISSUER, audience=AUDIENCE, jwks=FakeIssuer(keys=[KEY]).jwks(), max_age_s=600
)


@dataclass(frozen=True)
class Secret:
    """A forger's HMAC with whatever bytes he has."""

    secret: bytes
    kid: str = "k1"
    alg: str = "HS256"

    def sign(self, data: bytes, /) -> bytes:
        return hmac.digest(self.secret, data, hashlib.sha256)


class Nothing:
    kid, alg = "k1", "none"

    def sign(self, data: bytes, /) -> bytes:
        return b""


def claims(*, drop: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    made = {
        "iss": ISSUER,
        "jti": "event-1",
        "iat": NOW,
        "aud": AUDIENCE,
        "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "alice"},
        "events": {URI: {"credential_type": "password"}},
    }
    return {name: value for name, value in {**made, **changes}.items() if name not in drop}


def token(*, header: dict[str, Any] | None = None, signer: Any = KEY.signer, **changes: Any) -> str:
    return compact({**HEADER, **(header or {})}, claims(**changes), signer)


def deep(levels: int) -> dict[str, Any]:
    return {"a": deep(levels - 1)} if levels else {}


PUBLIC = json.dumps(dict(KEY.jwk)).encode()
ATTACKS: dict[str, tuple[Callable[[], str], str, str]] = {
    "another's key": (lambda: token(signer=OTHER.signer), "set_signature_invalid", "authentication_failed"),
    "a key we never heard of": (lambda: token(header={"kid": "k9"}), "set_key_unknown", "invalid_key"),
    "no key named": (
        lambda: compact({"alg": "ES256", "typ": "secevent+jwt"}, claims(), KEY.signer),
        "set_key_unknown",
        "invalid_key",
    ),
    "its own key in the header": (
        lambda: token(header={"jwk": dict(OTHER.jwk)}, signer=OTHER.signer),
        "set_embedded_key",
        "invalid_key",
    ),
    "an address of its key": (lambda: token(header={"jku": "https://evil"}), "set_embedded_key", "invalid_key"),
    "no signature": (
        lambda: token(header={"alg": "none"}, signer=Nothing()),
        "set_algorithm_not_allowed",
        "invalid_key",
    ),
    "HMAC with our public key": (
        lambda: token(header={"alg": "HS256"}, signer=Secret(PUBLIC)),
        "set_algorithm_not_allowed",
        "invalid_key",
    ),
    "an algorithm that does not fit": (
        lambda: token(header={"alg": "EdDSA"}),
        "set_algorithm_key_mismatch",
        "invalid_key",
    ),
    "an access token's type": (lambda: token(header={"typ": "at+jwt"}), "set_type_wrong", "invalid_request"),
    "no type": (
        lambda: compact({"alg": "ES256", "kid": "k1"}, claims(), KEY.signer),
        "set_type_wrong",
        "invalid_request",
    ),
    "the type in another spelling": (
        lambda: token(header={"typ": "application/secevent+jwt"}),
        "set_type_wrong",
        "invalid_request",
    ),
    "for somebody else": (lambda: token(aud="https://other.example"), "set_audience_wrong", "invalid_audience"),
    "for nobody": (lambda: token(drop=("aud",)), "set_audience_missing", "invalid_audience"),
    "for an empty list": (lambda: token(aud=[]), "set_audience_missing", "invalid_audience"),
    "for a number": (lambda: token(aud=7), "set_claim_invalid", "invalid_request"),
    "by another issuer": (lambda: token(iss="https://evil.example"), "set_issuer_unknown", "invalid_issuer"),
    "by no issuer": (lambda: token(drop=("iss",)), "set_issuer_missing", "invalid_issuer"),
    "with an exp": (lambda: token(exp=NOW + 60), "set_expiry_forbidden", "invalid_request"),
    "with a sub": (lambda: token(sub="alice"), "set_subject_forbidden", "invalid_request"),
    "two events": (lambda: token(events={URI: {}, "urn:x": {}}), "set_events_several", "invalid_request"),
    "no event": (lambda: token(events={}), "set_events_missing", "invalid_request"),
    "an event that is no object": (lambda: token(events={URI: "now"}), "set_event_invalid", "invalid_request"),
    "an event without what it must say": (lambda: token(events={URI: {}}), "set_event_invalid", "invalid_request"),
    "no subject": (lambda: token(drop=("sub_id",)), "set_subject_invalid", "invalid_request"),
    "a subject with more than its format": (
        lambda: token(sub_id={"format": "email", "email": "a@b.example", "admin": True}),
        "set_subject_invalid",
        "invalid_request",
    ),
    "aliases in aliases": (
        lambda: token(
            sub_id={"format": "aliases", "identifiers": [{"format": "aliases", "identifiers": [claims()["sub_id"]]}]}
        ),
        "set_subject_invalid",
        "invalid_request",
    ),
    "a subject that hides characters": (
        lambda: token(sub_id={"format": "iss_sub", "iss": ISSUER, "sub": "ali\u200bce"}),
        "set_subject_invalid",
        "invalid_request",
    ),
    "no id": (lambda: token(drop=("jti",)), "set_id_invalid", "invalid_request"),
    "an id that would forge a log line": (lambda: token(jti="a\nb"), "set_id_invalid", "invalid_request"),
    "no date": (lambda: token(drop=("iat",)), "set_issued_at_invalid", "invalid_request"),
    "a date that is true": (lambda: token(iat=True), "set_issued_at_invalid", "invalid_request"),
    "from the future": (lambda: token(iat=NOW + 61), "set_from_future", "invalid_request"),
    "kept for later": (lambda: token(iat=NOW - 661), "set_too_old", "invalid_request"),
    "a txn of the wrong type": (lambda: token(txn={}), "set_claim_invalid", "invalid_request"),
    "too long": (lambda: token(padding="x" * 40_000), "set_too_large", "invalid_request"),
    "too deep": (lambda: token(events={URI: deep(9)}), "set_nesting_too_deep", "invalid_request"),
    "too many members": (
        lambda: token(events={URI: dict.fromkeys(map(str, range(101)))}),
        "set_too_many_members",
        "invalid_request",
    ),
    "the same member twice": (
        lambda: compact(HEADER, b'{"iss":"' + ISSUER.encode() + b'","iss":"x"}', KEY.signer),
        "set_duplicate_member",
        "invalid_request",
    ),
    "an extension": (lambda: token(header={"crit": ["exp"]}), "set_critical_header", "invalid_request"),
    "an unencoded payload": (lambda: token(header={"b64": False}), "set_detached_payload", "invalid_request"),
    "encrypted": (lambda: "e30.e30.e30.e30.e30", "set_encrypted", "invalid_request"),
    "no token": (lambda: "hello", "set_not_compact", "invalid_request"),
    "JSON serialisation": (lambda: '{"payload":""}', "set_not_compact", "invalid_request"),
    "strange characters": (lambda: token() + " ", "set_characters_invalid", "invalid_request"),
    "padding": (lambda: token() + "=", "set_base64_invalid", "invalid_request"),
    "a header that is no object": (
        lambda: base64.urlsafe_b64encode(b"[]").decode().rstrip("=") + ".e30.AAAA",
        "set_header_malformed",
        "invalid_request",
    ),
    "a payload that is no object": (
        lambda: compact(HEADER, b"[]", KEY.signer),
        "set_payload_malformed",
        "invalid_request",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_refused_by_name(attack: str) -> None:
    made, code, word = ATTACKS[attack]
    with pytest.raises(RefusedError) as refused:
        SetVerifier(CONFIG).verify(UnverifiedSet(made()), NOW_NS)
    assert (refused.value.code, push_error(refused.value.code)) == (code, word)


def test_the_genuine_one_is_believed() -> None:
    verified = SetVerifier(CONFIG).verify(UnverifiedSet(token()), NOW_NS)
    assert (verified.tenant, verified.payload.event.name) == ("acme", "credential-compromise")
    assert SetVerifier(CONFIG).verify(UnverifiedSet(token(aud=["x", AUDIENCE])), NOW_NS).payload.aud == ("x", AUDIENCE)


def test_an_access_token_is_no_event_token_and_the_other_way_round() -> None:
    access = FakeIssuer(ISSUER, keys=[KEY]).token(NOW_NS)
    with pytest.raises(RefusedError) as refused:
        SetVerifier(CONFIG).verify(UnverifiedSet(access), NOW_NS)
    assert refused.value.code == "set_type_wrong"


def test_a_key_that_changed_a_moment_ago_asks_the_transmitter_to_come_again() -> None:
    class Document:
        keys = FakeIssuer(keys=[KEY]).jwks().inline

        def fetch(self) -> bytes:
            return self.keys.encode()

    place = JwksSource(url="https://idp.example/jwks")
    config = TransmitterConfig(tenant="acme", issuer=ISSUER, audience=AUDIENCE, jwks=place)
    verifier = SetVerifier(config, JwksSettings(miss_interval_s=10), Document())
    verifier.verify(UnverifiedSet(token()), NOW_NS)
    with pytest.raises(RefusedError):
        verifier.verify(UnverifiedSet(token(header={"kid": "made-up"})), NOW_NS)
    with pytest.raises(UnavailableError) as away:
        verifier.verify(UnverifiedSet(token(header={"kid": "k2"})), NOW_NS)
    assert away.value.code == "jwks_unavailable"


def test_nobody_outside_the_room_says_that_a_token_is_verified() -> None:
    verified = SetVerifier(CONFIG).verify(UnverifiedSet(token()), NOW_NS)
    for forge in (
        lambda: VerifiedSet(seal=object(), tenant="acme", payload=verified.payload),
        lambda: pickle.dumps(verified),
    ):
        with pytest.raises(TypeError):
            forge()
    assert token() not in repr(UnverifiedSet(token()))
