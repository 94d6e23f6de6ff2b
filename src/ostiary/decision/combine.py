"""The law: deterministic floor, model proposal, phase and policy ceilings joined by one fixed rule.

    final = max(floor, min(proposal, phase ceiling, policy ceiling))

- No matching allow rule means DENY; an error of either policy step means DENY (fail closed).
- Nothing that a model says can make the result milder than the floor.
- On a ``critical`` resource models alone never go past STEP_UP.
- A proposal that rests on how somebody types and moves never goes past STEP_UP, anywhere (``resting`` marks it).
- A suppressed rule's proposal is told and does not act: ``suppressed``. It is a model's proposal, so nothing of the
  floor could be touched by that.
- Break-glass replaces only the denies that it names, never an error, and ``no_allow_rule`` only when named.

>>> from ostiary.decision.phases import high_impact_everywhere
>>> from ostiary.vocabulary.verdicts import GuardrailVerdict, RuleHit
>>> granted = GuardrailVerdict(hits=(RuleHit("readers-read", Effect.ALLOW),))
>>> combine(granted, None, high_impact_everywhere()).effect.name
'ALLOW'
"""

import msgspec

from ostiary.decision.phases import PhaseTable
from ostiary.vocabulary.effects import EFFECT_OF_CONTROL, Control, Effect
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import RESTS_ON, AdaptiveVerdict, GuardrailVerdict, Outcome, RuleHit


class BreakGlass(msgspec.Struct, frozen=True):
    """A time-limited deterministic allow rule, opened by a quorum, that replaces *named* denies.

    Whoever hands one in has checked its time, scope and quorum; the law only checks what it may replace.
    """

    id: str
    replaces: frozenset[str]


_CONTROL_OF_EFFECT = {effect: control for control, effect in EFFECT_OF_CONTROL.items()}


class _Floor(msgspec.Struct, frozen=True):
    """The deterministic part of the sum."""

    effect: Effect
    hits: tuple[RuleHit, ...]
    reasons: tuple[str, ...]
    replaced: tuple[str, ...] = ()
    glass: str = ""


def _floor(guardrails: GuardrailVerdict, glass: BreakGlass | None) -> _Floor:
    """Return the deterministic floor and the rules that made it."""
    if guardrails.error:
        worst = max((h.effect for h in guardrails.hits), default=Effect.DENY)
        return _Floor(max(worst, Effect.DENY), (), (guardrails.error,))
    named = glass.replaces if glass else frozenset[str]()
    replaced = tuple(h.rule for h in guardrails.hits if h.effect == Effect.DENY and h.rule in named)
    standing = tuple(h for h in guardrails.hits if not (h.effect == Effect.DENY and h.rule in named))
    allowed = any(h.effect == Effect.ALLOW for h in standing)
    if not allowed and Reason.NO_ALLOW_RULE in named:
        replaced, allowed = (*replaced, Reason.NO_ALLOW_RULE.value), True
    harshest = max((h.effect for h in standing), default=Effect.ALLOW)
    effect = harshest if allowed else max(harshest, Effect.DENY)
    hits = tuple(h for h in standing if h.effect == effect)
    reasons = tuple(f"rule:{h.rule}" for h in hits)
    if not allowed:
        reasons = (*reasons, Reason.NO_ALLOW_RULE.value)
    if replaced:
        reasons = (*reasons, Reason.BREAK_GLASS.value)
    return _Floor(effect, hits, reasons, replaced, glass.id if glass and replaced else "")


def control_of(hit: RuleHit) -> Control | None:
    """Return the control through which an adaptive rule wants to act."""
    named = hit.properties.get("control")
    if isinstance(named, str) and named in {c.value for c in Control}:
        control = Control(named)
        if EFFECT_OF_CONTROL[control] == hit.effect:
            return control
    return _CONTROL_OF_EFFECT.get(hit.effect) if hit.effect != Effect.REDUCE else Control.REDUCE


