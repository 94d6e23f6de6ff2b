import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.identity.algorithms import ALGORITHMS, import_public
from ostiary.identity.codes import DPOP, TOKEN
from ostiary.identity.compact import parse_compact
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.htu import normalise
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.nonces import Nonces
from ostiary.identity.ports import JwsSigner, PepRegistry, RegisteredPep, ReplayMemory
from ostiary.identity.reasons import Refusal
from ostiary.identity.registry import FixedRegistry
from ostiary.identity.replay import GRACE_NS, MemoryReplay
from ostiary.identity.settings import CacheSettings, ClaimNames, DpopSettings, IssuerConfig, JwksSettings, JwksSource
from ostiary.identity.signing import sign_jwt
from ostiary.keys import SigningKey, hash_secret
from ostiary.testing.issuer import FakeIssuer, FakeKey

SECOND = 1_000_000_000
INLINE = JwksSource(inline="{}")


# reasons and codes


def test_reasons_are_alphabetised_distinct_and_spelled_like_their_names() -> None:
    names = [reason.name for reason in Refusal]
    assert names == sorted(names)
    assert all(reason.value == reason.name.lower() for reason in Refusal)


def test_tokens_and_proofs_have_codes_of_their_own() -> None:
    parts = [part for part in TOKEN.__dataclass_fields__ if part != "what"]
    for part in parts:
        token, dpop = getattr(TOKEN, part), getattr(DPOP, part)
        assert (token.removeprefix("token_"), token[:6], dpop[:5]) == (dpop.removeprefix("dpop_"), "token_", "dpop_")
    assert len({getattr(TOKEN, part) for part in parts}) == len(parts)


# settings

FAULTY: dict[str, Callable[[], object]] = {
    "no JWKS": JwksSource,
    "two JWKS": lambda: JwksSource(url="https://x", file="y"),
    "tenant": lambda: config(tenant="No Tenant"),
    "issuer empty": lambda: config(issuer=""),
    "audience with a line feed": lambda: config(audience="a\nb"),
    "no algorithm": lambda: config(algorithms=()),
    "symmetric algorithm": lambda: config(algorithms=("ES256", "HS256")),
    "algorithm none": lambda: config(algorithms=("none",)),
    "no type": lambda: config(token_types=()),
    "type in capitals": lambda: config(token_types=("JWT",)),
    "type with prefix": lambda: config(token_types=("application/at+jwt",)),
    "skew too large": lambda: config(clock_skew_s=301),
    "skew negative": lambda: config(clock_skew_s=-1),
    "lifetime zero": lambda: config(max_lifetime_s=0),
    "age negative": lambda: config(max_age_s=-1),
    "no subject claim": lambda: config(names=ClaimNames(subject="")),
    "too many claims kept": lambda: config(keep=tuple(f"c{n}" for n in range(33))),
    "stale before due": lambda: JwksSettings(refresh_s=100, max_stale_s=50),
    "no time-out": lambda: JwksSettings(timeout_s=0),
    "endless document": lambda: JwksSettings(max_bytes=10**9),
    "tokens remembered for ever": lambda: CacheSettings(max_age_s=10**6),
    "proofs with HMAC": lambda: DpopSettings(algorithms=("HS256",)),
    "proofs that never age": lambda: DpopSettings(max_age_s=3601),
    "same issuer twice": lambda: IssuerBook([config(), config()]),
    "enforcement point with a dot": lambda: RegisteredPep(pep_id="a.b", tenant="acme"),
    "enforcement point with a colon": lambda: RegisteredPep(pep_id="a:b", tenant="acme"),
    "three secrets": lambda: RegisteredPep(pep_id="a", tenant="acme", secret_hashes=("x", "y", "z")),
    "workload without subject": lambda: RegisteredPep(pep_id="a", tenant="acme", token_issuer="https://ci.example"),
    "two with one id": lambda: FixedRegistry([RegisteredPep(pep_id="a", tenant=t) for t in ("acme", "umbrella")]),
    "two with one certificate": lambda: FixedRegistry(
        [RegisteredPep(pep_id=p, tenant="acme", certificates=("ab" * 32,)) for p in ("a", "b")]
    ),
}


