"""A model adds to what must be done; it never replaces a stricter order, and a shadow is seen by nobody it falls on."""

from typing import Any

import pytest

from ostiary.decision.answer import answer_of
from ostiary.decision.combine import combine
from ostiary.decision.obligations import obligations_of
from ostiary.decision.phases import PhaseTable, high_impact_everywhere
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, Obligation, RuleHit

ALLOW = RuleHit("may", Effect.ALLOW)
SHORTER = RuleHit("odd", Effect.REDUCE, properties={"control": "session_lifetime", "max_age": 900})
FEWER = RuleHit("rows", Effect.REDUCE, properties={"privileges": ["rows<=10"]})


def told(guardrails: GuardrailVerdict, *proposals: RuleHit) -> dict[str, Any]:
    adaptive = AdaptiveVerdict(hits=proposals)
    outcome = combine(guardrails, adaptive, high_impact_everywhere())
    return {o.id: o.properties for o in obligations_of(outcome, guardrails, adaptive, "user:ann")}


def lifetime(seconds: int, name: str = "session-lifetime") -> Obligation:
    return Obligation(name, "session_lifetime", {"max_age": seconds})


@pytest.mark.parametrize(("policy_s", "kept_s"), [(300, 300), (14_400, 900)])
def test_a_model_never_lengthens_a_session_that_policy_keeps_short(policy_s: int, kept_s: int) -> None:
    guardrails = GuardrailVerdict(hits=(ALLOW,), obligations=(lifetime(policy_s),))
    assert told(guardrails, SHORTER)["session-lifetime"] == {"max_age": kept_s}


def test_fewer_rows_do_not_make_a_shorter_session_forgotten() -> None:
    found = told(GuardrailVerdict(hits=(ALLOW, FEWER)), SHORTER)
    assert found["reduce-privileges"] == {"privileges": ["rows<=10"]}
    assert found["session-lifetime"] == {"max_age": 900}


def test_two_different_orders_under_one_id_are_both_told() -> None:
    one = Obligation("notify", "notification", {"to": "ann"})
    two = Obligation("notify", "notification", {"to": "bob"})
    found = told(GuardrailVerdict(hits=(ALLOW,), obligations=(one, two, one)))
    assert list(found.values()) == [{"to": "ann"}, {"to": "bob"}]


def test_a_proposal_in_shadow_does_not_show_in_the_answer() -> None:
    guardrails = GuardrailVerdict(hits=(ALLOW,))
    seen = RuleHit("odd", Effect.DENY, properties={"control": "deny"})
    outcome = combine(guardrails, AdaptiveVerdict(hits=(seen,)), PhaseTable())
    assert "phase_not_live" in outcome.reasons  # the record tells
    plain = combine(guardrails, AdaptiveVerdict(), PhaseTable())
    assert answer_of("dec_1", outcome, ()) == answer_of("dec_1", plain, ())
