"""The AuthZEN answer of one decision: what the enforcement point is told, and no more.

The score and the signals never leave in an answer: whoever is scored must not be able to tune against them. Nor does
a proposal that is not live: a shadow that answers show would tell whom it falls on.
"""

from typing import Any, Final

from ostiary.decision.words import sentence
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import Obligation, Outcome, RuleHit, Unmet

_MAX_UNMET: Final = 5


def user_sentence(outcome: Outcome) -> str:
    """Return the one sentence that the person concerned is told."""
    for hit in outcome.rules:
        if hit.effect == outcome.effect and hit.explanation:
            return hit.explanation
    codes = [r for r in _told(outcome) if not r.startswith("rule:")]
    if codes:
        return sentence(codes[0])
    return "Allowed." if outcome.effect == Effect.ALLOW else "Policy does not permit this as it stands."


def _told(outcome: Outcome) -> list[str]:
    return [reason for reason in outcome.reasons if reason != Reason.PHASE_NOT_LIVE]


def _remediation(rules: tuple[RuleHit, ...], unmet: tuple[Unmet, ...]) -> list[str]:
    texts = [h.remediation for h in rules] + [u.remediation for u in unmet[:_MAX_UNMET]]
    return list(dict.fromkeys(t for t in texts if t))


def answer_of(
    decision_id: str, outcome: Outcome, obligations: tuple[Obligation, ...], unmet: tuple[Unmet, ...] = ()
) -> dict[str, Any]:
    """Return the AuthZEN 1.0 response body of one decision."""
    context: dict[str, Any] = {"id": decision_id, "effect": outcome.effect.name, "reasons": _told(outcome)}
    if outcome.break_glass:
        context["break_glass"] = outcome.break_glass
    if outcome.effect != Effect.ALLOW:
        context["reason_user"] = {"en": user_sentence(outcome)}
        remediation = _remediation(outcome.rules, unmet if outcome.effect >= Effect.DENY else ())
        if remediation:
            context["remediation"] = remediation
    if outcome.effect >= Effect.DENY and unmet:
        context["reason_admin"] = {"en": "; ".join(f"{u.rule}: {u.condition}" for u in unmet[:_MAX_UNMET])}
    if obligations:
        context["obligations"] = [_obligation(o) for o in obligations]
    if outcome.effect == Effect.STEP_UP:
        # The specification's own example of a step-up: acr_values beside the decision (Authorization API 1.0 §5.5).
        context.update({k: v for o in obligations if o.type == "step-up" for k, v in _challenge(o).items()})
    return {"decision": outcome.effect.permits, "context": context}


def _challenge(obligation: Obligation) -> dict[str, Any]:
    """Return the RFC 9470 parameters of a step-up obligation."""
    challenge: dict[str, Any] = {"acr_values": " ".join(obligation.properties.get("acr_values", []))}
    if "max_age" in obligation.properties:
        challenge["max_age"] = obligation.properties["max_age"]
    return challenge


def _obligation(obligation: Obligation) -> dict[str, Any]:
    return {"id": obligation.id, "type": obligation.type, "properties": obligation.properties}
