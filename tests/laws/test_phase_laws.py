"""Must-hold 1 of the rollout: in every combination of phases, scopes and canaries, whatever a model says, the answer is
never looser than policy alone and never stricter than the phase at that place and the ceilings permit.
"""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ostiary.decision.combine import BreakGlass, combine, control_of
from ostiary.decision.phases import PhaseRules, PhaseTable, bucket, live_from
from ostiary.vocabulary.effects import EFFECT_OF_CONTROL, LIVE_FROM, Control, Effect, Phase
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.rollout import WHOLE, Scope, Where
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, RuleHit

phases = st.sampled_from(Phase)
effects = st.sampled_from(Effect)
classes = st.sampled_from(["", "database", "wiki"])
groups = st.sampled_from(["", "finance", "staff"])
subjects = st.sampled_from(["", "user:ada", "user:bob", "user:eve", "job:nightly"])
keys = st.sampled_from([b"k" * 32, b"other" * 7])
scopes = st.builds(Scope, classes, groups, st.sampled_from([1, 5, 25, 50, 99, 100]))
scoped = st.lists(st.tuples(st.sampled_from(Control), scopes.filter(lambda one: not one.whole), phases), max_size=8)
own = st.dictionaries(st.sampled_from(Control), phases)
rules = st.builds(PhaseRules, own, scoped, keys)
places = st.builds(Where, subjects, classes, st.lists(groups.filter(bool), max_size=2, unique=True).map(tuple))

ids = st.sampled_from(["r1", "r2", "r3"])
hits = st.lists(st.builds(RuleHit, rule=ids, effect=effects), max_size=5).map(tuple)
errors = st.sampled_from(["", "", "", Reason.POLICY_ERROR.value])
guardrails = st.builds(GuardrailVerdict, hits=hits, ceiling=effects, error=errors)
# Any behaviour of a model: adaptive rules on whatever it says propose anything, by any control, sensible or not.
named = st.sampled_from([*(one.value for one in Control), "nonsense", None, 7, ["deny"]])
wishes = st.builds(RuleHit, rule=ids, effect=effects, properties=st.fixed_dictionaries({"control": named}))
models = st.none() | st.lists(wishes, max_size=5).map(lambda told: AdaptiveVerdict(hits=tuple(told)))
glasses = st.none() | st.builds(BreakGlass, st.just("bg"), st.frozensets(ids | st.just("no_allow_rule"), max_size=3))


def phase_at(
    own: dict[Control, Phase], told: list[tuple[Control, Scope, Phase]], key: bytes, control: Control, where: Where
) -> Phase:
    """The rule in two lines, written apart from the code: the lowest of the scopes that hold, else the tenant's own."""
    held = [
        phase
        for name, scope, phase in told
        if name == control
        and scope.resource_class in {"", where.resource_class}
        and (not scope.group or scope.group in where.groups)
        and (scope.percent == 100 or (where.subject_key and bucket(key, control, where.subject_key) < scope.percent))
    ]
    return min(held) if held else own.get(control, Phase.TELEMETRY)


def permitted(table: PhaseTable, proposal: RuleHit, ceiling: Effect) -> Effect:
    """The harshest effect that phases and ceiling let this one proposal have, written apart from the code."""
    control = control_of(proposal)
    found = Effect.ALLOW
    for effect in Effect:
        carriers = [c for c in Control if EFFECT_OF_CONTROL[c] == effect and table.phases[c.value] >= LIVE_FROM[c]]
        if effect == proposal.effect and control is not None:
            carriers = [c for c in carriers if c == control]
        if carriers and effect <= min(proposal.effect, ceiling):
            found = effect
    return found


@given(guardrails, models, rules, places, st.booleans(), glasses)
def test_never_looser_than_policy_alone(verdict, model, rules, where, critical, glass):
    alone = combine(verdict, None, PhaseTable(), critical=critical, break_glass=glass)
    joined = combine(verdict, model, rules.table(where), critical=critical, break_glass=glass)
    assert joined.effect >= alone.effect


@given(guardrails, models, rules, places, st.booleans(), glasses)
def test_never_stricter_than_phase_and_ceilings_permit(verdict, model, rules, where, critical, glass):
    table = rules.table(where)
    alone = combine(verdict, None, table, critical=critical, break_glass=glass)
    joined = combine(verdict, model, table, critical=critical, break_glass=glass)
    ceiling = min(verdict.ceiling, Effect.STEP_UP) if critical else verdict.ceiling
    limit = max((permitted(table, hit, ceiling) for hit in (model.hits if model else ())), default=Effect.ALLOW)
    assert joined.effect <= max(alone.effect, limit)


