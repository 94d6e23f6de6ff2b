"""Forged and replayed requests to the token endpoint, each with the one code that must answer it.

The stories play them against a running server, and ``benchmarks/bench_exchange.py`` measures how quickly they are
refused. A platform's genuine key signs what a forger can have it sign (a repository of his own, a fork, a pull
request); everything else is forged. Each function makes its request anew, for one moment.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ostiary.identity.strict import b64url_decode, b64url_encode
from ostiary.testing.exchange import JWT, ExchangeCaller
from ostiary.testing.exchange_scene import CLUSTER, GITHUB, GITLAB, PEOPLE, SPIFFE
from ostiary.testing.issuer import FakeHolder, FakeKey, compact
from ostiary.testing.workloads import FakeGithub, FakeKubernetes, FakeWorkloads

_SECOND_NS: Final = 1_000_000_000
THIEF: Final = FakeKey.generate("k1")
EVIL: Final = FakeGithub(keys=(FakeKey.generate("rsa-1"),))
MAIN: Final = "refs/heads/main"
Request = dict[str, Any]
Make = Callable[["Forger"], Request]


@dataclass(frozen=True)
class Hmac:
    """Signs with the public key as a secret."""

    secret: bytes
    kid: str
    alg: str = "HS256"

    def sign(self, data: bytes, /) -> bytes:
        """Return the MAC."""
        return hmac.digest(self.secret, data, hashlib.sha256)


@dataclass(frozen=True)
class Unsigned:
    """Puts nothing where a signature should be."""

    kid: str = "rsa-1"
    alg: str = "none"

    def sign(self, _: bytes, /) -> bytes:
        """Return nothing."""
        return b""


class Forger:
    """Makes requests for one moment, as a caller with a key of its own."""

    def __init__(self, stage: ExchangeCaller) -> None:
        """Stand at ``stage``'s endpoint."""
        self.stage = stage
        self.now_ns = stage.clock.now_ns()
        self.now = self.now_ns // _SECOND_NS

    def genuine(self, fake: FakeWorkloads = GITHUB, **claims: Any) -> str:
        """Return what the platform itself would sign, with changes."""
        return fake.token(self.now_ns, **{"jti": f"forged-{id(self)}", **claims})

    def ask(self, fake: FakeWorkloads = GITHUB, **claims: Any) -> Request:
        """Ask with what the platform itself would sign, with changes."""
        return self.stage.request(self.genuine(fake, **claims))

    def headed(self, fake: FakeWorkloads = GITHUB, **header: Any) -> Request:
        """Ask with a genuine signature over another header."""
        return self.stage.request(compact(fake.header(**header), fake.claims(self.now_ns), fake.keys[0].signer))

    def signed(self, signer: Any, fake: FakeWorkloads = GITHUB, **header: Any) -> Request:
        """Ask with somebody else's signature."""
        head = {**fake.header(), "alg": signer.alg, "kid": signer.kid, **header}
        return self.stage.request(compact(head, fake.claims(self.now_ns), signer))

    def proven(self, proof: str, token: str = "") -> Request:
        """Ask with a good token and another proof."""
        return self.stage.request(token or self.genuine(), proof=proof)

    def unproven(self) -> Request:
        """Ask with a good token and no proof."""
        asked = self.stage.request(self.genuine())
        del asked["headers"]["DPoP"]
        return asked

    def claimed(self, **changes: Any) -> Request:
        """Ask with a good token and a proof with changes."""
        return self.proven(self.stage.proof(**changes))


def _flipped(token: str) -> str:
    head, payload, signature = token.split(".")
    raw = bytearray(b64url_decode(signature.encode()) or b"")
    raw[7] ^= 1
    return ".".join((head, payload, b64url_encode(bytes(raw)).decode()))


def _grafted(forger: Forger) -> Request:
    """Put somebody else's payload under a genuine signature."""
    head, _, signature = forger.genuine().split(".")
    other = forger.genuine(repository_id="43").split(".")[1]
    return forger.stage.request(f"{head}.{other}.{signature}")


