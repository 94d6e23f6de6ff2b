import json
import threading
from typing import Any

import pytest

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.one_request import OneRequest
from ostiary.identity.reasons import Refusal
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import CacheSettings, ClaimNames, DpopSettings, IssuerConfig, JwksSource
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.tokens import TokenVerifier
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.testing.issuer import FakeHolder, FakeIssuer, FakeKey
from ostiary.vocabulary.entities import Subject

NOW = 1_790_000_000
NOW_NS = NOW * 1_000_000_000
SECOND = 1_000_000_000
ALICE = Subject(type="user", id="alice")
WEB = PepIdentity(pep_id="web", tenant="acme")
TRUSTED = PepIdentity(pep_id="legacy", tenant="acme", subjects="asserted")
CERTIFICATE = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Door:
    """A verifier that counts how often it really verified a token."""

    def __init__(self, *configs: IssuerConfig, cache: CacheSettings | None = None) -> None:
        self.book = IssuerBook(configs)
        self.tokens = TokenMemory(self.book, cache)
        self.verifier = SubjectVerifier(self.tokens, DpopVerifier(DpopSettings(), MemoryReplay(0, 100)))
        self.verified = 0
        genuine: Any = self.tokens._verifier

        def counting(*args: Any) -> Any:
            self.verified += 1
            return TokenVerifier.verify(genuine, *args)

        genuine.verify = counting

    def ask(
        self, token: str | None, subject: Subject = ALICE, pep: PepIdentity = WEB, now_ns: int = NOW_NS, **shown: Any
    ) -> VerifiedIdentity:
        return self.verifier.verify(pep, subject, PresentedSubject(token=token, **shown), now_ns)

    def refusal(self, token: str | None, **how: Any) -> str:
        with pytest.raises(OstiaryError) as refused:
            self.ask(token, **how)
        return refused.value.code


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer(tenant="acme")


def test_everything_an_issuer_tells_arrives(issuer: FakeIssuer) -> None:
    names = ClaimNames(client_id="azp", scopes="scp")
    config = issuer.config(names=names, keep=("groups",), subject_type="employee")
    token = issuer.token(
        NOW_NS,
        azp="app",
        scp=["a", "b"],
        acr="high",
        amr=["pwd", "hwk"],
        auth_time=NOW - 5.5,
        sid="s1",
        groups=["x"],
        y=1,
    )
    identity = Door(config).ask(token, Subject("employee", "alice"))
    assert (identity.tenant, identity.subject_type, identity.issuer) == ("acme", "employee", issuer.issuer)
    assert (identity.client_id, identity.scopes, identity.session_id) == ("app", ("a", "b"), "s1")
    assert (identity.acr, identity.amr, identity.auth_time) == ("high", ("pwd", "hwk"), NOW - 6)
    assert dict(identity.claims) == {"groups": ("x",)}
    assert identity.expires_ns == NOW_NS + (300 + 60) * SECOND
    assert (identity.auth_age_s(NOW_NS), identity.auth_age_s(NOW_NS - 99 * SECOND)) == (6.0, 0.0)


def test_a_scope_string_becomes_scopes(issuer: FakeIssuer) -> None:
    assert Door(issuer.config()).ask(issuer.token(NOW_NS, scope="read  write")).scopes == ("read", "write")


def test_what_an_issuer_does_not_tell_is_empty(issuer: FakeIssuer) -> None:
    names = ClaimNames(acr="", amr="", auth_time="", client_id="", scopes="", session="")
    identity = Door(issuer.config(names=names)).ask(issuer.token(NOW_NS, acr=["odd"], scope=7))
    assert (identity.acr, identity.amr, identity.auth_time, identity.scopes) == ("", (), None, ())
    assert identity.document(NOW_NS)["auth_age_s"] is None


# Tenants


def test_an_issuer_of_one_tenant_is_unknown_to_another_even_with_a_remembered_token(issuer: FakeIssuer) -> None:
    door = Door(issuer.config())
    token = issuer.token(NOW_NS)
    assert door.ask(token).tenant == "acme"
    assert door.refusal(token, pep=PepIdentity(pep_id="x", tenant="umbrella")) == Refusal.TOKEN_ISSUER_UNKNOWN


