"""Somebody calls and says he is an enforcement point. Every impostor hears the same words, and learns nothing."""

import base64
import statistics
import time
from collections.abc import Callable

import pytest

from ostiary.errors import RefusedError
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.pep import PepAuthenticator, api_key
from ostiary.identity.ports import RegisteredPep
from ostiary.identity.reasons import Refusal
from ostiary.identity.registry import FixedRegistry
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.types import PepIdentity, PresentedPep
from ostiary.keys import hash_secret
from ostiary.testing.issuer import FakeHolder, FakeIssuer

NOW_NS = 1_790_000_000_000_000_000
SECRET, OLD_SECRET, OTHER_SECRET = "s" * 43, "o" * 43, "x" * 43
CERTIFICATE, OTHER_CERTIFICATE = "ab" * 32, "cd" * 32
CERTIFICATE_B64 = base64.urlsafe_b64encode(bytes.fromhex(CERTIFICATE)).rstrip(b"=").decode()
ISSUER = FakeIssuer("https://ci.example", tenant="acme")
PEPS = [
    RegisteredPep(pep_id="web", tenant="acme", secret_hashes=(hash_secret(OLD_SECRET), hash_secret(SECRET))),
    RegisteredPep(pep_id="edge", tenant="acme", certificates=(CERTIFICATE,), proof_required="mtls"),
    RegisteredPep(
        pep_id="job", tenant="acme", subjects="asserted", token_issuer=ISSUER.issuer, token_subject="repo:train"
    ),
    RegisteredPep(pep_id="other", tenant="umbrella", secret_hashes=(hash_secret(OTHER_SECRET),)),
    RegisteredPep(pep_id="off", tenant="acme", secret_hashes=(hash_secret(SECRET),), disabled=True),
    RegisteredPep(pep_id="late", tenant="acme", secret_hashes=(hash_secret(SECRET),), expires_ns=NOW_NS),
    RegisteredPep(pep_id="bare", tenant="acme"),
]


def authenticator() -> PepAuthenticator:
    return PepAuthenticator(FixedRegistry(PEPS), TokenMemory(IssuerBook([ISSUER.config()])))


def ask(authorization: str | None = None, certificate: str | None = None) -> PepIdentity:
    presented = PresentedPep(authorization=authorization, client_cert_sha256=certificate)
    return authenticator().authenticate(presented, NOW_NS)