def combine(
    guardrails: GuardrailVerdict,
    adaptive: AdaptiveVerdict | None,
    phases: PhaseTable,
    *,
    critical: bool = False,
    break_glass: BreakGlass | None = None,
    withheld: frozenset[str] = frozenset(),
) -> Outcome:
    """Join the verdicts by the law; pure and total.

    Args:
        guardrails: the deterministic verdict, made without any score.
        adaptive: what the adaptive rules propose, or ``None`` when there was no proposal to be had.
        phases: which controls are live.
        critical: whether the resource is marked so; models alone then never go past STEP_UP.
        break_glass: an open and applicable break-glass, or ``None``.
        withheld: adaptive rules whose proposals a suppression keeps from acting.

    Returns:
        The outcome with floor, proposal and ceiling kept apart.
    """
    floor = _floor(guardrails, break_glass)
    ceiling = min(guardrails.ceiling, Effect.STEP_UP) if critical else guardrails.ceiling
    if guardrails.error or (adaptive is not None and adaptive.error):
        return _failed(floor, adaptive, ceiling)
    hits = adaptive.hits if adaptive else ()
    proposal = max((h.effect for h in hits), default=Effect.ALLOW)
    lived = [(phases.fall(h.effect, control_of(h), _cap(h, ceiling)), h) for h in hits]
    fallen = [(effect, h) for effect, h in lived if h.rule not in withheld]
    wanted = max((h.effect for _, h in fallen), default=Effect.ALLOW)
    applied = max((effect for effect, _ in fallen), default=Effect.ALLOW)
    effect = max(floor.effect, applied)
    reasons = list(floor.reasons) if floor.effect == effect or floor.replaced else []
    rules = list(floor.hits) if floor.effect == effect else []
    if applied > Effect.ALLOW and applied == effect:
        acting = [h for acts, h in fallen if acts == applied]
        rules += [h for h in acting if h not in rules]
        reasons += [Reason.ADAPTIVE_PROPOSAL.value, *(f"rule:{h.rule}" for h in acting)]
    if applied < wanted:
        reasons.append(_why_fallen(hits, wanted, guardrails.ceiling, critical=critical))
    if any(h.rule in withheld and acts > Effect.ALLOW for acts, h in lived):
        reasons.append(Reason.SUPPRESSED.value)
    return Outcome(
        effect=effect,
        floor=floor.effect,
        proposal=proposal,
        applied_proposal=applied,
        ceiling=ceiling,
        reasons=tuple(dict.fromkeys(reasons)),
        rules=tuple(rules),
        replaced_by_break_glass=floor.replaced,
        break_glass=floor.glass,
    )


def _rests(hit: RuleHit) -> bool:
    return RESTS_ON in hit.properties


def _cap(hit: RuleHit, ceiling: Effect) -> Effect:
    """Return how far one proposal may go."""
    return min(ceiling, Effect.STEP_UP) if _rests(hit) else ceiling


def _why_fallen(hits: tuple[RuleHit, ...], proposal: Effect, policy_ceiling: Effect, *, critical: bool) -> str:
    """Return the reason code of a proposal that was not applied as it stood."""
    if proposal > Effect.STEP_UP and all(_rests(h) for h in hits if h.effect == proposal):
        return Reason.BIOMETRICS_CAP.value
    if critical and proposal > Effect.STEP_UP:
        return Reason.CRITICAL_CAP.value
    return Reason.POLICY_CEILING.value if proposal > policy_ceiling else Reason.PHASE_NOT_LIVE.value


def _failed(floor: _Floor, adaptive: AdaptiveVerdict | None, ceiling: Effect) -> Outcome:
    """Return the outcome of a policy step that failed: DENY at least, whatever else was said."""
    reasons = floor.reasons
    if adaptive is not None and adaptive.error:
        reasons = (Reason.ADAPTIVE_ERROR.value, adaptive.error, *reasons)
    return Outcome(
        effect=max(floor.effect, Effect.DENY),
        floor=max(floor.effect, Effect.DENY),
        proposal=Effect.ALLOW,
        applied_proposal=Effect.ALLOW,
        ceiling=ceiling,
        reasons=tuple(dict.fromkeys(reasons)),
        rules=floor.hits,
        replaced_by_break_glass=floor.replaced,
        break_glass=floor.glass,
    )


def refused(reason: str) -> Outcome:
    """Return the outcome of a request that never reached policy: DENY with ``reason``."""
    return Outcome(
        effect=Effect.DENY,
        floor=Effect.DENY,
        proposal=Effect.ALLOW,
        applied_proposal=Effect.ALLOW,
        ceiling=Effect.TERMINATE,
        reasons=(reason,),
    )
