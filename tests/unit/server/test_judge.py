"""The session's judge: a fall follows the law, is recorded first, comes once, and a broken model changes nothing."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from ostiary.decision.parts import Decided
from ostiary.decision.phases import PhaseTable, high_impact_everywhere
from ostiary.server.judge import LatestSessionRisk, SessionJudge
from ostiary.sessions import Asked, Hysteresis, SessionLedger, SessionState, StepUpProof
from ostiary.testing.parts import Always, FixedEngine, FixedSignals, MemoryRecorder
from ostiary.vocabulary.effects import Control, Effect, Phase
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import AdaptiveVerdict, DecisionRecord, GuardrailVerdict, Outcome, RuleHit

NS = 1_000_000_000
GRANT = GuardrailVerdict(hits=(RuleHit("may", Effect.ALLOW),))
STEP_UP = RuleHit("session-risk-step-up", Effect.STEP_UP, properties={"scope": "session", "acr_values": ["urn:x"]})
SHORTER = RuleHit(
    "session-risk-shorter",
    Effect.REDUCE,
    properties={"scope": "session", "control": "session_lifetime", "max_age": 60},
)
FEWER = RuleHit("session-risk-reduce", Effect.REDUCE, properties={"scope": "session", "privileges": ["export"]})
END = RuleHit("session-risk-terminate", Effect.TERMINATE, properties={"scope": "session"})
ACCESS = RuleHit("risk-step-up", Effect.STEP_UP, properties={"acr_values": ["urn:x"]})
EVENT = AccessEvent("dec_1", "default", 5 * NS, "ann", "user", "read", "doc", "1", session_id="s1")


class FixedSessions:
    """A session scorer, and a source of it, that says what it was told to."""

    digest = "sha256:sessions"

    def __init__(self, *answers: RiskScore | Exception) -> None:
        self.answers = list(answers)

    def session_scorer(self, tenant: str) -> "FixedSessions":
        return self

    def observe(self, event: AccessEvent, history: object, features: Sequence[float], access: RiskScore) -> RiskScore:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def forget(self, subject: str) -> None:
        return


HIGH = RiskScore(available=True, score=0.9, level="high", model="sha256:sessions", uncertainty=0.1)


class Rig:
    def __init__(self, *hits: RuleHit, answers: Any = (HIGH,), phases: PhaseTable | None = None) -> None:
        self.ledger = SessionLedger()
        self.recorder = MemoryRecorder()
        self.faults: list[str] = []
        self.engine = FixedEngine(GRANT, AdaptiveVerdict(hits=hits))
        always = Always(self.engine, None, phases or high_impact_everywhere())
        self.judge = SessionJudge(
            ledger=self.ledger,
            scorers=FixedSessions(*answers),
            policies=always,
            phases=always,
            recorder=self.recorder,
            rule=Hysteresis(),
            on_fault=lambda reason, _fault: self.faults.append(reason),
        )
        self.ledger.touch(Asked("default", ("s1",), "user:ann", NS))

    def see(self, at_s: float = 5, *, critical: bool = False) -> None:
        document = msgspec.json.encode({"resource": {"critical": critical}, "session": {}})
        record = DecisionRecord(
            v=1,
            tenant="default",
            receipt=Receipt("dec_1", int(at_s * NS)),
            pep="web",
            subject_key="user:ann",
            outcome=Outcome(Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE),
            input=msgspec.Raw(document),
            event=EVENT,
            risk=RiskScore(available=True, score=0.1, level="low"),
            guardrails=GRANT,
            adaptive=AdaptiveVerdict(),
        )
        waiting = self.recorder.append("default", "decision", "dec_1", 1, msgspec.json.encode(record), "user:ann")
        self.recorder.payloads.clear()
        self.judge.observe(Decided(record, {}, waiting, EVENT, {}, FixedSignals().read(EVENT), "s1"))

    @property
    def records(self) -> list[Any]:
        return [msgspec.json.decode(payload) for _, kind, _, payload in self.recorder.payloads if kind == "session"]


def test_a_session_that_looks_taken_over_is_asked_to_prove_itself_and_the_record_says_why() -> None:
    rig = Rig(STEP_UP, SHORTER, FEWER)
    rig.see()
    assert rig.ledger.state("default", "s1") is SessionState.STEP_UP
    (record,) = rig.records
    assert (record["effect"], record["rules"], record["cause"]) == ("STEP_UP", ["session-risk-step-up"], "dec_1")
    assert record["risk"]["model"] == "sha256:sessions"
    session = rig.ledger.find("default", "s1")
    assert session is not None
    assert (session.level, session.score, session.acr_values) == ("high", 0.9, ("urn:x",))


def test_reductions_take_rights_and_time() -> None:
    rig = Rig(SHORTER, FEWER)
    rig.see()
    session = rig.ledger.find("default", "s1")
    assert session is not None
    assert (session.dropped, session.expires_ns) == (("export",), 65 * NS)


def test_falling_twice_is_told_once() -> None:
    rig = Rig(STEP_UP)
    rig.see(5)
    assert rig.records
    rig.see(6)
    assert not rig.records


@pytest.mark.parametrize("phase", [Phase.TELEMETRY, Phase.SHADOW])
def test_a_control_that_is_not_live_does_nothing(phase: Phase) -> None:
    rig = Rig(END, STEP_UP, SHORTER, phases=PhaseTable(dict.fromkeys(Control, phase)))
    rig.see()
    assert rig.ledger.state("default", "s1") is SessionState.ACTIVE
    assert not rig.records


def test_what_is_not_live_falls_to_the_next_effect_that_is() -> None:
    live = {Control.STEP_UP: Phase.LOW_RISK, Control.TERMINATE: Phase.SHADOW}
    rig = Rig(END, phases=PhaseTable(live))
    rig.see()
    assert rig.ledger.state("default", "s1") is SessionState.STEP_UP
    assert rig.records[0]["proposal"] == "TERMINATE"


def test_models_alone_do_not_end_a_session_on_a_critical_resource() -> None:
    rig = Rig(END)
    rig.see(critical=True)
    assert rig.ledger.state("default", "s1") is SessionState.STEP_UP


def test_a_session_that_lost_rights_is_shortened_all_the_same_and_once() -> None:
    rig = Rig(SHORTER)
    rig.ledger.reduce("default", "s1", at_ns=2 * NS, reason="administrator", privileges=("export",))
    rig.see()
    session = rig.ledger.find("default", "s1")
    assert session is not None
    assert (session.dropped, session.expires_ns) == (("export",), 65 * NS)
    rig.see(6)
    assert not rig.records


def test_a_rule_that_leaves_no_time_leaves_none() -> None:
    at_once = RuleHit(
        "now", Effect.REDUCE, properties={"scope": "session", "control": "session_lifetime", "max_age": 0}
    )
    rig = Rig(at_once)
    rig.see()
    assert rig.ledger.state("default", "s1", 5 * NS) is SessionState.EXPIRED


def test_a_demand_for_less_does_not_hide_a_demand_for_more() -> None:
    rig = Rig(STEP_UP)
    rig.ledger.demand_step_up("default", "s1", at_ns=2 * NS, reason="administrator", acr_values=("urn:weak", "urn:x"))
    rig.see()
    session = rig.ledger.find("default", "s1")
    assert session is not None
    assert session.acr_values == ("urn:x",)
    rig.see(6)
    assert not rig.records


def test_a_session_is_ended_where_that_is_live() -> None:
    rig = Rig(END)
    rig.see()
    assert rig.ledger.state("default", "s1") is SessionState.TERMINATED


def test_rules_about_the_access_do_not_judge_the_session() -> None:
    rig = Rig(ACCESS)
    rig.see()
    assert rig.ledger.state("default", "s1") is SessionState.ACTIVE


def test_a_broken_model_is_a_missing_model() -> None:
    rig = Rig(END, answers=(RuntimeError("no"),))
    rig.see()
    assert rig.ledger.state("default", "s1") is SessionState.ACTIVE
    assert rig.faults == ["session_risk_error"]


def test_a_full_log_lets_nothing_fall_unrecorded() -> None:
    rig = Rig(END)
    rig.recorder.full = False
    original = rig.recorder.append

    def refuse(*given: Any) -> Any:
        if given[1] == "session":
            rig.recorder.full = True
        return original(*given)

    rig.recorder.append = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(Exception, match="no room"):
        rig.see()
    assert rig.ledger.state("default", "s1") is SessionState.ACTIVE


def test_a_step_up_answers_the_level_and_a_second_look_does_not_ask_again() -> None:
    rig = Rig(STEP_UP)
    rig.see(5)
    proof = StepUpProof("default", "user:ann", "s1", "urn:x", (), 6 * NS, 300 * NS, "read", "doc", "1", "dec_1")
    assert rig.ledger.prove(proof)
    rig.see(7)
    latest = LatestSessionRisk(rig.ledger).latest("default", "s1")
    assert latest is not None
    assert latest.level == "low", "policy sees the level that is held"


def test_a_session_nobody_knows_is_left_alone() -> None:
    rig = Rig(STEP_UP)
    rig.ledger.terminate("default", "s1", at_ns=1, reason="x")
    rig.see()
    assert not rig.records
