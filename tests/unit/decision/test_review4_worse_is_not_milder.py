"""Whoever types badly on purpose gets nothing milder by it: what stands without the evidence stands with it as well."""

import msgspec
import pytest

from ostiary.decision.replay import decide_again
from ostiary.decision.resting import marked
from ostiary.testing.parts import FixedEngine
from ostiary.vocabulary.behaviour import BiometricsVerdict
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, RuleHit

FOUND = BiometricsVerdict(
    "enrolled", 3.0, 1.0, 1.0, modalities=("keystroke",), models=("sha256:m",), inputs="sha256:i", windows=3
)
GRANTED = GuardrailVerdict(hits=(RuleHit("readers-read", Effect.ALLOW),))


class Tiers(FixedEngine):
    """Adaptive rules of which one alone speaks for each score: as monotone as any, and written so by many."""

    def adaptive(self, document):
        score = msgspec.json.decode(document)["risk"]["score"]
        if score >= 0.99:
            return AdaptiveVerdict(hits=(RuleHit("end", Effect.TERMINATE, properties={"control": "terminate"}),))
        if score >= 0.9:
            return AdaptiveVerdict(hits=(RuleHit("no", Effect.DENY, properties={"control": "deny"}),))
        return AdaptiveVerdict()


class ByTyping:
    """A scorer that finds an access very odd, and utterly odd with the evidence."""

    digest = "sha256:by-typing"

    def score(self, event, features):
        return RiskScore(available=True, score=0.95 if event.behaviour is None else 0.995, model=self.digest)


class Watch:
    def __init__(self, found):
        self.found = found

    def latest(self, *_asked):
        return self.found


@pytest.mark.parametrize("found", [None, FOUND])
def test_a_thief_who_types_badly_does_not_turn_a_denial_into_a_step_up(rig, found):
    rig.policy(Tiers(GRANTED), ByTyping()).use(behaviour=Watch(found))
    record = rig.decider.decide(rig.receipt(), rig.call(context={"session_id": "s1"})).record
    assert record.outcome.effect is Effect.DENY
    assert decide_again(record, Tiers(GRANTED)).outcome == record.outcome


def test_what_stands_without_the_evidence_is_added_and_nothing_of_it_twice():
    end, no, ask = (RuleHit(e.name, e) for e in (Effect.TERMINATE, Effect.DENY, Effect.STEP_UP))
    found = marked(AdaptiveVerdict(hits=(end, no, ask)), lambda: AdaptiveVerdict(hits=(no, ask)))
    assert [(hit.rule, "rests_on" in hit.properties) for hit in found.hits] == [
        ("TERMINATE", True),
        ("DENY", False),
        ("STEP_UP", False),
    ]
    more = marked(AdaptiveVerdict(hits=(end,)), lambda: AdaptiveVerdict(hits=(no, ask)))
    assert [hit.effect for hit in more.hits] == [Effect.TERMINATE, Effect.DENY]
