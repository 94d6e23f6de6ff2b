"""Fakes of the platforms that run workloads: each signs tokens like the real one's, and whatever else it is told to.

Rules as for ``FakeIssuer``: no clock, no network, fresh keys each process. Every fake has a ``rule`` that lets its
ordinary token in, and knows the ``subject`` that token is about.

>>> github, now_ns = FakeGithub(), 1_790_000_000_000_000_000
>>> github.config().workload.judge(github.claims(now_ns)).subject_id
'github:owner:9919:repository:42'
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar, Final

from typing_extensions import override

from ostiary.identity.settings import IssuerConfig, JwksSource
from ostiary.identity.workloads.config import WorkloadSettings, issuer_config
from ostiary.testing.fake_rsa import FakeRsaSigner
from ostiary.testing.issuer import FakeIssuer, FakeKey

COMMIT: Final = "9f2c1e0058d1a3b47c6e9d80f1a2b3c4d5e6f708"
OTHER_COMMIT: Final = "0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad"
_HOUR_S: Final = 3600
_SECOND_NS: Final = 1_000_000_000


@cache
def rsa_key(kid: str = "rsa-1") -> FakeKey:
    """Return this process's RSA key with this id."""
    signer = FakeRsaSigner.generate(kid)
    return FakeKey(signer, signer.jwk)


class FakeWorkloads(FakeIssuer):
    """What the fakes share: a kind, a rule, and claims of their own beside those of every token."""

    kind: ClassVar[str]
    typ: ClassVar[str] = "JWT"
    own: ClassVar[Mapping[str, Any]]
    rule: ClassVar[Mapping[str, Any]]
    subject: ClassVar[str]

    @override
    def header(self, **changes: Any) -> dict[str, Any]:
        """Return the header of a token, with changes; ``typ=None`` leaves it out."""
        header = {**super().header(), "typ": self.typ or None, **changes}
        return {name: value for name, value in header.items() if value is not None}

    @override
    def claims(self, now_ns: int, /, *, drop: Iterable[str] = (), **changes: Any) -> dict[str, Any]:
        """Return the claims of a token issued now, with changes and without ``drop``."""
        now = now_ns // _SECOND_NS
        common = {"jti": f"job-{now}", "nbf": now, **self.own}
        return super().claims(now_ns, drop=drop, **{**common, **changes})

    @override
    def config(self, **changes: Any) -> IssuerConfig:
        """Return how a tenant lets these workloads in; ``changes`` are of ``WorkloadSettings``."""
        given = WorkloadSettings(
            tenant=self.tenant,
            kind=self.kind,
            audience=self.audience,
            issuer=self.issuer,
            jwks=self.jwks(),
            rules=({"name": "ours", **self.rule},),
        )
        return issuer_config(replace(given, **changes))

    def rules(self, **changes: Any) -> tuple[Mapping[str, Any], ...]:
        """Return the fake's rule with changes, as ``config`` takes it."""
        return ({"name": "ours", **self.rule, **changes},)


class FakeGithub(FakeWorkloads):
    """GitHub Actions."""

    kind = "github"
    subject = "github:owner:9919:repository:42"
    rule: ClassVar[Mapping[str, Any]] = {"repository_id": "42", "repository_owner_id": "9919"}
    own: ClassVar[Mapping[str, Any]] = {
        "sub": "repo:acme/models:ref:refs/heads/main",
        "actor": "octocat",
        "actor_id": "583231",
        "event_name": "push",
        "job_workflow_ref": "acme/models/.github/workflows/train.yml@refs/heads/main",
        "job_workflow_sha": COMMIT,
        "ref": "refs/heads/main",
        "ref_protected": "true",
        "ref_type": "branch",
        "repository": "acme/models",
        "repository_id": "42",
        "repository_owner": "acme",
        "repository_owner_id": "9919",
        "repository_visibility": "private",
        "run_attempt": "1",
        "run_id": "22259804324",
        "runner_environment": "github-hosted",
        "sha": COMMIT,
        "workflow_ref": "acme/models/.github/workflows/train.yml@refs/heads/main",
        "workflow_sha": COMMIT,
    }

    def __init__(
        self,
        issuer: str = "https://token.actions.githubusercontent.com",
        tenant: str = "default",
        audience: str = "ostiary",
        keys: Iterable[FakeKey] = (),
    ) -> None:
        """Sign with the first of ``keys``, by default with an RSA key."""
        super().__init__(issuer, tenant, audience, tuple(keys) or (rsa_key(),))