def config(**changes: Any) -> IssuerConfig:
    given: dict[str, Any] = {"tenant": "acme", "issuer": "https://idp.example", "audience": "ostiary", "jwks": INLINE}
    return IssuerConfig(**{**given, **changes})


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in FAULTY.items()])
def test_a_setting_that_would_not_be_safe_is_refused_when_it_is_made(make: Callable[[], object]) -> None:
    with pytest.raises(FaultyInputError) as fault:
        make()
    assert fault.value.code in {Refusal.IDENTITY_CONFIG_INVALID, "tenant_invalid"}


def test_a_refused_book_leaves_the_old_one() -> None:
    book = IssuerBook([config()])
    epoch = book.epoch
    with pytest.raises(FaultyInputError):
        book.replace([config(), config()])
    assert (book.find("acme", "https://idp.example") is not None, book.epoch) == (True, epoch)


def test_a_replaced_book_keeps_the_keys_of_unchanged_issuers() -> None:
    issuer = FakeIssuer(tenant="acme")
    book = IssuerBook([issuer.config()])
    before = book.find("acme", issuer.issuer)
    book.replace([issuer.config(clock_skew_s=1)])
    after = book.find("acme", issuer.issuer)
    assert before is not None
    assert after is not None
    assert (after.keys is before.keys, after.config.clock_skew_s, book.refresh(0)) == (True, 1, {})


# ports


def test_the_shipped_parts_fit_their_ports() -> None:
    registry: PepRegistry = FixedRegistry([])
    memory: ReplayMemory = MemoryReplay(0, 1)
    signer: JwsSigner = SigningKey.generate("k")
    assert (registry.find("x"), memory.since_ns, signer.kid) == (None, 0, "k")


# replay memory


def test_a_full_memory_refuses_and_hurts_no_other_tenant() -> None:
    memory = MemoryReplay(since_ns=0, max_per_tenant=2)
    assert all(memory.remember("acme", key, 10 * SECOND, 0) for key in (b"1", b"2"))
    with pytest.raises(UnavailableError) as full:
        memory.remember("acme", b"3", 10 * SECOND, 0)
    assert full.value.code == Refusal.DPOP_REPLAY_MEMORY_FULL
    assert not memory.remember("acme", b"1", 10 * SECOND, 0)
    assert memory.remember("umbrella", b"1", 10 * SECOND, 0)
    later = 10 * SECOND + GRACE_NS
    assert memory.remember("acme", b"3", later + SECOND, later)


def test_a_key_is_remembered_for_its_tenant_only() -> None:
    memory = MemoryReplay(since_ns=0, max_per_tenant=10)
    assert [memory.remember(t, b"k", 9, 0) for t in ("acme", "umbrella", "acme")] == [True, True, False]


# nonces


@pytest.mark.parametrize("nonce", ["", "A", "A" * 32, "\u00e9" * 8, "=" * 32, " "])
def test_a_made_up_nonce_is_not_ours(nonce: str) -> None:
    assert not Nonces(bytes(32), 30).accepts("acme", nonce, 0)


def test_nonces_of_another_secret_are_not_ours() -> None:
    assert not Nonces(bytes(32), 30).accepts("acme", Nonces(b"x" * 32, 30).issue("acme", 0), 0)


@pytest.mark.parametrize(("secret", "period"), [(b"short", 30), (bytes(32), 0)])
def test_nonces_need_a_secret_and_a_period(secret: bytes, period: int) -> None:
    with pytest.raises(ValueError, match="nonces need"):
        Nonces(secret, period)


def test_nonces_are_given_exactly_when_they_are_on() -> None:
    with pytest.raises(ValueError, match="exactly when"):
        DpopVerifier(DpopSettings(nonce_s=30), MemoryReplay(0, 1))
    with pytest.raises(ValueError, match="exactly when"):
        DpopVerifier(DpopSettings(), MemoryReplay(0, 1), Nonces(bytes(32), 30))


