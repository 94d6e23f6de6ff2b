"""The shadow's laws: whatever a candidate says, the enforced answer stays; what would have been is as the law says."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ostiary.decision.combine import combine
from ostiary.decision.phases import PhaseTable, high_impact_everywhere
from ostiary.decision.shadow import Candidate, Flip, cell_of, compare, enforced
from ostiary.testing.parts import FixedEngine, FixedScorer
from ostiary.vocabulary.effects import Control, Effect, Phase
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import AdaptiveVerdict, DecisionRecord, GuardrailVerdict, RuleHit, Suppressed

effects = st.sampled_from(Effect)
rule_ids = st.sampled_from(["r1", "r2", "r3"])
guardrails = st.builds(
    GuardrailVerdict,
    hits=st.lists(st.builds(RuleHit, rule=rule_ids, effect=effects), max_size=4).map(tuple),
    ceiling=effects,
    error=st.sampled_from(["", "", "policy_error"]),
)
controls = st.sampled_from([*(c.value for c in Control), "nonsense", None])
hits = st.builds(RuleHit, rule=rule_ids, effect=effects, properties=st.fixed_dictionaries({"control": controls}))
adaptives = st.builds(
    AdaptiveVerdict, hits=st.lists(hits, max_size=4).map(tuple), error=st.sampled_from(["", "", "policy_error"])
)
phases = st.dictionaries(st.sampled_from(Control), st.sampled_from(Phase)).map(PhaseTable)
names = st.text(max_size=200)


def record_of(
    verdict: GuardrailVerdict,
    adaptive: AdaptiveVerdict,
    table: PhaseTable,
    *,
    critical: bool = False,
    groups: tuple[str, ...] = (),
    kind: str = "db",
) -> DecisionRecord:
    document = {"resource": {"critical": critical}, "session": {"state": "active"}}
    return DecisionRecord(
        v=1,
        tenant="default",
        receipt=Receipt("dec_1", 7 * 3_600 * 10**9 + 5),
        pep="p",
        subject_key="user:ada",
        outcome=combine(verdict, adaptive, table, critical=critical),
        input=msgspec.Raw(msgspec.json.encode(document)),
        event=AccessEvent("dec_1", "default", 5, "ada", "read", kind, "1", groups=groups),
        risk=RiskScore(available=True, score=0.2, level="low"),
        guardrails=verdict,
        adaptive=adaptive,
        phases=table.phases,
    )


@given(guardrails, adaptives, phases, st.booleans(), guardrails, adaptives)
def test_a_candidate_never_changes_what_was_enforced(live, proposed, table, critical, other, wished):
    record = record_of(live, proposed, table, critical=critical)
    before = msgspec.json.encode(record)
    compared = compare(record, Candidate(FixedEngine(other, wished), FixedScorer(0.9)))
    assert msgspec.json.encode(record) == before
    assert compared.before.effect == record.outcome.effect
    assert (compared.flip is Flip.LOOSER) == (compared.after.effect < record.outcome.effect)
    assert (compared.flip is Flip.STRICTER) == (compared.after.effect > record.outcome.effect)


@given(guardrails, adaptives, phases, st.booleans())
def test_a_candidate_that_is_the_live_one_matches(live, proposed, table, critical):
    record = record_of(live, proposed, table, critical=critical)
    assert compare(record, Candidate(FixedEngine(live, proposed))).flip is Flip.MATCH


@given(guardrails, adaptives, phases, st.booleans())
def test_what_a_control_would_have_done_is_what_the_law_says_with_it_alone_live(live, proposed, table, critical):
    side = enforced(record_of(live, proposed, table, critical=critical))
    for control in Control:
        alone = combine(live, proposed, PhaseTable({control: Phase.HIGH_IMPACT}), critical=critical)
        assert (control in side.reach) == (alone.effect > alone.floor)


@given(guardrails, adaptives, phases, st.booleans())
def test_what_would_have_been_is_what_the_law_says_with_everything_live(live, proposed, table, critical):
    side = enforced(record_of(live, proposed, table, critical=critical))
    assert side.would == combine(live, proposed, high_impact_everywhere(), critical=critical).effect
    assert side.would >= side.effect >= side.floor


@given(guardrails, adaptives, st.lists(names, max_size=9), names)
def test_a_cell_is_bounded_whatever_names_are_made_up(live, proposed, groups, kind):
    record = record_of(live, proposed, PhaseTable(), groups=tuple(groups), kind=kind)
    cell = cell_of(record, record.outcome.effect, enforced(record))
    assert len(cell.groups) <= 4 * 64 + 3
    assert len(cell.groups.split("+")) <= 4
    assert len(cell.resource_class) <= 64
    assert cell.hour == 7


@given(guardrails, adaptives, st.lists(rule_ids, max_size=2))
def test_what_people_silenced_would_not_act_in_any_phase(live, proposed, silenced):
    hidden = frozenset(silenced)
    told = tuple(Suppressed(f"sup_{rule}", "rule", rule) for rule in silenced)
    outcome = combine(live, proposed, PhaseTable(), withheld=hidden)
    record = msgspec.structs.replace(record_of(live, proposed, PhaseTable()), outcome=outcome, suppressions=told)
    side = enforced(record)
    assert side.would == combine(live, proposed, high_impact_everywhere(), withheld=hidden).effect
    assert compare(record, Candidate(FixedEngine(live, proposed))).flip is Flip.MATCH