def _doubled(forger: Forger) -> Request:
    genuine = json.dumps(GITHUB.claims(forger.now_ns))
    twice = f'{{"repository_id": "43", {genuine[1:]}'.encode()
    return forger.stage.request(compact(GITHUB.header(), twice, GITHUB.keys[0].signer))


def _inner(forger: Forger, **parts: Any) -> Request:
    return forger.ask(CLUSTER, inner=parts)


def _thief() -> FakeHolder:
    return FakeHolder(FakeKey.generate(""))


def _foreign_key(forger: Forger) -> Request:
    """Prove with one's own signature and somebody else's public key."""
    other = _thief()
    jwk = {name: value for name, value in other.key.jwk.items() if name in {"kty", "crv", "x", "y"}}
    return forger.claimed(header={"jwk": jwk})


def _bound_elsewhere(forger: Forger) -> Request:
    """Bring a token that is bound to another key than the one that is proven."""
    return forger.stage.request(PEOPLE.token(forger.now_ns, cnf=_thief().confirmation))


def _bound_actor(forger: Forger) -> Request:
    actor = PEOPLE.token(forger.now_ns, cnf=_thief().confirmation)
    return forger.stage.request(forger.genuine(), actor_token=actor, actor_token_type=JWT)


def _forged_actor(forger: Forger) -> Request:
    actor = compact(SPIFFE.header(), SPIFFE.claims(forger.now_ns), THIEF.signer)
    return forger.stage.request(forger.genuine(), actor_token=actor, actor_token_type=JWT)


def _unsigned_proof(forger: Forger) -> str:
    url = forger.stage.base_url + forger.stage.path
    claims = forger.stage.holder.claims(forger.now_ns, "", "POST", url, drop=["ath"])
    return compact(forger.stage.holder.header(alg="none"), claims, Unsigned())