def test_two_tenants_may_believe_the_same_issuer_each_in_its_own_way(issuer: FakeIssuer) -> None:
    door = Door(issuer.config(), issuer.config(tenant="umbrella", audience="other", subject_type="guest"))
    umbrella = PepIdentity(pep_id="x", tenant="umbrella")
    token = issuer.token(NOW_NS)
    assert door.ask(token).subject_type == "user"
    assert door.refusal(token, pep=umbrella) == Refusal.TOKEN_AUDIENCE_WRONG
    guest = door.ask(issuer.token(NOW_NS, aud="other"), Subject("guest", "alice"), umbrella)
    assert (guest.tenant, guest.subject_type) == ("umbrella", "guest")


# Subjects


def test_a_subject_of_another_type_is_refused_unless_the_issuer_goes_by_that_name_too(issuer: FakeIssuer) -> None:
    assert Door(issuer.config()).refusal(issuer.token(NOW_NS), subject=Subject("admin", "alice")) == (
        Refusal.SUBJECT_TYPE_MISMATCH
    )
    door = Door(issuer.config(also_types=("identity",)))
    assert door.ask(issuer.token(NOW_NS), Subject("identity", "alice")).subject_type == "user"


def test_the_subject_may_be_under_another_claim(issuer: FakeIssuer) -> None:
    door = Door(issuer.config(names=ClaimNames(subject="email")))
    assert (
        door.ask(issuer.token(NOW_NS, email="a@x.example"), Subject("user", "a@x.example")).subject_id == "a@x.example"
    )
    assert door.refusal(issuer.token(NOW_NS)) == Refusal.TOKEN_SUBJECT_MISSING


def test_without_a_token_only_a_trusted_enforcement_point_may_name_the_subject(issuer: FakeIssuer) -> None:
    door = Door(issuer.config())
    assert door.refusal(None) == Refusal.TOKEN_MISSING
    identity = door.ask(None, pep=TRUSTED)
    assert (identity.assurance, identity.subject_id, identity.issuer, identity.expires_ns) == (
        "asserted",
        "alice",
        "",
        0,
    )


def test_a_token_is_verified_even_where_it_is_not_needed(issuer: FakeIssuer) -> None:
    door = Door(issuer.config())
    assert door.ask(issuer.token(NOW_NS), pep=TRUSTED).assurance == "token"
    assert door.refusal("rubbish", pep=TRUSTED) == Refusal.TOKEN_NOT_COMPACT
    assert door.refusal("", pep=TRUSTED) == Refusal.TOKEN_NOT_COMPACT
    assert door.refusal(issuer.token(NOW_NS, sub="eve"), pep=TRUSTED) == Refusal.SUBJECT_MISMATCH


@pytest.mark.parametrize(
    "subject", [Subject("user", ""), Subject("", "x"), Subject("user", "a\n"), Subject("u" * 300, "x")]
)
def test_an_asserted_subject_needs_a_proper_name(issuer: FakeIssuer, subject: Subject) -> None:
    assert Door(issuer.config()).refusal(None, subject=subject, pep=TRUSTED) == Refusal.SUBJECT_INVALID


def test_who_must_bring_proof_may_not_just_assert(issuer: FakeIssuer) -> None:
    pep = PepIdentity(pep_id="x", tenant="acme", subjects="asserted", proof_required="dpop")
    assert Door(issuer.config()).refusal(None, pep=pep) == Refusal.TOKEN_MISSING


# Age of the authentication


def test_an_old_authentication_is_refused_when_the_issuer_is_held_to_an_age(issuer: FakeIssuer) -> None:
    door = Door(issuer.config(max_age_s=100, clock_skew_s=0))
    assert door.refusal(issuer.token(NOW_NS)) == Refusal.TOKEN_AUTHENTICATION_TOO_OLD
    assert door.refusal(issuer.token(NOW_NS, auth_time=NOW - 100)) == Refusal.TOKEN_AUTHENTICATION_TOO_OLD
    token = issuer.token(NOW_NS, auth_time=NOW - 99)
    assert door.ask(token).auth_time == NOW - 99
    assert door.refusal(token, now_ns=NOW_NS + SECOND) == Refusal.TOKEN_AUTHENTICATION_TOO_OLD  # though remembered


# Certificates


