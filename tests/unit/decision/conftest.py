"""A decider over named fakes; each test replaces the one part that it is about."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.decision.decide import Call, Decider, Parts
from ostiary.errors import RefusedError
from ostiary.identity._seal import SEAL
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.sessions import SessionLedger
from ostiary.testing.parts import Always, FixedEngine, FixedSignals, MemoryRecorder, StaticDirectory
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.verdicts import GuardrailVerdict, RuleHit

NOW_NS = 1_790_000_000_000_000_000


class BelieveAnyone:
    """A subject verifier for tests: believes every name but ``mallory``."""

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        """Return an asserted identity."""
        del presented, now_ns
        if subject.id == "mallory":
            raise RefusedError("token_signature_invalid", "the signature does not verify")
        return VerifiedIdentity(
            seal=SEAL, tenant=pep.tenant, subject_type=subject.type, subject_id=subject.id, assurance="asserted"
        )


class Rig:
    """Everything a decision test touches."""

    def __init__(self) -> None:
        granted = GuardrailVerdict(hits=(RuleHit("readers-read", Effect.ALLOW),))
        self.recorder = MemoryRecorder()
        self.sessions = SessionLedger()
        self.engine: Any = FixedEngine(granted)
        self.faults: list[str] = []
        always = Always(self.engine)
        self.parts = Parts(
            subjects=BelieveAnyone(),
            directory=StaticDirectory(),
            sessions=self.sessions,
            signals=FixedSignals(),
            scorers=always,
            policies=always,
            phases=always,
            recorder=self.recorder,
            on_fault=lambda reason, _fault: self.faults.append(reason),
        )

    def use(self, **parts: Any) -> "Rig":
        """Replace parts."""
        self.parts = msgspec.structs.replace(self.parts, **parts)
        return self

    def policy(self, engine: FixedEngine, scorer: Any = None, phases: Any = None) -> "Rig":
        """Decide with this engine, scorer and phases."""
        self.engine = engine
        always = Always(engine, scorer, phases)
        return self.use(policies=always, scorers=always, phases=always)

    @property
    def decider(self) -> Decider:
        """A decider over the parts as they are now."""
        return Decider(self.parts)

    def call(self, **changes: Any) -> Call:
        """Return alice reading record-1, changed as asked."""
        request = EvaluationRequest(
            subject=changes.get("subject", Subject("user", "alice")),
            action=changes.get("action", Action("read")),
            resource=changes.get("resource", Resource("record", "record-1")),
            context=changes.get("context", {}),
        )
        pep = PepIdentity(pep_id="gateway", tenant=changes.get("tenant", "default"), subjects="asserted")
        return Call(pep, request, PresentedSubject())

    def receipt(self, number: int = 1) -> Receipt:
        """Return the receipt of the ``number``-th request."""
        return Receipt(f"dec_{number:026d}", NOW_NS + number)


@pytest.fixture
def rig() -> Rig:
    """A fresh rig."""
    return Rig()


@pytest.fixture
def make_rig() -> Callable[[], Rig]:
    """A maker of rigs, for property tests."""
    return Rig
