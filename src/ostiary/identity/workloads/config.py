"""Makes the configuration of an issuer of workloads: what the kind knows, and what an administrator says of it.

>>> github = WorkloadSettings(tenant="acme", kind="github", audience="ostiary",
...                           rules=({"name": "train", "repository_id": 42, "repository_owner_id": 7},))
>>> config = issuer_config(github)
>>> config.issuer, config.subject_type, config.workload.authority
('https://token.actions.githubusercontent.com', 'ci_job', 'github')
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from ostiary.errors import FaultyInputError
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import ClaimNames, IssuerConfig, JwksSource
from ostiary.identity.workloads.found import kind_of
from ostiary.identity.workloads.kind import WorkloadKind
from ostiary.identity.workloads.review import TokenReview
from ostiary.identity.workloads.rule import WorkloadRule, read_rule
from ostiary.identity.workloads.shapes import SLUG
from ostiary.identity.workloads.spiffe_id import SCHEME, SpiffeIdError, parse_spiffe_id
from ostiary.identity.workloads.trust import WorkloadTrust

MAX_RULES: Final = 200
_NO_NAMES: Final = ClaimNames(subject="sub", acr="", amr="", auth_time="", client_id="", scopes="", session="")
_DOMAIN: Final = "trust_domain"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSettings:
    """One issuer of workloads that a tenant lets in.

    Attributes:
        audience: the one ``aud`` that tokens must have.
        rules: tables of what must hold; a token is let in when all of one rule holds.
        name: the authority's name, unique in the tenant and part of subject ids; empty takes the kind's.
        issuer: the exact ``iss``; empty takes the kind's, or the trust domain.
        trust_domain: with SPIFFE.
        jwks: where the keys are; ``None`` takes the kind's own place.
        subject_type, max_lifetime_s: empty and 0 take the kind's.
    """

    tenant: str
    kind: str
    audience: str
    rules: tuple[Mapping[str, Any], ...] = ()
    name: str = ""
    issuer: str = ""
    trust_domain: str = ""
    jwks: JwksSource | None = None
    subject_type: str = ""
    single_use: bool = False
    max_lifetime_s: int = 0
    clock_skew_s: int = 60
    review: TokenReview | None = None


def issuer_config(given: WorkloadSettings) -> IssuerConfig:
    """Return the issuer as the verifier knows it.

    Raises:
        FaultyInputError: ``identity_config_invalid``.
    """
    kind = kind_of(given.kind)
    rules = _rules(kind, given)
    authority = given.name or given.trust_domain or kind.name
    if not SLUG.fits(authority):
        _faulty(f"the `name` of a workloads' issuer must be {SLUG.words}")
    trust = WorkloadTrust(
        kind=kind,
        authority=authority,
        rules=rules,
        single_use=given.single_use,
        review=given.review,
    )
    return IssuerConfig(
        tenant=given.tenant,
        issuer=_issuer(kind, given),
        audience=given.audience,
        jwks=_jwks(kind, given),
        algorithms=kind.algorithms,
        token_types=kind.token_types,
        subject_type=given.subject_type or kind.subject_type,
        clock_skew_s=given.clock_skew_s,
        max_lifetime_s=given.max_lifetime_s or kind.max_lifetime_s,
        names=_NO_NAMES,
        workload=trust,
    )


def remarks(config: IssuerConfig) -> Iterator[str]:
    """Yield what an administrator should know of a configuration that is allowed."""
    if config.workload is None:
        return
    trust = config.workload
    if not trust.rules:
        yield f"workloads of `{trust.authority}` have no rule: none of them is let in"
    for rule in trust.rules:
        yield from (f"rule `{rule.name}` of `{trust.authority}`: {text}" for text in trust.kind.remarks(rule.values))


def _rules(kind: WorkloadKind, given: WorkloadSettings) -> tuple[WorkloadRule, ...]:
    if len(given.rules) > MAX_RULES:
        _faulty(f"an issuer of workloads has at most {MAX_RULES} rules")
    shared = _trust_domain(kind, given)
    rules = tuple(read_rule(kind, {**shared, **rule}) for rule in given.rules)
    if len({rule.name for rule in rules}) != len(rules):
        _faulty("two rules of one issuer bear the same name")
    return rules


def _trust_domain(kind: WorkloadKind, given: WorkloadSettings) -> dict[str, str]:
    """Return what each rule of a trust domain says; a rule cannot say another."""
    if _DOMAIN not in kind.keys:
        if given.trust_domain:
            _faulty(f"`trust_domain` means nothing for {kind.name}")
        return {}
    try:
        parse_spiffe_id(f"{SCHEME}{given.trust_domain}/x")
    except SpiffeIdError as fault:
        _faulty(f"`trust_domain` is none: {fault}")
    if any(_DOMAIN in rule for rule in given.rules):
        _faulty("`trust_domain` is said once for the issuer, not in its rules")
    return {_DOMAIN: given.trust_domain}


def _issuer(kind: WorkloadKind, given: WorkloadSettings) -> str:
    issuer = given.issuer or kind.issuer or (given.trust_domain and f"{SCHEME}{given.trust_domain}")
    return issuer or _faulty(f"workloads of kind {kind.name} need an `issuer`")


def _jwks(kind: WorkloadKind, given: WorkloadSettings) -> JwksSource:
    if given.jwks is not None:
        return replace(given.jwks, form=kind.key_form)
    if kind.jwks_url and given.issuer in {"", kind.issuer}:
        return JwksSource(url=kind.jwks_url)
    return _faulty(f"workloads of kind {kind.name} need to know where their issuer's keys are")


def _faulty(message: str) -> NoReturn:
    raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
