"""Two issuers, or one that is careless, give two subjects one session id: neither ends or changes the other's."""

import pytest

from ostiary.decision.decide import Call, Decider
from ostiary.decision.parts import Parts
from ostiary.identity._seal import SEAL
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.sessions import SessionLedger
from ostiary.testing.parts import Always, FixedEngine, FixedSignals, MemoryRecorder, StaticDirectory
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.verdicts import GuardrailVerdict, RuleHit

END_IT = FixedEngine(GuardrailVerdict(hits=(RuleHit("suspended", Effect.TERMINATE),)))
PASS = FixedEngine(GuardrailVerdict(hits=(RuleHit("may", Effect.ALLOW),)))


class Vouched:
    """Believes every name; everybody's token says session ``s1``, and is bound to a key of its own."""

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        del presented, now_ns
        return VerifiedIdentity(
            seal=SEAL,
            tenant=pep.tenant,
            subject_type=subject.type,
            subject_id=subject.id,
            assurance="token",
            session_id="s1",
            client_id="web",
            key=f"key of {subject.id}",
        )


@pytest.fixture
def ledger() -> SessionLedger:
    return SessionLedger()


def decide(ledger: SessionLedger, engine: FixedEngine, who: str, ip: str = "192.0.2.1") -> str:
    always = Always(engine)
    parts = Parts(
        subjects=Vouched(),
        directory=StaticDirectory(),
        sessions=ledger,
        signals=FixedSignals(),
        scorers=always,
        policies=always,
        phases=always,
        recorder=MemoryRecorder(),
    )
    request = EvaluationRequest(Subject("user", who), Action("read"), Resource("doc", "1"), {"ip": ip})
    pep = PepIdentity(pep_id="gateway", tenant="default")
    return (
        Decider(parts)
        .decide(Receipt("dec_1", 10**18), Call(pep, request, PresentedSubject()))
        .record.outcome.effect.name
    )


def test_one_does_not_end_the_others(ledger: SessionLedger) -> None:
    assert decide(ledger, PASS, "alice") == "ALLOW"
    assert decide(ledger, END_IT, "mallory") == "TERMINATE"
    assert decide(ledger, PASS, "alice") == "ALLOW"
    assert decide(ledger, PASS, "mallory") == "DENY", "his own has ended"


def test_one_is_no_thief_in_the_others(ledger: SessionLedger) -> None:
    assert decide(ledger, PASS, "alice") == "ALLOW"
    decide(ledger, PASS, "mallory", ip="198.51.100.7")
    assert decide(ledger, PASS, "alice") == "ALLOW"


def test_one_leaves_no_trace_in_the_others(ledger: SessionLedger) -> None:
    decide(ledger, PASS, "alice")
    before = ledger.find("default", "s1")
    decide(ledger, PASS, "mallory", ip="198.51.100.7")
    assert ledger.find("default", "s1") == before


def test_one_person_under_two_ids_does_not_outlive_the_session_by_the_second(ledger: SessionLedger) -> None:
    assert decide(ledger, PASS, "ann-at-web") == "ALLOW"
    ledger.terminate("default", "s1", at_ns=1, reason="administrator")
    assert decide(ledger, PASS, "ann-at-mail") == "DENY"


def test_an_id_that_was_ended_before_anybody_was_seen_in_it_is_over_for_all(ledger: SessionLedger) -> None:
    ledger.terminate("default", "s1", at_ns=1, reason="signal")
    assert decide(ledger, PASS, "alice") == "DENY"