def test_a_certificate_bound_token_works_with_its_certificate_only(issuer: FakeIssuer) -> None:
    door = Door(issuer.config())
    token = issuer.token(NOW_NS, cnf={"x5t#S256": CERTIFICATE})
    assert door.ask(token, client_cert_sha256="00" * 32).proof == "mtls"
    assert door.ask(token, client_cert_sha256=CERTIFICATE).proof == "mtls"
    assert door.refusal(token) == Refusal.MTLS_CERTIFICATE_MISSING
    assert door.refusal(token, client_cert_sha256="11" * 32) == Refusal.MTLS_CERTIFICATE_WRONG
    assert door.refusal(token, client_cert_sha256="rubbish") == Refusal.MTLS_CERTIFICATE_INVALID


def test_an_enforcement_point_may_demand_certificates(issuer: FakeIssuer) -> None:
    door, pep = Door(issuer.config()), PepIdentity(pep_id="x", tenant="acme", proof_required="mtls")
    assert door.refusal(issuer.token(NOW_NS), pep=pep, client_cert_sha256=CERTIFICATE) == Refusal.TOKEN_BINDING_REQUIRED
    bound_otherwise = issuer.token(NOW_NS, cnf=FakeHolder().confirmation)
    assert door.refusal(bound_otherwise, pep=pep) == Refusal.TOKEN_BINDING_REQUIRED


def test_a_token_bound_twice_needs_both_proofs(issuer: FakeIssuer) -> None:
    door, holder = Door(issuer.config()), FakeHolder()
    token = issuer.token(NOW_NS, cnf={**holder.confirmation, "x5t#S256": CERTIFICATE})
    request: dict[str, Any] = {"htm": "GET", "htu": "https://api.example/"}
    proof = holder.proof(NOW_NS, token, "GET", "https://api.example/")
    assert door.refusal(token, dpop=proof, **request) == Refusal.MTLS_CERTIFICATE_MISSING
    assert door.refusal(token, client_cert_sha256=CERTIFICATE) == Refusal.DPOP_PROOF_MISSING
    assert door.ask(token, dpop=proof, client_cert_sha256=CERTIFICATE, **request).proof == "dpop"


# Remembered tokens


def test_a_remembered_token_costs_no_second_signature_until_it_is_due(issuer: FakeIssuer) -> None:
    door = Door(issuer.config(), cache=CacheSettings(max_age_s=60))
    token = issuer.token(NOW_NS)
    identities = {id(door.ask(token, now_ns=NOW_NS + at * SECOND)) for at in (0, 1, 59)}
    assert (len(identities), door.verified) == (1, 1)
    door.ask(token, now_ns=NOW_NS + 60 * SECOND)
    assert door.verified == 2


def test_a_token_is_never_remembered_past_its_end(issuer: FakeIssuer) -> None:
    door = Door(issuer.config(clock_skew_s=10), cache=CacheSettings(max_age_s=3600))
    token = issuer.token(NOW_NS, exp=NOW + 30)
    for at in (0, 29, 30, 39):
        door.ask(token, now_ns=NOW_NS + at * SECOND)
    assert door.verified == 3  # once for 0 and 29, and each time within the skew
    assert door.refusal(token, now_ns=NOW_NS + 40 * SECOND) == Refusal.TOKEN_EXPIRED


def test_a_token_remembered_now_is_still_too_early_for_then(issuer: FakeIssuer) -> None:
    door = Door(issuer.config())
    token = issuer.token(NOW_NS)
    door.ask(token)
    assert door.refusal(token, now_ns=NOW_NS - 61 * SECOND) == Refusal.TOKEN_FROM_FUTURE


def test_memory_is_bounded_and_forgets_the_least_used(issuer: FakeIssuer) -> None:
    door = Door(issuer.config(), cache=CacheSettings(max_tokens=2))
    one, two, three = (issuer.token(NOW_NS, jti=str(n)) for n in range(3))
    for token in (one, two, one, three, one):
        door.ask(token)
    assert (len(door.tokens), door.verified) == (2, 3)
    door.ask(two)
    assert door.verified == 4


def test_memory_may_be_switched_off(issuer: FakeIssuer) -> None:
    for cache in (CacheSettings(max_tokens=0), CacheSettings(max_age_s=0)):
        door = Door(issuer.config(), cache=cache)
        for _ in range(3):
            door.ask(issuer.token(NOW_NS))
        assert (len(door.tokens), door.verified) == (0, 3)


