"""A forger tries every trick in the book on one tenant's token verifier. None works, and each is named.

One row is one attack: how the token is made, and the reason that must be given. The issuer's genuine keys sign only
what a forger could get signed; where a case needs the issuer itself to err (two audiences, no expiry), it does.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pytest
from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from ostiary.errors import RefusedError
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.reasons import Refusal
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import DpopSettings, IssuerConfig, JwksSource
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.testing.issuer import FakeHolder, FakeIssuer, FakeKey, compact
from ostiary.vocabulary.entities import Subject

NOW = 1_790_000_000
NOW_NS = NOW * 1_000_000_000
PEP = PepIdentity(pep_id="gateway", tenant="default")
MODELS = {model.name: model for model in JWS_ALGORITHMS}
GENUINE = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]


@dataclass(frozen=True)
class Signer:
    """Signs with any joserfc key and algorithm, symmetric and ``none`` included."""

    kid: str
    alg: str
    key: Any

    def sign(self, data: bytes, /) -> bytes:
        return MODELS[self.alg].sign(data, self.key)


@dataclass(frozen=True)
class Secret:
    """A forger's HMAC with whatever bytes he has."""

    secret: bytes
    kid: str = "ec"
    alg: str = "HS256"

    def sign(self, data: bytes, /) -> bytes:
        return hmac.digest(self.secret, data, hashlib.sha256)


@dataclass(frozen=True)
class Fixed:
    """Puts the same bytes where a signature should be."""

    signature: bytes
    kid: str = "ec"
    alg: str = "ES256"

    def sign(self, data: bytes, /) -> bytes:
        return self.signature


class World:
    """One issuer with a key of each kind, another tenant's issuer, and a forger with keys of his own."""

    def __init__(self) -> None:
        self.raw: dict[str, ECKey | OKPKey | RSAKey] = {
            "ec": ECKey.generate_key("P-256"),
            "ec384": ECKey.generate_key("P-384"),
            "ec521": ECKey.generate_key("P-521"),
            "okp": OKPKey.generate_key("Ed25519"),
            "rsa": RSAKey.generate_key(2048),
        }
        self.retired = FakeKey.generate("retired")
        self.thief = FakeKey.generate("ec")
        self.issuer = FakeIssuer(keys=[self.key("ec", "ES256")])
        self.other = FakeIssuer("https://idp.other.example", tenant="other")

    def key(self, kid: str, alg: str) -> FakeKey:
        return FakeKey(Signer(kid, alg, self.raw[kid]), {**self.raw[kid].as_dict(private=False), "kid": kid})

    @cached_property
    def config(self) -> IssuerConfig:
        keys = [{**key.as_dict(private=False), "kid": kid} for kid, key in self.raw.items()]
        keys += [
            {**self.raw["rsa"].as_dict(private=False), "kid": "rsa-only-rs256", "alg": "RS256"},
            {**self.raw["ec"].as_dict(private=False), "kid": "encryption", "use": "enc"},
            {**self.raw["ec"].as_dict(private=False), "kid": "twice"},
            {**self.raw["okp"].as_dict(private=False), "kid": "twice"},
            {**ECKey.generate_key("P-256").as_dict(private=True), "kid": "leaked"},
            {**OctKey.import_key(b"k" * 32).as_dict(private=True), "kid": "shared-secret"},
        ]
        jwks = JwksSource(inline=json.dumps({"keys": keys}))
        algorithms = (
            "ES256",
            "ES384",
            "ES512",
            "EdDSA",
            "Ed25519",
            "PS256",
            "PS384",
            "PS512",
            "RS256",
            "RS384",
            "RS512",
        )
        return self.issuer.config(jwks=jwks, algorithms=algorithms)

    def verifier(self, config: IssuerConfig | None = None) -> SubjectVerifier:
        book = IssuerBook([config or self.config, self.other.config()])
        dpop = DpopVerifier(DpopSettings(), MemoryReplay(since_ns=0, max_per_tenant=100))
        return SubjectVerifier(TokenMemory(book), dpop)

    def token(self, *, header: Mapping[str, Any] | None = None, signer: Any = None, **claims: Any) -> str:
        signed_by = signer or self.issuer.keys[0].signer
        head = {"alg": signed_by.alg, "kid": signed_by.kid, "typ": "at+jwt", **(header or {})}
        return compact(head, self.issuer.claims(NOW_NS, **claims), signed_by)

    def raw_token(self, header: bytes | None = None, payload: bytes | None = None) -> str:
        return compact(
            header or self.issuer.header(), payload or self.issuer.claims(NOW_NS), self.issuer.keys[0].signer
        )


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def ask(verifier: SubjectVerifier, token: str, subject: str = "alice", now_ns: int = NOW_NS) -> VerifiedIdentity:
    return verifier.verify(PEP, Subject(type="user", id=subject), PresentedSubject(token=token), now_ns)


