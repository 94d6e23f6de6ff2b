"""Why: one record told from the sentence down to the proof.

The order is the order in which a person asks: what happened → which rule → what was missing → what was unusual
against this subject's own baseline → how floor, proposal and ceiling were joined → what must be done.
"""

from typing import Any

import msgspec

from ostiary.decision.answer import user_sentence
from ostiary.decision.words import sentence
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord, Outcome

_VERBS = {
    Effect.ALLOW: "was allowed",
    Effect.REDUCE: "was allowed with reduced privileges",
    Effect.STEP_UP: "was asked to prove again who they are",
    Effect.DENY: "was denied",
    Effect.TERMINATE: "was denied and the session ended",
}


class Explanation(msgspec.Struct, frozen=True):
    """One decision in words and figures; every member stands by itself."""

    decision_id: str
    time_ns: int
    effect: str
    sentence: str
    because: str
    rules: list[dict[str, str]]
    unmet: list[dict[str, str]]
    signals: list[dict[str, Any]]
    law: dict[str, str]
    reasons: list[dict[str, str]]
    obligations: list[dict[str, Any]]
    risk: dict[str, Any]
    bundle: str
    phases: dict[str, str]
    biometrics: dict[str, Any]


def explain(record: DecisionRecord) -> Explanation:
    """Return the explanation of one record."""
    outcome = record.outcome
    unmet = record.guardrails.unmet if record.guardrails and outcome.floor >= Effect.DENY else ()
    return Explanation(
        decision_id=record.receipt.decision_id,
        time_ns=record.receipt.received_ns,
        effect=outcome.effect.name,
        sentence=f"{record.subject_key or 'an unknown caller'} {_VERBS[outcome.effect]}: {_what(record)}.",
        because=user_sentence(outcome),
        rules=[
            {
                "rule": h.rule,
                "effect": h.effect.name,
                "explanation": h.explanation,
                "remediation": h.remediation,
            }
            for h in outcome.rules
        ],
        unmet=[{"rule": u.rule, "condition": u.condition, "remediation": u.remediation} for u in unmet],
        signals=_signals(record),
        law=_law(outcome),
        reasons=[{"code": r, "text": "" if r.startswith("rule:") else sentence(r)} for r in outcome.reasons],
        obligations=[msgspec.to_builtins(o) for o in record.obligations],
        risk=_risk(record),
        bundle=record.bundle,
        phases={control: phase.name.lower() for control, phase in record.phases.items()},
        biometrics=_biometrics(record),
    )


def _what(record: DecisionRecord) -> str:
    event, request = record.event, record.request
    if event is not None:
        return f"{event.action} on {event.resource_type} {event.resource_id}"
    if request is not None:
        return f"{request.action.name} on {request.resource.type} {request.resource.id}"
    return "a request that could not be read"


def _signals(record: DecisionRecord) -> list[dict[str, Any]]:
    found = record.risk.contributions if record.risk else ()
    return [{"signal": c.signal, "value": c.value, "weight": round(c.weight, 3), "text": c.text} for c in found]


def _law(outcome: Outcome) -> dict[str, str]:
    return {
        "floor": outcome.floor.name,
        "proposal": outcome.proposal.name,
        "applied_proposal": outcome.applied_proposal.name,
        "ceiling": outcome.ceiling.name,
        "final": outcome.effect.name,
        "sum": f"max({outcome.floor.name}, {outcome.applied_proposal.name}) = {outcome.effect.name}",
    }


def _biometrics(record: DecisionRecord) -> dict[str, Any]:
    """Return what was known of typing and moving, with what proves which windows and models; empty when nothing was."""
    found, plain = record.biometrics, record.plain_risk
    if found is None:
        return {}
    told: dict[str, Any] = msgspec.to_builtins(found)
    return {**told, "score_without": None if plain is None else plain.score}


def _risk(record: DecisionRecord) -> dict[str, Any]:
    risk = record.risk
    if risk is None:
        return {"available": False, "reason": record.refusal}
    return {
        "available": risk.available,
        "reason": risk.reason,
        "score": risk.score,
        "level": risk.level,
        "uncertainty": risk.uncertainty,
        "model": risk.model,
    }
