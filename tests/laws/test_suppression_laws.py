"""Law: a suppression withholds a model's proposals and nothing else; the floor stands whatever is silenced."""

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.test_decision_laws import (
    adaptive_hits,
    adaptive_verdicts,
    glasses,
    guardrail_verdicts,
    phase_tables,
    rule_ids,
)

from ostiary.decision.combine import BreakGlass, combine
from ostiary.decision.phases import PhaseTable
from ostiary.decision.suppressing import Suppression, withheld
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import Contribution, RiskScore
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, RuleHit, Suppressed

rules = st.frozensets(rule_ids, max_size=4)


@given(guardrail_verdicts, adaptive_verdicts, phase_tables, st.booleans(), glasses, rules)
def test_no_suppression_goes_below_the_floor(
    guardrails: GuardrailVerdict,
    adaptive: AdaptiveVerdict,
    phases: PhaseTable,
    critical: bool,  # noqa: FBT001 - a property's input
    glass: BreakGlass | None,
    hidden: frozenset[str],
) -> None:
    alone = combine(guardrails, None, phases, critical=critical, break_glass=glass)
    loud = combine(guardrails, adaptive, phases, critical=critical, break_glass=glass)
    quiet = combine(guardrails, adaptive, phases, critical=critical, break_glass=glass, withheld=hidden)
    assert alone.effect <= quiet.effect <= loud.effect
    assert (quiet.floor, quiet.ceiling, quiet.proposal) == (loud.floor, loud.ceiling, loud.proposal)
    silenced = not adaptive.error and not guardrails.error and Reason.SUPPRESSED in quiet.reasons
    assert quiet.effect == loud.effect or silenced


@given(guardrail_verdicts, adaptive_verdicts, phase_tables, rules)
def test_what_is_withheld_is_as_if_it_had_not_been_proposed(
    guardrails: GuardrailVerdict, adaptive: AdaptiveVerdict, phases: PhaseTable, hidden: frozenset[str]
) -> None:
    left = AdaptiveVerdict(hits=tuple(hit for hit in adaptive.hits if hit.rule not in hidden), error=adaptive.error)
    quiet = combine(guardrails, adaptive, phases, withheld=hidden)
    without = combine(guardrails, left, phases)
    assert (quiet.effect, quiet.applied_proposal, quiet.rules) == (
        without.effect,
        without.applied_proposal,
        without.rules,
    )


@given(st.lists(adaptive_hits, max_size=5), st.floats(0, 1))
def test_a_signal_never_silences_a_denial(hits: list[RuleHit], score: float) -> None:
    risk = RiskScore(available=True, score=score, contributions=(Contribution("loud", 1.0, 2.0, ""),))
    hidden = withheld(hits, (Suppressed("sup_1", "signal", "loud"),), risk)
    assert all(hit.effect <= Effect.STEP_UP for hit in hits if hit.rule in hidden)
    assert withheld(hits, (Suppressed("sup_1", "signal", "quiet"),), risk) == frozenset()


@given(st.text(max_size=8), st.text(max_size=8), st.integers(0, 200))
def test_a_scope_is_equality(scope: str, subject: str, now_ns: int) -> None:
    one = Suppression("sup_1", "rule", "r", 0, 100, subject=scope)
    assert one.holds(subject, (), "doc", now_ns) == (now_ns < 100 and scope in {"", subject})
