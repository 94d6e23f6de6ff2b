import threading

import msgspec
import pytest

from ostiary.decision.decide import AlreadyAnsweredError
from ostiary.decision.ports import ResourceFacts
from ostiary.errors import UnavailableError
from ostiary.testing.parts import FixedEngine, FixedScorer, StaticDirectory
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Subject
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, Obligation, RuleHit

GRANT = RuleHit("readers-read", Effect.ALLOW)


def test_an_allowed_request_is_answered_and_recorded_once(rig):
    decided = rig.decider.decide(rig.receipt(), rig.call())
    assert decided.answer["decision"] is True
    [record] = rig.recorder.records
    assert record.outcome.effect == Effect.ALLOW
    assert record.receipt.decision_id == decided.answer["context"]["id"]
    assert list(decided.laps) == ["start", "identity", "state", "signals", "score", "policy", "combine", "record"]


def test_no_allow_rule_means_deny(rig):
    decided = rig.policy(FixedEngine(GuardrailVerdict())).decider.decide(rig.receipt(), rig.call())
    assert decided.answer["decision"] is False
    assert Reason.NO_ALLOW_RULE in decided.record.outcome.reasons


def test_a_refused_subject_is_denied_with_the_reason_and_recorded(rig):
    decided = rig.decider.decide(rig.receipt(), rig.call(subject=Subject("user", "mallory")))
    assert decided.record.refusal == "token_signature_invalid"
    assert decided.answer["decision"] is False
    assert len(rig.recorder.records) == 1


class Broken:
    """Fails at whatever it is asked."""

    def __getattr__(self, name):
        def fail(*_args, **_kwargs):
            raise OSError(name)

        return fail


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("subjects", Reason.SUBJECT_UNVERIFIED),
        ("directory", Reason.STATE_ERROR),
        ("sessions", Reason.STATE_ERROR),
        ("signals", Reason.SIGNALS_ERROR),
        ("policies", Reason.POLICY_UNAVAILABLE),
        ("phases", Reason.INTERNAL_ERROR),
    ],
)
def test_a_failing_step_denies_with_its_own_reason(rig, part, reason):
    decided = rig.use(**{part: Broken()}).decider.decide(rig.receipt(), rig.call())
    assert decided.record.outcome.effect == Effect.DENY
    assert decided.record.refusal == reason
    assert decided.record.fault == "OSError"
    assert rig.faults == [reason]
    assert len(rig.recorder.records) == 1


@pytest.mark.parametrize(
    ("scorer", "reason"), [(None, Reason.RISK_NO_MODEL), (FixedScorer(ValueError("x")), Reason.RISK_ERROR)]
)
def test_a_missing_or_broken_model_is_visible_to_policy_and_nothing_more(rig, scorer, reason):
    rig.policy(FixedEngine(GuardrailVerdict(hits=(GRANT,))), scorer)
    decided = rig.decider.decide(rig.receipt(), rig.call())
    assert decided.record.outcome.effect == Effect.ALLOW
    adaptive = dict(rig.engine.seen)["adaptive"]
    assert adaptive["risk"] == {
        "available": False,
        "reason": reason,
        "score": None,
        "level": "unknown",
        "uncertainty": 1.0,
        "model": "",
        "signals": [],
    }


def test_a_source_of_models_that_breaks_is_a_missing_model(rig):
    decided = rig.use(scorers=Broken()).decider.decide(rig.receipt(), rig.call())
    assert decided.record.risk is not None
    assert decided.record.risk.reason == Reason.RISK_ERROR


def test_the_guardrails_never_see_a_score(rig):
    rig.policy(FixedEngine(GuardrailVerdict(hits=(GRANT,))), FixedScorer(0.9))
    rig.decider.decide(rig.receipt(), rig.call())
    seen = dict(rig.engine.seen)
    assert "risk" not in seen["guardrails"]
    assert "session_risk" not in seen["guardrails"]
    assert "guardrails" not in seen["guardrails"]
    assert seen["adaptive"]["risk"]["score"] == 0.9
    assert {k: v for k, v in seen["adaptive"].items() if k not in {"risk", "session_risk", "guardrails"}} == seen[
        "guardrails"
    ]


