"""Decision records as the shadow sees them, made by the law from a wish: who, when, what was proposed, what was live.

>>> record_of("dec_1", "user:ada", 10, Effect.STEP_UP).outcome.effect.name
'ALLOW'
>>> record_of("dec_1", "user:ada", 10, Effect.STEP_UP, live=True).outcome.effect.name
'STEP_UP'
"""

import msgspec

from ostiary.decision.combine import combine
from ostiary.decision.numbers import pack
from ostiary.decision.phases import PhaseTable, high_impact_everywhere
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import Contribution, RiskScore, unavailable
from ostiary.vocabulary.verdicts import AdaptiveVerdict, DecisionRecord, GuardrailVerdict, RuleHit


def record_of(
    decision_id: str,
    subject: str,
    at_ns: int,
    proposal: Effect = Effect.ALLOW,
    *,
    score: float | None = 0.01,
    groups: tuple[str, ...] = (),
    resource_type: str = "doc",
    resource_id: str = "1",
    allowed: bool = True,
    live: bool = False,
    tenant: str = "default",
    why: str = "network first seen",
) -> DecisionRecord:
    """Return the record of one access; ``live`` says whether every control is."""
    phases = high_impact_everywhere() if live else PhaseTable()
    verdict = GuardrailVerdict(hits=(RuleHit("may", Effect.ALLOW),) if allowed else ())
    adaptive = AdaptiveVerdict(hits=(RuleHit("odd", proposal),) if proposal else ())
    kind, _, name = subject.partition(":")
    risk = unavailable("risk_no_model")
    if score is not None:
        told = (Contribution("network_new", 1.0, 1.5, why),) if proposal else ()
        risk = RiskScore(available=True, score=score, level="low", model="sha256:live", contributions=told)
    event = AccessEvent(
        decision_id, tenant, at_ns, name, "read", resource_type, resource_id, subject_type=kind, groups=groups
    )
    return DecisionRecord(
        v=1,
        tenant=tenant,
        receipt=Receipt(decision_id, at_ns),
        pep="gateway",
        subject_key=subject,
        outcome=combine(verdict, adaptive, phases),
        input=msgspec.Raw(b'{"resource":{"critical":false},"session":{"state":"active"}}'),
        event=event,
        features=pack((0.0,)),
        risk=risk,
        guardrails=verdict,
        adaptive=adaptive,
        phases=phases.phases,
        bundle="sha256:bundle",
    )