# what it is: how it is made, and what it must be answered with
FORGERIES: Final[Mapping[str, tuple[Make, str]]] = {
    # signatures and keys
    "thief's key under the platform's key id": (
        lambda f: f.signed(EVIL.keys[0].signer, alg="ES256"),
        "token_algorithm_not_allowed",
    ),
    "another platform's key": (lambda f: f.signed(GITLAB.keys[0].signer, kid="rsa-1"), "token_signature_invalid"),
    "another platform's key id": (lambda f: f.signed(GITLAB.keys[0].signer), "token_key_unknown"),
    "no key id": (lambda f: f.headed(kid=None), "token_key_id_missing"),
    "key id that is a path": (lambda f: f.headed(kid="../../rsa-1"), "token_key_unknown"),
    "key id with SQL": (lambda f: f.headed(kid="rsa-1' or '1'='1"), "token_key_unknown"),
    "key id in a list": (lambda f: f.headed(kid=["rsa-1"]), "token_key_id_invalid"),
    "one bit of the signature": (lambda f: f.stage.request(_flipped(f.genuine())), "token_signature_invalid"),
    "another payload under a signature": (_grafted, "token_signature_invalid"),
    "no signature": (lambda f: f.signed(Unsigned()), "token_algorithm_not_allowed"),
    "none in capitals": (lambda f: f.signed(Unsigned(alg="NONE")), "token_algorithm_not_allowed"),
    "HMAC with the public key": (
        lambda f: f.signed(Hmac(json.dumps(dict(GITHUB.keys[0].jwk)).encode(), "rsa-1")),
        "token_algorithm_not_allowed",
    ),
    "its own key in the header": (lambda f: f.headed(jwk=dict(THIEF.jwk)), "token_embedded_key"),
    "keys at its own address": (lambda f: f.headed(jku="https://evil.example/jwks"), "token_embedded_key"),
    "certificate of its own": (lambda f: f.headed(x5u="https://evil.example/x"), "token_embedded_key"),
    "extension that must be understood": (lambda f: f.headed(crit=["exp"]), "token_critical_header"),
    "access token's type": (lambda f: f.headed(typ="at+jwt"), "token_type_wrong"),
    "member said twice": (_doubled, "token_duplicate_member"),
    # issuer, audience, dates
    "issuer with a slash": (lambda f: f.ask(iss=GITHUB.issuer + "/"), "token_issuer_unknown"),
    "issuer of nobody": (lambda f: f.ask(drop=["iss"]), "token_issuer_missing"),
    "issuer that is Ostiary itself": (
        lambda f: f.ask(iss=f"{f.stage.base_url}/oauth/default"),
        "token_algorithm_not_allowed",
    ),
    "another audience": (lambda f: f.ask(aud="https://github.com/acme"), "token_audience_wrong"),
    "two audiences": (lambda f: f.ask(aud=["ostiary", "else"]), "token_audience_multiple"),
    "no audience": (lambda f: f.ask(drop=["aud"]), "token_audience_missing"),
    "expired": (lambda f: f.ask(iat=f.now - 900, nbf=f.now - 900, exp=f.now - 61), "token_expired"),
    "from the future": (lambda f: f.ask(iat=f.now + 120, nbf=f.now + 120, exp=f.now + 300), "token_from_future"),
    "not yet valid": (lambda f: f.ask(nbf=f.now + 120), "token_not_yet_valid"),
    "without an end": (lambda f: f.ask(drop=["exp"]), "token_expiry_missing"),
    "for a year": (lambda f: f.ask(exp=f.now + 31_536_000), "token_lifetime_too_long"),
    # whose job
    "re-created repository": (lambda f: f.ask(repository_id="43"), "workload_repository_wrong"),
    "owner's name taken over": (lambda f: f.ask(repository_owner_id="666"), "workload_owner_wrong"),
    "no repository id": (lambda f: f.ask(drop=["repository_id"]), "workload_claim_missing"),
    "no owner id": (lambda f: f.ask(drop=["repository_owner_id"]), "workload_claim_missing"),
    "repository id as a number's look-alike": (lambda f: f.ask(repository_id="42 "), "workload_claim_invalid"),
    "repository id in a list": (lambda f: f.ask(repository_id=["42"]), "workload_claim_invalid"),
    "sub of ours, ids of his": (
        lambda f: f.ask(sub="repo:acme/models:ref:refs/heads/main", repository_id="99"),
        "workload_repository_wrong",
    ),
    "pull_request_target": (lambda f: f.ask(event_name="pull_request_target"), "workload_event_refused"),
    "pull request of a fork": (
        lambda f: f.ask(event_name="pull_request", ref="refs/pull/7/merge"),
        "workload_fork_refused",
    ),
    "workflow_run after a fork's run": (lambda f: f.ask(event_name="workflow_run"), "workload_event_refused"),
    "issue comment": (lambda f: f.ask(event_name="issue_comment"), "workload_event_refused"),
    "branch that is not protected": (
        lambda f: f.ask(ref="refs/heads/x", ref_protected="false"),
        "workload_ref_unprotected",
    ),
    "tag named like a branch": (lambda f: f.ask(ref_type="tag"), "workload_claims_disagree"),
    "ref with a line feed": (lambda f: f.ask(ref=MAIN + "\n"), "workload_claim_invalid"),
    "workflow of another repository": (
        lambda f: f.ask(job_workflow_ref=f"mallory/evil/.github/workflows/x.yml@{MAIN}"),
        "workload_workflow_wrong",
    ),
    "workflow at another branch": (
        lambda f: f.ask(job_workflow_ref="acme/models/.github/workflows/train.yml@refs/heads/evil"),
        "workload_workflow_mutable",
    ),
    "self-hosted runner": (lambda f: f.ask(runner_environment="self-hosted"), "workload_runner_wrong"),
    "no jti": (lambda f: f.ask(drop=["jti"]), "workload_id_missing"),
    "GitLab: fork's merge request": (lambda f: f.ask(GITLAB, job_project_id="999"), "workload_fork_refused"),
    "GitLab: merge request": (
        lambda f: f.ask(GITLAB, pipeline_source="merge_request_event"),
        "workload_event_refused",
    ),
    "GitLab: re-created project": (
        lambda f: f.ask(GITLAB, project_id="29", job_project_id="29"),
        "workload_repository_wrong",
    ),
    "GitLab: group's name taken over": (
        lambda f: f.ask(GITLAB, namespace_id="8", job_namespace_id="8"),
        "workload_owner_wrong",
    ),
    "GitLab: file from elsewhere": (
        lambda f: f.ask(GITLAB, ci_config_ref_uri=f"gitlab.com/mallory/ci//evil.yml@{MAIN}"),
        "workload_workflow_wrong",
    ),
    "Kubernetes: re-created account": (
        lambda f: _inner(f, serviceaccount={"name": "trainer", "uid": "11111111-2222-4333-8444-555555555555"}),
        "workload_service_account_wrong",
    ),
    "Kubernetes: unknown cluster": (
        lambda f: f.ask(FakeKubernetes("https://kubernetes.evil.example")),
        "token_issuer_unknown",
    ),
    "Kubernetes: bound to no pod": (lambda f: _inner(f, pod=None), "workload_pod_missing"),
    "Kubernetes: sub of another account": (
        lambda f: f.ask(CLUSTER, sub="system:serviceaccount:prod:admin"),
        "workload_claims_disagree",
    ),
    "SPIFFE: thief's key": (lambda f: f.signed(THIEF.signer, SPIFFE), "token_signature_invalid"),
    "SPIFFE: path that climbs": (
        lambda f: f.ask(SPIFFE, iss="spiffe://example.org", sub="spiffe://example.org/ns/prod/../dev"),
        "workload_spiffe_id_invalid",
    ),
    "SPIFFE: path that begins like ours": (
        lambda f: f.ask(SPIFFE, sub="spiffe://example.org/ns/production/sa/x"),
        "workload_path_wrong",
    ),
    # the proof
    "no proof": (lambda f: f.unproven(), "holder_unproven"),
    "proof for another method": (lambda f: f.claimed(method="GET"), "dpop_http_method_wrong"),
    "proof for another place": (lambda f: f.claimed(path="/oauth/default/revoke"), "dpop_http_uri_wrong"),
    "proof for another tenant's place": (lambda f: f.claimed(path="/oauth/other/token"), "dpop_http_uri_wrong"),
    "proof for another host": (
        lambda f: f.claimed(htu="http://evil.example/oauth/default/token"),
        "dpop_http_uri_wrong",
    ),
    "old proof": (lambda f: f.claimed(iat=f.now - 120), "dpop_too_old"),
    "proof of tomorrow": (lambda f: f.claimed(iat=f.now + 86_400), "dpop_from_future"),
    "proof without an id": (lambda f: f.claimed(drop=["jti"]), "dpop_id_invalid"),
    "proof with somebody else's public key": (_foreign_key, "dpop_signature_invalid"),
    "proof that brings the private key": (
        lambda f: f.claimed(header={"jwk": {**f.stage.holder.header()["jwk"], "d": "AA"}}),
        "dpop_key_private",
    ),
    "proof of another type": (lambda f: f.claimed(header={"typ": "JWT"}), "dpop_type_wrong"),
    "proof without a signature": (lambda f: f.proven(_unsigned_proof(f)), "dpop_algorithm_not_allowed"),
    "stolen token with another key": (_bound_elsewhere, "dpop_key_wrong"),
    "stolen actor's token with another key": (_bound_actor, "dpop_key_wrong"),
    "forged actor": (_forged_actor, "token_signature_invalid"),
    # confused deputies
    "ID token of a person": (
        lambda f: f.stage.request(
            compact({**PEOPLE.header(), "typ": "JWT"}, PEOPLE.claims(f.now_ns), PEOPLE.keys[0].signer)
        ),
        "token_type_wrong",
    ),
    "the proof as the token": (lambda f: f.stage.request(f.stage.proof()), "token_embedded_key"),
    "aimed at somebody else's doors": (
        lambda f: f.stage.request(f.genuine(), audience="https://pdp.example/pipeline/other"),
        "target_unknown",
    ),
    "two items": (
        lambda f: f.stage.request(f.genuine(), f.stage.detail(), f.stage.detail(identifier="payroll")),
        "authorization_details_invalid",
    ),
    "every column beside one": (
        lambda f: f.stage.request(f.genuine(), f.stage.detail(datatypes=["age", "*"])),
        "authorization_details_invalid",
    ),
    "path that climbs": (
        lambda f: f.stage.request(f.genuine(), f.stage.detail(prefix="2026/../2025")),
        "authorization_details_invalid",
    ),
}
