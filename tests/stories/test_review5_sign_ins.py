"""A later sign-in at the issuer answers a session's demand: her own, after the fall, recorded before it counts."""

from typing import Any

import msgspec
import pytest

from ostiary.decision.decide import Call, Decider
from ostiary.decision.parts import Decided, Parts
from ostiary.errors import UnavailableError
from ostiary.identity._seal import SEAL
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.sessions import SessionLedger
from ostiary.testing.parts import Always, FixedEngine, FixedSignals, MemoryRecorder, StaticDirectory
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.verdicts import GuardrailVerdict, RuleHit

NS = 1_000_000_000
T = 1_000_000
STRONG = "urn:ostiary:acr:phishing-resistant"
PASS = FixedEngine(GuardrailVerdict(hits=(RuleHit("may", Effect.ALLOW),)))


class SignedIn:
    """Believes every name, signed in strongly at ``at_s``, in the session ``s1``."""

    def __init__(self) -> None:
        self.at_s = T - 3600

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        del presented, now_ns
        return VerifiedIdentity(
            seal=SEAL,
            tenant=pep.tenant,
            subject_type=subject.type,
            subject_id=subject.id,
            assurance="token",
            session_id="s1",
            acr=STRONG,
            auth_time=self.at_s,
            key="thumbprint",
        )


class Place:
    """One server's decisions."""

    def __init__(self) -> None:
        self.ledger = SessionLedger()
        self.signed_in = SignedIn()
        self.recorder = MemoryRecorder()
        always = Always(PASS)
        self.decider = Decider(
            Parts(
                subjects=self.signed_in,
                directory=StaticDirectory(),
                sessions=self.ledger,
                signals=FixedSignals(),
                scorers=always,
                policies=always,
                phases=always,
                recorder=self.recorder,
            )
        )

    def decide(self, who: str, at_s: float) -> Decided:
        request = EvaluationRequest(Subject("user", who), Action("read"), Resource("doc", "1"), {})
        pep = PepIdentity(pep_id="gateway", tenant="acme")
        return self.decider.decide(Receipt("dec_1", int(at_s * NS)), Call(pep, request, PresentedSubject()))

    def effect(self, who: str, at_s: float) -> str:
        return self.decide(who, at_s).record.outcome.effect.name


@pytest.fixture
def place() -> Place:
    made = Place()
    assert made.effect("ann", T) == "ALLOW"
    made.ledger.demand_step_up("acme", "s1", at_ns=(T + 10) * NS, reason="risk")
    return made


def test_the_record_tells_which_key_came_so_that_a_step_up_is_for_that_key(place: Place) -> None:
    assert place.decide("ann", T + 11).record.key == "thumbprint"


def test_her_own_later_sign_in_lifts_it(place: Place) -> None:
    assert place.effect("ann", T + 11) == "STEP_UP"
    place.signed_in.at_s = T + 12
    assert place.effect("ann", T + 13) == "ALLOW"
    assert not demanded(place)


def demanded(place: Place) -> bool:
    session = place.ledger.find("acme", "s1")
    assert session is not None
    return session.demands_step_up


def test_somebody_elses_sign_in_does_not(place: Place) -> None:
    place.signed_in.at_s = T + 12
    assert place.effect("mallory", T + 13) == "STEP_UP"
    assert demanded(place)


def test_an_access_from_before_the_fall_is_not_let_through_by_it(place: Place) -> None:
    place.signed_in.at_s = T + 9  # within what clocks may differ
    assert place.effect("ann", T + 10) == "STEP_UP", "a fall and a proof at the same moment: the fall holds"
    assert place.effect("ann", T + 5) == "STEP_UP", "neither when our clock went back"
    assert demanded(place)


def test_what_cannot_be_recorded_raises_nothing(place: Place) -> None:
    place.signed_in.at_s = T + 12
    place.recorder.full = True
    with pytest.raises(UnavailableError):
        place.decide("ann", T + 13)
    assert demanded(place)


class LostRecorder(MemoryRecorder):
    """Takes records and loses them before they are on disk."""

    def append(self, *told: Any) -> Any:
        done = super().append(*told)
        lost: Any = type(done)()
        lost.set_exception(UnavailableError("disk_full", "no room"))
        return lost


def test_neither_does_a_record_that_never_reached_the_disk(place: Place) -> None:
    place.signed_in.at_s = T + 12
    parts = msgspec.structs.replace(place.decider.parts, recorder=LostRecorder())
    place.decider = Decider(parts)
    assert place.decide("ann", T + 13).durable.exception() is not None, "whoever waits for it answers with a denial"
    assert demanded(place)