@given(own, scoped, keys, places, st.sampled_from(Control))
def test_the_phase_at_a_place_is_the_lowest_scope_that_holds_else_the_tenants_own(own, told, key, where, control):
    rules = PhaseRules(own, told, key)
    assert rules.table(where).phases[control.value] == phase_at(own, told, key, control, where)
    assert rules.table(where).phases == rules.table(where).phases, "asked twice it is the same"


@given(guardrails, models, own, scoped, keys, places, st.sampled_from(Control), scopes.filter(lambda s: not s.whole))
def test_holding_a_scope_back_to_shadow_never_makes_anything_stricter(
    verdict, model, own, told, key, where, control, scope
):
    before = combine(verdict, model, PhaseRules(own, told, key).table(where))
    held = PhaseRules(own, [*told, (control, scope, Phase.SHADOW)], key)
    if held.table(where).phases[control.value] <= PhaseRules(own, told, key).table(where).phases[control.value]:
        assert combine(verdict, model, held.table(where)).effect <= before.effect


@given(guardrails, models, own, scoped, keys, places, st.sampled_from(Control), scopes, phases)
def test_a_scope_changes_nothing_outside_itself(verdict, model, own, told, key, where, control, scope, phase):
    outside = (scope.resource_class and scope.resource_class != where.resource_class) or (
        scope.group and scope.group not in where.groups
    )
    if outside:
        before, after = PhaseRules(own, told, key), PhaseRules(own, [*told, (control, scope, phase)], key)
        assert before.table(where).phases == after.table(where).phases


@given(guardrails, models, scoped, keys, places, st.booleans())
def test_in_telemetry_and_shadow_no_scope_lets_a_model_do_anything(verdict, model, told, key, where, critical):
    quiet = [(control, scope, min(phase, Phase.SHADOW)) for control, scope, phase in told]
    table = PhaseRules(dict.fromkeys(Control, Phase.SHADOW), quiet, key).table(where)
    assert combine(verdict, model, table, critical=critical).effect == combine(verdict, None, table).effect


@given(guardrails, models, rules, places)
def test_on_a_critical_resource_no_phase_takes_a_model_past_step_up(verdict, model, rules, where):
    joined = combine(verdict, model, rules.table(where), critical=True)
    assert joined.applied_proposal <= Effect.STEP_UP


@given(subjects.filter(bool), keys, st.sampled_from(Control), st.integers(1, 99), st.integers(1, 99))
def test_a_canary_that_grows_keeps_those_that_it_had(subject, key, control, one, other):
    small, large = sorted((one, other))
    drawn = bucket(key, control, subject)
    assert 0 <= drawn < 100
    assert drawn >= small or drawn < large


def test_nobody_can_choose_his_bucket_and_a_canary_is_as_large_as_it_says():
    names = [f"user:{number}" for number in range(4000)]
    mine = [bucket(b"a" * 32, "deny", name) < 25 for name in names]
    assert 0.22 < sum(mine) / len(names) < 0.28
    assert mine != [bucket(b"b" * 32, "deny", name) < 25 for name in names], "another secret draws others"
    assert mine != [bucket(b"a" * 32, "step_up", name) < 25 for name in names], "another control draws others"


@given(own, places.filter(lambda where: not where.subject_key), keys, st.integers(1, 99))
def test_whoever_is_not_known_is_in_no_canary(own, where, key, percent):
    table = PhaseRules(own, [(c, Scope(percent=percent), Phase.HIGH_IMPACT) for c in Control], key).table(where)
    assert table.phases == PhaseTable(own).phases


@given(rules, places)
def test_the_recorded_phases_are_the_very_table_that_decided(rules, where):
    table = rules.table(where)
    kept = msgspec.json.decode(msgspec.json.encode(table.phases), type=dict[str, Phase])
    again = PhaseTable({Control(name): phase for name, phase in kept.items()})
    for control in Control:
        assert again.is_live(control) == table.is_live(control)


def test_the_whole_tenant_is_no_scope_and_a_playbook_contains_from_the_last_phase_only():
    assert WHOLE.whole
    assert not Scope(percent=99).whole
    assert live_from("playbook:x") == Phase.HIGH_IMPACT