def test_refusals_are_not_remembered(issuer: FakeIssuer) -> None:
    door = Door(issuer.config())
    for _ in range(50):
        door.refusal(issuer.token(NOW_NS, aud="other"))
    assert (len(door.tokens), door.verified) == (0, 50)


def test_a_changed_configuration_forgets_every_token(issuer: FakeIssuer) -> None:
    door = Door(issuer.config())
    token = issuer.token(NOW_NS)
    door.ask(token)
    door.book.replace([issuer.config(audience="new-name")])
    assert door.refusal(token) == Refusal.TOKEN_AUDIENCE_WRONG
    door.book.replace([])
    assert door.refusal(token) == Refusal.TOKEN_ISSUER_UNKNOWN


def test_a_retired_key_forgets_its_tokens_as_soon_as_that_is_known(tmp_path: Any) -> None:
    old, new = FakeKey.generate("old"), FakeKey.generate("new")
    path = tmp_path / "jwks.json"
    before, after = FakeIssuer(tenant="acme", keys=[old]), FakeIssuer(tenant="acme", keys=[new])
    path.write_text(before.jwks().inline)
    door = Door(before.config(jwks=JwksSource(file=str(path))))
    token = before.token(NOW_NS)
    door.ask(token)
    path.write_text(after.jwks().inline)
    assert door.ask(after.token(NOW_NS)).subject_id == "alice"  # an unknown key id: the file is read again
    assert door.refusal(token) == Refusal.TOKEN_KEY_LOOKUP_LIMITED
    assert door.refusal(token, now_ns=NOW_NS + 20 * SECOND) == Refusal.TOKEN_KEY_UNKNOWN


def test_an_issuer_that_cannot_be_reached_is_unavailable_not_believed(issuer: FakeIssuer, tmp_path: Any) -> None:
    door = Door(issuer.config(jwks=JwksSource(file=str(tmp_path / "none.json"))))
    with pytest.raises(UnavailableError) as away:
        door.ask(issuer.token(NOW_NS))
    assert away.value.code == Refusal.JWKS_UNAVAILABLE
    assert list(door.book.refresh(NOW_NS)) == [("acme", issuer.issuer)]


def test_many_threads_agree(issuer: FakeIssuer) -> None:
    door = Door(issuer.config(), cache=CacheSettings(max_tokens=5))
    tokens = [issuer.token(NOW_NS, jti=str(n)) for n in range(10)]
    wrong: list[object] = []

    def work() -> None:
        for n in range(200):
            try:
                if door.ask(tokens[n % 10]).subject_id != "alice":
                    wrong.append(n)
            except OstiaryError as error:
                wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, len(door.tokens)) == ([], 5)


# One HTTP request with many questions


def test_one_proof_serves_all_questions_of_one_http_request_and_no_other(issuer: FakeIssuer) -> None:
    door, holder = Door(issuer.config()), FakeHolder()
    token = issuer.token(NOW_NS, cnf=holder.confirmation)
    uri = "https://api.example/"
    presented = PresentedSubject(token=token, dpop=holder.proof(NOW_NS, token, "GET", uri), htm="GET", htu=uri)
    first = OneRequest(door.verifier)
    assert first.verify(WEB, ALICE, presented, NOW_NS) is first.verify(WEB, ALICE, presented, NOW_NS)
    for _ in range(2):
        with pytest.raises(RefusedError) as mismatch:
            first.verify(WEB, Subject("user", "eve"), presented, NOW_NS)
        assert mismatch.value.code == Refusal.SUBJECT_MISMATCH
    with pytest.raises(RefusedError) as replayed:
        OneRequest(door.verifier).verify(WEB, ALICE, presented, NOW_NS)
    assert replayed.value.code == Refusal.DPOP_REPLAYED


def test_a_huge_token_is_refused_before_it_is_hashed(issuer: FakeIssuer) -> None:
    door = Door(issuer.config())
    assert door.refusal("a" * 20_000_000) == Refusal.TOKEN_TOO_LARGE
    assert door.verified == 0


def test_the_inline_key_set_of_a_fake_issuer_is_public(issuer: FakeIssuer) -> None:
    assert all("d" not in key for key in json.loads(issuer.jwks().inline)["keys"])