# URIs


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("https://api.example", "https://api.example/"),
        ("https://api.example:443/", "https://api.example/"),
        ("http://api.example:80/a", "http://api.example/a"),
        ("https://api.example:80/a", "https://api.example:80/a"),
        ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("https://api.example/a/./b/../c", "https://api.example/a/c"),
        ("https://api.example/../../a", "https://api.example/a"),
        ("https://api.example/a/..", "https://api.example/"),
        ("https://api.example/a/.", "https://api.example/a/"),
        ("https://api.example/%2e%2e/a", "https://api.example/a"),
        ("https://api.example/a%2fb", "https://api.example/a%2Fb"),
        ("https://api.example/a//b", "https://api.example/a//b"),
    ],
)
def test_uris_are_compared_in_one_spelling(uri: str, wanted: str) -> None:
    assert normalise(uri) == wanted


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/a",
        "api.example/a",
        "ftp://api.example/",
        "https://",
        "https:///a",
        "https://u@api.example/",
        "https://api.example:x/",
        "https://api.example:99999/",
        "https://[::1/",
        "https://api.example/a b",
        "https://api.example/a\\b",
        "https://api.example/%zz",
        "https://api.ex\u0430mple/",
        "https://api.example/\n",
        "https://api%2eexample/",
        "https://api.example/" + "a" * 2048,
    ],
)
def test_uris_that_cannot_be_compared_equal_nothing(uri: str) -> None:
    assert normalise(uri) is None


# signing


@pytest.mark.parametrize("alg", ["EdDSA", "ES256"])
def test_what_we_sign_verifies_by_the_published_key(alg: str) -> None:
    key = SigningKey.generate("metadata-1", alg)
    token = sign_jwt({"iss": "https://pdp.example", "note": "\u00e9"}, key, {"typ": "JWT"})
    jws = parse_compact(token, 4096, TOKEN)
    assert jws.header == {"alg": alg, "kid": "metadata-1", "typ": "JWT"}
    assert jws.payload == {"iss": "https://pdp.example", "note": "\u00e9"}
    assert import_public(key.public.jwk()).verify(alg, jws.signed, jws.signature)


@pytest.mark.parametrize("name", ["alg", "kid", "crit", "b64"])
def test_a_caller_may_not_overrule_the_key(name: str) -> None:
    with pytest.raises(ValueError, match="not the caller's"):
        sign_jwt({}, SigningKey.generate("k"), {name: "none"})


def test_what_is_no_json_is_not_signed() -> None:
    with pytest.raises(ValueError, match="JSON"):
        sign_jwt({"x": float("nan")}, SigningKey.generate("k"))


# keys


def test_thumbprints_are_those_of_rfc_7638_and_rfc_8037() -> None:
    ed25519 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert import_public(ed25519).thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # RFC 8037 A.3
    key = FakeKey.generate()
    assert import_public(key.jwk).thumbprint == key.jkt


def test_a_key_verifies_only_by_an_algorithm_that_fits() -> None:
    signer = OKPKey.generate_key("Ed25519")
    key = import_public(signer.as_dict(private=False))
    assert (key.fits("EdDSA"), key.fits("Ed25519"), key.fits("ES256"), key.fits("HS256")) == (True, True, False, False)
    assert not key.verify("RS256", b"", b"")
    declared = import_public({**ECKey.generate_key("P-256").as_dict(private=False), "alg": "ES256"})
    assert (declared.fits("ES256"), declared.fits("ES384")) == (True, False)


def test_a_signature_over_which_the_library_trips_is_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tripping:
        def verify(self, *_: object) -> bool:
            raise OverflowError

    key = import_public(FakeKey.generate().jwk)
    monkeypatch.setattr("ostiary.identity.algorithms._MODELS", {"ES256": Tripping()})
    assert key.verify("ES256", b"", b"") is False


def test_a_registered_secret_does_not_show_itself() -> None:
    pep = RegisteredPep(pep_id="a", tenant="acme", secret_hashes=(hash_secret("s"),))
    assert hash_secret("s") not in repr(pep)
    assert "keys" not in repr(JwksSource(inline=json.dumps({"keys": []})))


# the reference page


def test_the_reference_lists_every_refusal_and_no_other(repo: Path) -> None:
    page = (repo / "docs" / "reference" / "identity.md").read_text()
    listed = re.findall(r"^\| `([a-z0-9_]+)` \| ", page.partition("## Refusals")[2], re.MULTILINE)
    assert listed == [reason.value for reason in Refusal]


def test_the_reference_tells_the_defaults(repo: Path) -> None:
    page = (repo / "docs" / "reference" / "identity.md").read_text()
    for name in ("clock_skew_s", "max_lifetime_s", "max_age_s"):
        assert f"| `{name}` | {getattr(config(), name)} |" in page
    assert f"| `algorithms` | `{' '.join(config().algorithms)}` |" in page
    assert all(f"{algorithm}" in page for algorithm in ALGORITHMS)
