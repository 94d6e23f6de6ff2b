"""Says what a workload's token would meet, restriction by restriction, for the person who writes the rules.

Rules: the same verifier decides as at the door, so that an explanation can never be milder than the answer. What
single restrictions say is told only of tokens whose signature, audience and dates are good: before that, nothing a
token says is worth explaining.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ostiary.errors import OstiaryError
from ostiary.identity.codes import TOKEN
from ostiary.identity.compact import parse_compact
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.settings import IssuerConfig, JwksSettings
from ostiary.identity.tokens import MAX_LENGTH, TokenVerifier
from ostiary.identity.types import UnverifiedToken, thaw
from ostiary.identity.workloads.kind import WorkloadKind
from ostiary.identity.workloads.rule import WorkloadRule
from ostiary.identity.workloads.trust import WorkloadTrust
from ostiary.identity.workloads.verdicts import Claims, Failure, Restriction


@dataclass(frozen=True, slots=True)
class Check:
    """What one restriction says; ``reason`` and ``text`` are empty when it holds."""

    restriction: str
    demands: Mapping[str, Any]
    holds: bool
    reason: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class RuleChecks:
    """What all restrictions of one rule say."""

    rule: str
    holds: bool
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of one token.

    Attributes:
        reason, text: why it is refused, or empty.
        subject_type, subject_id: whom the request must name; empty when refused before that is known.
        claims: what policy would see.
        rules: each rule's restrictions; empty when the token was refused before its rules were asked.
    """

    accepted: bool
    kind: str
    issuer: str
    reason: str = ""
    text: str = ""
    subject_type: str = ""
    subject_id: str = ""
    claims: Mapping[str, Any] | None = None
    rules: tuple[RuleChecks, ...] = ()


def explain(token: str, config: IssuerConfig, now_ns: int, jwks: JwksSettings | None = None) -> Explanation:
    """Verify ``token`` as the door would, and say why.

    Raises:
        UnavailableError: the issuer's keys cannot be had.
    """
    trust = config.workload
    if trust is None:
        msg = "only issuers of workloads can be explained"
        raise RuntimeError(msg)
    rules: tuple[RuleChecks, ...] = ()
    try:
        facts = TokenVerifier(IssuerBook([config], jwks)).verify(UnverifiedToken(token), config.tenant, now_ns)[0]
    except OstiaryError as refused:
        if refused.exit_code == 1:  # not a refusal: the keys are away, or the input is no token at all
            raise
        if refused.code.startswith("workload_"):
            rules = _rules(trust, token)
        return Explanation(
            accepted=False,
            kind=trust.kind.name,
            issuer=config.issuer,
            reason=str(refused.code),
            text=refused.message,
            rules=rules,
        )
    return Explanation(
        accepted=True,
        kind=trust.kind.name,
        issuer=config.issuer,
        subject_type=config.subject_type,
        subject_id=facts.subject_id,
        claims=thaw(facts.claims),
        rules=_rules(trust, token),
    )


def describe(kind: WorkloadKind) -> dict[str, Any]:
    """Return what a kind is and what its rules can say, as plain values."""
    return {
        "kind": kind.name,
        "text": kind.text,
        "subject_type": kind.subject_type,
        "issuer": kind.issuer,
        "algorithms": list(kind.algorithms),
        "token_types": list(kind.token_types),
        "max_lifetime_s": kind.max_lifetime_s,
        "required": {name: shape.words for name, shape in kind.required.items()},
        "immutable": list(kind.immutable),
        "shown": list(kind.shown),
        "keys": {
            name: {
                "text": key.text,
                "form": key.shape.words,
                "needed": key.needed,
                "default": list(key.default),
                "never": sorted(key.never or ()),
            }
            for name, key in kind.keys.items()
        },
    }


def _rules(trust: WorkloadTrust, token: str) -> tuple[RuleChecks, ...]:
    try:
        read = trust.read(parse_compact(token, MAX_LENGTH, TOKEN).payload)
    except OstiaryError:
        return ()  # the claims themselves were refused: the reason says it, and no rule was asked
    return tuple(_rule(rule, read) for rule in trust.rules)


def _rule(rule: WorkloadRule, read: Claims) -> RuleChecks:
    checks = tuple(_check(one, verdict) for one, verdict in rule.verdicts(read))
    return RuleChecks(rule.name, all(check.holds for check in checks), checks)


def _check(restriction: Restriction, verdict: object) -> Check:
    demands = {part.name: getattr(restriction, part.name) for part in fields(restriction)}  # type: ignore[arg-type]
    if isinstance(verdict, Failure):
        return Check(restriction.tag, demands, holds=False, reason=verdict.code.value, text=verdict.text)
    return Check(restriction.tag, demands, holds=True)
