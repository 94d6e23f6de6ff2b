"""What rests on typing and moving: the score it may only raise, the proposals it may only make up to a step-up."""

import math

import msgspec
import pytest

from ostiary.decision.replay import replay
from ostiary.decision.resting import marked, scored, without_behaviour
from ostiary.signals import features as catalogue
from ostiary.testing.parts import FixedEngine, FixedSignals
from ostiary.vocabulary.behaviour import BiometricsVerdict
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import BehaviourFacts
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, RuleHit

GRANTED = GuardrailVerdict(hits=(RuleHit("readers-read", Effect.ALLOW),))
FOUND = BiometricsVerdict(
    "enrolled", 5.0, 1.0, 1.0, modalities=("keystroke",), models=("sha256:m",), inputs="sha256:i", windows=3
)
SESSION = {"context": {"session_id": "s1"}}


def risk_of(score):
    return RiskScore(available=True, score=score, model="sha256:by-typing")


class ByTyping:
    """A scorer that believes nothing but the evidence of typing."""

    digest = "sha256:by-typing"

    def score(self, event, features):
        told = event.behaviour
        return risk_of(0.2 if told is None else min(1.0, max(0.0, 0.2 + told.llr / 5)))


class Watch:
    """A watch that has found something of one subject's session."""

    def __init__(self, found, fault=None):
        self.found, self.fault, self.asked = found, fault, []

    def latest(self, tenant, session_id, subject, now_ns):
        self.asked.append((tenant, session_id, subject))
        if self.fault:
            raise self.fault
        return self.found


class ByScore(FixedEngine):
    """Adaptive rules that end a session from a score of 0.9 on, and deny by the evidence itself, unmarked."""

    def adaptive(self, document):
        told = msgspec.json.decode(document)
        hits = []
        if (told["risk"]["score"] or 0) >= 0.9:
            hits.append(RuleHit("risk-terminate", Effect.TERMINATE, properties={"control": "terminate"}))
        if told.get("biometrics", {}).get("llr", 0) > 4:
            hits.append(RuleHit("own-idea", Effect.DENY, properties={"control": "deny"}))
        return AdaptiveVerdict(hits=tuple(hits))


def ask(rig, **changes):
    return rig.decider.decide(rig.receipt(), rig.call(**{**SESSION, **changes})).record


def decide(rig, watch, scorer=None, **changes):
    rig.policy(ByScore(GRANTED), scorer or ByTyping()).use(behaviour=watch)
    return ask(rig, **changes)


def test_a_score_that_only_typing_raised_asks_for_a_step_up_at_most(rig):
    record = decide(rig, Watch(FOUND))
    assert record.outcome.proposal is Effect.TERMINATE
    assert record.outcome.effect is Effect.STEP_UP
    assert Reason.BIOMETRICS_CAP in record.outcome.reasons
    assert record.biometrics == FOUND
    assert record.plain_risk.score == 0.2
    assert {hit.rule: hit.properties.get("rests_on") for hit in record.adaptive.hits} == {
        "risk-terminate": "biometrics",
        "own-idea": "biometrics",
    }


def test_what_would_be_done_anyway_is_done(rig):
    class Sure(ByTyping):
        def score(self, event, features):
            return risk_of(0.95)

    record = decide(rig, Watch(FOUND), Sure())
    assert record.outcome.effect is Effect.TERMINATE


def test_the_record_replays_to_the_same(rig):
    record = decide(rig, Watch(FOUND))
    again = msgspec.json.decode(msgspec.json.encode(record), type=type(record))
    assert again.biometrics == FOUND
    assert not replay(again, rig.engine).changed
    assert not replay(again, rig.engine, ByTyping()).changed


def test_typing_like_oneself_lowers_no_score(rig):
    record = decide(rig, Watch(msgspec.structs.replace(FOUND, llr=-50.0)))
    assert record.risk.score == record.plain_risk.score == 0.2


@pytest.mark.parametrize("found", [None, FOUND])
def test_what_a_caller_says_of_typing_is_not_heard_where_it_is_watched(rig, found):
    honest = decide(rig, Watch(found))
    context = {"session_id": "s1", "behaviour": {"llr": -50, "confidence": 1, "liveness": 1}}
    spoofed = decide(rig, Watch(found), context=context)
    assert spoofed.event.behaviour == honest.event.behaviour == (found.facts if found else None)
    assert spoofed.outcome.effect is honest.outcome.effect
    assert spoofed.risk == honest.risk


def test_nobody_is_judged_otherwise_for_not_being_watched(rig, make_rig):
    nobody = ask(make_rig().policy(ByScore(GRANTED), ByTyping()))
    absent = decide(rig, Watch(None))
    assert absent.outcome == nobody.outcome
    assert absent.risk == nobody.risk
    assert bytes(absent.input) == bytes(nobody.input)
    assert absent.plain_risk is None
    assert absent.biometrics is None


def test_a_watch_that_fails_keeps_nobody_out(rig):
    record = decide(rig, Watch(None, OSError("the watch is gone")))
    assert record.outcome.effect is Effect.ALLOW
    assert rig.faults == ["biometrics_unavailable"]


def test_the_watch_is_asked_for_this_very_subject_and_session(rig):
    watch = Watch(None)
    decide(rig, watch)
    assert watch.asked == [("default", "user\nalice\ns1", "user:alice")]


def test_the_guardrails_never_see_it(rig):
    record = decide(rig, Watch(FOUND))
    assert b"biometrics" not in bytes(record.input)


def test_features_without_typing_are_those_of_an_event_that_told_nothing(rig):
    names = [spec.name for spec in catalogue.FEATURES]
    row = [0.5] * len(names)
    event = AccessEvent("e", "default", 1, "ann", "read", "doc", "1", behaviour=BehaviourFacts(llr=3.0))
    bare, features = without_behaviour(event, row)
    assert bare.behaviour is None
    gone = {name for name, value in zip(names, features, strict=True) if math.isnan(value)}
    assert {"behaviour_llr", "behaviour_replayed", "behaviour_drift"} <= gone
    assert all(name.startswith("behaviour_") for name in gone)
    assert features[names.index("missing_behaviour")] == 1.0


def test_without_evidence_one_score_is_made(rig):
    event = AccessEvent("e", "default", 1, "ann", "read", "doc", "1")
    calls = []

    def score(event, features):
        calls.append(event)
        return risk_of(0.3)

    assert scored(score, event, ()) == (risk_of(0.3), None)
    assert len(calls) == 1


def test_policy_is_asked_again_only_where_more_than_a_step_up_is_proposed():
    mild = AdaptiveVerdict(hits=(RuleHit("r", Effect.STEP_UP),))
    assert marked(mild, lambda: pytest.fail("asked again")) is mild


def test_when_policy_cannot_say_what_would_be_without_it_everything_rests_on_it():
    harsh = AdaptiveVerdict(hits=(RuleHit("r", Effect.DENY),))
    assert marked(harsh, lambda: AdaptiveVerdict(error="policy_error")).hits[0].properties == {"rests_on": "biometrics"}


def test_signals_are_read_once(rig):
    class Counting(FixedSignals):
        reads = 0

        def read(self, event):
            Counting.reads += 1
            return super().read(event)

    rig.use(signals=Counting())
    decide(rig, Watch(FOUND))
    assert Counting.reads == 1
