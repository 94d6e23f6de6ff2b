"""A caller swears how somebody types, where nobody watches that: it still ends no session by the session's score."""

import msgspec

from ostiary.decision.parts import Decided
from ostiary.decision.phases import high_impact_everywhere
from ostiary.server.judge import SessionJudge
from ostiary.sessions import Asked, Hysteresis, SessionLedger, SessionState
from ostiary.testing.parts import Always, FixedEngine, FixedSignals, MemoryRecorder
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import BehaviourFacts
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import AdaptiveVerdict, DecisionRecord, GuardrailVerdict, Outcome, RuleHit

NS = 1_000_000_000
GRANT = GuardrailVerdict(hits=(RuleHit("may", Effect.ALLOW),))


class ByTyping:
    """A session scorer, and its source, that believes the worst of whoever types badly or had a bad access."""

    digest = "sha256:sessions"

    def session_scorer(self, tenant):
        return self

    def observe(self, event, history, features, access):
        bad = event.behaviour is not None or access.score > 0.5
        score, level = (0.99, "high") if bad else (0.01, "low")
        return RiskScore(available=True, score=score, level=level, model=self.digest, uncertainty=0.0)

    def forget(self, subject):
        return


class EndsBySession(FixedEngine):
    """Adaptive rules that end a session by its score."""

    def adaptive(self, document):
        if (msgspec.json.decode(document)["session_risk"]["score"] or 0) < 0.9:
            return AdaptiveVerdict()
        return AdaptiveVerdict(hits=(RuleHit("end", Effect.TERMINATE, properties={"scope": "session"}),))


def test_what_a_caller_tells_of_typing_never_ends_a_session():
    ledger, recorder = SessionLedger(), MemoryRecorder()
    always = Always(EndsBySession(GRANT), None, high_impact_everywhere())
    judge = SessionJudge(
        ledger=ledger,
        scorers=ByTyping(),
        policies=always,
        phases=always,
        recorder=recorder,
        rule=Hysteresis(),
        on_fault=lambda _reason, fault: (_ for _ in ()).throw(fault),
    )
    ledger.touch(Asked("default", ("s1",), "user:ann", NS))
    told = BehaviourFacts(llr=50.0, confidence=1.0, liveness=0.0)
    event = AccessEvent("dec_1", "default", 5 * NS, "ann", "user", "read", "doc", "1", session_id="s1", behaviour=told)
    record = DecisionRecord(
        v=1,
        tenant="default",
        receipt=Receipt("dec_1", 5 * NS),
        pep="web",
        subject_key="user:ann",
        outcome=Outcome(Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE),
        input=msgspec.Raw(msgspec.json.encode({"resource": {"critical": False}, "session": {}})),
        event=event,
        risk=RiskScore(available=True, score=0.9, level="high"),
        plain_risk=RiskScore(available=True, score=0.1, level="low"),
        guardrails=GRANT,
        adaptive=AdaptiveVerdict(),
    )
    waiting = recorder.append("default", "decision", "dec_1", 1, msgspec.json.encode(record), "user:ann")
    judge.observe(Decided(record, {}, waiting, event, {}, FixedSignals().read(event), "s1"))
    assert ledger.state("default", "s1") is SessionState.ACTIVE
