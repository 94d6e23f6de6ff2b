"""Must-hold 6: a promoted model whose gate breaks live is demoted within a minute, nothing lost, everyone told why.

The model denies an access to everybody. People promoted it on good figures; then it begins to deny honest people.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from prometheus_client import generate_latest

from ostiary.decision.decide import Call, Decider
from ostiary.decision.phases import live_from
from ostiary.decision.replay import replay
from ostiary.errors import UnavailableError
from ostiary.identity._seal import SEAL
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.response.outbox import Letter
from ostiary.server.faces.rollout import WATCH_S, RolloutFace
from ostiary.server.places import Places
from ostiary.server.reports import Reports
from ostiary.server.rollout.changing import Wish
from ostiary.server.rollout.desk import rollout_desk
from ostiary.server.rollout.shown import change_shown, status_shown
from ostiary.server.settings import load
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.wiring import House, open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.parts import Always, FixedEngine, FixedSignals
from ostiary.testing.rollout import FakeFigures, FakeQuorum
from ostiary.vocabulary.effects import Effect, Phase
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.rollout import Scope
from ostiary.vocabulary.verdicts import AdaptiveVerdict, DecisionRecord, GuardrailVerdict, RuleHit

GRANT = GuardrailVerdict(hits=(RuleHit("may", Effect.ALLOW),))
MODEL = FixedEngine(GRANT, AdaptiveVerdict(hits=(RuleHit("risk-deny", Effect.DENY),)))
MINUTE = 60
OWN = {"step_up": "shadow", "session_lifetime": "shadow", "reduce": "shadow", "terminate": "high_impact"}


class Anyone:
    """Believes every name."""

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        del presented, now_ns
        return VerifiedIdentity(
            seal=SEAL, tenant=pep.tenant, subject_type=subject.type, subject_id=subject.id, assurance="asserted"
        )


class Soc:
    """A sink that keeps letters."""

    tenant, name = "default", "soc"

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def deliver(self, letter: Letter, now_ns: int) -> None:
        self.letters.append(letter)


class Lines:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def error(self, event: str, **told: Any) -> None:
        self.said.append((event, told))

    warning = error


class Place:
    """A server with one promoted control."""

    def __init__(self, house: House, clock: FakeClock, faults: list[str]) -> None:
        self.house, self.clock, self.faults = house, clock, faults
        self.quorum, self.figures, self.metrics, self.lines, self.soc = (
            FakeQuorum(), FakeFigures(), Metrics(), Lines(), Soc()
        )  # fmt: skip
        house.rollout.asks(self.quorum)
        house.rollout.measures(self.figures)
        house.response.outbox._sinks[self.soc.tenant, self.soc.name] = self.soc
        always = Always(MODEL)
        parts = msgspec.structs.replace(
            house.decider.parts, subjects=Anyone(), signals=FixedSignals(), scorers=always, policies=always
        )
        self.decider, self.count = Decider(parts), 0
        desk: Any = SimpleNamespace(house=house, metrics=self.metrics, log=self.lines, faults=self.fault)
        self.face = RolloutFace(desk)
        self.desk = rollout_desk(house, self.fault)
        house.rollout.look("default")
        reports = Reports(house.store.snapshots, house.ring)
        named = {
            kind: reports.keep("default", kind, "m", b"{}", clock.now_ns()).digest for kind in ("redteam", "impact")
        }
        self.figures.set(**named)

    def fault(self, reason: str, fault: BaseException) -> None:
        del fault
        self.faults.append(reason)

    def promote(self, control: str, scope: Scope = Scope()) -> None:  # noqa: B008 - frozen
        while self.desk.changes.before("default", control, scope) < live_from(control):
            wish = Wish("default", control, scope, "adm_1")
            deed = self.desk.changes.prospect(wish).deed
            assert deed is not None
            name = f"prop-{len(self.quorum.agreed)}"
            self.quorum.agree(name, deed)
            self.desk.changes.promote(msgspec.structs.replace(wish, proposal=name))

    def ask(self, who: str = "ann") -> str:
        self.count += 1
        request = EvaluationRequest(Subject("user", who), Action("read"), Resource("doc", "1"), {})
        call = Call(PepIdentity(pep_id="gateway", tenant="default"), request, PresentedSubject())
        decided = self.decider.decide(Receipt(f"dec_{self.count}_{who}", self.clock.now_ns()), call)
        decided.durable.result(timeout=10)
        return decided.record.outcome.effect.name

    def pass_time(self, seconds: float) -> float:
        """Let the watch have its turns; return after how many seconds it took a control down, or infinity."""
        passed = 0.0
        while passed < seconds:
            self.clock.advance(WATCH_S)
            passed += WATCH_S
            if self.desk.watch_all():
                return passed
        return float("inf")

    def records(self) -> list[DecisionRecord]:
        found = self.house.log.iterate("default", "decision")
        return [msgspec.json.decode(one.payload or b"", type=DecisionRecord) for one in found]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    clock, faults = FakeClock(), list[str]()
    settings = load(None, environ={}, options={"phases": OWN}).settings
    with open_house(Places(tmp_path / "data"), settings, clock, lambda reason, _: faults.append(reason)) as house:
        yield Place(house, clock, faults)


def test_it_is_demoted_within_a_minute_and_everyone_is_told_why(place: Place) -> None:
    assert place.ask() == "ALLOW", "in shadow it denies nobody"
    place.promote("deny")
    assert place.ask() == "DENY"
    assert place.pass_time(MINUTE) == float("inf"), "on good figures nothing happens"
    place.figures.set(false_positive_rate=0.2)
    assert place.pass_time(MINUTE) <= MINUTE
    assert place.ask() == "ALLOW", "and from the next decision on it denies nobody"
    place.face.look()

    (change, *_), why = place.house.rollout.chain.history("default"), "20.00% were false positives"
    assert (change.change.what, change.change.by) == ("auto", "gate")
    assert why in change_shown(change).text
    assert why in [told["text"] for event, told in place.lines.said if event == "phases_changed"][-1]
    told = b'ostiary_phase_changes_total{control="deny",what="auto"} 1.0'
    assert told in generate_latest(place.metrics.registry)
    place.house.response.outbox.deliver()
    (letter,) = [one for one in place.soc.letters if one.kind == "phases-auto"]
    assert why in letter.text
    shown = next(one for one in status_shown(place.desk, "default").controls if one.control == "deny")
    assert (shown.phase, shown.live) == ("low_risk", False)


def test_nothing_is_lost_while_it_happens(place: Place) -> None:
    place.promote("deny")
    answers: list[str] = []
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            answers.append(place.ask("bob"))

    asking = threading.Thread(target=go_on)
    asking.start()
    while len(answers) < 5:
        stop.wait(0.005)
    place.figures.set(would_interrupt_a_day=1e6)
    assert place.pass_time(MINUTE) <= MINUTE
    at = len(answers)
    while len(answers) < at + 5:
        stop.wait(0.005)
    stop.set()
    asking.join()
    records = place.records()
    assert len(records) == len(answers), "each answer has its record, and each record its answer"
    assert (answers[0], answers[-1]) == ("DENY", "ALLOW")
    for record in records:
        assert (record.outcome.effect == Effect.DENY) == (record.phases["deny"] == Phase.HIGH_IMPACT)
        assert not replay(record, MODEL).changed, "what was decided before and after is decided the same again"
    assert place.house.rollout.chain.history("default")[1].change.what == "promote", "the past of it is kept"


def test_a_canary_that_breaks_its_gate_is_demoted_too(place: Place) -> None:
    place.promote("deny", Scope(percent=50))
    asked = [place.ask(f"user-{number}") for number in range(20)]
    assert set(asked) == {"ALLOW", "DENY"}
    place.figures.set(calibration_error=0.5)
    assert place.pass_time(MINUTE) <= MINUTE
    assert {place.ask(f"user-{number}") for number in range(20)} == {"ALLOW"}


def test_one_wrong_verdict_of_one_demotes_nobody(place: Place) -> None:
    place.promote("deny")
    place.figures.set(false_positive_rate=1.0, judged=1)
    assert place.pass_time(MINUTE) == float("inf")


def test_who_starves_the_measuring_does_not_keep_the_model_in_force(place: Place) -> None:
    place.promote("deny")
    place.figures.fault = UnavailableError("storage_unavailable", "away")
    assert place.pass_time(3500) == float("inf"), "a while of it is a fault that is told"
    assert "gate_not_measured" in place.faults
    assert place.pass_time(200) <= 200
    assert "could not be read for 3600 seconds" in place.house.rollout.chain.history("default")[0].change.why


def test_the_operators_own_table_is_told_of_and_stays(place: Place) -> None:
    place.figures.set(drift=5.0)
    assert place.pass_time(MINUTE) == float("inf")
    shown = next(one for one in status_shown(place.desk, "default").controls if one.control == "terminate")
    assert (shown.live, shown.set_by) == (True, "configured")
    assert "PSI" in shown.broken[0]


def test_a_demotion_that_cannot_be_recorded_is_tried_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.promote("deny")
    place.figures.set(drift=5.0)

    def full(*_: object) -> None:
        raise UnavailableError("disk_full", "no room")

    with monkeypatch.context() as patched:
        patched.setattr(place.house.log, "append", full)
        assert place.pass_time(10) == float("inf")
    assert "disk_full" in place.faults
    assert place.pass_time(10) <= 10


def test_stalled_in_shadow_is_shown(place: Place) -> None:
    place.ask()
    place.clock.advance(41 * 86_400)
    rows = {one.control: one.stalled for one in status_shown(place.desk, "default").controls}
    assert (rows["deny"], rows["terminate"]) == ("stalled for 41 days", "")
