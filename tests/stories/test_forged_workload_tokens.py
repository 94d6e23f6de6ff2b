"""A forger wants in as somebody else's CI job, pod or service. None of his tokens is accepted, and each is named.

One row is one attack: how the token comes about, and the reason that must be given. The platforms' genuine keys sign
what a forger can have them sign (a repository of his own, a fork, a cluster of his own); the other tokens are forged.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import RSAKey

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.pep import PepAuthenticator
from ostiary.identity.ports import RegisteredPep
from ostiary.identity.reasons import Refusal
from ostiary.identity.registry import FixedRegistry
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import DpopSettings, IssuerConfig
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.types import PepIdentity, PresentedPep, PresentedSubject, UnverifiedToken, VerifiedIdentity
from ostiary.identity.workloads.once import SingleUse
from ostiary.testing.issuer import FakeIssuer, FakeKey, compact
from ostiary.testing.workloads import (
    COMMIT,
    FAKES,
    OTHER_COMMIT,
    FakeGithub,
    FakeGitlab,
    FakeKubernetes,
    FakeSpiffe,
    FakeWorkloads,
)
from ostiary.vocabulary.entities import Subject

NOW = 1_790_000_000
NOW_NS = NOW * 1_000_000_000
PEP = PepIdentity(pep_id="feature-store", tenant="default")
MODELS = {model.name: model for model in JWS_ALGORITHMS}
GITHUB, GITLAB, SPIFFE = FakeGithub(), FakeGitlab(), FakeSpiffe()
CLUSTER = FakeKubernetes()
OTHER_CLUSTER = FakeKubernetes("https://kubernetes.other.example")
PARTNER = FakeSpiffe("spiffe://partner.example")
PARTNER.trust_domain = "partner.example"
PEOPLE = FakeIssuer()
NEW_UID = "11111111-2222-4333-8444-555555555555"


class Door:
    """One tenant's verifier, with every kind of workload let in by the fakes' own rules."""

    def __init__(self, *more: IssuerConfig, **changes: Any) -> None:
        fakes = {CLUSTER: "prod", OTHER_CLUSTER: "lab", GITHUB: "", GITLAB: "", SPIFFE: "", PARTNER: ""}
        given = [one.config(name=name, **changes) for one, name in fakes.items()]
        kept = {(config.tenant, config.issuer): config for config in (*given, PEOPLE.config(), *more)}
        self.book = IssuerBook(kept.values())
        self.tokens = TokenMemory(self.book)
        dpop = DpopVerifier(DpopSettings(), MemoryReplay(since_ns=0, max_per_tenant=100))
        self.verifier = SubjectVerifier(self.tokens, dpop, SingleUse(MemoryReplay(since_ns=0, max_per_tenant=4)))

    def ask(self, token: str, subject: str, kind: str = "ci_job", now_ns: int = NOW_NS) -> VerifiedIdentity:
        return self.verifier.verify(PEP, Subject(type=kind, id=subject), PresentedSubject(token=token), now_ns)

    def refusal(self, token: str, subject: str, kind: str = "ci_job", now_ns: int = NOW_NS) -> str:
        with pytest.raises(RefusedError) as refused:
            self.ask(token, subject, kind, now_ns)
        assert token not in str(refused.value)
        return refused.value.code


def subject_of(fake: FakeWorkloads) -> str:
    return fake.subject.replace("kubernetes:", "prod:")


def type_of(fake: FakeWorkloads) -> str:
    return fake.config().subject_type


@dataclass(frozen=True)
class Hmac:
    """Signs with whatever bytes the forger has: the public key, say."""

    secret: bytes
    kid: str
    alg: str = "HS256"

    def sign(self, data: bytes, /) -> bytes:
        return hmac.digest(self.secret, data, hashlib.sha256)


@dataclass(frozen=True)
class Unsigned:
    """Puts nothing where a signature should be."""

    kid: str = "rsa-1"
    alg: str = "none"

    def sign(self, _: bytes, /) -> bytes:
        return b""


def forged(fake: FakeWorkloads, signer: Any, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    head = {**fake.header(), "alg": signer.alg, "kid": signer.kid, **(header or {})}
    return compact(head, fake.claims(NOW_NS, **claims), signer)


def headed(fake: FakeWorkloads, **header: Any) -> str:
    return compact(fake.header(**header), fake.claims(NOW_NS), fake.keys[0].signer)


def raw(fake: FakeWorkloads, claims: bytes) -> str:
    return compact(fake.header(), claims, fake.keys[0].signer)


def doubled(fake: FakeWorkloads, name: str, value: str) -> str:
    genuine = json.dumps(fake.claims(NOW_NS))
    return raw(fake, f'{{"{name}": "{value}", {genuine[1:]}'.encode())


def inner(**parts: Any) -> str:
    return CLUSTER.token(NOW_NS, inner=parts)


def account(uid: Any, name: str = "trainer") -> str:
    return inner(serviceaccount={"name": name, "uid": uid})


def pem_of(fake: FakeWorkloads) -> bytes:
    members = {name: str(fake.keys[0].jwk[name]) for name in ("kty", "n", "e")}
    return RSAKey.import_key(members).as_pem(private=False)  # type: ignore[arg-type]


def genuine_pss() -> str:
    key = RSAKey.generate_key(2048)
    mine = FakeKey(_Pss(key), {**key.as_dict(private=False), "kid": "rsa-1"})
    return forged(GITHUB, mine.signer)


@dataclass(frozen=True)
class _Pss:
    key: RSAKey
    kid: str = "rsa-1"
    alg: str = "PS256"

    def sign(self, data: bytes, /) -> bytes:
        return MODELS["PS256"].sign(data, self.key)


THIEF = FakeKey.generate("k1")
MAIN = "refs/heads/main"
SHARED = "acme/ci/.github/workflows/train.yml"
GH = GITHUB.token
GL = GITLAB.token
SP = SPIFFE.token

# name: (whose subject is claimed, the token, the reason)
Row = tuple[FakeWorkloads, Callable[[], str], Refusal]
ATTACKS: dict[str, Row] = {
    # names that changed hands
    "re-created repository": (GITHUB, lambda: GH(NOW_NS, repository_id="43"), Refusal.WORKLOAD_REPOSITORY_WRONG),
    "owner's name taken over": (GITHUB, lambda: GH(NOW_NS, repository_owner_id="666"), Refusal.WORKLOAD_OWNER_WRONG),
    "re-created project": (
        GITLAB,
        lambda: GL(NOW_NS, project_id="29", job_project_id="29"),
        Refusal.WORKLOAD_REPOSITORY_WRONG,
    ),
    "group's name taken over": (
        GITLAB,
        lambda: GL(NOW_NS, namespace_id="8", job_namespace_id="8"),
        Refusal.WORKLOAD_OWNER_WRONG,
    ),
    "re-created service account": (CLUSTER, lambda: account(NEW_UID), Refusal.WORKLOAD_SERVICE_ACCOUNT_WRONG),
    "other namespace": (
        CLUSTER,
        lambda: CLUSTER.token(NOW_NS, inner={"namespace": "dev"}, sub="system:serviceaccount:dev:trainer"),
        Refusal.WORKLOAD_NAMESPACE_WRONG,
    ),
    "other cluster, same names": (CLUSTER, lambda: OTHER_CLUSTER.token(NOW_NS), Refusal.SUBJECT_MISMATCH),
    "unknown cluster": (
        CLUSTER,
        lambda: FakeKubernetes("https://kubernetes.evil.example").token(NOW_NS),
        Refusal.TOKEN_ISSUER_UNKNOWN,
    ),
    "sub of another service account": (
        CLUSTER,
        lambda: CLUSTER.token(NOW_NS, sub="system:serviceaccount:prod:admin"),
        Refusal.WORKLOAD_CLAIMS_DISAGREE,
    ),
    # code of strangers
    "fork's pull request": (
        GITHUB,
        lambda: GH(NOW_NS, event_name="pull_request", ref="refs/pull/7/merge"),
        Refusal.WORKLOAD_FORK_REFUSED,
    ),
    "pull_request_target": (
        GITHUB,
        lambda: GH(NOW_NS, event_name="pull_request_target"),
        Refusal.WORKLOAD_EVENT_REFUSED,
    ),
    "workflow_run after a fork's run": (
        GITHUB,
        lambda: GH(NOW_NS, event_name="workflow_run"),
        Refusal.WORKLOAD_EVENT_REFUSED,
    ),
    "issue comment": (GITHUB, lambda: GH(NOW_NS, event_name="issue_comment"), Refusal.WORKLOAD_EVENT_REFUSED),
    "event that nobody has heard of": (
        GITHUB,
        lambda: GH(NOW_NS, event_name="push_target"),
        Refusal.WORKLOAD_EVENT_REFUSED,
    ),
    "fork's merge request": (GITLAB, lambda: GL(NOW_NS, job_project_id="999"), Refusal.WORKLOAD_FORK_REFUSED),
    "fork in another group": (GITLAB, lambda: GL(NOW_NS, job_namespace_id="999"), Refusal.WORKLOAD_FORK_REFUSED),
    "merge request": (
        GITLAB,
        lambda: GL(NOW_NS, pipeline_source="merge_request_event"),
        Refusal.WORKLOAD_EVENT_REFUSED,
    ),
    "merge request's own ref": (
        GITLAB,
        lambda: GL(NOW_NS, ref="feature", ref_path="refs/merge-requests/7/head"),
        Refusal.WORKLOAD_FORK_REFUSED,
    ),
    # refs
    "branch that is not protected": (
        GITHUB,
        lambda: GH(NOW_NS, ref="refs/heads/x", ref_protected="false"),
        Refusal.WORKLOAD_REF_UNPROTECTED,
    ),
    "tag named like a branch": (GITHUB, lambda: GH(NOW_NS, ref_type="tag"), Refusal.WORKLOAD_CLAIMS_DISAGREE),
    "tag named like a branch, on GitLab": (
        GITLAB,
        lambda: GL(NOW_NS, ref_type="tag"),
        Refusal.WORKLOAD_CLAIMS_DISAGREE,
    ),
    "ref of no type": (GITLAB, lambda: GL(NOW_NS, ref_type="note", drop=["ref_path"]), Refusal.WORKLOAD_CLAIM_INVALID),
    "protected, as a truth and not a word": (
        GITHUB,
        lambda: GH(NOW_NS, ref_protected=True),
        Refusal.WORKLOAD_CLAIM_INVALID,
    ),
    "ref with a line feed": (GITHUB, lambda: GH(NOW_NS, ref=f"{MAIN}\n"), Refusal.WORKLOAD_CLAIM_INVALID),
    # who defines the job
    "workflow of another repository": (
        GITHUB,
        lambda: GH(NOW_NS, job_workflow_ref=f"mallory/evil/.github/workflows/x.yml@{MAIN}"),
        Refusal.WORKLOAD_WORKFLOW_WRONG,
    ),
    "workflow of a repository whose name begins like ours": (
        GITHUB,
        lambda: GH(NOW_NS, job_workflow_ref=f"acme/models-evil/.github/workflows/train.yml@{MAIN}"),
        Refusal.WORKLOAD_WORKFLOW_WRONG,
    ),
    "own workflow at another branch": (
        GITHUB,
        lambda: GH(NOW_NS, job_workflow_ref="acme/models/.github/workflows/train.yml@refs/heads/evil"),
        Refusal.WORKLOAD_WORKFLOW_MUTABLE,
    ),
    "pipeline of a file from elsewhere": (
        GITLAB,
        lambda: GL(NOW_NS, ci_config_ref_uri=f"gitlab.com/mallory/ci//evil.yml@{MAIN}"),
        Refusal.WORKLOAD_WORKFLOW_WRONG,
    ),
    # machines
    "self-hosted runner": (GITHUB, lambda: GH(NOW_NS, runner_environment="self-hosted"), Refusal.WORKLOAD_RUNNER_WRONG),
    "self-hosted runner of GitLab": (
        GITLAB,
        lambda: GL(NOW_NS, runner_environment="self-hosted"),
        Refusal.WORKLOAD_RUNNER_WRONG,
    ),
    "token bound to no pod": (CLUSTER, lambda: inner(pod=None), Refusal.WORKLOAD_POD_MISSING),
    "legacy secret token": (
        CLUSTER,
        lambda: CLUSTER.token(
            NOW_NS,
            drop=["exp", "aud", "kubernetes.io"],
            **{"kubernetes.io/serviceaccount/service-account.uid": "0c4a7f5e-3c6f-4a6e-9d43-7a54c3a6f2b1"},
        ),
        Refusal.WORKLOAD_LEGACY_TOKEN,
    ),
    # ids of the wrong kind
    "id as a number": (GITHUB, lambda: GH(NOW_NS, repository_id=42), Refusal.WORKLOAD_CLAIM_INVALID),
    "id in a list": (GITHUB, lambda: GH(NOW_NS, repository_id=["42"]), Refusal.WORKLOAD_CLAIM_INVALID),
    "id with a zero before it": (GITHUB, lambda: GH(NOW_NS, repository_id="042"), Refusal.WORKLOAD_CLAIM_INVALID),
    "id in digits of another script": (
        GITHUB,
        lambda: GH(NOW_NS, repository_id="\uff14\uff12"),
        Refusal.WORKLOAD_CLAIM_INVALID,
    ),
    "no id": (GITHUB, lambda: GH(NOW_NS, drop=["repository_id"]), Refusal.WORKLOAD_CLAIM_MISSING),
    "uid in capitals": (
        CLUSTER,
        lambda: account("0C4A7F5E-3C6F-4A6E-9D43-7A54C3A6F2B1"),
        Refusal.WORKLOAD_CLAIM_INVALID,
    ),
    "nested claim as text": (
        CLUSTER,
        lambda: CLUSTER.token(NOW_NS, **{"kubernetes.io": "prod"}),
        Refusal.WORKLOAD_CLAIM_MISSING,
    ),
    # SPIFFE IDs
    "trust domain of another bundle": (
        SPIFFE,
        lambda: forged(PARTNER, PARTNER.keys[0].signer, iss="spiffe://partner.example", sub=SPIFFE.subject),
        Refusal.WORKLOAD_TRUST_DOMAIN_WRONG,
    ),
    "partner's key for our trust domain": (
        SPIFFE,
        lambda: forged(SPIFFE, PARTNER.keys[0].signer),
        Refusal.TOKEN_SIGNATURE_INVALID,
    ),
    "trust domain in capitals": (
        SPIFFE,
        lambda: SP(NOW_NS, iss="spiffe://example.org", sub="spiffe://EXAMPLE.org/ns/prod/sa/trainer"),
        Refusal.WORKLOAD_SPIFFE_ID_INVALID,
    ),
    "scheme in capitals, nobody named": (
        SPIFFE,
        lambda: SP(NOW_NS, sub="SPIFFE://example.org/ns/prod"),
        Refusal.TOKEN_ISSUER_MISSING,
    ),
    "trust domain with a Cyrillic letter": (
        SPIFFE,
        lambda: SP(NOW_NS, iss="spiffe://example.org", sub="spiffe://ex\u0430mple.org/ns/prod/sa/trainer"),
        Refusal.WORKLOAD_SPIFFE_ID_INVALID,
    ),
    "trust domain with a port": (
        SPIFFE,
        lambda: SP(NOW_NS, iss="spiffe://example.org", sub="spiffe://example.org:443/ns/prod/sa/trainer"),
        Refusal.WORKLOAD_SPIFFE_ID_INVALID,
    ),
    "trust domain as a user": (
        SPIFFE,
        lambda: SP(NOW_NS, iss="spiffe://example.org", sub="spiffe://example.org@evil.example/ns/prod/sa/trainer"),
        Refusal.WORKLOAD_SPIFFE_ID_INVALID,
    ),
    "path that climbs": (
        SPIFFE,
        lambda: SP(NOW_NS, sub="spiffe://example.org/ns/prod/../dev/sa/x", iss="spiffe://example.org"),
        Refusal.WORKLOAD_SPIFFE_ID_INVALID,
    ),
    "path that climbs in disguise": (
        SPIFFE,
        lambda: SP(NOW_NS, sub="spiffe://example.org/ns/prod/%2e%2e/dev", iss="spiffe://example.org"),
        Refusal.WORKLOAD_SPIFFE_ID_INVALID,
    ),
    "path with an empty segment": (
        SPIFFE,
        lambda: SP(NOW_NS, sub="spiffe://example.org//ns/prod", iss="spiffe://example.org"),
        Refusal.WORKLOAD_SPIFFE_ID_INVALID,
    ),
    "path that only begins like ours": (
        SPIFFE,
        lambda: SP(NOW_NS, sub="spiffe://example.org/ns/production/sa/x"),
        Refusal.WORKLOAD_PATH_WRONG,
    ),
    "trust domain without a workload": (
        SPIFFE,
        lambda: SP(NOW_NS, sub="spiffe://example.org"),
        Refusal.WORKLOAD_SPIFFE_ID_INVALID,
    ),
    "SVID with a query": (
        SPIFFE,
        lambda: SP(NOW_NS, sub="spiffe://example.org/ns/prod?x=1", iss="spiffe://example.org"),
        Refusal.WORKLOAD_SPIFFE_ID_INVALID,
    ),
    "header that JWT-SVIDs do not have": (SPIFFE, lambda: headed(SPIFFE, cty="JWT"), Refusal.WORKLOAD_HEADER_UNKNOWN),
    # dates and audience
    "expired": (GITHUB, lambda: GH(NOW_NS, iat=NOW - 900, nbf=NOW - 900, exp=NOW - 61), Refusal.TOKEN_EXPIRED),
    "not yet valid": (GITHUB, lambda: GH(NOW_NS, nbf=NOW + 120), Refusal.TOKEN_NOT_YET_VALID),
    "from the future": (SPIFFE, lambda: SP(NOW_NS, iat=NOW + 120), Refusal.TOKEN_FROM_FUTURE),
    "without an end": (CLUSTER, lambda: CLUSTER.token(NOW_NS, drop=["exp"]), Refusal.TOKEN_EXPIRY_MISSING),
    "for a year": (CLUSTER, lambda: CLUSTER.token(NOW_NS, exp=NOW + 31_536_000), Refusal.TOKEN_LIFETIME_TOO_LONG),
    "SVID for a day": (SPIFFE, lambda: SP(NOW_NS, exp=NOW + 86_400), Refusal.TOKEN_LIFETIME_TOO_LONG),
    "wrong audience": (GITHUB, lambda: GH(NOW_NS, aud="https://github.com/acme"), Refusal.TOKEN_AUDIENCE_WRONG),
    "two audiences": (SPIFFE, lambda: SP(NOW_NS, aud=["ostiary", "else"]), Refusal.TOKEN_AUDIENCE_MULTIPLE),
    "no audience": (GITLAB, lambda: GL(NOW_NS, drop=["aud"]), Refusal.TOKEN_AUDIENCE_MISSING),
    # the envelope
    "HMAC with the public key": (
        GITHUB,
        lambda: forged(GITHUB, Hmac(pem_of(GITHUB), "rsa-1")),
        Refusal.TOKEN_ALGORITHM_NOT_ALLOWED,
    ),
    "no signature": (GITHUB, lambda: forged(GITHUB, Unsigned()), Refusal.TOKEN_ALGORITHM_NOT_ALLOWED),
    "algorithm that the kind does not use": (GITHUB, genuine_pss, Refusal.TOKEN_ALGORITHM_NOT_ALLOWED),
    "algorithm of another key": (
        SPIFFE,
        lambda: headed(SPIFFE, alg="RS256"),
        Refusal.TOKEN_ALGORITHM_KEY_MISMATCH,
    ),
    "another issuer's key id": (GITHUB, lambda: forged(GITHUB, GITLAB.keys[0].signer), Refusal.TOKEN_KEY_UNKNOWN),
    "another issuer's key under our key id": (
        GITHUB,
        lambda: forged(GITHUB, GITLAB.keys[0].signer, {"kid": "rsa-1"}),
        Refusal.TOKEN_SIGNATURE_INVALID,
    ),
    "thief's key": (SPIFFE, lambda: forged(SPIFFE, THIEF.signer), Refusal.TOKEN_SIGNATURE_INVALID),
    "key of his own in the header": (GITHUB, lambda: headed(GITHUB, jwk=dict(THIEF.jwk)), Refusal.TOKEN_EMBEDDED_KEY),
    "keys at an address of his own": (
        GITHUB,
        lambda: headed(GITHUB, jku="https://evil.example"),
        Refusal.TOKEN_EMBEDDED_KEY,
    ),
    "access token's type": (GITHUB, lambda: headed(GITHUB, typ="at+jwt"), Refusal.TOKEN_TYPE_WRONG),
    "no type": (GITHUB, lambda: headed(GITHUB, typ=None), Refusal.TOKEN_TYPE_MISSING),
    "type in a list": (SPIFFE, lambda: headed(SPIFFE, typ=["JWT"]), Refusal.TOKEN_TYPE_WRONG),
    "id said twice": (GITHUB, lambda: doubled(GITHUB, "repository_id", "43"), Refusal.TOKEN_DUPLICATE_MEMBER),
    "huge": (GITHUB, lambda: GH(NOW_NS, note="x" * 20_000), Refusal.TOKEN_TOO_LARGE),
    "nested too deep": (GITHUB, lambda: GH(NOW_NS, note=[[[[[[[[[1]]]]]]]]]), Refusal.TOKEN_NESTING_TOO_DEEP),
    "too many members": (
        GITHUB,
        lambda: GH(NOW_NS, **{f"x{n}": 1 for n in range(101)}),
        Refusal.TOKEN_TOO_MANY_MEMBERS,
    ),
    "binding that nobody can check": (GITHUB, lambda: GH(NOW_NS, cnf={"kid": "x"}), Refusal.TOKEN_BINDING_UNKNOWN),
    # confused deputies
    "another job's subject": (GITLAB, lambda: GH(NOW_NS), Refusal.SUBJECT_MISMATCH),
    "person's token for a job": (
        GITHUB,
        lambda: PEOPLE.token(NOW_NS, sub=GITHUB.subject),
        Refusal.SUBJECT_TYPE_MISMATCH,
    ),
    "issuer's name with a slash": (
        GITHUB,
        lambda: GH(NOW_NS, iss="https://token.actions.githubusercontent.com/"),
        Refusal.TOKEN_ISSUER_UNKNOWN,
    ),
    "nobody's issuer": (GITHUB, lambda: GH(NOW_NS, drop=["iss"]), Refusal.TOKEN_ISSUER_MISSING),
}


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.mark.parametrize("attack", [pytest.param(row, id=name) for name, row in ATTACKS.items()])
def test_no_forged_token_gets_in(door: Door, attack: Row) -> None:
    fake, make, reason = attack
    assert door.refusal(make(), subject_of(fake), type_of(fake)) == reason


@pytest.mark.parametrize("fake", [GITHUB, GITLAB, CLUSTER, SPIFFE], ids=lambda fake: str(fake.kind))
def test_the_genuine_one_gets_in(door: Door, fake: FakeWorkloads) -> None:
    identity = door.ask(fake.token(NOW_NS), subject_of(fake), type_of(fake))
    assert (identity.subject_id, identity.subject_type) == (subject_of(fake), type_of(fake))
    assert (identity.assurance, identity.tenant, identity.acr, identity.scopes) == ("token", "default", "", ())
    assert identity.token is not None
    assert identity.token.token_id == f"job-{NOW}"
    assert identity.claims["workload"]["kind"] == fake.kind
    assert identity.claims["workload"]["rule"] == "ours"


def test_policy_sees_the_verified_claims_and_nobodys_address(door: Door) -> None:
    claims = door.ask(GITLAB.token(NOW_NS), GITLAB.subject).document(NOW_NS)["claims"]
    assert (claims["project_id"], claims["ref"], claims["sha"]) == ("28", "refs/heads/main", COMMIT)
    assert not {"user_email", "user_id", "sub", "own_place"} & claims.keys()
    claims = door.ask(CLUSTER.token(NOW_NS), subject_of(CLUSTER), "service").document(NOW_NS)["claims"]
    assert (claims["namespace"], claims["pod_name"]) == ("prod", "trainer-0")


def test_a_token_cannot_say_which_rule_let_it_in(door: Door) -> None:
    token = GITHUB.token(NOW_NS, workload={"rule": "root", "authority": "root"}, own_place="mallory/")
    assert door.ask(token, GITHUB.subject).claims["workload"]["rule"] == "ours"


def test_equal_ids_of_two_issuers_are_two_subjects() -> None:
    ours = FakeGithub("https://github.acme.example/_services/token")
    door = Door(ours.config(name="ghes"))
    assert door.ask(ours.token(NOW_NS), "ghes:owner:9919:repository:42").issuer == ours.issuer
    assert door.refusal(ours.token(NOW_NS), GITHUB.subject) == Refusal.SUBJECT_MISMATCH


def test_another_tenants_workloads_are_unknown_here(door: Door) -> None:
    elsewhere = PepIdentity(pep_id="x", tenant="other")
    with pytest.raises(RefusedError) as refused:
        door.verifier.verify(
            elsewhere, Subject("ci_job", GITHUB.subject), PresentedSubject(token=GITHUB.token(NOW_NS)), NOW_NS
        )
    assert refused.value.code == Refusal.TOKEN_ISSUER_UNKNOWN


# rules that say more


@pytest.mark.parametrize(
    ("more", "claims", "reason"),
    [
        ({"refs": MAIN}, {"ref": "refs/heads/main2"}, Refusal.WORKLOAD_REF_WRONG),
        ({"refs": MAIN}, {"ref": "refs/tags/main", "ref_type": "tag"}, Refusal.WORKLOAD_REF_WRONG),
        ({"refs": "refs/tags/v*"}, {"ref": "refs/heads/v1"}, Refusal.WORKLOAD_REF_WRONG),
        ({"refs": "refs/tags/v*"}, {"ref": "refs/tags/v", "ref_type": "tag"}, Refusal.WORKLOAD_REF_WRONG),
        ({"environments": "production"}, {}, Refusal.WORKLOAD_ENVIRONMENT_WRONG),
        ({"environments": "production"}, {"environment": "Production"}, Refusal.WORKLOAD_ENVIRONMENT_WRONG),
        ({"repository": "acme/models"}, {"repository": "acme/renamed"}, Refusal.WORKLOAD_NAME_CHANGED),
        (
            {"workflows": f"{SHARED}@{MAIN}"},
            {"job_workflow_ref": f"{SHARED}@{MAIN}"},
            Refusal.WORKLOAD_WORKFLOW_MUTABLE,
        ),
        (
            {"workflows": f"{SHARED}@refs/tags/v1"},
            {"job_workflow_ref": f"{SHARED}@refs/tags/v1"},
            Refusal.WORKLOAD_WORKFLOW_MUTABLE,
        ),
        (
            {"workflows": f"{SHARED}@{COMMIT}"},
            {"job_workflow_ref": f"{SHARED}@{OTHER_COMMIT}"},
            Refusal.WORKLOAD_WORKFLOW_WRONG,
        ),
        ({"workflows": f"{SHARED}@{COMMIT}"}, {}, Refusal.WORKLOAD_WORKFLOW_WRONG),
        (
            {"workflows": f"{SHARED}@{MAIN}", "workflow_commits": COMMIT},
            {"job_workflow_ref": f"{SHARED}@{MAIN}", "job_workflow_sha": OTHER_COMMIT},
            Refusal.WORKLOAD_WORKFLOW_WRONG,
        ),
    ],
)
def test_what_a_rule_says_more_is_demanded(more: dict[str, Any], claims: dict[str, Any], reason: Refusal) -> None:
    door = Door(GITHUB.config(rules=GITHUB.rules(**more)))
    assert door.refusal(GITHUB.token(NOW_NS, **claims), GITHUB.subject) == reason


@pytest.mark.parametrize(
    ("more", "claims"),
    [
        (
            {"refs": ["refs/tags/v*", MAIN]},
            {"ref": "refs/tags/v1", "ref_type": "tag", "job_workflow_ref": "acme/models/t.yml@refs/tags/v1"},
        ),
        ({"environments": "production"}, {"environment": "production"}),
        ({"runners": ["self-hosted"]}, {"runner_environment": "self-hosted"}),
        ({"repository_id": [41, 42]}, {}),
        ({"ref_protected": False, "refs": "refs/heads/*"}, {"ref_protected": "false"}),
        ({"workflows": f"{SHARED}@{COMMIT}"}, {"job_workflow_ref": f"{SHARED}@{COMMIT}"}),
        ({"workflows": f"{SHARED}@{MAIN}", "workflow_commits": COMMIT}, {"job_workflow_ref": f"{SHARED}@{MAIN}"}),
    ],
)
def test_what_a_rule_says_more_can_be_met(more: dict[str, Any], claims: dict[str, Any]) -> None:
    door = Door(GITHUB.config(rules=GITHUB.rules(**more)))
    assert door.ask(GITHUB.token(NOW_NS, **claims), GITHUB.subject).subject_id == GITHUB.subject


def test_the_rule_that_came_furthest_gives_the_reason() -> None:
    near, far = GITHUB.rules(refs="refs/heads/release")[0], GITHUB.rules(repository_id="1")[0]
    door = Door(GITHUB.config(rules=({**far, "name": "far"}, {**near, "name": "near"})))
    assert door.refusal(GITHUB.token(NOW_NS), GITHUB.subject) == Refusal.WORKLOAD_REF_WRONG
    assert Door(GITHUB.config(rules=())).refusal(GITHUB.token(NOW_NS), GITHUB.subject) == Refusal.WORKLOAD_UNTRUSTED


def test_a_rule_that_is_withdrawn_counts_at_once_for_remembered_tokens_too() -> None:
    door = Door()
    token = GITHUB.token(NOW_NS)
    assert door.ask(token, GITHUB.subject).subject_id == GITHUB.subject
    door.book.replace([GITHUB.config(rules=GITHUB.rules(refs="refs/tags/v*"))])
    assert door.refusal(token, GITHUB.subject) == Refusal.WORKLOAD_REF_WRONG
    assert door.refusal(GITLAB.token(NOW_NS), GITLAB.subject) == Refusal.TOKEN_ISSUER_UNKNOWN


# tokens that are good once


@pytest.mark.parametrize("fake", [GITHUB, GITLAB, CLUSTER, SPIFFE], ids=lambda fake: str(fake.kind))
def test_a_replayed_token_is_refused_though_it_is_remembered(fake: FakeWorkloads) -> None:
    door = Door(single_use=True)
    token = fake.token(NOW_NS)
    assert door.ask(token, subject_of(fake), type_of(fake)).subject_id == subject_of(fake)
    assert door.refusal(token, subject_of(fake), type_of(fake)) == Refusal.WORKLOAD_REPLAYED
    mirrored = fake.token(NOW_NS, extra="signed anew, the same jti")
    assert door.refusal(mirrored, subject_of(fake), type_of(fake)) == Refusal.WORKLOAD_REPLAYED
    assert door.ask(fake.token(NOW_NS, jti="next"), subject_of(fake), type_of(fake)).token is not None


def test_equal_ids_of_tokens_of_two_issuers_are_two_tokens() -> None:
    door = Door(single_use=True)
    door.ask(GITHUB.token(NOW_NS, jti="1"), GITHUB.subject)
    assert door.ask(GITLAB.token(NOW_NS, jti="1"), GITLAB.subject).subject_id == GITLAB.subject


def test_a_token_without_an_id_is_not_used_once() -> None:
    door = Door(single_use=True)
    for claims in ({"drop": ["jti"]}, {"jti": 7}, {"jti": "digest-made-up"}):
        assert door.refusal(GITHUB.token(NOW_NS, **claims), GITHUB.subject) == Refusal.WORKLOAD_ID_MISSING


def test_a_refused_token_is_not_used_up() -> None:
    door = Door(single_use=True)
    token = GITHUB.token(NOW_NS)
    assert door.refusal(token, "github:owner:1:repository:1") == Refusal.SUBJECT_MISMATCH
    assert door.ask(token, GITHUB.subject).subject_id == GITHUB.subject


def test_a_memory_that_forgot_refuses_what_it_may_have_seen() -> None:
    door = Door(single_use=True)
    door.verifier = SubjectVerifier(door.tokens, door.verifier._dpop, SingleUse(MemoryReplay(NOW_NS + 1, 10)))
    assert door.refusal(GITHUB.token(NOW_NS), GITHUB.subject) == Refusal.WORKLOAD_BEFORE_RESTART


def test_a_full_or_absent_memory_lets_nobody_in() -> None:
    door = Door(single_use=True)
    for n in range(4):
        door.ask(GITHUB.token(NOW_NS, jti=f"n{n}"), GITHUB.subject)
    for verifier in (door.verifier, SubjectVerifier(door.tokens, door.verifier._dpop)):
        door.verifier = verifier
        with pytest.raises(UnavailableError) as away:
            door.ask(GITHUB.token(NOW_NS, jti="fifth"), GITHUB.subject)
        assert away.value.code == Refusal.WORKLOAD_REPLAY_MEMORY_UNAVAILABLE


# enforcement points and platforms


def authenticate(door: Door, token: str, issuer: str, subject: str) -> PepIdentity:
    pep = RegisteredPep(pep_id="pod", tenant="default", token_issuer=issuer, token_subject=subject)
    shown = PresentedPep(authorization=f"Bearer {token}")
    return PepAuthenticator(FixedRegistry([pep]), door.tokens).authenticate(shown, NOW_NS)


def test_a_service_can_be_an_enforcement_point_by_its_svid() -> None:
    token = SPIFFE.token(NOW_NS)
    assert authenticate(Door(), token, "spiffe://example.org", SPIFFE.subject).pep_id == "pod"
    with pytest.raises(RefusedError):
        authenticate(Door(single_use=True), token, "spiffe://example.org", SPIFFE.subject)


def test_a_pods_name_makes_no_enforcement_point() -> None:
    with pytest.raises(RefusedError):
        authenticate(Door(), CLUSTER.token(NOW_NS), CLUSTER.issuer, "system:serviceaccount:prod:trainer")


class _Cluster:
    """A cluster that is asked whether a token stands."""

    def __init__(self, answer: Exception | None) -> None:
        self.answer, self.asked = answer, 0

    def review(self, tenant: str, authority: str, subject_id: str, token: UnverifiedToken, /) -> None:
        assert (tenant, authority, subject_id) == ("default", "prod", subject_of(CLUSTER))
        assert token.text.count(".") == 2
        self.asked += 1
        if self.answer is not None:
            raise self.answer


def test_a_cluster_that_is_asked_can_only_refuse() -> None:
    stands = _Cluster(None)
    door = Door(CLUSTER.config(name="prod", review=stands))
    token = CLUSTER.token(NOW_NS)
    assert door.ask(token, subject_of(CLUSTER), "service").subject_id == subject_of(CLUSTER)
    door.ask(token, subject_of(CLUSTER), "service")
    assert stands.asked == 1  # remembered with the token
    forgery = forged(CLUSTER, THIEF.signer, {"kid": "k1"})
    assert door.refusal(forgery, subject_of(CLUSTER), "service") == Refusal.TOKEN_SIGNATURE_INVALID
    assert stands.asked == 1  # only good tokens are shown to it
    gone = _Cluster(RefusedError(Refusal.WORKLOAD_REVIEW_REFUSED, "the pod is gone"))
    door = Door(CLUSTER.config(name="prod", review=gone))
    assert door.refusal(token, subject_of(CLUSTER), "service") == Refusal.WORKLOAD_REVIEW_REFUSED
    away = _Cluster(UnavailableError(Refusal.WORKLOAD_REVIEW_UNAVAILABLE, "the cluster is away"))
    door = Door(CLUSTER.config(name="prod", review=away))
    with pytest.raises(UnavailableError):
        door.ask(token, subject_of(CLUSTER), "service")


def test_every_kind_has_attacks_here() -> None:
    assert {fake.kind for fake, _, _ in ATTACKS.values()} == set(FAKES)
    assert len(ATTACKS) >= 30
    assert replace(GITHUB.config(), workload=None) != GITHUB.config()
