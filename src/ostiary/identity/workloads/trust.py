"""How far the workloads of one issuer are trusted: their kind, the rules, and what becomes of a token that passes.

What must be true of the claims of a token whose signature, audience and dates are good, in this order:

1. its kind can take them apart, each required claim is there and every claim has its form;
2. the claims agree with each other;
3. at least one rule's restrictions all hold. Otherwise the failure of the rule that came furthest is the reason.

The subject's id is then made from immutable claims; policy sees the kind's claims and which rule let the token in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.reasons import Refusal
from ostiary.identity.workloads.kind import WorkloadKind
from ostiary.identity.workloads.review import TokenReview
from ostiary.identity.workloads.rule import WorkloadRule
from ostiary.identity.workloads.verdicts import Claims, Failure, Verdict

MEMBER: Final = "workload"  # under this name policy sees who vouched and which rule it was; no token can set it


@dataclass(frozen=True, slots=True)
class Told:
    """Whom a token is about, and what policy sees of its claims."""

    subject_id: str
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadTrust:
    """The trust in one issuer.

    Attributes:
        authority: the administrator's name for the issuer, unique in the tenant; part of subject ids, because ids of
            two issuers may be equal.
        single_use: whether each token is good for one request; it must then have a ``jti``.
        review: asks the issuer itself, or ``None`` (default): everything is decided offline.
    """

    kind: WorkloadKind
    authority: str
    rules: tuple[WorkloadRule, ...]
    single_use: bool = False
    review: TokenReview | None = None

    def recognise(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
        """Refuse what is no token of this kind; asked before audience and dates, for the sake of a clear reason."""
        if self.kind.headers and not header.keys() <= self.kind.headers:
            text = f"the header of a token of kind {self.kind.name} has members that do not belong there"
            raise RefusedError(Refusal.WORKLOAD_HEADER_UNKNOWN, text)
        _demand(self.kind.recognise(claims))

    def judge(self, claims: Mapping[str, Any]) -> Told:
        """Return whom the token is about.

        Raises:
            RefusedError: one ``workload_…`` code for each way to fail.
        """
        # 1 and 2 the claims themselves
        read = self.read(claims)
        # 3 the rules
        rule = self._rule(read)
        shown = {name: read[name] for name in self.kind.shown if name in read}
        vouched = {"authority": self.authority, "kind": self.kind.name, "rule": rule.name}
        return Told(self.kind.subject(read, self.authority), {**shown, MEMBER: vouched})

    def read(self, claims: Mapping[str, Any]) -> Claims:
        """Return the kind's claims, each of its form.

        Raises:
            RefusedError: ``workload_claim_missing``, ``…_claim_invalid``, ``…_claims_disagree``, or the kind's own.
        """
        flat = self.kind.flatten(claims)
        for name, shape in self.kind.required.items():
            if flat.get(name) is None:
                _refuse(Refusal.WORKLOAD_CLAIM_MISSING, f"the token has no `{name}`")
            if not shape.fits(flat[name]):
                _refuse(Refusal.WORKLOAD_CLAIM_INVALID, f"`{name}` of the token is not {shape.words}")
        for name, shape in self.kind.optional.items():
            if name in flat and not shape.fits(flat[name]):
                _refuse(Refusal.WORKLOAD_CLAIM_INVALID, f"`{name}` of the token is not {shape.words}")
        _demand(self.kind.agree(flat))
        return flat

    def _rule(self, read: Claims) -> WorkloadRule:
        nearest, failure = -1, Failure(Refusal.WORKLOAD_UNTRUSTED, "no rule lets workloads of this issuer in")
        for rule in self.rules:
            reached, verdict = rule.judge(read)
            if not isinstance(verdict, Failure):
                return rule
            if reached > nearest:
                nearest, failure = reached, Failure(verdict.code, f"rule `{rule.name}`: {verdict.text}")
        return _refuse(failure.code, failure.text)


def _demand(verdict: Verdict) -> None:
    if isinstance(verdict, Failure):
        _refuse(verdict.code, verdict.text)


def _refuse(code: Refusal, message: str) -> NoReturn:
    raise RefusedError(code, message)
