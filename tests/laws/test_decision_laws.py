"""The law of the house as properties: whatever models, phases and scores do, nothing is ever loosened."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.decision.combine import BreakGlass, combine
from ostiary.decision.phases import PhaseTable, high_impact_everywhere
from ostiary.vocabulary.effects import Control, Effect, Phase
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, RuleHit

effects = st.sampled_from(Effect)
rule_ids = st.sampled_from(["r1", "r2", "r3", "r4"])
hits = st.builds(RuleHit, rule=rule_ids, effect=effects)
errors = st.sampled_from(["", "", "", Reason.POLICY_ERROR.value, Reason.POLICY_UNDEFINED.value])
guardrail_verdicts = st.builds(
    GuardrailVerdict, hits=st.lists(hits, max_size=5).map(tuple), ceiling=effects, error=errors
)
controls = st.sampled_from([*(c.value for c in Control), "nonsense", None, 7])
adaptive_hits = st.builds(
    RuleHit, rule=rule_ids, effect=effects, properties=st.fixed_dictionaries({"control": controls})
)
adaptive_verdicts = st.builds(AdaptiveVerdict, hits=st.lists(adaptive_hits, max_size=4).map(tuple), error=errors)
phase_tables = st.dictionaries(st.sampled_from(Control), st.sampled_from(Phase)).map(PhaseTable)
glasses = st.none() | st.builds(
    BreakGlass, id=st.just("bg"), replaces=st.frozensets(rule_ids | st.just(Reason.NO_ALLOW_RULE.value), max_size=3)
)


@given(guardrail_verdicts, st.none() | adaptive_verdicts, phase_tables, st.booleans(), glasses)
def test_models_only_tighten(guardrails, adaptive, phases, critical, glass):
    alone = combine(guardrails, None, phases, critical=critical, break_glass=glass)
    joined = combine(guardrails, adaptive, phases, critical=critical, break_glass=glass)
    assert joined.effect >= alone.effect
    assert joined.effect >= joined.floor


@given(guardrail_verdicts, adaptive_verdicts, phase_tables, phase_tables, st.booleans())
def test_no_phase_goes_below_the_floor(guardrails, adaptive, one, other, critical):
    floor = combine(guardrails, None, one, critical=critical).effect
    assert combine(guardrails, adaptive, one, critical=critical).effect >= floor
    assert combine(guardrails, adaptive, other, critical=critical).effect >= floor


@given(guardrail_verdicts, adaptive_verdicts, phase_tables, st.booleans())
def test_a_missing_model_never_loosens_what_policy_says(guardrails, adaptive, phases, critical):
    missing = combine(guardrails, AdaptiveVerdict(), phases, critical=critical)
    assert missing.effect >= combine(guardrails, None, phases, critical=critical).effect


@given(guardrail_verdicts, adaptive_verdicts, adaptive_hits, phase_tables, st.booleans())
def test_one_more_proposal_never_loosens(guardrails, adaptive, extra, phases, critical):
    more = AdaptiveVerdict(hits=(*adaptive.hits, extra), error=adaptive.error)
    before = combine(guardrails, adaptive, phases, critical=critical)
    assert combine(guardrails, more, phases, critical=critical).effect >= before.effect


@given(guardrail_verdicts, effects, effects, phase_tables, st.booleans())
def test_a_harsher_proposal_never_loosens(guardrails, one, other, phases, critical):
    mild, harsh = sorted((one, other))
    first = combine(guardrails, AdaptiveVerdict(hits=(RuleHit("r", mild),)), phases, critical=critical)
    second = combine(guardrails, AdaptiveVerdict(hits=(RuleHit("r", harsh),)), phases, critical=critical)
    assert second.effect >= first.effect


@given(guardrail_verdicts, adaptive_verdicts, phase_tables, st.booleans())
def test_a_guardrail_deny_is_final(guardrails, adaptive, phases, critical):
    denied = GuardrailVerdict(hits=(*guardrails.hits, RuleHit("no", Effect.DENY)), ceiling=guardrails.ceiling)
    assert combine(denied, adaptive, phases, critical=critical).effect >= Effect.DENY


@given(guardrail_verdicts, st.none() | adaptive_verdicts, phase_tables, st.booleans())
def test_nothing_but_an_allow_rule_allows(guardrails, adaptive, phases, critical):
    outcome = combine(guardrails, adaptive, phases, critical=critical)
    if outcome.effect.permits:
        assert any(h.effect == Effect.ALLOW for h in guardrails.hits)
        assert not guardrails.error


@given(guardrail_verdicts.filter(lambda g: bool(g.error)), st.none() | adaptive_verdicts, phase_tables, glasses)
def test_an_error_denies_and_break_glass_does_not_help(guardrails, adaptive, phases, glass):
    outcome = combine(guardrails, adaptive, phases, break_glass=glass)
    assert outcome.effect >= Effect.DENY
    assert guardrails.error in outcome.reasons


@given(guardrail_verdicts, adaptive_verdicts.filter(lambda a: bool(a.error)), phase_tables)
def test_an_adaptive_error_denies(guardrails, adaptive, phases):
    assert combine(guardrails, adaptive, phases).effect >= Effect.DENY


@given(guardrail_verdicts, phase_tables, glasses)
def test_break_glass_replaces_only_named_denies(guardrails, phases, glass):
    outcome = combine(guardrails, None, phases, break_glass=glass)
    named = glass.replaces if glass else frozenset()
    assert set(outcome.replaced_by_break_glass) <= named
    unnamed = [h for h in guardrails.hits if h.effect == Effect.DENY and h.rule not in named]
    if unnamed:
        assert outcome.effect >= Effect.DENY
    milder = [h.effect for h in guardrails.hits if h.effect != Effect.DENY]
    assert outcome.effect >= max(milder, default=Effect.ALLOW)


@given(guardrail_verdicts, adaptive_verdicts, phase_tables)
def test_critical_caps_the_models_at_step_up(guardrails, adaptive, phases):
    outcome = combine(guardrails, adaptive, phases, critical=True)
    assert outcome.applied_proposal <= Effect.STEP_UP
    if outcome.effect > Effect.STEP_UP:
        assert outcome.effect == outcome.floor


@given(guardrail_verdicts, adaptive_verdicts, phase_tables, st.booleans())
def test_the_policy_ceiling_caps_the_models(guardrails, adaptive, phases, critical):
    outcome = combine(guardrails, adaptive, phases, critical=critical)
    assert outcome.applied_proposal <= guardrails.ceiling


@given(guardrail_verdicts, adaptive_verdicts, phase_tables, st.booleans(), glasses)
def test_the_law_is_a_function(guardrails, adaptive, phases, critical, glass):
    once = combine(guardrails, adaptive, phases, critical=critical, break_glass=glass)
    assert once == combine(guardrails, adaptive, phases, critical=critical, break_glass=glass)


@given(guardrail_verdicts, adaptive_verdicts)
def test_in_telemetry_and_shadow_models_do_nothing(guardrails, adaptive):
    silent = AdaptiveVerdict(hits=adaptive.hits)
    shadow = PhaseTable(dict.fromkeys(Control, Phase.SHADOW))
    assert combine(guardrails, silent, shadow).effect == combine(guardrails, None, shadow).effect


@given(effects, st.sampled_from(Control), effects, phase_tables)
def test_a_fallen_proposal_is_live_and_within_its_bounds(proposed, control, cap, phases):
    fallen = phases.fall(proposed, control, cap)
    assert fallen <= min(proposed, cap)
    everything = high_impact_everywhere()
    assert fallen <= everything.fall(proposed, control, cap)


def test_every_effect_is_reachable_when_everything_is_live():
    granted = (RuleHit("g", Effect.ALLOW),)
    for effect in Effect:
        adaptive = AdaptiveVerdict(hits=(RuleHit("a", effect),))
        assert combine(GuardrailVerdict(hits=granted), adaptive, high_impact_everywhere()).effect == effect


resting_hits = st.builds(
    RuleHit, rule=rule_ids, effect=effects, properties=st.just({"rests_on": "biometrics", "control": "terminate"})
)


@given(guardrail_verdicts, st.lists(resting_hits, max_size=4).map(tuple), phase_tables, st.booleans(), glasses)
def test_what_rests_on_typing_and_moving_asks_for_a_step_up_at_most(guardrails, found, phases, critical, glass):
    floor = combine(guardrails, None, phases, critical=critical, break_glass=glass).effect
    verdict = AdaptiveVerdict(hits=found)
    outcome = combine(guardrails, verdict, phases, critical=critical, break_glass=glass)
    assert outcome.effect <= max(floor, Effect.STEP_UP)
    assert outcome.applied_proposal <= Effect.STEP_UP


@given(guardrail_verdicts, adaptive_verdicts, st.lists(resting_hits, max_size=4).map(tuple), phase_tables)
def test_what_rests_on_typing_and_moving_weakens_nothing_else(guardrails, adaptive, found, phases):
    before = combine(guardrails, adaptive, phases)
    more = AdaptiveVerdict(hits=(*adaptive.hits, *found), error=adaptive.error)
    assert combine(guardrails, more, phases).effect >= before.effect
