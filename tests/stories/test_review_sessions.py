"""A session id in a request's context is a claim: with another's id nobody ends or revives that other's session."""

import msgspec
import pytest

from ostiary.decision.decide import Call, Decider
from ostiary.decision.event import sessions_of
from ostiary.decision.parts import Parts
from ostiary.identity._seal import SEAL
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.sessions import SessionLedger, SessionState
from ostiary.testing.parts import Always, FixedEngine, FixedSignals, MemoryRecorder, StaticDirectory
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.verdicts import GuardrailVerdict, RuleHit

END_IT = FixedEngine(GuardrailVerdict(hits=(RuleHit("suspended", Effect.TERMINATE),)))
PASS = FixedEngine(GuardrailVerdict(hits=(RuleHit("may", Effect.ALLOW),)))


class Vouched:
    """Believes every name; an issuer vouches for the session ids given here."""

    def __init__(self, sid: str = "") -> None:
        self.sid = sid

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        del presented, now_ns
        return VerifiedIdentity(
            seal=SEAL,
            tenant=pep.tenant,
            subject_type=subject.type,
            subject_id=subject.id,
            assurance="token" if self.sid else "asserted",
            session_id=self.sid,
        )


@pytest.fixture
def ledger() -> SessionLedger:
    return SessionLedger()


def decide(ledger: SessionLedger, engine: FixedEngine, who: str, claimed: str = "", vouched: str = "") -> str:
    always = Always(engine)
    parts = Parts(
        subjects=Vouched(vouched),
        directory=StaticDirectory(),
        sessions=ledger,
        signals=FixedSignals(),
        scorers=always,
        policies=always,
        phases=always,
        recorder=MemoryRecorder(),
    )
    context = {"session_id": claimed} if claimed else {}
    request = EvaluationRequest(Subject("user", who), Action("read"), Resource("doc", "1"), context)
    pep = PepIdentity(pep_id="gateway", tenant="default", subjects="asserted")
    decided = Decider(parts).decide(Receipt("dec_1", 10**18), Call(pep, request, PresentedSubject()))
    return decided.record.outcome.effect.name


@pytest.mark.parametrize("vouched", ["", "s-alice"], ids=["told", "by-token"])
def test_nobody_ends_a_session_by_naming_it(ledger: SessionLedger, vouched: str) -> None:
    assert decide(ledger, END_IT, "mallory", "s-alice") == "TERMINATE"
    assert decide(ledger, PASS, "alice", "s-alice", vouched) == "ALLOW"
    assert decide(ledger, PASS, "mallory", "s-alice") == "DENY"


def test_a_session_that_a_token_named_is_not_revived_by_leaving_the_token_out(ledger: SessionLedger) -> None:
    assert decide(ledger, END_IT, "alice", vouched="s-alice") == "TERMINATE"
    assert ledger.state("default", "s-alice") is SessionState.TERMINATED
    assert decide(ledger, PASS, "alice", "s-alice") == "DENY"
    assert decide(ledger, PASS, "alice", "something-else", "s-alice") == "DENY"


def test_long_session_ids_are_told_apart_by_their_subject_at_least(ledger: SessionLedger) -> None:
    assert decide(ledger, END_IT, "mallory", "x" * 600) == "TERMINATE"
    assert decide(ledger, PASS, "alice", "x" * 700) == "ALLOW"


def test_no_name_of_one_subject_is_a_name_of_another() -> None:
    pairs = [("a", "b"), ("a:b", "c"), ("a", "b:c"), ("b", "a")]
    pep = PepIdentity(pep_id="gateway", tenant="default")
    names = {
        sessions_of(Vouched().verify(pep, Subject(kind, name), PresentedSubject(), 0), {"session_id": "s"})[0]
        for kind, name in pairs
    }
    assert len(names) == len(pairs)
    assert msgspec.json.decode(msgspec.json.encode(sorted(names))) == sorted(names)
