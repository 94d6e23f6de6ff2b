"""The AuthZEN answer of one decision: what the enforcement point is told, and no more.

The score and the signals never leave in an answer: whoever is scored must not be able to tune against them. Nor does
a proposal that is not live: a shadow that answers show would tell whom it falls on. Of several model rules with one
effect all are told as one (``told_as``): which of them acted says in which band a score lies. How far a proposal fell,
and what somebody else is to review, is for the record.
"""

from typing import Any, Final

from ostiary.decision.words import sentence
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import Obligation, Outcome, RuleHit, Unmet

_MAX_UNMET: Final = 5
TOLD_AS: Final = "told_as"
# What these say is how far a model went, or would have gone.
_KEPT_BACK: Final = frozenset(
    {Reason.BIOMETRICS_CAP, Reason.CRITICAL_CAP, Reason.PHASE_NOT_LIVE, Reason.POLICY_CEILING, Reason.SUPPRESSED}
)
_MODELLED: Final = {
    Effect.REDUCE: "This access is somewhat unusual, so it is allowed with less.",
    Effect.STEP_UP: "This access is unusual, so the subject must prove itself again.",
    Effect.DENY: "This access is too unusual to be allowed.",
    Effect.TERMINATE: "This session looks taken over, so it is ended.",
}
_HELPS: Final = {
    Effect.REDUCE: "Nothing is needed now; you may be asked to sign in again sooner.",
    Effect.STEP_UP: "Sign in again with a security key or passkey.",
    Effect.DENY: "Ask the security team to look at it with you.",
    Effect.TERMINATE: "Sign in again, and tell the security team if you did not do this.",
}


def user_sentence(outcome: Outcome, *, outside: bool = False) -> str:
    """Return the one sentence that the person concerned is told; ``outside`` leaves out which model rule acted."""
    for hit in outcome.rules:
        if outside and _told_as(hit, outcome):
            return _MODELLED[outcome.effect]
        if hit.effect == outcome.effect and hit.explanation:
            return hit.explanation
    codes = [r for r in _told(outcome) if not r.startswith("rule:")]
    if codes:
        return sentence(codes[0])
    return "Allowed." if outcome.effect == Effect.ALLOW else "Policy does not permit this as it stands."


def _told_as(hit: RuleHit, outcome: Outcome) -> str:
    """Return the name under which a model's rule is told for what came of it; empty for any other rule."""
    names = hit.properties.get(TOLD_AS)
    name = names.get(outcome.effect.name) if isinstance(names, dict) and outcome.effect in _MODELLED else None
    return name if isinstance(name, str) else ""


def _told(outcome: Outcome) -> list[str]:
    """Return the reasons as whoever is judged may know them."""
    names = {f"rule:{hit.rule}": f"rule:{_told_as(hit, outcome)}" for hit in outcome.rules if _told_as(hit, outcome)}
    fallen = {f"rule:{hit.rule}" for hit in outcome.rules if hit.effect > outcome.effect} - names.keys()
    kept = [names.get(reason, reason) for reason in outcome.reasons if reason not in _KEPT_BACK | fallen]
    return list(dict.fromkeys(kept))


def remediation_of(outcome: Outcome, unmet: tuple[Unmet, ...] = ()) -> list[str]:
    """Return what the person concerned can do, in words; of what a model asked for and did not get, nothing."""
    texts = [
        _HELPS[outcome.effect] if _told_as(hit, outcome) else hit.remediation if hit.effect == outcome.effect else ""
        for hit in outcome.rules
    ]
    texts += [u.remediation for u in unmet[:_MAX_UNMET]]
    return list(dict.fromkeys(t for t in texts if t))


def answer_of(
    decision_id: str, outcome: Outcome, obligations: tuple[Obligation, ...], unmet: tuple[Unmet, ...] = ()
) -> dict[str, Any]:
    """Return the AuthZEN 1.0 response body of one decision."""
    context: dict[str, Any] = {"id": decision_id, "effect": outcome.effect.name, "reasons": _told(outcome)}
    if outcome.break_glass:
        context["break_glass"] = outcome.break_glass
    if outcome.effect != Effect.ALLOW:
        context["reason_user"] = {"en": user_sentence(outcome, outside=True)}
        remediation = remediation_of(outcome, unmet if outcome.effect >= Effect.DENY else ())
        if remediation:
            context["remediation"] = remediation
    if outcome.effect >= Effect.DENY and unmet:
        context["reason_admin"] = {"en": "; ".join(f"{u.rule}: {u.condition}" for u in unmet[:_MAX_UNMET])}
    if obligations:
        context["obligations"] = [_obligation(o) for o in obligations]
    wait_s = retry_after(outcome)
    if wait_s:
        context["retry_after"] = wait_s
    if outcome.effect == Effect.STEP_UP:
        # The specification's own example of a step-up: acr_values beside the decision (Authorization API 1.0 §5.5).
        context.update({k: v for o in obligations if o.type == "step-up" for k, v in _challenge(o).items()})
    return {"decision": outcome.effect.permits, "context": context}


def retry_after(outcome: Outcome) -> int:
    """Return after how many seconds it is worth asking again, when that is what the denial is about; else 0."""
    waits = [hit.properties.get("retry_after") for hit in outcome.rules if outcome.effect == Effect.DENY]
    return max((wait for wait in waits if isinstance(wait, int) and not isinstance(wait, bool)), default=0)


def _challenge(obligation: Obligation) -> dict[str, Any]:
    """Return the RFC 9470 parameters of a step-up obligation."""
    challenge: dict[str, Any] = {"acr_values": " ".join(obligation.properties.get("acr_values", []))}
    if "max_age" in obligation.properties:
        challenge["max_age"] = obligation.properties["max_age"]
    return challenge


def _obligation(obligation: Obligation) -> dict[str, Any]:
    return {"id": obligation.id, "type": obligation.type, "properties": obligation.properties}
