"""A session ends while an access is being judged: whoever asks hears no permission that is younger than the end."""

from collections.abc import Callable

import pytest
from typing_extensions import override

from ostiary.decision.decide import Call, Decider
from ostiary.decision.parts import Decided, Parts
from ostiary.identity._seal import SEAL
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.sessions import SessionLedger
from ostiary.testing.parts import Always, FixedEngine, FixedSignals, MemoryRecorder, StaticDirectory
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.verdicts import GuardrailVerdict, RuleHit

NS = 1_000_000_000


class SlowEngine(FixedEngine):
    """A policy that permits, and takes its time: ``meanwhile`` happens before it answers."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__(GuardrailVerdict(hits=(RuleHit("may", Effect.ALLOW),)))
        self.meanwhile = meanwhile

    @override
    def guardrails(self, document: bytes) -> GuardrailVerdict:
        self.meanwhile()
        return super().guardrails(document)


class Vouched:
    """Believes every name, in the session ``s1``."""

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        del presented, now_ns
        return VerifiedIdentity(
            seal=SEAL,
            tenant=pep.tenant,
            subject_type=subject.type,
            subject_id=subject.id,
            assurance="token",
            session_id="s1",
            auth_time=10,
        )


def decide(ledger: SessionLedger, meanwhile: Callable[[], object]) -> tuple[Decided, int]:
    always, recorder = Always(SlowEngine(meanwhile)), MemoryRecorder()
    parts = Parts(
        subjects=Vouched(),
        directory=StaticDirectory(),
        sessions=ledger,
        signals=FixedSignals(),
        scorers=always,
        policies=always,
        phases=always,
        recorder=recorder,
    )
    request = EvaluationRequest(Subject("user", "ann"), Action("read"), Resource("doc", "1"), {})
    pep = PepIdentity(pep_id="gateway", tenant="acme")
    decided = Decider(parts).decide(Receipt("dec_1", 20 * NS), Call(pep, request, PresentedSubject()))
    return decided, len(recorder.payloads)


def end(ledger: SessionLedger) -> None:
    ledger.terminate("acme", "s1", at_ns=20 * NS, reason="administrator")


def revoke(ledger: SessionLedger) -> None:
    ledger.revoke_subject("acme", "user:ann", at_ns=20 * NS, reason="administrator")


@pytest.mark.parametrize(
    ("fall", "reason"), [(end, "session_terminated"), (revoke, "subject_revoked")], ids=["ended", "revoked"]
)
def test_no_permission_is_younger_than_the_end(fall: Callable[[SessionLedger], None], reason: str) -> None:
    ledger = SessionLedger()
    decided, records = decide(ledger, lambda: fall(ledger))
    assert (decided.record.outcome.effect, decided.record.outcome.reasons) == (Effect.DENY, (reason,))
    assert records == 1
    assert decided.answer["decision"] is False


def test_nothing_else_is_asked_twice() -> None:
    decided, records = decide(SessionLedger(), lambda: None)
    assert (decided.record.outcome.effect, records) == (Effect.ALLOW, 1)
