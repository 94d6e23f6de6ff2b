"""Every file in ``decision/`` is one case: a sentence, a request, the moment, and the decision that is wanted.

The cases run through the shipped bundle on the real engine, the real law and the real obligations; only the
identity, the stored facts and the score are given by the case. The docs and the what-if page read the same files.
"""

import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from ostiary.artifacts.shipped import policies_dir
from ostiary.decision.combine import BreakGlass
from ostiary.decision.decide import Call, Decider, Parts
from ostiary.decision.phases import PhaseTable, high_impact_everywhere
from ostiary.decision.ports import ResourceFacts, SubjectFacts
from ostiary.decision.replay import replay
from ostiary.defence.guarding import Guarded
from ostiary.defence.questions import Walked
from ostiary.identity._seal import SEAL
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.sessions import Asked, SessionLedger, StepUpProof
from ostiary.testing.parts import Always, FixedScorer, FixedSignals, MemoryRecorder, StaticDirectory
from ostiary.vocabulary.behaviour import BiometricsVerdict
from ostiary.vocabulary.devices import UNKNOWN_DEVICE, DeviceFacts
from ostiary.vocabulary.effects import Control, Effect, Phase
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.events import ActionClass
from ostiary.vocabulary.scoring import RiskScore, unavailable

FOLDER = Path(__file__).parent / "decision"
NOW_NS = 1_790_000_000_000_000_000
LASTS_NS = 300_000_000_000
STRONG = "urn:ostiary:acr:phishing-resistant"
MEMBERS = {
    "device",
    "sentence",
    "request",
    "identity",
    "stored",
    "moment",
    "risk",
    "phases",
    "break_glass",
    "session",
    "session_risk",
    "probing",
    "biometrics",
    "degraded",
    "want",
}
WANTS = {"effect", "reasons", "obligations", "rules", "unmet", "acr_values", "proposal", "floor"}


def load(path: Path) -> dict[str, Any]:
    """Read one case and refuse members that nothing would look at."""
    case: dict[str, Any] = yaml.safe_load(path.read_text())
    assert not set(case) - MEMBERS, f"unknown members in {path.name}"
    assert not set(case["want"]) - WANTS, f"unknown wants in {path.name}"
    return case


def cases() -> list[Any]:
    """Return all cases as pytest parameters named by their files."""
    return [pytest.param(load(path), id=path.stem) for path in sorted(FOLDER.glob("*.yaml"))]


class Given:
    """A subject verifier that gives the identity of the case."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = dict(told)

    def verify(self, pep, subject, presented, now_ns):
        told = self.told
        age = told.get("auth_age_s")
        return VerifiedIdentity(
            seal=SEAL,
            tenant=pep.tenant,
            subject_type=subject.type,
            subject_id=subject.id,
            assurance=told.get("assurance", "token"),
            issuer=told.get("issuer", "https://idp.example"),
            acr=told.get("acr", ""),
            amr=tuple(told.get("amr", ())),
            auth_time=None if age is None else now_ns // 1_000_000_000 - age,
            scopes=tuple(told.get("scopes", ())),
            client_id=told.get("client_id", ""),
            session_id=told.get("session_id", ""),
            proof=told.get("proof", "none"),
            key=told.get("key", ""),
            claims=told.get("claims", {}),
        )


class Registered:
    """A device registry that knows the one device of the case."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.facts = msgspec.convert({"known": True, **told}, type=DeviceFacts)

    def device(self, tenant, device_id, now_ns, key=""):
        if key and key == self.facts.key:
            return self.facts
        return self.facts if device_id is not None and device_id == self.facts.device_id else UNKNOWN_DEVICE


class Watching:
    """What watches questions, having seen what the case tells."""

    def __init__(self, told: dict[str, Any]) -> None:
        told = dict(told)
        spent, wait_s = tuple(told.pop("spent", ())), told.pop("wait_s", 0)
        self.guarded = Guarded(Walked(**told), spent=spent, wait_s=wait_s)

    def look(self, tenant, asker, question, now_ns):
        return self.guarded

    def told(self, guarded, outcome):
        return None


class Glass:
    """An open break-glass that covers every request of the case."""

    def __init__(self, replaces: list[str]) -> None:
        self.replaces = frozenset(replaces)

    def find(self, tenant, request, now_ns):
        return BreakGlass("bg-1", self.replaces)


def scorer(told: Any) -> FixedScorer:
    """Return the scorer of the case: a number, ``{unavailable: code}`` or ``{score, uncertainty}``."""
    if isinstance(told, dict) and "unavailable" in told:
        return FixedScorer(unavailable(told["unavailable"]))
    if isinstance(told, dict):
        return FixedScorer(RiskScore(available=True, level="unknown", model="sha256:case", **told))
    return FixedScorer(told)


def phases(told: Any) -> PhaseTable:
    """Return the phases of the case: one name for all controls, or a name a control."""
    if told is None:
        return high_impact_everywhere()
    if isinstance(told, str):
        return PhaseTable(dict.fromkeys(Control, Phase[told.upper()]))
    return PhaseTable({Control(control): Phase[name.upper()] for control, name in told.items()})


@pytest.fixture(scope="module")
def engine():
    opened = OpaEngine(Bundle.load(policies_dir()))
    yield opened
    opened.close()