class FakeGitlab(FakeWorkloads):
    """GitLab CI/CD."""

    kind = "gitlab"
    subject = "gitlab:namespace:7:project:28"
    rule: ClassVar[Mapping[str, Any]] = {"namespace_id": "7", "project_id": "28"}
    own: ClassVar[Mapping[str, Any]] = {
        "sub": "project_path:acme/models:ref_type:branch:ref:main",
        "ci_config_ref_uri": "gitlab.com/acme/models//.gitlab-ci.yml@refs/heads/main",
        "ci_config_sha": COMMIT,
        "job_id": "8222997048",
        "job_project_id": "28",
        "job_namespace_id": "7",
        "namespace_id": "7",
        "namespace_path": "acme",
        "pipeline_id": "1519139981",
        "pipeline_source": "push",
        "project_id": "28",
        "project_path": "acme/models",
        "project_visibility": "private",
        "ref": "main",
        "ref_path": "refs/heads/main",
        "ref_protected": "true",
        "ref_type": "branch",
        "runner_environment": "gitlab-hosted",
        "runner_id": 12_270_835,
        "sha": COMMIT,
        "user_email": "dana@acme.example",
        "user_id": "184239",
    }

    def __init__(
        self,
        issuer: str = "https://gitlab.com",
        tenant: str = "default",
        audience: str = "ostiary",
        keys: Iterable[FakeKey] = (),
    ) -> None:
        """Sign with the first of ``keys``, by default with an RSA key."""
        super().__init__(issuer, tenant, audience, tuple(keys) or (rsa_key("rsa-2"),))


class FakeKubernetes(FakeWorkloads):
    """One Kubernetes cluster; its tokens have no ``typ``, like the real ones."""

    kind = "kubernetes"
    typ = ""
    subject = "kubernetes:serviceaccount:0c4a7f5e-3c6f-4a6e-9d43-7a54c3a6f2b1"
    rule: ClassVar[Mapping[str, Any]] = {
        "namespace": "prod",
        "serviceaccount_uid": "0c4a7f5e-3c6f-4a6e-9d43-7a54c3a6f2b1",
    }
    own: ClassVar[Mapping[str, Any]] = {
        "sub": "system:serviceaccount:prod:trainer",
        "kubernetes.io": {
            "namespace": "prod",
            "node": {"name": "node-1", "uid": "646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1"},
            "pod": {"name": "trainer-0", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3"},
            "serviceaccount": {"name": "trainer", "uid": "0c4a7f5e-3c6f-4a6e-9d43-7a54c3a6f2b1"},
        },
    }

    def __init__(
        self,
        issuer: str = "https://kubernetes.default.svc.cluster.local",
        tenant: str = "default",
        audience: str = "ostiary",
        keys: Iterable[FakeKey] = (),
    ) -> None:
        """Sign with the first of ``keys``."""
        super().__init__(issuer, tenant, audience, keys)

    @override
    def claims(self, now_ns: int, /, *, drop: Iterable[str] = (), **changes: Any) -> dict[str, Any]:
        """Return the claims of a token, its audience in a list; ``changes`` of inner claims are ``inner={…}``."""
        inner = {**self.own["kubernetes.io"], **changes.pop("inner", {})}
        now = now_ns // _SECOND_NS
        given = {"kubernetes.io": inner, "aud": [self.audience], "exp": now + _HOUR_S, **changes}
        return super().claims(now_ns, drop=drop, **given)


class FakeSpiffe(FakeWorkloads):
    """One SPIFFE trust domain; its tokens have no ``iss`` and its keys come in a bundle."""

    kind = "spiffe"
    subject = "spiffe://example.org/ns/prod/sa/trainer"
    rule: ClassVar[Mapping[str, Any]] = {"paths": "/ns/prod"}
    own: ClassVar[Mapping[str, Any]] = {"sub": "spiffe://example.org/ns/prod/sa/trainer"}
    trust_domain = "example.org"

    def __init__(
        self,
        issuer: str = "spiffe://example.org",
        tenant: str = "default",
        audience: str = "ostiary",
        keys: Iterable[FakeKey] = (),
    ) -> None:
        """Sign with the first of ``keys``."""
        super().__init__(issuer, tenant, audience, keys)
        self.sequence = 1

    @override
    def claims(self, now_ns: int, /, *, drop: Iterable[str] = (), **changes: Any) -> dict[str, Any]:
        """Return the claims of a JWT-SVID; it has an ``iss`` only when one is given."""
        without = set(drop) if "iss" in changes else {*drop, "iss"}
        return super().claims(now_ns, drop=without, **changes)

    @override
    def jwks(self) -> JwksSource:
        """Return the bundle, inline."""
        return JwksSource(inline=self.bundle().decode(), form="spiffe_bundle")

    def bundle(self, *keys: FakeKey, sequence: int | None = None, hint: int = 60, use: str = "jwt-svid") -> bytes:
        """Return a bundle of ``keys``, or of the fake's own."""
        listed = [{**key.jwk, "use": use} for key in keys or self.keys]
        for jwk in listed:
            jwk.pop("alg", None)
        number = self.sequence if sequence is None else sequence
        return json.dumps({"keys": listed, "spiffe_sequence": number, "spiffe_refresh_hint": hint}).encode()

    @override
    def config(self, **changes: Any) -> IssuerConfig:
        """Return how a tenant lets this trust domain's services in."""
        return super().config(**{"issuer": "", "trust_domain": self.trust_domain, **changes})


FAKES: Final[Mapping[str, type[FakeWorkloads]]] = {
    fake.kind: fake for fake in (FakeGithub, FakeGitlab, FakeKubernetes, FakeSpiffe)
}
