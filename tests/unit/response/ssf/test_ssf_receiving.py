"""Event tokens from other domains: verified, recorded, acted on, acknowledged, in this order and once."""

import threading
from typing import Any

import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.secevent.subjects import Aliases, Complex, Email, IssSub, Opaque, PhoneNumber, Uri
from ostiary.keys import sha256
from ostiary.response.ssf.ending import StraightPath, end_sessions
from ostiary.response.ssf.intake import Intake
from ostiary.response.ssf.naming import Meant, SubjectReading, inward
from ostiary.response.trigger import Trigger
from ostiary.sessions import Asked, SessionLedger, SessionState

ISSUER = "https://idp.example"
ALICE = {"format": "iss_sub", "iss": ISSUER, "sub": "alice"}


def refused(take: Any) -> str:
    with pytest.raises(RefusedError) as no:
        take()
    return no.value.code


def test_a_signal_is_recorded_before_anybody_acts_and_names_itself_as_the_cause(listening: Any) -> None:
    taken = listening.intake.pushed("idp", listening.token(), None)
    assert listening.order == ["record", "respond"]
    ((tenant, record_id, payload, subject),) = listening.records
    assert (tenant, subject, payload["outcome"], payload["event"]) == (
        "acme",
        "user:alice",
        "told",
        "credential-compromise",
    )
    assert payload["set"]["txn"] == "dec_7"
    (trigger,) = listening.triggers
    assert (trigger.id, trigger.kind) == (record_id, "signal:credential-compromise")
    assert record_id == taken.signal_id
    assert trigger.facts["by"] == "rule"
    assert (trigger.facts["issuer"], trigger.facts["credential_type"]) == (ISSUER, "password")


def test_the_same_token_again_is_refused_and_does_nothing(listening: Any) -> None:
    token = listening.token()
    listening.intake.pushed("idp", token, None)
    assert refused(lambda: listening.intake.pushed("idp", token, None)) == "set_replayed"
    other = listening.token(sub_id={**ALICE, "sub": "bob"})  # the same jti, other content
    assert refused(lambda: listening.intake.pushed("idp", other, None)) == "set_replayed"
    assert len(listening.records) == len(listening.triggers) == 1


def test_a_token_is_remembered_until_it_is_too_old_to_be_believed(listening: Any) -> None:
    token = listening.token()
    listening.intake.pushed("idp", token, None)
    for _ in range(67):
        listening.clock.advance(10)
        listening.store.forget_marks(listening.clock.now_ns())
        assert refused(lambda: listening.intake.pushed("idp", token, None)) in {"set_replayed", "set_too_old"}
    assert refused(lambda: listening.intake.pushed("idp", token, None)) == "set_too_old"


