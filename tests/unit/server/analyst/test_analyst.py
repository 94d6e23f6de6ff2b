"""What an analyst is told, from real decisions: curve, timeline, detections, what fell; never another tenant's."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ostiary.biometrics.book import Agreed
from ostiary.biometrics.evidence import Stage
from ostiary.biometrics.window import Modality
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.response.cases import Verdict
from ostiary.response.trigger import RULE, Trigger
from ostiary.risk.guarded import GuardedScorer
from ostiary.risk.schema import Thresholds
from ostiary.server.analyst.curve import bands_of, curve_of
from ostiary.server.analyst.detections import DetectionFilter, detections_of
from ostiary.server.analyst.finding import detection_of
from ostiary.server.analyst.reading import decisions_in, decisions_of, session_named
from ostiary.server.analyst.revoked import revoked_of
from ostiary.server.analyst.rhythm import rhythm_of
from ostiary.server.analyst.subject import subject_of
from ostiary.server.analyst.subjects import SubjectFilter, subjects_of
from ostiary.server.analyst.timeline import marks_of, timeline_of
from ostiary.server.batches import intake_of
from ostiary.server.biometrics.watching import Judged, WatchedSessions
from ostiary.server.decision_index.opening import projector_of
from ostiary.server.feedback.book import FeedbackBook
from ostiary.sessions import Asked, Session
from ostiary.vocabulary.behaviour import BiometricsVerdict
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import DecisionRecord

WEEK = DetectionFilter()


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    served = start_server()
    served.house.tenants.create("acme")
    return served


def ask(server: Any, action: str = "read", session: str = "s1") -> DecisionRecord:
    server.ask(action, context={"session_id": session})
    found: DecisionRecord = server.records()[-1]
    return found


def append(server: Any, record: DecisionRecord, tenant: str = "default") -> None:
    payload, receipt = msgspec.json.encode(record), record.receipt
    done = server.house.log.append(
        tenant, "decision", receipt.decision_id, receipt.received_ns, payload, record.subject_key
    )
    done.result(10)


def changed(record: DecisionRecord, name: str, after_s: float, **more: Any) -> DecisionRecord:
    at = record.receipt.received_ns + int(after_s * 1e9)
    receipt = msgspec.structs.replace(record.receipt, decision_id=name, received_ns=at)
    return msgspec.structs.replace(record, receipt=receipt, **more)


def scored(score: float, model: str = "sha256:m") -> RiskScore:
    return RiskScore(available=True, score=score, level="low", model=model)


def test_decisions_are_the_same_whether_the_index_is_behind_or_not(server: Any) -> None:
    for _ in range(3):
        ask(server)
    before = [one.receipt.decision_id for one in decisions_of(server.house, "default", "user:alice")]
    projector_of(server.house, lambda _reason, fault: pytest.fail(str(fault))).catch_up_all()
    ask(server)
    after = [one.receipt.decision_id for one in decisions_of(server.house, "default", "user:alice")]
    assert after[:-1] == before
    assert len(set(after)) == len(after)
    assert [one.receipt.decision_id for one in decisions_of(server.house, "default", "user:alice", 2)] == after[-2:]
    assert decisions_of(server.house, "acme", "user:alice") == []
    assert decisions_of(server.house, "default", "user:" + "x" * 400) == []


def test_a_session_has_its_own_decisions_only(server: Any) -> None:
    mine, other = ask(server, session="mine"), ask(server, session="other")
    session = session_named(server.house, "default", "mine")
    found = [one.receipt.decision_id for one in decisions_in(server.house, session)]
    assert found == [mine.receipt.decision_id]
    assert other.receipt.decision_id not in found
    foreign = msgspec.structs.replace(session, tenant="acme")
    assert decisions_in(server.house, foreign) == []
    assert decisions_in(server.house, Session("default", "mine")) == []
    with pytest.raises(RefusedError, match="no such session"):
        session_named(server.house, "acme", session.handle)


def test_a_curve_marks_what_changed_and_where_a_fall_began(server: Any) -> None:
    plain, falls = ask(server, session="curve"), ask(server, "step-up", session="curve")
    records = [
        changed(plain, "dec_a", 0, risk=scored(0.1)),
        changed(plain, "dec_b", 1, risk=scored(0.2, "sha256:n"), bundle="sha256:other"),
        changed(falls, "dec_c", 2, risk=scored(0.3, "sha256:n"), session_risk=scored(0.9), bundle="sha256:other"),
        changed(falls, "dec_d", 3, bundle="sha256:other"),
    ]
    curve = curve_of(server.house, "default", records)
    assert [one.score for one in curve.points] == [0.1, 0.2, 0.9]
    assert [one.text for one in curve.marks] == ["policy changed", "model changed", "step-up"]
    assert curve_of(server.house, "default", []).points == ()


def test_a_timeline_tells_accesses_deeds_and_the_end(server: Any) -> None:
    ask(server, session="story")
    session = session_named(server.house, "default", "story")
    path = f"/tenants/default/sessions/{session.handle}"
    server.admin("POST", f"{path}/reduce", json={"privileges": ["admin"], "reason": "lost_device"})
    server.admin("POST", f"{path}/terminate", json={"reason": "lost_device"})
    session = session_named(server.house, "default", session.handle)
    told = timeline_of(server.house, session, decisions_in(server.house, session))
    assert [one.kind for one in told] == ["end", "deed", "deed", "access"]
    assert [one.text for one in marks_of(told)] == ["ended", "ended by a person", "reduced by a person"]
    assert all(one.by.startswith("adk_") or one.by for one in told if one.kind == "deed")


def test_what_a_reduction_took_is_told_and_a_living_session_lost_nothing(server: Any) -> None:
    ask(server, session="less")
    session = session_named(server.house, "default", "less")
    assert revoked_of(server.house, session).what == "nothing"
    server.admin(
        "POST",
        f"/tenants/default/sessions/{session.handle}/reduce",
        json={"privileges": ["admin"], "lifetime_s": 60, "reason": "exercise"},
    )
    fell = revoked_of(server.house, session_named(server.house, "default", "less"))
    assert (fell.what, fell.privileges, fell.reason, fell.tokens) == ("reduced", ("admin",), "exercise", ())
    assert fell.expires_ns > fell.at_ns


def test_streams_that_are_told_are_listed_and_none_of_another_tenant(server: Any) -> None:
    ask(server, session="heard")
    owner = server.pep_key.partition(".")[0]
    body = {"owner": owner, "audience": "https://them.example"}
    made = server.admin("POST", "/tenants/default/signals/streams", json=body).json()
    off = server.admin("POST", "/tenants/default/signals/streams", json=body).json()
    where = f"/tenants/default/signals/streams/{off['stream_id']}/status"
    server.admin("POST", where, json={"status": "disabled", "reason": "x"})
    session = session_named(server.house, "default", "heard")
    server.admin("POST", f"/tenants/default/sessions/{session.handle}/terminate", json={"reason": "exercise"})
    fell = revoked_of(server.house, session_named(server.house, "default", session.handle))
    assert [(one.stream, one.event) for one in fell.streams] == [(made["stream_id"], "session-revoked")]


def test_every_kind_of_detection_is_told_with_its_tags(server: Any) -> None:
    house, now = server.house, server.house.clock.now_ns()
    denied = ask(server, "nothing", session="denied")
    finding = {"rule": "injection.override", "start": 0, "end": 3, "atlas": "AML.T0051.001", "owasp": "LLM01:2025"}
    leak = {"rule": "secret.aws", "start": 0, "end": 3, "atlas": "AML.T0057", "owasp": "LLM02:2025"}
    texts = [{"place": "user", "digest": "sha256:x", "channel": "user", "findings": [finding]}]
    for name, told in (
        ("ins_1", {"seen": texts, "decision_id": denied.receipt.decision_id, "subject": "user:alice"}),
        ("ins_2", {"findings": [leak], "subject": "user:alice"}),
        ("ins_3", {"seen": [], "subject": "user:alice"}),
    ):
        house.log.append("default", "inspection", name, now, msgspec.json.encode(told), "user:alice").result(10)
    trigger = Trigger("x1", "default", "signal:credential-compromise", "user:alice", "", "", {"by": RULE}, now)
    house.response.respond(trigger)
    quarantine = intake_of(house, "default").quarantine
    fault = FaultyInputError("batch_unsigned", "nobody signed it")
    assert quarantine.keep(b"events", fault, now, producer="agent", sequence=1, batch="b1")
    found = {one.kind: one for one in detections_of(house, "default", WEEK)}
    assert {"denied", "injection", "leak", "playbook", "poisoning"} <= set(found)
    assert found["injection"].tags == ("AML.T0051.001", "LLM01:2025")
    assert found["playbook"].tags == ("AML.T0012", "T1078")
    assert found["poisoning"].rules == ("batch_unsigned",)
    for one in found.values():
        assert detection_of(house, "default", one.id).row.id == one.id
        with pytest.raises(RefusedError, match="no such detection"):
            detection_of(house, "acme", one.id)
    assert detections_of(house, "acme", WEEK) == []
    assert [one.place for one in detection_of(house, "default", "ins_1").findings] == ["user"]
    tagged = detections_of(house, "default", DetectionFilter(tag="AML.T0051"))
    assert [one.id for one in tagged] == ["ins_1"]
    assert detections_of(house, "default", DetectionFilter(tag="AML.T005")) == []


def test_a_verdict_closes_what_it_is_about(server: Any) -> None:
    house, denied = server.house, ask(server, "nothing", session="judged")
    name = denied.receipt.decision_id
    assert name in {one.id for one in detections_of(house, "default", DetectionFilter(state="open"))}
    FeedbackBook(house).say("default", f"decision:{name}", "dismiss", "it was a test", by="ann", source="test")
    whole = detection_of(house, "default", name)
    assert (whole.row.state, whole.row.verdict, whole.said[0].reason) == ("closed", "dismiss", "it was a test")
    assert name not in {one.id for one in detections_of(house, "default", DetectionFilter(state="open"))}


@pytest.mark.parametrize("name", ["", "x", "dec_", "case_", "ins_x", "run_", "batch_", "batch_x", "session_x", "\x00"])
def test_what_is_no_detection_is_unknown(server: Any, name: str) -> None:
    with pytest.raises(RefusedError, match="no such detection"):
        detection_of(server.house, "default", name)


@pytest.mark.parametrize("name", ["", "alice", ":", "user:", ":alice", "user:nobody", "user:\x00", "user:\ud800"])
def test_what_is_no_subject_is_unknown(server: Any, name: str) -> None:
    with pytest.raises(RefusedError, match="no such subject"):
        subject_of(server.house, "default", name)


def test_who_looks_finds_its_own_risk_by_no_filter(server: Any) -> None:
    house, now = server.house, server.house.clock.now_ns()
    house.ledger.touch(Asked("default", ("own",), "user:carol", now))
    session = session_named(house, "default", "own")
    rule = house.settings.sessions.rule()
    risk = RiskScore(available=True, score=0.9, level="high", model="sha256:m")
    house.ledger.judge("default", session.session_id, risk, rule, at_ns=now)
    high = SubjectFilter(level="high")
    assert [one.subject for one in subjects_of(house, "default", high, 10)] == ["user:carol"]
    assert subjects_of(house, "default", high, 10, hidden=frozenset({"user:carol"})) == []


def test_rhythm_is_told_in_numbers_of_those_who_agreed_alone(server: Any) -> None:
    house, record = server.house, ask(server, session="typed")
    said = BiometricsVerdict("enrolled", 1.2, 0.8, 1.0, 0.4, windows=3, reasons=("keys are held longer",))
    records = [changed(record, "dec_typed", 0, biometrics=said)]
    silent = rhythm_of(house, "default", "user:alice", [], records)
    assert (silent.agreed, silent.points, silent.modalities) == (False, (), ())
    house.templates.agree("default", "user:alice", Agreed("the text", 1))
    told = rhythm_of(house, "default", "user:alice", [], records)
    assert [(one.llr, one.drift) for one in told.points] == [(1.2, 0.4)]
    assert "held longer" not in told.model_dump_json()


def test_each_modality_is_told_to_its_own_session_and_subject() -> None:
    watched = WatchedSessions()
    judged = Judged(Modality.KEYSTROKE, -2.0, Stage.ENROLLED, 1.0, "sha256:m", "w1", b"", ("words",), 0.5)
    watched.note("acme", "s1", "user:ann", judged, 1)
    (told,) = watched.by_modality("acme", "s1", "user:ann")
    assert (told.modality, told.stage, told.llr, told.drift) == ("keystroke", "enrolled", 2.0, 0.5)
    assert watched.by_modality("acme", "s1", "user:bob") == ()
    assert watched.by_modality("default", "s1", "user:ann") == ()


def test_an_open_case_stays_in_the_list_however_old_it_is(server: Any) -> None:
    house, old = server.house, server.house.clock.now_ns() - 90 * 86_400 * 10**9
    case = house.response.cases.open("default", "old", topic="old", key="old", by="ann", now_ns=old)
    assert case.case_id in {one.id for one in detections_of(house, "default", WEEK)}
    house.response.cases.close("default", case.case_id, "ann", old, Verdict.BENIGN)
    assert case.case_id not in {one.id for one in detections_of(house, "default", WEEK)}
    assert case.case_id in {one.id for one in detections_of(house, "default", DetectionFilter(days=100))}


def test_bands_are_the_levels_of_the_model_in_force(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bands_of(server.house, "default").high is None
    scaling = SimpleNamespace(session=Thresholds(medium=0.2, high=0.6))
    inner: Any = SimpleNamespace(scaling=scaling, digest="sha256:m")
    monkeypatch.setattr(server.house.scorers, "scorer", lambda _tenant: GuardedScorer(inner))
    found = bands_of(server.house, "default")
    assert (found.medium, found.high) == (0.2, 0.6)