def parts(token: str) -> list[str]:
    return token.split(".")


def bytes_of(mapping: Mapping[str, Any]) -> bytes:
    return json.dumps(mapping).encode()


def pem(world: World, kid: str) -> bytes:
    return world.raw[kid].as_pem(private=False)


def with_member(mapping: Mapping[str, Any], text: str) -> bytes:
    """Return the JSON object with ``text``, a member as it is written, put last."""
    return bytes_of(mapping)[:-1] + b", " + text.encode() + b"}"


def claims_with(world: World, text: str, drop: tuple[str, ...] = ()) -> str:
    return world.raw_token(payload=with_member(world.issuer.claims(NOW_NS, drop=drop), text))


def header_with(world: World, text: str) -> str:
    return world.raw_token(header=with_member(world.issuer.header(), text))


def swap_last_bits(token: str) -> str:
    """Return the token with another spelling of the same signature: only bits that nobody reads differ."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def resigned(token: str, change: Callable[[bytes], bytes]) -> str:
    """Return the token with its signature's bytes changed, well spelled."""
    head, payload, signature = parts(token)
    raw = change(base64.urlsafe_b64decode(signature + "=="))
    return f"{head}.{payload}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"


R = Refusal
Case = tuple[str, Callable[[World], str], Refusal]

