"""A person named by two types is one person: what is recorded of him is erased under his own name."""

import msgspec

from ostiary.decision.decide import Call, Decider
from ostiary.decision.parts import Parts
from ostiary.identity._seal import SEAL
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.sessions import SessionLedger
from ostiary.testing.parts import Always, FixedEngine, FixedSignals, MemoryRecorder, StaticDirectory
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.verdicts import DecisionRecord, GuardrailVerdict, RuleHit


class AlsoEmployee:
    """An issuer of users that lets enforcement points call them employees (``also_types``)."""

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        del presented, now_ns
        return VerifiedIdentity(
            seal=SEAL, tenant=pep.tenant, subject_type="user", subject_id=subject.id, assurance="token"
        )


def test_the_record_stands_under_the_verified_name() -> None:
    always = Always(FixedEngine(GuardrailVerdict(hits=(RuleHit("may", Effect.ALLOW),))))
    recorder = MemoryRecorder()
    parts = Parts(
        subjects=AlsoEmployee(),
        directory=StaticDirectory(),
        sessions=SessionLedger(),
        signals=FixedSignals(),
        scorers=always,
        policies=always,
        phases=always,
        recorder=recorder,
    )
    request = EvaluationRequest(Subject("employee", "ann"), Action("read"), Resource("doc", "1"))
    call = Call(PepIdentity(pep_id="gateway", tenant="default"), request, PresentedSubject())
    record = Decider(parts).decide(Receipt("dec_1", 10**18), call).record
    assert record.subject_key == "user:ann"
    assert msgspec.json.decode(msgspec.json.encode(record), type=DecisionRecord).subject_key == "user:ann"