def basic(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def job_token(**claims: object) -> str:
    return ISSUER.token(NOW_NS, **{"sub": "repo:train", **claims})


Impostor = tuple[str, str | None, str | None]
IMPOSTORS: list[Impostor] = [
    ("nothing at all", None, None),
    ("empty header", "", None),
    ("scheme only", "Bearer", None),
    ("unknown scheme", f"Digest {SECRET}", None),
    ("secret without id", f"Bearer {SECRET}", None),
    ("unknown id", f"Bearer nobody.{SECRET}", None),
    ("wrong secret", f"Bearer web.{'y' * 43}", None),
    ("empty secret", "Bearer web.", None),
    ("empty id", f"Bearer .{SECRET}", None),
    ("secret of another", f"Bearer web.{OTHER_SECRET}", None),
    ("the kept hash as secret", f"Bearer web.{hash_secret(SECRET)}", None),
    ("the hash of nobody as secret", f"Bearer bare.{'0' * 64}", None),
    ("no secret registered", "Bearer bare.", None),
    ("secret cut short", f"Bearer web.{SECRET[:-1]}", None),
    ("secret not ASCII", "Bearer web.\u0455" + "s" * 42, None),
    ("huge secret", f"Bearer web.{'s' * 100_000}", None),
    ("disabled", f"Bearer off.{SECRET}", None),
    ("expired", f"Bearer late.{SECRET}", None),
    ("id in capitals", f"Bearer WEB.{SECRET}", None),
    ("basic: unknown id", basic(f"nobody:{SECRET}"), None),
    ("basic: wrong secret", basic("web:wrong"), None),
    ("basic: no colon", basic("web"), None),
    ("basic: not base64", "Basic !!!", None),
    ("basic: not ASCII", basic(b"web:\xff\xfe"), None),
    ("unknown certificate", None, OTHER_CERTIFICATE),
    ("certificate of impossible length", None, "ab" * 20),
    ("certificate empty", None, ""),
    ("failed header beside a good certificate", "Bearer web.wrong", CERTIFICATE),
    ("JWT of an unknown workload", "Bearer " + job_token(sub="repo:evil"), None),
    ("JWT of an unknown issuer", "Bearer " + FakeIssuer("https://evil.example").token(NOW_NS, sub="repo:train"), None),
    ("JWT forged", "Bearer " + FakeIssuer(ISSUER.issuer, "acme").token(NOW_NS, sub="repo:train"), None),
    ("JWT expired", "Bearer " + job_token(iat=1_789_990_000, exp=1_789_990_300), None),
    ("JWT for another audience", "Bearer " + job_token(aud="payroll"), None),
    ("JWT bound to a key", "Bearer " + job_token(cnf=FakeHolder().confirmation), None),
    ("JWT bound to a certificate, none shown", "Bearer " + job_token(cnf={"x5t#S256": CERTIFICATE_B64}), None),
    ("JWT bound to another certificate", "Bearer " + job_token(cnf={"x5t#S256": CERTIFICATE_B64}), OTHER_CERTIFICATE),
    ("JWT without subject", "Bearer " + ISSUER.token(NOW_NS, drop=["sub"]), None),
    ("JWT of rubbish", "Bearer a.b.c", None),
]


@pytest.mark.parametrize(("header", "certificate"), [pytest.param(h, c, id=name) for name, h, c in IMPOSTORS])
def test_every_impostor_hears_the_same_words(header: str | None, certificate: str | None) -> None:
    with pytest.raises(RefusedError) as refused:
        ask(header, certificate)
    assert refused.value.code == Refusal.PEP_UNAUTHENTICATED
    assert refused.value.reasons == (Refusal.PEP_UNAUTHENTICATED,)
    assert refused.value.message == "the enforcement point did not authenticate"


@pytest.mark.parametrize(
    ("header", "certificate", "wanted"),
    [
        (f"Bearer {api_key('web', SECRET)}", None, ("web", "acme", "api_key")),
        (f"bearer web.{OLD_SECRET}", None, ("web", "acme", "api_key")),
        (basic(f"web:{SECRET}"), None, ("web", "acme", "client_secret_basic")),
        (basic("%77eb:" + SECRET), None, ("web", "acme", "client_secret_basic")),
        (None, CERTIFICATE, ("edge", "acme", "mtls")),
        (None, ":".join([CERTIFICATE[:2].upper()] * 32), ("edge", "acme", "mtls")),
        (f"Bearer {job_token()}", None, ("job", "acme", "jwt")),
        (f"Bearer {job_token(cnf={'x5t#S256': CERTIFICATE_B64})}", CERTIFICATE, ("job", "acme", "jwt")),
        (f"Bearer other.{OTHER_SECRET}", None, ("other", "umbrella", "api_key")),
    ],
)
def test_who_proves_himself_is_recognised(header: str | None, certificate: str | None, wanted: tuple[str, ...]) -> None:
    found = ask(header, certificate)
    assert (found.pep_id, found.tenant, found.method) == wanted


def test_the_registration_says_what_an_enforcement_point_may_do() -> None:
    assert (ask(None, CERTIFICATE).proof_required, ask(None, CERTIFICATE).subjects) == ("mtls", "token")
    assert ask(f"Bearer {job_token()}").subjects == "asserted"


def test_without_a_token_verifier_no_jwt_counts() -> None:
    with pytest.raises(RefusedError):
        PepAuthenticator(FixedRegistry(PEPS)).authenticate(PresentedPep(authorization=f"Bearer {job_token()}"), NOW_NS)


def test_an_unknown_id_takes_about_as_long_as_a_wrong_secret() -> None:
    """Median against median, generously bounded: it would catch a check that is skipped, not a nanosecond."""
    pep = authenticator()

    def once(authorization: str) -> int:
        start = time.perf_counter_ns()
        with pytest.raises(RefusedError):
            pep.authenticate(PresentedPep(authorization=authorization), NOW_NS)
        return time.perf_counter_ns() - start

    unknown: list[int] = []
    wrong: list[int] = []
    for _ in range(2000):
        unknown.append(once(f"Bearer nobody.{'y' * 43}"))
        wrong.append(once(f"Bearer web.{'y' * 43}"))
    assert 0.6 < statistics.median(unknown) / statistics.median(wrong) < 1.6


def test_the_number_of_hashes_does_not_tell_how_many_secrets_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[bytes] = []

    def counting(given: bytes, kept: bytes) -> bool:
        del given
        counted.append(kept)
        return False

    monkeypatch.setattr("ostiary.identity.pep.equal", counting)
    numbers: list[int] = []
    for pep_id in ("nobody", "bare", "other", "web"):
        counted.clear()
        with pytest.raises(RefusedError):
            ask(f"Bearer {pep_id}.{SECRET}")
        numbers.append(len(counted))
    assert numbers == [2, 2, 2, 2]


@pytest.mark.parametrize("show", [repr, str])
def test_what_is_presented_does_not_show_itself(show: Callable[[object], str]) -> None:
    presented = PresentedPep(authorization=f"Bearer web.{SECRET}")
    assert SECRET not in show(presented)
    assert hash_secret(SECRET) not in show(PEPS[0])
