"""What policy and the decision say: verdicts, obligations, outcomes, and the record that is kept for ever."""

from typing import Any, Final

import msgspec

from ostiary.vocabulary.behaviour import BiometricsVerdict
from ostiary.vocabulary.effects import Control, Effect, Phase
from ostiary.vocabulary.entities import EvaluationRequest, Receipt
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

RESTS_ON: Final = "rests_on"
"""Property of a proposal: on what it rests, where that caps it (``decision.resting``)."""


class Obligation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something the enforcement point must do, or deny (AuthZEN Obligations Profile)."""

    id: str
    type: str
    properties: dict[str, Any] = {}


class RuleHit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One policy rule that matched, with the words its annotations give it.

    Attributes:
        rule: stable rule id, such as ``prod-db-needs-mfa``.
        effect: what the rule asks for.
        explanation: plain words for the person concerned.
        remediation: what that person can do about it.
        properties: rule-specific values, such as ``acr_values``.
    """

    rule: str
    effect: Effect
    explanation: str = ""
    remediation: str = ""
    properties: dict[str, Any] = {}


class Unmet(msgspec.Struct, frozen=True, omit_defaults=True):
    """A condition of an allow rule that did not hold: why nothing allowed the request."""

    rule: str
    condition: str
    remediation: str = ""


class GuardrailVerdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """The deterministic verdict. No ``allow`` hit means DENY; an ``error`` means DENY.

    Attributes:
        hits: every rule that matched, allow rules included (their effect is ALLOW).
        ceiling: the harshest effect that models may cause here.
        error: reason code when evaluation failed, else empty.
    """

    hits: tuple[RuleHit, ...] = ()
    unmet: tuple[Unmet, ...] = ()
    ceiling: Effect = Effect.TERMINATE
    obligations: tuple[Obligation, ...] = ()
    error: str = ""


class AdaptiveVerdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the adaptive rules propose, having seen the score. ``error`` means they could not be asked."""

    hits: tuple[RuleHit, ...] = ()
    control: Control | None = None
    obligations: tuple[Obligation, ...] = ()
    error: str = ""

    @property
    def proposal(self) -> Effect:
        """The harshest effect proposed."""
        return max((hit.effect for hit in self.hits), default=Effect.ALLOW)


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """The decision by the law, with its parts kept apart so that a person can check the sum.

    ``break_glass`` names what was open, wherever it replaced anything (``replaced_by_break_glass``).
    """

    effect: Effect
    floor: Effect
    proposal: Effect
    applied_proposal: Effect
    ceiling: Effect
    reasons: tuple[str, ...] = ()
    rules: tuple[RuleHit, ...] = ()
    replaced_by_break_glass: tuple[str, ...] = ()
    break_glass: str = ""


class Suppressed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A suppression that was in force for one access: what it withholds, and its id.

    Attributes:
        id: of the suppression, ``sup_…``.
        kind: ``rule`` or ``signal``.
        name: of the adaptive rule, or of the signal.
    """

    id: str
    kind: str
    name: str


class DecisionRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything needed to explain and to replay one decision. Version 1.

    ``input`` holds the very bytes that the guardrails saw; ``features`` the very numbers that the model saw,
    as little-endian 64-bit floats (NaN = missing).
    ``request`` is kept only when the request never became an input document. ``fault`` names what went wrong
    inside a step that failed closed. ``key`` is the thumbprint of the key that came with the subject's token.
    ``biometrics`` is what was known of how the subject types and moves, ``plain_risk`` the score without it.
    ``suppressions`` are those in force for this access, whether they withheld anything or not.
    No token, proof or secret is ever in a record.
    """

    v: int
    tenant: str
    receipt: Receipt
    pep: str
    subject_key: str
    outcome: Outcome
    request: EvaluationRequest | None = None
    kind: str = "evaluation"
    refusal: str = ""
    fault: str = ""
    results: int | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")
    event: AccessEvent | None = None
    features: bytes = b""
    feature_set: str = ""
    risk: RiskScore | None = None
    guardrails: GuardrailVerdict | None = None
    adaptive: AdaptiveVerdict | None = None
    obligations: tuple[Obligation, ...] = ()
    phases: dict[str, Phase] = {}
    bundle: str = ""
    session_risk: RiskScore | None = None
    key: str = ""
    suppressions: tuple[Suppressed, ...] = ()
    biometrics: BiometricsVerdict | None = None
    plain_risk: RiskScore | None = None