CASES: list[Case] = [
    # The algorithm is not the forger's to choose.
    ("alg none, signature empty", lambda w: w.token(signer=Fixed(b"", alg="none")), R.TOKEN_ALGORITHM_NOT_ALLOWED),
    ("alg None in capitals", lambda w: w.token(signer=Fixed(b"", alg="NoNe")), R.TOKEN_ALGORITHM_NOT_ALLOWED),
    ("alg none, genuine signature kept", lambda w: w.token(header={"alg": "none"}), R.TOKEN_ALGORITHM_NOT_ALLOWED),
    ("alg missing", lambda w: w.raw_token(header=b'{"typ":"at+jwt","kid":"ec"}'), R.TOKEN_HEADER_MALFORMED),
    ("alg is a list", lambda w: w.token(header={"alg": ["ES256"]}), R.TOKEN_HEADER_MALFORMED),
    ("alg is null", lambda w: w.token(header={"alg": None}), R.TOKEN_HEADER_MALFORMED),
    (
        "HS256 with the public RSA key as secret",
        lambda w: w.token(signer=Secret(pem(w, "rsa"), "rsa")),
        R.TOKEN_ALGORITHM_NOT_ALLOWED,
    ),
    (
        "HS256 with the public EC key as secret",
        lambda w: w.token(signer=Secret(pem(w, "ec"))),
        R.TOKEN_ALGORITHM_NOT_ALLOWED,
    ),
    (
        "HS256 with a secret that the issuer published",
        lambda w: w.token(signer=Secret(b"k" * 32, "shared-secret")),
        R.TOKEN_ALGORITHM_NOT_ALLOWED,
    ),
    ("an algorithm of nobody's", lambda w: w.token(header={"alg": "ES999"}), R.TOKEN_ALGORITHM_NOT_ALLOWED),
    ("secp256k1", lambda w: w.token(header={"alg": "ES256K"}), R.TOKEN_ALGORITHM_NOT_ALLOWED),
    ("RS256 named for an EC key", lambda w: w.token(header={"alg": "RS256"}), R.TOKEN_ALGORITHM_KEY_MISMATCH),
    ("ES384 named for a P-256 key", lambda w: w.token(header={"alg": "ES384"}), R.TOKEN_ALGORITHM_KEY_MISMATCH),
    (
        "PS256 with a key that is for RS256 only",
        lambda w: w.token(signer=Signer("rsa-only-rs256", "PS256", w.raw["rsa"])),
        R.TOKEN_ALGORITHM_KEY_MISMATCH,
    ),
    (
        "RS256 signature called PS256",
        lambda w: w.token(header={"alg": "PS256"}, signer=Signer("rsa", "RS256", w.raw["rsa"])),
        R.TOKEN_SIGNATURE_INVALID,
    ),
    # Neither is the key.
    ("kid missing", lambda w: w.raw_token(header=b'{"alg":"ES256","typ":"at+jwt"}'), R.TOKEN_KEY_ID_MISSING),
    ("kid null", lambda w: w.token(header={"kid": None}), R.TOKEN_KEY_ID_MISSING),
    ("kid empty", lambda w: w.token(header={"kid": ""}), R.TOKEN_KEY_ID_INVALID),
    ("kid a number", lambda w: w.token(header={"kid": 7}), R.TOKEN_KEY_ID_INVALID),
    ("kid with NUL", lambda w: w.token(header={"kid": "ec\0"}), R.TOKEN_KEY_ID_INVALID),
    ("kid of 300 characters", lambda w: w.token(header={"kid": "k" * 300}), R.TOKEN_KEY_ID_INVALID),
    ("kid unknown", lambda w: w.token(header={"kid": "nobody"}), R.TOKEN_KEY_UNKNOWN),
    ("kid walks up the tree", lambda w: w.token(header={"kid": "../../../../dev/null"}), R.TOKEN_KEY_UNKNOWN),
    ("kid speaks SQL", lambda w: w.token(header={"kid": "x' UNION SELECT 'secret'--"}), R.TOKEN_KEY_UNKNOWN),
    ("kid of a retired key", lambda w: w.token(signer=w.retired.signer), R.TOKEN_KEY_UNKNOWN),
    ("kid of an encryption key", lambda w: w.token(header={"kid": "encryption"}), R.TOKEN_KEY_UNKNOWN),
    ("kid of two keys", lambda w: w.token(header={"kid": "twice"}), R.TOKEN_KEY_UNKNOWN),
    ("kid of a key whose private half leaked", lambda w: w.token(header={"kid": "leaked"}), R.TOKEN_KEY_UNKNOWN),
    ("own key under the issuer's kid", lambda w: w.token(signer=w.thief.signer), R.TOKEN_SIGNATURE_INVALID),
    (
        "own key embedded as jwk",
        lambda w: w.token(signer=w.thief.signer, header={"jwk": dict(w.thief.jwk)}),
        R.TOKEN_EMBEDDED_KEY,
    ),
    (
        "own key behind jku",
        lambda w: w.token(signer=w.thief.signer, header={"jku": "https://evil.example/jwks"}),
        R.TOKEN_EMBEDDED_KEY,
    ),
    (
        "own certificate behind x5u",
        lambda w: w.token(signer=w.thief.signer, header={"x5u": "https://evil.example/cert"}),
        R.TOKEN_EMBEDDED_KEY,
    ),
    (
        "own certificate as x5c",
        lambda w: w.token(signer=w.thief.signer, header={"x5c": ["MIIB"]}),
        R.TOKEN_EMBEDDED_KEY,
    ),
    # A signature is one or it is none.
    ("signature left out", lambda w: ".".join([*parts(w.token())[:2], ""]), R.TOKEN_SIGNATURE_INVALID),
    ("signature all zeros (psychic)", lambda w: resigned(w.token(), lambda _: bytes(64)), R.TOKEN_SIGNATURE_INVALID),
    ("signature r and s the group order", lambda w: w.token(signer=Fixed(b"\xff" * 64)), R.TOKEN_SIGNATURE_INVALID),
    (
        "signature in DER instead of r and s",
        lambda w: w.token(signer=Fixed(bytes.fromhex("3006020101020101"))),
        R.TOKEN_SIGNATURE_INVALID,
    ),
    ("signature cut short", lambda w: resigned(w.token(), lambda raw: raw[:-1]), R.TOKEN_SIGNATURE_INVALID),
    ("signature lengthened", lambda w: resigned(w.token(), lambda raw: raw + b"x"), R.TOKEN_SIGNATURE_INVALID),
    (
        "signature of another token",
        lambda w: ".".join([*parts(w.token())[:2], parts(w.token(sub="eve"))[2]]),
        R.TOKEN_SIGNATURE_INVALID,
    ),
    (
        "payload of another token",
        lambda w: ".".join([parts(w.token())[0], parts(w.token(sub="eve"))[1], parts(w.token())[2]]),
        R.TOKEN_SIGNATURE_INVALID,
    ),
    # One token has one spelling.
    ("base64 padding", lambda w: w.token() + "==", R.TOKEN_BASE64_INVALID),
    ("base64 of the other alphabet", lambda w: w.token()[:-2] + "+/", R.TOKEN_BASE64_INVALID),
    ("base64 with stray last bits", lambda w: swap_last_bits(w.token()), R.TOKEN_BASE64_INVALID),
    ("base64 of impossible length", lambda w: w.token() + "AAA", R.TOKEN_BASE64_INVALID),
    ("line feed at the end", lambda w: w.token() + "\n", R.TOKEN_CHARACTERS_INVALID),
    ("space in front", lambda w: " " + w.token(), R.TOKEN_CHARACTERS_INVALID),
    ("NUL at the end", lambda w: w.token() + "\0", R.TOKEN_CHARACTERS_INVALID),
    ("a letter that only looks like one", lambda w: w.token().replace("e", "\u0435", 1), R.TOKEN_CHARACTERS_INVALID),
    ("two parts", lambda w: ".".join(parts(w.token())[:2]), R.TOKEN_NOT_COMPACT),
    ("four parts", lambda w: w.token() + ".AAAA", R.TOKEN_NOT_COMPACT),
    ("empty string", lambda w: "", R.TOKEN_NOT_COMPACT),
    ("detached payload", lambda w: f"{parts(w.token())[0]}..{parts(w.token())[2]}", R.TOKEN_NOT_COMPACT),
    (
        "JSON serialisation",
        lambda w: json.dumps(dict(zip(("protected", "payload", "signature"), parts(w.token()), strict=True))),
        R.TOKEN_NOT_COMPACT,
    ),
    ("JWE in five parts", lambda w: ".".join([*parts(w.token()), "AAAA", "AAAA"]), R.TOKEN_ENCRYPTED),
    ("JWE header on a signed token", lambda w: w.token(header={"enc": "A256GCM"}), R.TOKEN_ENCRYPTED),
    ("compressed payload", lambda w: w.token(header={"zip": "DEF"}), R.TOKEN_ENCRYPTED),
    # Extensions that nobody understands are not ignored.
    ("crit names an unknown extension", lambda w: w.token(header={"crit": ["pay"], "pay": 1}), R.TOKEN_CRITICAL_HEADER),
    ("crit is empty", lambda w: w.token(header={"crit": []}), R.TOKEN_CRITICAL_HEADER),
    ("crit with b64 false", lambda w: w.token(header={"crit": ["b64"], "b64": False}), R.TOKEN_CRITICAL_HEADER),
    ("b64 false without crit", lambda w: w.token(header={"b64": False}), R.TOKEN_DETACHED_PAYLOAD),
    # Nobody may read it in two ways, and nobody may choke on it.
    ("subject told twice", lambda w: claims_with(w, '"sub": "admin"'), R.TOKEN_DUPLICATE_MEMBER),
    ("subject told twice, once escaped", lambda w: claims_with(w, '"s\\u0075b": "admin"'), R.TOKEN_DUPLICATE_MEMBER),
    ("algorithm told twice", lambda w: header_with(w, '"alg": "none"'), R.TOKEN_DUPLICATE_MEMBER),
    ("duplicate deep inside", lambda w: claims_with(w, '"x": [{"y": 1, "y": 2}]'), R.TOKEN_DUPLICATE_MEMBER),
    ("nested 2000 deep", lambda w: claims_with(w, f'"x": {nested(2000)}'), R.TOKEN_NESTING_TOO_DEEP),
    ("header nested deep", lambda w: header_with(w, f'"x": {nested(9)}'), R.TOKEN_NESTING_TOO_DEEP),
    ("101 claims", lambda w: w.raw_token(payload=bytes_of({f"c{n}": n for n in range(101)})), R.TOKEN_TOO_MANY_MEMBERS),
    ("16 KiB and more", lambda w: w.token(x="y" * 16_384), R.TOKEN_TOO_LARGE),
    ("header is a list", lambda w: w.raw_token(header=b'["ES256"]'), R.TOKEN_HEADER_MALFORMED),
    ("header is not UTF-8", lambda w: w.raw_token(header=b'{"alg":"\xff"}'), R.TOKEN_HEADER_MALFORMED),
    ("header in UTF-16", lambda w: w.raw_token(header='{"alg":"ES256"}'.encode("utf-16")), R.TOKEN_HEADER_MALFORMED),
    ("payload is not UTF-8", lambda w: w.raw_token(payload=b'{"sub":"\xc3\x28"}'), R.TOKEN_PAYLOAD_MALFORMED),
    ("payload with byte order mark", lambda w: w.raw_token(payload=b"\xef\xbb\xbf{}"), R.TOKEN_PAYLOAD_MALFORMED),
    ("payload is a string", lambda w: w.raw_token(payload=b'"alice"'), R.TOKEN_PAYLOAD_MALFORMED),
    ("payload with a tail", lambda w: w.raw_token(payload=b"{} {}"), R.TOKEN_PAYLOAD_MALFORMED),
    ("half a character", lambda w: claims_with(w, '"x": "\\ud800"'), R.TOKEN_PAYLOAD_MALFORMED),
    # It must come from an issuer of this tenant,
    ("iss missing", lambda w: w.token(drop=["iss"]), R.TOKEN_ISSUER_MISSING),
    ("iss a list", lambda w: w.token(iss=["https://idp.example"]), R.TOKEN_ISSUER_MISSING),
    ("iss unknown", lambda w: w.token(iss="https://evil.example"), R.TOKEN_ISSUER_UNKNOWN),
    ("iss with a slash more", lambda w: w.token(iss="https://idp.example/"), R.TOKEN_ISSUER_UNKNOWN),
    ("iss of another tenant, genuine", lambda w: w.other.token(NOW_NS), R.TOKEN_ISSUER_UNKNOWN),
    # be an access token,
    ("typ missing", lambda w: w.raw_token(header=b'{"alg":"ES256","kid":"ec"}'), R.TOKEN_TYPE_MISSING),
    ("an ID token", lambda w: w.token(header={"typ": "JWT"}), R.TOKEN_TYPE_WRONG),
    ("a DPoP proof", lambda w: w.token(header={"typ": "dpop+jwt"}), R.TOKEN_TYPE_WRONG),
    ("typ a number", lambda w: w.token(header={"typ": 1}), R.TOKEN_TYPE_WRONG),
    # for us alone,
    ("aud missing", lambda w: w.token(drop=["aud"]), R.TOKEN_AUDIENCE_MISSING),
    ("aud an empty list", lambda w: w.token(aud=[]), R.TOKEN_AUDIENCE_MISSING),
    ("aud somebody else", lambda w: w.token(aud="payroll"), R.TOKEN_AUDIENCE_WRONG),
    ("aud ours in capitals", lambda w: w.token(aud="OSTIARY"), R.TOKEN_AUDIENCE_WRONG),
    ("aud an object", lambda w: w.token(aud={"ostiary": True}), R.TOKEN_AUDIENCE_WRONG),
    ("aud of two, ours first", lambda w: w.token(aud=["ostiary", "payroll"]), R.TOKEN_AUDIENCE_MULTIPLE),
    ("aud ours twice", lambda w: w.token(aud=["ostiary", "ostiary"]), R.TOKEN_AUDIENCE_MULTIPLE),
    # now,
    ("expired", lambda w: w.token(iat=NOW - 900, exp=NOW - 61), R.TOKEN_EXPIRED),
    ("exp missing", lambda w: w.token(drop=["exp"]), R.TOKEN_EXPIRY_MISSING),
    ("exp null", lambda w: w.token(exp=None), R.TOKEN_EXPIRY_INVALID),
    ("exp true", lambda w: w.token(exp=True), R.TOKEN_EXPIRY_INVALID),
    ("exp a string", lambda w: w.token(exp=str(NOW + 300)), R.TOKEN_EXPIRY_INVALID),
    ("exp negative", lambda w: w.token(exp=-1), R.TOKEN_EXPIRY_INVALID),
    ("exp beyond the year 9999", lambda w: w.token(exp=10**15), R.TOKEN_EXPIRY_INVALID),
    ("exp 1e300", lambda w: w.token(exp=1e300), R.TOKEN_EXPIRY_INVALID),
    ("exp NaN", lambda w: claims_with(w, '"exp": NaN', ("exp",)), R.TOKEN_PAYLOAD_MALFORMED),
    ("exp Infinity", lambda w: claims_with(w, '"exp": Infinity', ("exp",)), R.TOKEN_PAYLOAD_MALFORMED),
    ("exp 1e999", lambda w: claims_with(w, '"exp": 1e999', ("exp",)), R.TOKEN_PAYLOAD_MALFORMED),
    ("exp of 5000 digits", lambda w: claims_with(w, f'"exp": {"9" * 5000}', ("exp",)), R.TOKEN_PAYLOAD_MALFORMED),
    ("iat missing", lambda w: w.token(drop=["iat"]), R.TOKEN_ISSUED_AT_MISSING),
    ("iat a string", lambda w: w.token(iat="now"), R.TOKEN_ISSUED_AT_INVALID),
    ("iat in the future", lambda w: w.token(iat=NOW + 61), R.TOKEN_FROM_FUTURE),
    ("nbf in the future", lambda w: w.token(nbf=NOW + 61), R.TOKEN_NOT_YET_VALID),
    ("nbf a list", lambda w: w.token(nbf=[NOW]), R.TOKEN_NOT_BEFORE_INVALID),
    ("nbf null", lambda w: w.token(nbf=None), R.TOKEN_NOT_BEFORE_INVALID),
    ("expires before it begins", lambda w: w.token(iat=NOW, exp=NOW - 10), R.TOKEN_LIFETIME_INVALID),
    ("lives for a year", lambda w: w.token(exp=NOW + 365 * 86_400), R.TOKEN_LIFETIME_TOO_LONG),
    # about this subject,
    ("sub missing", lambda w: w.token(drop=["sub"]), R.TOKEN_SUBJECT_MISSING),
    ("sub empty", lambda w: w.token(sub=""), R.TOKEN_SUBJECT_INVALID),
    ("sub a number", lambda w: w.token(sub=0), R.TOKEN_SUBJECT_INVALID),
    ("sub with NUL", lambda w: w.token(sub="alice\0admin"), R.TOKEN_SUBJECT_INVALID),
    ("sub with a line feed", lambda w: w.token(sub="alice\nadmin"), R.TOKEN_SUBJECT_INVALID),
    ("sub written right to left", lambda w: w.token(sub="\u202ealice"), R.TOKEN_SUBJECT_INVALID),
    ("sub of 257 characters", lambda w: w.token(sub="a" * 257), R.TOKEN_SUBJECT_INVALID),
    ("sub of somebody else", lambda w: w.token(sub="eve"), R.SUBJECT_MISMATCH),
    ("sub in capitals", lambda w: w.token(sub="Alice"), R.SUBJECT_MISMATCH),
    # with claims that mean what they say,
    ("scope a number", lambda w: w.token(scope=7), R.TOKEN_CLAIM_INVALID),
    ("amr a string", lambda w: w.token(amr="hwk"), R.TOKEN_CLAIM_INVALID),
    ("acr a list", lambda w: w.token(acr=["high"]), R.TOKEN_CLAIM_INVALID),
    ("auth_time in the future", lambda w: w.token(auth_time=NOW + 3600), R.TOKEN_CLAIM_INVALID),
    # and held by whom it was given to.
    ("bound to a key, no proof", lambda w: w.token(cnf=FakeHolder().confirmation), R.DPOP_PROOF_MISSING),
    ("bound to a certificate, none shown", lambda w: w.token(cnf={"x5t#S256": "A" * 43}), R.MTLS_CERTIFICATE_MISSING),
    ("bound in an unknown way", lambda w: w.token(cnf={"kid": "device-1"}), R.TOKEN_BINDING_UNKNOWN),
    (
        "bound in a known and an unknown way",
        lambda w: w.token(cnf={"jkt": "A" * 43, "jwe": "x"}),
        R.TOKEN_BINDING_UNKNOWN,
    ),
    ("binding empty", lambda w: w.token(cnf={}), R.TOKEN_BINDING_UNKNOWN),
    ("binding null", lambda w: w.token(cnf=None), R.TOKEN_BINDING_UNKNOWN),
    ("binding with an empty thumbprint", lambda w: w.token(cnf={"jkt": ""}), R.TOKEN_BINDING_UNKNOWN),
]


