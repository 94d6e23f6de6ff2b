"""A thief has a bound access token, but not the key it is bound to; or has seen one proof go by. Neither helps.

One row is one forged proof (RFC 9449 §4.3 and §11): how it is made and the reason that must be given.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from ostiary.errors import RefusedError
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.nonces import Nonces
from ostiary.identity.reasons import Refusal
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import DpopSettings
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.testing.issuer import FakeHolder, FakeIssuer, FakeKey, compact
from ostiary.vocabulary.entities import Subject

NOW = 1_790_000_000
NOW_NS = NOW * 1_000_000_000
HTM, HTU = "POST", "https://api.example/data/42"
ALICE = Subject(type="user", id="alice")
PEP = PepIdentity(pep_id="gateway", tenant="default", proof_required="dpop")


class World:
    """An issuer, a holder of a bound token, and a thief with a key of his own."""

    def __init__(self, *, nonces: Nonces | None = None, since_ns: int = 0) -> None:
        self.issuer = FakeIssuer()
        self.holder = FakeHolder()
        self.thief = FakeHolder()
        self.token = self.issuer.token(NOW_NS, cnf=self.holder.confirmation)
        settings = DpopSettings(nonce_s=30 if nonces else 0)
        dpop = DpopVerifier(settings, MemoryReplay(since_ns=since_ns, max_per_tenant=100), nonces)
        self.verifier = SubjectVerifier(TokenMemory(IssuerBook([self.issuer.config()])), dpop)

    def proof(self, header: Mapping[str, Any] | None = None, *, drop: Iterable[str] = (), **claims: Any) -> str:
        content = self.holder.claims(NOW_NS, self.token, HTM, HTU, drop=drop, **claims)
        return compact(self.holder.header(**(header or {})), content, self.holder.key.signer)

    def ask(
        self, proof: str | None, *, htm: str | None = HTM, htu: str | None = HTU, token: str = "", now_ns: int = NOW_NS
    ) -> VerifiedIdentity:
        presented = PresentedSubject(token=token or self.token, dpop=proof, htm=htm, htu=htu)
        return self.verifier.verify(PEP, ALICE, presented, now_ns)


def refusal(world: World, proof: str | None, **request: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        world.ask(proof, **request)
    return refused.value.code


def jwk_of(holder: FakeHolder, **changes: Any) -> dict[str, Any]:
    return {**holder.header()["jwk"], **changes}


def private_jwk() -> dict[str, Any]:
    return dict(ECKey.generate_key("P-256").as_dict(private=True))


def small_rsa() -> dict[str, Any]:
    with pytest.warns(match="2048"):
        return dict(RSAKey.generate_key(1024).as_dict(private=False))


def by_thief(world: World) -> str:
    return world.thief.proof(NOW_NS, world.token, HTM, HTU)


def thief_under_holders_key(world: World) -> str:
    content = world.holder.claims(NOW_NS, world.token, HTM, HTU)
    return compact(world.holder.header(), content, world.thief.key.signer)


def twice_told(world: World) -> str:
    content = world.holder.claims(NOW_NS, world.token, HTM, "https://evil.example/")
    payload = json.dumps(content)[:-1] + f', "htu": "{HTU}"}}'
    return compact(world.holder.header(), payload.encode(), world.holder.key.signer)


R = Refusal
Case = tuple[str, Callable[[World], str | None], Refusal]
CASES: list[Case] = [
    ("no proof at all (downgrade to bearer)", lambda w: None, R.DPOP_PROOF_MISSING),
    ("empty proof", lambda w: "", R.DPOP_NOT_COMPACT),
    ("the access token itself as proof", lambda w: w.token, R.DPOP_TYPE_WRONG),
    ("typ JWT", lambda w: w.proof({"typ": "JWT"}), R.DPOP_TYPE_WRONG),
    ("typ missing", lambda w: w.proof({"typ": None}), R.DPOP_TYPE_WRONG),
    ("alg none", lambda w: w.proof({"alg": "none"}), R.DPOP_ALGORITHM_NOT_ALLOWED),
    (
        "alg HS256 with an oct key",
        lambda w: w.proof({"alg": "HS256", "jwk": {"kty": "oct", "k": "AA"}}),
        R.DPOP_ALGORITHM_NOT_ALLOWED,
    ),
    ("oct key", lambda w: w.proof({"jwk": {"kty": "oct", "k": "AAAA"}}), R.DPOP_KEY_PRIVATE),
    ("private key in the header", lambda w: w.proof({"jwk": private_jwk()}), R.DPOP_KEY_PRIVATE),
    ("key missing", lambda w: w.proof({"jwk": None}), R.DPOP_KEY_MISSING),
    (
        "key by reference only",
        lambda w: w.proof({"jwk": None, "kid": "k1", "jku": "https://evil.example"}),
        R.DPOP_KEY_MISSING,
    ),
    ("key a string", lambda w: w.proof({"jwk": "k1"}), R.DPOP_KEY_MISSING),
    ("key without a coordinate", lambda w: w.proof({"jwk": jwk_of(w.holder, y=None)}), R.DPOP_KEY_INVALID),
    ("key off its curve", lambda w: w.proof({"jwk": jwk_of(w.holder, y="AAAA")}), R.DPOP_KEY_INVALID),
    ("key on another curve", lambda w: w.proof({"jwk": jwk_of(w.holder, crv="secp256k1")}), R.DPOP_KEY_INVALID),
    (
        "key with padded coordinate",
        lambda w: w.proof({"jwk": jwk_of(w.holder, x=jwk_of(w.holder)["x"] + "=")}),
        R.DPOP_KEY_INVALID,
    ),
    ("key for encryption", lambda w: w.proof({"jwk": jwk_of(w.holder, use="enc")}), R.DPOP_KEY_INVALID),
    ("RSA key of 1024 bits", lambda w: w.proof({"alg": "RS256", "jwk": small_rsa()}), R.DPOP_KEY_INVALID),
    ("EdDSA with an EC key", lambda w: w.proof({"alg": "EdDSA"}), R.DPOP_ALGORITHM_KEY_MISMATCH),
    ("made by the thief with his own key", by_thief, R.DPOP_KEY_WRONG),
    ("made by the thief, holder's key shown", thief_under_holders_key, R.DPOP_SIGNATURE_INVALID),
    ("signature cut off", lambda w: w.proof().rpartition(".")[0] + ".", R.DPOP_SIGNATURE_INVALID),
    ("for another method", lambda w: w.proof(htm="GET"), R.DPOP_HTTP_METHOD_WRONG),
    ("for the method in small letters", lambda w: w.proof(htm="post"), R.DPOP_HTTP_METHOD_WRONG),
    ("method missing", lambda w: w.proof(drop=["htm"]), R.DPOP_HTTP_METHOD_WRONG),
    ("for another path", lambda w: w.proof(htu="https://api.example/data/43"), R.DPOP_HTTP_URI_WRONG),
    ("for a path in capitals", lambda w: w.proof(htu="https://api.example/DATA/42"), R.DPOP_HTTP_URI_WRONG),
    ("for another host", lambda w: w.proof(htu="https://evil.example/data/42"), R.DPOP_HTTP_URI_WRONG),
    ("for another port", lambda w: w.proof(htu="https://api.example:8443/data/42"), R.DPOP_HTTP_URI_WRONG),
    ("for http instead of https", lambda w: w.proof(htu="http://api.example/data/42"), R.DPOP_HTTP_URI_WRONG),
    (
        "for a host that only looks so",
        lambda w: w.proof(htu="https://api.example@evil.example/data/42"),
        R.DPOP_HTTP_URI_WRONG,
    ),
    ("URI missing", lambda w: w.proof(drop=["htu"]), R.DPOP_HTTP_URI_WRONG),
    ("URI told twice", twice_told, R.DPOP_DUPLICATE_MEMBER),
    ("made 66 seconds ago", lambda w: w.proof(iat=NOW - 66), R.DPOP_TOO_OLD),
    ("made in the future", lambda w: w.proof(iat=NOW + 6), R.DPOP_FROM_FUTURE),
    ("time missing", lambda w: w.proof(drop=["iat"]), R.DPOP_ISSUED_AT_INVALID),
    ("time a string", lambda w: w.proof(iat=str(NOW)), R.DPOP_ISSUED_AT_INVALID),
    ("time true", lambda w: w.proof(iat=True), R.DPOP_ISSUED_AT_INVALID),
    ("token hash missing", lambda w: w.proof(drop=["ath"]), R.DPOP_ACCESS_TOKEN_HASH_MISSING),
    ("token hash of another token", lambda w: w.proof(ath="A" * 43), R.DPOP_ACCESS_TOKEN_HASH_WRONG),
    (
        "token hash padded",
        lambda w: w.proof(ath=w.holder.claims(NOW_NS, w.token, HTM, HTU)["ath"] + "="),
        R.DPOP_ACCESS_TOKEN_HASH_WRONG,
    ),
    ("id missing", lambda w: w.proof(drop=["jti"]), R.DPOP_ID_INVALID),
    ("id empty", lambda w: w.proof(jti=""), R.DPOP_ID_INVALID),
    ("id a number", lambda w: w.proof(jti=1), R.DPOP_ID_INVALID),
    ("id of 257 characters", lambda w: w.proof(jti="j" * 257), R.DPOP_ID_INVALID),
    ("crit", lambda w: w.proof({"crit": ["exp"]}), R.DPOP_CRITICAL_HEADER),
    ("b64 false", lambda w: w.proof({"b64": False}), R.DPOP_DETACHED_PAYLOAD),
    ("encrypted", lambda w: w.proof() + ".AA.AA", R.DPOP_ENCRYPTED),
    ("padded", lambda w: w.proof() + "=", R.DPOP_BASE64_INVALID),
    ("with a line feed", lambda w: w.proof() + "\n", R.DPOP_CHARACTERS_INVALID),
    ("two proofs, comma between", lambda w: w.proof() + "," + w.proof(), R.DPOP_CHARACTERS_INVALID),
    ("8 KiB and more", lambda w: w.proof(x="y" * 8192), R.DPOP_TOO_LARGE),
    ("101 members", lambda w: w.proof(x={f"c{n}": n for n in range(101)}), R.DPOP_TOO_MANY_MEMBERS),
    ("nested deep", lambda w: w.proof(x=json.loads("[" * 9 + "]" * 9)), R.DPOP_NESTING_TOO_DEEP),
    ("header no object", lambda w: compact(b"[]", {}, w.holder.key.signer), R.DPOP_HEADER_MALFORMED),
    ("payload no object", lambda w: compact(w.holder.header(), b"[]", w.holder.key.signer), R.DPOP_PAYLOAD_MALFORMED),
]


@pytest.mark.parametrize(("make", "code"), [pytest.param(make, code, id=name) for name, make, code in CASES])
def test_a_forged_proof_is_refused_with_its_own_reason(make: Callable[[World], str | None], code: Refusal) -> None:
    world = World()
    assert refusal(world, make(world)) == code


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_the_holder_gets_in(alg: str) -> None:
    world = World()
    world.holder = FakeHolder(FakeKey.generate("", alg))
    world.token = world.issuer.token(NOW_NS, cnf=world.holder.confirmation)
    assert world.ask(world.proof()).proof == "dpop"


def test_a_proof_works_once_and_never_again() -> None:
    world = World()
    proof = world.proof()
    assert world.ask(proof).subject_id == "alice"
    codes = {refusal(world, proof, now_ns=NOW_NS + second * 10**9) for second in range(65)}
    assert codes == {Refusal.DPOP_REPLAYED}
    assert refusal(world, proof, now_ns=NOW_NS + 65 * 10**9) == Refusal.DPOP_TOO_OLD


def test_a_replay_that_waited_in_a_queue_is_still_a_replay() -> None:
    world = World()
    proof = world.proof()
    world.ask(proof)
    later = world.holder.proof(NOW_NS + 100 * 10**9, world.token, HTM, HTU)
    world.ask(later, now_ns=NOW_NS + 100 * 10**9)  # the memory has moved on, the old proof would be too old now
    assert refusal(world, proof, now_ns=NOW_NS + 64 * 10**9) == Refusal.DPOP_REPLAYED


def test_a_replay_at_another_uri_is_refused_for_the_uri() -> None:
    world = World()
    proof = world.proof()
    assert refusal(world, proof, htu="https://api.example/other") == Refusal.DPOP_HTTP_URI_WRONG
    assert world.ask(proof).subject_id == "alice"  # a refused proof was not used up


def test_a_stolen_proof_does_not_fit_another_token_of_the_same_holder() -> None:
    world = World()
    other = world.issuer.token(NOW_NS, cnf=world.holder.confirmation, scope="admin")
    assert refusal(world, world.proof(), token=other) == Refusal.DPOP_ACCESS_TOKEN_HASH_WRONG


def test_the_enforcement_point_must_say_for_which_request() -> None:
    world = World()
    assert refusal(world, world.proof(), htm=None) == Refusal.DPOP_HTTP_REQUEST_MISSING
    assert refusal(world, world.proof(), htu=None) == Refusal.DPOP_HTTP_REQUEST_MISSING
    assert refusal(world, world.proof(), htu="api.example/data/42") == Refusal.DPOP_HTTP_URI_INVALID


@pytest.mark.parametrize("claimed", [HTU + "?page=2", HTU + "#top", "HTTPS://API.example:443/x/../data/%34%32"])
def test_the_same_uri_in_another_spelling_is_the_same(claimed: str) -> None:
    world = World()
    assert world.ask(world.proof(htu=claimed), htu=HTU + "?page=1").proof == "dpop"


def test_an_unbound_token_is_refused_where_proof_is_demanded_even_with_a_proof() -> None:
    world = World()
    bare = world.issuer.token(NOW_NS)
    assert refusal(world, None, token=bare) == Refusal.TOKEN_BINDING_REQUIRED
    assert refusal(world, world.proof(), token=bare) == Refusal.TOKEN_BINDING_REQUIRED


def test_a_proof_beside_a_token_that_is_not_bound_proves_nothing() -> None:
    world = World()
    presented = PresentedSubject(token=world.issuer.token(NOW_NS), dpop=world.proof(), htm=HTM, htu=HTU)
    with pytest.raises(RefusedError) as refused:
        world.verifier.verify(PepIdentity(pep_id="gateway", tenant="default"), ALICE, presented, NOW_NS)
    assert refused.value.code == Refusal.DPOP_TOKEN_NOT_BOUND


def test_a_proof_without_a_token_proves_nothing() -> None:
    world = World()
    asserting = PepIdentity(pep_id="gateway", tenant="default", subjects="asserted")
    with pytest.raises(RefusedError) as refused:
        world.verifier.verify(asserting, ALICE, PresentedSubject(dpop=world.proof(), htm=HTM, htu=HTU), NOW_NS)
    assert refused.value.code == Refusal.DPOP_WITHOUT_TOKEN


def test_with_nonces_a_proof_made_in_advance_is_worthless() -> None:
    nonces = Nonces(bytes(range(32)), period_s=30)
    world = World(nonces=nonces)
    assert refusal(world, world.proof()) == Refusal.DPOP_NONCE_MISSING
    assert refusal(world, world.proof(nonce="guess")) == Refusal.DPOP_NONCE_WRONG
    assert refusal(world, world.proof(nonce=7)) == Refusal.DPOP_NONCE_WRONG
    assert refusal(world, world.proof(nonce=nonces.issue("other", NOW_NS))) == Refusal.DPOP_NONCE_WRONG
    assert refusal(world, world.proof(nonce=nonces.issue("default", NOW_NS - 60 * 10**9))) == Refusal.DPOP_NONCE_WRONG
    assert refusal(world, world.proof(nonce=nonces.issue("default", NOW_NS + 60 * 10**9))) == Refusal.DPOP_NONCE_WRONG
    given = world.verifier.dpop_nonce("default", NOW_NS)
    assert world.ask(world.proof(nonce=given)).proof == "dpop"


def test_after_a_restart_older_proofs_are_refused_because_nobody_remembers_them() -> None:
    world = World(since_ns=NOW_NS + 2 * 10**9)
    assert refusal(world, world.proof(), now_ns=NOW_NS + 2 * 10**9) == Refusal.DPOP_BEFORE_RESTART
    fresh = world.proof(iat=NOW + 2)
    assert world.ask(fresh, now_ns=NOW_NS + 2 * 10**9).proof == "dpop"
