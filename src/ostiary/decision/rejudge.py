"""The decision made again for the session: what the adaptive rules propose now that its risk is known.

Only rules that speak of the session (``"scope": "session"`` beside their effect) count here: the access itself has been
decided. The law is the same: floor, proposal, phases, ceilings; a session falls by what lived through it, no further.
"""

from typing import Final

import msgspec

from ostiary.decision.combine import combine, control_of
from ostiary.decision.obligations import acr_values_of, privileges_of, smallest_of
from ostiary.decision.phases import PhaseTable
from ostiary.decision.ports import PolicyEngine
from ostiary.decision.resting import Seen, proposed
from ostiary.decision.suppressing import withheld
from ostiary.vocabulary.effects import Control, Effect
from ostiary.vocabulary.rollout import NOWHERE, Where
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import AdaptiveVerdict, DecisionRecord, Outcome

SESSION: Final = "session"
REDUCED_S: Final = 900.0


class Fall(msgspec.Struct, frozen=True):
    """How a session falls, and by which rules.

    Attributes:
        effect: REDUCE, STEP_UP or TERMINATE; ALLOW = not at all.
        proposal: what was proposed before phases and ceilings.
        lifetime_s: how long it may live on; ``None`` = as long as before.
    """

    effect: Effect
    proposal: Effect = Effect.ALLOW
    rules: tuple[str, ...] = ()
    privileges: tuple[str, ...] = ()
    lifetime_s: float | None = None
    acr_values: tuple[str, ...] = ()


class _Critical(msgspec.Struct, frozen=True):
    critical: bool = False
    type: str = ""


class _Subject(msgspec.Struct, frozen=True):
    groups: tuple[str, ...] = ()


class _Document(msgspec.Struct, frozen=True):
    resource: _Critical
    subject: _Subject = _Subject()


_document = msgspec.json.Decoder(_Document).decode


def where_of(record: DecisionRecord) -> Where:
    """Return where a recorded access lay among the scopes of phases, as its own document tells it."""
    if record.refusal or record.guardrails is None:
        return NOWHERE
    told = _document(bytes(record.input))
    return Where(record.subject_key, told.resource.type, told.subject.groups)


def rejudge(record: DecisionRecord, risk: RiskScore, engine: PolicyEngine, phases: PhaseTable) -> Fall:
    """Return how the session of a recorded evaluation falls at its new ``risk``; pure.

    An access that was refused before policy saw it says nothing about its session here.
    """
    if record.refusal or record.guardrails is None or record.risk is None:
        return Fall(Effect.ALLOW)
    document = bytes(record.input)
    seen = Seen(record.risk, record.plain_risk, risk, record.biometrics)
    verdict = proposed(engine, document, record.guardrails, seen)
    hits = tuple(hit for hit in verdict.hits if hit.properties.get("scope") == SESSION)
    if verdict.error or not hits:
        return Fall(Effect.ALLOW)
    critical = _document(document).resource.critical
    hidden = withheld(hits, record.suppressions, record.risk)
    outcome = combine(record.guardrails, AdaptiveVerdict(hits=hits), phases, critical=critical, withheld=hidden)
    return _fall(outcome, AdaptiveVerdict(hits=hits), hidden)


def _fall(outcome: Outcome, verdict: AdaptiveVerdict, hidden: frozenset[str]) -> Fall:
    lived = outcome.applied_proposal
    # A denial is for one access; a session that should be denied everything is asked to prove itself instead.
    effect = Effect.STEP_UP if lived == Effect.DENY else lived
    acting = tuple(hit for hit in verdict.hits if hit.effect >= lived and hit.rule not in hidden) if lived else ()
    own = msgspec.structs.replace(outcome, effect=lived, rules=acting)
    shorter = any(control_of(hit) == Control.SESSION_LIFETIME for hit in acting)
    told = smallest_of(own, "max_age")
    lifetime_s = REDUCED_S if told is None else float(told)
    return Fall(
        effect,
        outcome.proposal,
        tuple(hit.rule for hit in acting),
        privileges_of(own),
        lifetime_s if shorter and effect == Effect.REDUCE else None,
        acr_values_of(own) if effect == Effect.STEP_UP else (),
    )