@pytest.mark.parametrize(("make", "code"), [pytest.param(make, code, id=name) for name, make, code in CASES])
def test_a_forged_token_is_refused_with_its_own_reason(
    world: World, make: Callable[[World], str], code: Refusal
) -> None:
    with pytest.raises(RefusedError) as refused:
        ask(world.verifier(), make(world))
    assert refused.value.code == code
    assert refused.value.reasons == (code,)


def test_the_table_is_long_and_names_each_attack_once() -> None:
    assert len(CASES) >= 100
    assert len({name for name, _, _ in CASES}) == len(CASES)


@pytest.mark.parametrize("alg", GENUINE)
def test_a_genuine_token_of_each_algorithm_is_accepted(world: World, alg: str) -> None:
    kid = {"ES256": "ec", "ES384": "ec384", "ES512": "ec521"}.get(alg, "okp" if alg.startswith("Ed") else "rsa")
    identity = ask(world.verifier(), world.token(signer=Signer(kid, alg, world.raw[kid])))
    assert (identity.subject_id, identity.assurance, identity.proof) == ("alice", "token", "none")


def test_an_algorithm_that_the_issuer_does_not_use_is_refused_even_with_a_good_signature(world: World) -> None:
    verifier = world.verifier(replace(world.config, algorithms=("ES256",)))
    with pytest.raises(RefusedError, match="algorithm") as refused:
        ask(verifier, world.token(signer=Signer("rsa", "RS256", world.raw["rsa"])))
    assert refused.value.code == Refusal.TOKEN_ALGORITHM_NOT_ALLOWED


def test_no_refusal_repeats_the_token_or_its_claims(world: World) -> None:
    for _, make, _ in CASES:
        token = make(world)
        with pytest.raises(RefusedError) as refused:
            ask(world.verifier(), token)
        assert len(refused.value.message) < 200
        assert len(token) < 20 or token not in refused.value.message


def test_a_forged_token_stays_refused_after_a_genuine_one_was_remembered(world: World) -> None:
    verifier = world.verifier()
    ask(verifier, world.token())
    for name, make, code in CASES:
        with pytest.raises(RefusedError) as refused:
            ask(verifier, make(world))
        assert refused.value.code == code, name