def test_two_copies_that_arrive_together_act_once(listening: Any) -> None:
    token, codes = listening.token(), []

    def push() -> None:
        try:
            codes.append(listening.intake.pushed("idp", token, None).outcome)
        except (RefusedError, UnavailableError) as no:
            codes.append(no.code)

    threads = [threading.Thread(target=push) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count("told") == 1
    assert set(codes) <= {"told", "set_replayed", "signal_in_flight"}
    assert len(listening.triggers) == 1


def test_a_copy_that_arrives_while_the_first_is_being_recorded_must_come_again(listening: Any) -> None:
    token = listening.token()
    seen: list[str] = []

    def slow(tenant: str, record_id: str, payload: dict[str, Any], subject: str) -> None:
        with pytest.raises(UnavailableError) as busy:
            intake.pushed("idp", token, None)
        seen.append(busy.value.code)
        raise UnavailableError("disk_full", "the disk is full")

    intake = Intake([listening.receiver], listening.store, listening.clock, slow, listening, lambda *_: "")
    with pytest.raises(UnavailableError):
        intake.pushed("idp", token, None)
    assert seen == ["signal_in_flight"]
    assert listening.intake.pushed("idp", token, None).outcome == "told"


def test_what_cannot_be_recorded_is_not_acted_on_and_may_come_again(listening: Any) -> None:
    token = listening.token()
    listening.log_is_away = True
    with pytest.raises(UnavailableError):
        listening.intake.pushed("idp", token, None)
    assert listening.triggers == []
    listening.log_is_away = False
    assert listening.intake.pushed("idp", token, None).outcome == "told"


def test_after_a_crash_before_the_end_it_comes_again_with_the_same_id(listening: Any) -> None:
    token, respond = listening.token(), listening.respond

    class Crash:
        def respond(self, trigger: Trigger) -> None:
            respond(trigger)
            raise UnavailableError("storage_unavailable", "crashed")

    receivers = [listening.receiver]
    crashing = Intake(receivers, listening.store, listening.clock, listening._record, Crash(), lambda *_: "")
    with pytest.raises(UnavailableError):
        crashing.pushed("idp", token, None)
    listening.intake.pushed("idp", token, None)
    first, second = listening.triggers
    assert first.id == second.id


def test_a_sender_without_our_authorisation_is_nobody_whoever_he_writes_to(make_listening: Any) -> None:
    listening = make_listening(secret=sha256(b"Bearer ours"))
    token = listening.token()
    for name, said in (("idp", None), ("idp", "Bearer theirs"), ("idp", ""), ("unknown", "Bearer ours")):
        with pytest.raises(RefusedError) as no:
            listening.intake.pushed(name, token, said)
        assert (no.value.code, no.value.message) == ("set_sender_unauthenticated", "the sender did not authenticate")
    assert listening.intake.pushed("idp", token, "Bearer ours").outcome == "told"


def test_a_receiver_that_polls_takes_no_pushes(make_listening: Any) -> None:
    listening = make_listening(pushes=False)
    assert refused(lambda: listening.intake.pushed("idp", listening.token(), None)) == "set_sender_unwelcome"


def test_an_event_that_was_not_agreed_on_is_refused(make_listening: Any) -> None:
    listening = make_listening(events=("session-revoked",))
    assert refused(lambda: listening.intake.pushed("idp", listening.token(), None)) == "set_event_not_agreed"
    assert listening.intake.pushed("idp", listening.token("session-revoked", {}), None).outcome == "told"


def test_a_verification_must_have_the_state_that_we_sent_and_only_once(listening: Any) -> None:
    def verification(jti: str, said: dict[str, Any]) -> str:
        token: str = listening.token("verification", said, jti=jti, sub_id={"format": "opaque", "id": "str_1"})
        return token

    for made_up in ({"state": "guess"}, {"state": 7}):
        take = verification("1", made_up)
        assert refused(lambda take=take: listening.intake.pushed("idp", take, None)) == "set_state_wrong"
    listening.intake.expect(listening.receiver, "ours")
    listening.log_is_away = True
    with pytest.raises(UnavailableError):
        listening.intake.pushed("idp", verification("1", {"state": "ours"}), None)
    listening.log_is_away = False
    assert listening.intake.pushed("idp", verification("1", {"state": "ours"}), None).outcome == "verification"
    assert refused(lambda: listening.intake.pushed("idp", verification("2", {"state": "ours"}), None)) == (
        "set_state_wrong"
    )
    assert listening.intake.pushed("idp", verification("3", {}), None).outcome == "verification"
    assert listening.triggers == []
    assert [record[2]["outcome"] for record in listening.records] == ["verification"] * 2


@pytest.mark.parametrize(
    ("subject", "outcome"),
    [
        ({"format": "email", "email": "alice@idp.example"}, "unknown_subject"),
        ({**ALICE, "iss": "https://another.example"}, "unknown_subject"),
        ({"format": "catalog_item", "id": "7"}, "unknown_subject"),
        ({"format": "opaque", "id": "x"}, "unknown_subject"),
        (ALICE, "told"),
    ],
)
def test_an_unknown_subject_is_recorded_and_acknowledged_without_effect(
    listening: Any, subject: dict[str, Any], outcome: str
) -> None:
    assert listening.intake.pushed("idp", listening.token(sub_id=subject), None).outcome == outcome
    assert len(listening.records) == 1
    assert len(listening.triggers) == (outcome == "told")


def test_an_unknown_event_is_recorded_and_acknowledged_without_effect(listening: Any) -> None:
    taken = listening.intake.pushed("idp", listening.token(events={"urn:their:own": {"a": [1]}}), None)
    assert (taken.outcome, taken.event) == ("unknown_event", "")
    assert listening.records[0][2]["event"] == "urn:their:own"
    assert listening.triggers == []


@pytest.mark.parametrize(
    ("subject", "reading", "meant"),
    [
        (IssSub(ISSUER, "alice"), {}, Meant("user:alice")),
        (IssSub(ISSUER, "ci"), {"subject_type": "service"}, Meant("service:ci")),
        (IssSub("https://evil.example", "alice"), {}, Meant()),
        (Email("a@b.example"), {}, Meant()),
        (Email("a@b.example"), {"email": "id"}, Meant("user:a@b.example")),
        (Email("a@b.example"), {"email": "catalogue"}, Meant("user:alice")),
        (Email("x@b.example"), {"email": "catalogue"}, Meant()),
        (PhoneNumber("+1"), {"phone_number": "catalogue"}, Meant("user:alice")),
        (Opaque("s1"), {}, Meant()),
        (Opaque("s1"), {"sessions": True}, Meant(session_id="s1")),
        (Opaque("bob"), {"opaque": "id", "sessions": True}, Meant("user:bob")),
        (Uri("urn:x"), {}, Meant()),
        (Aliases((IssSub(ISSUER, "alice"), Email("a@b.example"))), {"email": "catalogue"}, Meant("user:alice")),
        (Aliases((IssSub(ISSUER, "alice"), IssSub(ISSUER, "bob"))), {}, Meant()),
        (
            Complex({"user": IssSub(ISSUER, "alice"), "session": Opaque("s1"), "device": Opaque("d1")}),
            {"sessions": True, "devices": True},
            Meant("user:alice", "s1", "d1"),
        ),
        (Complex({"user": IssSub(ISSUER, "alice"), "session": Opaque("s1")}), {}, Meant("user:alice")),
        (Complex({"device": IssSub(ISSUER, "d1"), "tenant": Opaque("t")}), {"devices": True}, Meant(device_id="d1")),
        (Complex({"device": IssSub(ISSUER, "d1")}), {}, Meant()),
        (Complex({"user": IssSub(ISSUER, "alice"), "device": Opaque("d1")}), {}, Meant("user:alice")),
        (Complex({"device": IssSub("https://evil.example", "d1")}), {"devices": True}, Meant()),
    ],
)
def test_nobody_is_guessed(subject: Any, reading: dict[str, Any], meant: Meant) -> None:
    catalogue = {("email", "a@b.example"): "user:alice", ("phone_number", "+1"): "user:alice"}
    found = inward(subject, SubjectReading((ISSUER,), **reading), lambda name, value: catalogue.get((name, value), ""))
    assert found == meant


def trigger(kind: str, subject: str = "user:alice", session_id: str = "") -> Trigger:
    return Trigger("sig_1", "acme", kind, subject, session_id, "", {}, 1_000_000_000_000)


@pytest.fixture
def ledger() -> SessionLedger:
    found = SessionLedger()
    for names, subject in ((("s1",), "user:alice"), (("user\nalice\ns2", "s2"), "user:alice"), (("s3",), "user:bob")):
        found.touch(Asked("acme", names, subject, 1_000))
    return found


@pytest.mark.parametrize("name", ["credential-compromise", "sessions-revoked", "account-disabled", "account-purged"])
def test_a_compromised_account_ends_all_of_its_sessions(ledger: SessionLedger, name: str) -> None:
    told: list[Any] = []
    ledger.listen(told.append)
    assert set(end_sessions(trigger(f"signal:{name}"), ledger)) == {"s1", "user\nalice\ns2"}
    assert {one.cause for one in told} == {"sig_1"}
    assert {one.reason for one in told} == {"signal_" + name.replace("-", "_")}
    assert ledger.state("acme", "s3", now_ns=2_000_000_000_000) is SessionState.ACTIVE


def test_a_revoked_session_ends_alone_and_only_if_it_is_the_subjects(ledger: SessionLedger) -> None:
    revoked = "signal:session-revoked"
    assert end_sessions(trigger(revoked, session_id="s3"), ledger) == ()  # bob's, named together with alice
    assert end_sessions(trigger(revoked, session_id="s2"), ledger) == ("user\nalice\ns2",)
    assert end_sessions(trigger(revoked, session_id="s9"), ledger) == ("s9",)  # never seen: it shall not begin
    assert end_sessions(trigger(revoked), ledger) == ("s1",)
    assert end_sessions(trigger(revoked, subject="", session_id="s3"), ledger) == ("s3",)
    assert end_sessions(trigger(revoked, subject=""), ledger) == ()


@pytest.mark.parametrize("kind", ["signal:risk-level-change", "signal:session-established", "decision:TERMINATE", "x"])
def test_nothing_else_ends_a_session_by_itself(ledger: SessionLedger, kind: str) -> None:
    assert end_sessions(trigger(kind), ledger) == ()


def test_sessions_end_before_playbooks_are_asked(ledger: SessionLedger) -> None:
    seen: list[Any] = []

    class Playbooks:
        def respond(self, trigger: Trigger) -> None:
            seen.append((trigger.session_id, len(ledger.of_subject("acme", "user:alice"))))

    path = StraightPath(ledger, Playbooks())
    for session_id in ("s2", "s3"):  # hers, named as the ledger does; bob's, named with her
        path.respond(trigger("signal:session-revoked", session_id=session_id))
    path.respond(trigger("signal:credential-compromise"))
    StraightPath(ledger).respond(trigger("signal:risk-level-change"))
    assert seen == [("user\nalice\ns2", 1), ("", 1), ("", 0)]
