"""A house in which typing is watched: invented typists, a small model of them, sessions, proofs, the shipped policy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from ostiary.biometrics.model import Model
from ostiary.biometrics.training import Row, TrainSettings
from ostiary.biometrics.window import Modality, Window
from ostiary.decision.decide import Call, Decider
from ostiary.decision.parts import Decided
from ostiary.identity._seal import SEAL
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.server.assembly import _judge
from ostiary.server.biometrics.people import Person
from ostiary.server.biometrics.ports import Consent, SeenWindow
from ostiary.server.biometrics.room import BiometricsRoom
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.sessions import Asked, StepUpProof
from ostiary.testing.behaviour import ReferenceModel, _Schema, people, train
from ostiary.testing.fake_clock import FakeClock
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.ids import make_id

KEYS = Modality.KEYSTROKE
STRONG = "urn:ostiary:acr:phishing-resistant"
ANN = "user:ann"
NS = 1_000_000_000
CATALOGUE = """
subjects: [{type: user, id: ann, groups: [developers]}, {type: user, id: bob, groups: [developers]}]
resources: [{type: repository, id: billing, sensitivity: 2}]
"""


def model_of(modality: Modality = KEYS) -> Model:
    """Return a small model that learned from other people than those of the story."""
    from ostiary.artifacts.tensors import unpack  # noqa: PLC0415

    trained = train(people(modality, 20, first=100), TrainSettings(), lambda _what, _share: None)
    schema = msgspec.json.decode(trained.files["model.json"], type=_Schema)
    tables = {name: table.astype("f8") for name, table in unpack(trained.files["tables.safetensors"]).items()}
    return ReferenceModel(modality, "sha256:reference", tables, schema.calibration)


class Anybody:
    """A verifier that believes whom the enforcement point names, with a password of an hour ago."""

    def verify(self, pep, subject, presented, now_ns):
        return VerifiedIdentity(
            seal=SEAL,
            tenant=pep.tenant,
            subject_type=subject.type,
            subject_id=subject.id,
            assurance="token",
            issuer="https://idp.example",
            acr="urn:ostiary:acr:mfa",
            auth_time=now_ns // NS - 3600,
            session_id="s1",
        )


class Scene:
    """One house, its clock, and what people do in it."""

    def __init__(self, house: House, clock: FakeClock, faults: list[tuple[str, BaseException]]) -> None:
        self.house, self.clock, self.faults = house, clock, faults
        self.room = house.biometrics
        if self.room is not None:
            self.room.models.put("default", KEYS, model_of())
        self.decider = Decider(msgspec.structs.replace(house.decider.parts, subjects=Anybody()))
        self.judge = _judge(house, self.fault)
        self.sequence = self.asked = 0

    @property
    def watching(self) -> BiometricsRoom:
        """The room, in a house that has one."""
        assert self.room is not None
        return self.room

    def person(self, subject: str) -> Person | None:
        """Return what is known of a subject."""
        assert self.room is not None
        model = self.room.models.model("default", KEYS)
        assert model is not None
        return self.room.people.person("default", subject, model)

    def fault(self, code: str, fault: BaseException) -> None:
        self.faults.append((code, fault))

    def agree(self, subject: str = ANN) -> None:
        assert self.room is not None
        self.room.consents.give(Consent("default", subject, "typing-2026", self.clock.now_ns()))

    def proves(self, session: str = "s1", subject: str = ANN, acr: str = STRONG) -> None:
        """Let the subject prove itself in a session."""
        now = self.clock.now_ns()
        self.house.ledger.touch(Asked("default", (session,), subject, now))
        self.clock.advance(1)
        now = self.clock.now_ns()
        told: dict[str, Any] = {"action": "read", "resource_type": "repository", "resource_id": "billing"}
        proof = StepUpProof(
            tenant="default",
            subject=subject,
            session_id=session,
            acr=acr,
            amr=("hwk",),
            proven_ns=now,
            expires_ns=now + 300 * NS,
            cause="dec_1",
            **told,
        )
        assert self.house.ledger.prove(proof)

    def types(self, windows: list[Window], session: str = "s1", subject: str = ANN, **more: Any) -> None:
        """Let windows come in, one after the other, some seconds long."""
        assert self.room is not None
        for window in windows:
            began = self.clock.now_ns()
            self.clock.advance(12)
            self.sequence += 1
            told: dict[str, Any] = {"untrusted": 0, "key": "thumb", "stream": "page", "missed": 0, **more}
            self.room.take(
                SeenWindow(
                    tenant="default",
                    subject=subject,
                    session=session,
                    sequence=self.sequence,
                    window=window,
                    began_ns=began,
                    ended_ns=self.clock.now_ns(),
                    **told,
                )
            )

    def enrols(self, rows: list[Row], sessions: tuple[str, ...] = ("s8", "s9")) -> None:
        """Let a person agree and enrol in some sessions, each begun by a passkey."""
        self.agree()
        share = len(rows) // len(sessions)
        for number, session in enumerate(sessions):
            self.proves(session)
            self.types([row.window for row in rows[number * share : (number + 1) * share]], session)

    def asks(self, subject: str = "ann", **context: Any) -> Decided:
        """Let a person read, and let its session be judged after the answer."""
        self.clock.advance(1)
        self.asked += 1
        request = EvaluationRequest(
            Subject("user", subject), Action("read"), Resource("repository", "billing"), {"session_id": "s1", **context}
        )
        receipt = Receipt(make_id("dec", self.clock.now_ns(), bytes([self.asked % 256] * 10)), self.clock.now_ns())
        pep = PepIdentity(pep_id="gateway", tenant="default", subjects="asserted")
        decided = self.decider.decide(receipt, Call(pep, request, PresentedSubject()))
        decided.durable.result(10)
        self.judge.observe(decided)
        return decided


@contextmanager
def opened(folder: Path, **biometrics: Any) -> Iterator[Scene]:
    """Open a house with the shipped policy in which typing is watched."""
    root = folder / "data"
    (root / "catalogue").mkdir(parents=True, exist_ok=True)
    (root / "catalogue" / "default.yaml").write_text(CATALOGUE)
    root.chmod(0o700)
    settings = load(None, environ={}, options={"biometrics": {"enabled": True, **biometrics}}).settings
    clock, faults = FakeClock(), list[tuple[str, BaseException]]()
    with open_house(Places(root), settings, clock, lambda code, fault: faults.append((code, fault))) as house:
        house.policies.load("default")
        yield Scene(house, clock, faults)


OTHER = 7  # types much unlike the others; some of those are near each other, as people are


def typist(number: int = 0) -> list[Row]:
    """Return sixty windows of one invented person; stories enrol by the first two dozen."""
    return people(KEYS, 1, sessions=1, windows=60, first=number)


def typed(number: int, begin: int, end: int) -> list[Window]:
    """Return some windows of one invented person."""
    return [row.window for row in typist(number)[begin:end]]