def decide(case: dict[str, Any], engine: OpaEngine) -> Any:
    """Decide the request of one case."""
    case = copy.deepcopy(case)
    request, stored = case["request"], case.get("stored", {})
    moment = dict(case.get("moment", {}))
    trusted, hour = moment.pop("trusted_network", False), moment.pop("local_hour", 11)
    weekday = moment.pop("weekday", 2)
    if "action_class" in moment:
        moment["action_class"] = ActionClass(moment["action_class"])
    subject = Subject(**request["subject"])
    resource = Resource(**request["resource"])
    known = stored.get("subject"), stored.get("resource")
    directory = StaticDirectory(
        {} if known[0] is None else {(subject.type, subject.id): facts(SubjectFacts, known[0])},
        {} if known[1] is None else {(resource.type, resource.id): facts(ResourceFacts, known[1])},
    )
    always = Always(engine, scorer(case.get("risk")), phases(case.get("phases")))
    told_risk = case.get("session_risk")
    parts = Parts(
        subjects=Given(case.get("identity", {})),
        directory=directory,
        sessions=ledger(case),
        session_risk=None if told_risk is None else Latest(told_risk),
        signals=FixedSignals(trusted=trusted, local_hour=hour, weekday=weekday, enrichment=moment),
        scorers=always,
        policies=always,
        phases=always,
        recorder=MemoryRecorder(),
        devices=Registered(case["device"]) if "device" in case else None,
        questions=Watching(case["probing"]) if "probing" in case else None,
        behaviour=Behaves(case["biometrics"]) if "biometrics" in case else None,
        break_glass=Glass(case["break_glass"]) if "break_glass" in case else None,
        degraded=lambda: tuple(case.get("degraded", ())),
    )
    asked = EvaluationRequest(subject, Action(**request["action"]), resource, request.get("context", {}))
    pep = PepIdentity(pep_id="gateway", tenant="default", subjects="asserted")
    receipt = Receipt("dec_00000000000000000000000001", NOW_NS)
    return Decider(parts).decide(receipt, Call(pep, asked, PresentedSubject()))


class Behaves:
    """A watch over behaviour that has found what the case tells, or nothing."""

    def __init__(self, told: dict[str, Any] | None) -> None:
        whole = {"confidence": 1.0, "liveness": 1.0, "modalities": ("keystroke",), "models": ("sha256:keys",)}
        more = {"inputs": "sha256:windows", "windows": 5, "at_ns": NOW_NS - 1}
        self.found = None if told is None else BiometricsVerdict(**{**whole, **more, **told})

    def latest(self, tenant, session_id, subject, now_ns):
        return self.found


class Latest:
    """A session whose risk is as the case tells."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.risk = RiskScore(available=True, model="sha256:case", **{"uncertainty": 0.1, **told})

    def latest(self, tenant, session_id):
        return self.risk


def ledger(case: dict[str, Any]) -> SessionLedger:
    """Return a ledger in which the request's session has lived as the case tells, all of it some seconds ago."""
    told, sessions = case.get("session", {}), SessionLedger()
    if not told:
        return sessions
    request = case["request"]
    who, given = request["subject"], request["context"]["session_id"]
    name, subject = f"{who['type']}\n{who['id']}\n{given}", f"{who['type']}:{who['id']}"
    now: Any = {"tenant": "default", "session_id": name}
    if told == "terminated":
        sessions.terminate(**now, at_ns=1, reason="case")
        return sessions
    for what, written in told.items():
        at_ns = NOW_NS - int(written.pop("ago_s") * 1_000_000_000)
        members: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in written.items()}
        if what == "seen":
            sessions.touch(Asked("default", (name,), subject, at_ns, **members))
        elif what == "demand":
            sessions.demand_step_up(**now, at_ns=at_ns, reason="case", **members)
        elif what == "reduced":
            sessions.reduce(**now, at_ns=at_ns, reason="case", **members)
        elif what == "revoked":
            sessions.revoke_subject("default", subject, at_ns=at_ns, reason="case")
        else:
            action, resource = request["action"]["name"], request["resource"]
            access = {"action": action, "resource_type": resource["type"], "resource_id": resource["id"], **members}
            lasting = (at_ns, at_ns + LASTS_NS)
            proof = StepUpProof("default", subject, name, STRONG, ("hwk",), *lasting, cause="c", **access)
            assert sessions.prove(proof)
    return sessions


def facts(kind: Any, told: dict[str, Any]) -> Any:
    """Return stored facts; what the catalogue lists is known."""
    return msgspec.convert({"known": True, **told}, type=kind)


@pytest.mark.parametrize("case", cases())
def test_the_case_is_decided_as_its_sentence_says(case, engine):
    decided, want = decide(case, engine), case["want"]
    outcome = decided.record.outcome
    assert outcome.effect.name == want["effect"], (outcome.reasons, decided.record.guardrails)
    assert sorted(outcome.reasons) == sorted(want["reasons"])
    assert sorted(o.type for o in decided.record.obligations) == sorted(want.get("obligations", []))
    assert decided.answer["decision"] is (Effect[want["effect"]] <= Effect.REDUCE)
    if "rules" in want:
        assert sorted(h.rule for h in outcome.rules) == sorted(want["rules"])
    if "unmet" in want:
        assert {u.rule for u in decided.record.guardrails.unmet} >= set(want["unmet"])
    if "acr_values" in want:
        assert decided.answer["context"]["acr_values"] == want["acr_values"]
    if "proposal" in want:
        assert outcome.proposal.name == want["proposal"]
    if "floor" in want:
        assert outcome.floor.name == want["floor"]


@pytest.mark.parametrize("case", cases())
def test_the_same_record_gives_the_same_decision(case, engine):
    record = decide(case, engine).record
    if not record.refusal:
        assert not replay(msgspec.json.decode(msgspec.json.encode(record), type=type(record)), engine).changed


def test_there_are_enough_cases_and_each_says_a_sentence():
    found = [load(path) for path in FOLDER.glob("*.yaml")]
    assert len(found) >= 60
    sentences = [case["sentence"] for case in found]
    assert len(set(sentences)) == len(sentences)
    assert all(len(sentence.split()) > 5 for sentence in sentences)