def test_the_answer_never_tells_the_score(rig):
    adaptive = AdaptiveVerdict(hits=(RuleHit("unusual", Effect.STEP_UP, properties={"acr_values": ["urn:x"]}),))
    rig.policy(FixedEngine(GuardrailVerdict(hits=(GRANT,)), adaptive), FixedScorer(0.87654321))
    decided = rig.decider.decide(rig.receipt(), rig.call())
    assert b"0.8765" not in msgspec.json.encode(decided.answer)
    assert b"network" not in msgspec.json.encode(decided.answer)
    assert decided.answer["context"]["acr_values"] == "urn:x"
    assert decided.answer["decision"] is False


def test_a_policy_error_denies(rig):
    rig.policy(FixedEngine(GuardrailVerdict(error=Reason.POLICY_UNDEFINED)))
    assert rig.decider.decide(rig.receipt(), rig.call()).record.outcome.reasons == (Reason.POLICY_UNDEFINED,)


def test_a_full_log_lets_no_answer_out(rig):
    rig.recorder.full = True
    with pytest.raises(UnavailableError):
        rig.decider.decide(rig.receipt(), rig.call())
    assert rig.faults == [Reason.RECORD_FAILED]


def test_terminate_ends_the_session_before_the_answer(rig):
    end = AdaptiveVerdict(hits=(RuleHit("theft", Effect.TERMINATE),))
    rig.policy(FixedEngine(GuardrailVerdict(hits=(GRANT,)), end), FixedScorer(1.0))
    call = rig.call(context={"session_id": "s1"})
    assert rig.decider.decide(rig.receipt(1), call).answer["context"]["effect"] == "TERMINATE"
    again = rig.decider.decide(rig.receipt(2), rig.call(context={"session_id": "s1"}))
    assert again.record.refusal == Reason.SESSION_TERMINATED
    other = rig.call(context={"session_id": "s1"}, tenant="other")
    assert rig.decider.decide(rig.receipt(3), other).record.refusal == ""


def test_only_one_thread_records_a_call(rig):
    call, outcomes = rig.call(), []

    def run(number):
        try:
            outcomes.append(rig.decider.decide(rig.receipt(number), call))
        except AlreadyAnsweredError:
            outcomes.append(None)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(o is not None for o in outcomes) == 1
    assert len(rig.recorder.records) == 1


def test_the_deadline_takes_the_claim_and_the_late_thread_stays_silent(rig):
    call = rig.call()
    late = rig.decider.refuse(rig.receipt(), call.pep, Reason.POLICY_TIMEOUT, call.request, claim=call.claim)
    assert late.answer["context"]["reasons"] == [Reason.POLICY_TIMEOUT]
    with pytest.raises(AlreadyAnsweredError):
        rig.decider.decide(rig.receipt(), call)
    assert len(rig.recorder.records) == 1


def test_a_capped_model_on_a_critical_resource_asks_for_a_person(rig):
    adaptive = AdaptiveVerdict(
        hits=(RuleHit("unusual", Effect.DENY),), obligations=(Obligation("tell", "notification", {"to": "soc"}),)
    )
    directory = StaticDirectory(resources={("record", "record-1"): ResourceFacts(known=True, critical=True)})
    rig.policy(FixedEngine(GuardrailVerdict(hits=(GRANT,)), adaptive), FixedScorer(0.99)).use(directory=directory)
    decided = rig.decider.decide(rig.receipt(), rig.call())
    assert decided.record.outcome.effect == Effect.STEP_UP
    assert Reason.CRITICAL_CAP in decided.record.outcome.reasons
    assert {o.type for o in decided.record.obligations} == {"step-up", "human_review"}


def test_context_of_the_wrong_type_counts_as_not_told(rig):
    context = {
        "ip": 7,
        "device": "laptop",
        "tz_offset_min": True,
        "bytes": -1,
        "count": "many",
        "mfa": "yes",
        "user_agent": {},
        "session_id": ["s"],
        "client_id": "",
    }
    event = rig.decider.decide(rig.receipt(), rig.call(context=context)).event
    assert event is not None
    told = (event.ip, event.device_id, event.tz_offset_min, event.bytes, event.count, event.mfa, event.user_agent)
    assert told == (None,) * 7
    assert event.session_id is None


def test_the_callers_clock_and_ids_are_never_believed(rig):
    context = {"time": 1, "time_ns": 1, "event_id": "mine", "decision_id": "mine", "tenant": "other"}
    record = rig.decider.decide(rig.receipt(), rig.call(context=context)).record
    assert record.event is not None
    assert record.event.time_ns == rig.receipt().received_ns
    assert record.event.event_id == rig.receipt().decision_id
    assert record.tenant == record.event.tenant == "default"
