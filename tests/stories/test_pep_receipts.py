"""Receipts of enforcement points: forged, borrowed, replayed, contradicting, late, or never sent."""

from typing import Any

import msgspec
import pytest

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.identity.signing import sign_jwt
from ostiary.keys import SigningKey
from ostiary.response.obligations import Awaited, Obligations, Standing
from ostiary.response.receipts import TYPE, PepReceipt, ReceiptStatus, verify
from ostiary.response.trigger import Trigger, by_model
from ostiary.testing.fake_clock import START_NS, FakeClock
from ostiary.testing.memory_cards import MemoryCards
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.verdicts import DecisionRecord, Obligation, Outcome

KEY = SigningKey.from_seed("k1", bytes(range(32)))
NOW_S = START_NS // 10**9
CLAIMS = {"iss": "gateway-1", "iat": NOW_S, "decision_id": "dec_1", "obligation_id": "step-up", "status": "executed"}


def signed(key: SigningKey = KEY, headers: dict[str, Any] | None = None, **claims: Any) -> str:
    wanted = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return sign_jwt(wanted, key, {"typ": TYPE, **(headers or {})})


def record(decision_id: str = "dec_1", pep: str = "gateway-1", tenant: str = "acme") -> DecisionRecord:
    outcome = Outcome(Effect.STEP_UP, Effect.STEP_UP, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE)
    obligations = (Obligation("step-up", "step-up"), Obligation("log", "notification"))
    return DecisionRecord(1, tenant, Receipt(decision_id, START_NS), pep, "user:ann", outcome, obligations=obligations)


class Bench:
    """Obligations over fakes."""

    def __init__(self) -> None:
        self.clock, self.cards, self.alarms = FakeClock(), MemoryCards(), list[Trigger]()
        self.log = {("acme", "dec_1"): record(), ("beta", "dec_9"): record("dec_9", "gateway-9", "beta")}
        self.noted: list[Awaited] = []
        self.full = False
        self.book = Obligations(
            self.cards,
            lambda tenant, name: self.log.get((tenant, name)),
            self,
            self.clock,
            deadline_s=300,
            on_receipt=self.note,
        )

    def respond(self, trigger: Trigger) -> None:
        self.alarms.append(trigger)

    def note(self, awaited: Awaited) -> None:
        if self.full:
            raise UnavailableError("disk_full", "full")
        self.noted.append(awaited)

    def receive(self, **changes: Any) -> Awaited:
        given = PepReceipt("gateway-1", NOW_S, "dec_1", "step-up", ReceiptStatus.EXECUTED)
        return self.book.receive("acme", msgspec.structs.replace(given, **changes))

    def refused(self, code: str, **changes: Any) -> None:
        with pytest.raises(RefusedError) as caught:
            self.receive(**changes)
        assert caught.value.code == code


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_receipt_says_what_was_signed() -> None:
    assert verify(signed(), KEY.public, "gateway-1") == PepReceipt(
        "gateway-1", NOW_S, "dec_1", "step-up", ReceiptStatus.EXECUTED
    )
    es256 = SigningKey.generate("k2", "ES256")
    assert verify(signed(es256, status="failed", detail="no browser"), es256.public, "gateway-1").detail == "no browser"


OTHER = SigningKey.from_seed("k1", bytes(32))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (signed(OTHER), "receipt_signature_invalid"),
        (signed(SigningKey.generate("k1", "ES256")), "receipt_signature_invalid"),
        (signed()[:-4] + "AAAA", "receipt_signature_invalid"),
        (signed().rsplit(".", 1)[0] + ".", "receipt_signature_invalid"),
        (sign_jwt(CLAIMS, KEY, {"typ": "JWT"}), "receipt_malformed"),
        (sign_jwt(CLAIMS, KEY), "receipt_malformed"),
        (signed(headers={"jwk": OTHER.public.jwk()}), "receipt_malformed"),
        (signed(headers={"jku": "https://evil.test"}), "receipt_malformed"),
        (signed(headers={"x5c": ["AA"]}), "receipt_malformed"),
        (signed(iss="gateway-2"), "receipt_of_another"),
        (signed(surprise=1), "receipt_malformed"),
        (signed(status="perhaps"), "receipt_malformed"),
        (signed(status=None), "receipt_malformed"),
        (signed(iat="now"), "receipt_malformed"),
        (signed(iat=True), "receipt_malformed"),
        (signed(iat=-1), "receipt_malformed"),
        (signed(decision_id="a\nb"), "receipt_malformed"),
        (signed(obligation_id=""), "receipt_malformed"),
        (signed(detail="x" * 300), "receipt_malformed"),
        (signed(detail="x" * 5000), "receipt_malformed"),
        ("", "receipt_malformed"),
        ("a.b", "receipt_malformed"),
        ("eyJhbGciOiJub25lIiwidHlwIjoib3N0aWFyeS1yZWNlaXB0K2p3dCJ9.e30.", "receipt_signature_invalid"),
    ],
)
def test_a_forged_or_odd_receipt_is_refused_with_its_code(text: str, code: str) -> None:
    with pytest.raises(OstiaryError) as caught:
        verify(text, KEY.public, "gateway-1")
    assert caught.value.code == code


def test_a_receipt_counts_once_and_the_same_again_changes_nothing(bench: Bench) -> None:
    bench.book.expect([record()])
    assert bench.receive().standing == Standing.EXECUTED
    assert bench.receive(issued_s=NOW_S + 1).standing == Standing.EXECUTED
    assert len(bench.noted) == 1
    assert bench.alarms == []


def test_a_receipt_that_is_quicker_than_we_are_counts(bench: Bench) -> None:
    assert bench.receive().standing == Standing.EXECUTED
    bench.book.expect([record()])
    states = {one.obligation_id: one.standing for one in bench.book.listed("acme", unexecuted=False)}
    assert states == {"step-up": Standing.EXECUTED, "log": Standing.AWAITED}


def test_a_receipt_for_somebody_elses_decision_is_as_unknown_as_for_none(bench: Bench) -> None:
    bench.book.expect([record()])
    bench.refused("receipt_unknown", pep="gateway-2")
    bench.refused("receipt_unknown", decision_id="dec_9")
    bench.refused("receipt_unknown", decision_id="dec_0")
    bench.refused("receipt_unknown", obligation_id="other")
    with pytest.raises(RefusedError) as caught:
        bench.book.receive("beta", PepReceipt("gateway-1", NOW_S, "dec_1", "step-up", ReceiptStatus.EXECUTED))
    assert caught.value.code == "receipt_unknown"
    assert bench.noted == []


def test_another_answer_after_the_first_is_refused(bench: Bench) -> None:
    bench.receive()
    bench.refused("receipt_conflict", status=ReceiptStatus.FAILED)
    assert bench.alarms == []


def test_what_failed_shows_and_alarms_at_once(bench: Bench) -> None:
    bench.receive(status=ReceiptStatus.FAILED, detail="no browser")
    (failed,) = bench.book.listed("acme", unexecuted=True)
    assert (failed.standing, failed.detail) == (Standing.FAILED, "no browser")
    (alarm,) = bench.alarms
    assert (alarm.kind, alarm.subject, alarm.facts["status"], by_model(alarm)) == (
        "obligation:unexecuted",
        "user:ann",
        "failed",
        False,
    )
    bench.refused("receipt_conflict")


def test_what_nobody_answers_for_alarms_once_and_a_late_answer_does_not_mend_it(bench: Bench) -> None:
    bench.book.expect([record()])
    assert bench.book.watch() == 0
    bench.clock.advance(301)
    assert (bench.book.watch(), bench.book.watch()) == (2, 0)
    assert bench.book.count_unexecuted() == 2
    assert len({alarm.id for alarm in bench.alarms}) == 2
    bench.refused("receipt_late", issued_s=NOW_S + 301)
    assert bench.book.listed("beta", unexecuted=True) == []


def test_a_receipt_for_an_old_decision_is_late_even_if_it_was_never_awaited(bench: Bench) -> None:
    bench.clock.advance(301)
    bench.refused("receipt_late", issued_s=NOW_S + 301)


@pytest.mark.parametrize("issued_s", [NOW_S - 61, NOW_S + 61, 0])
def test_a_receipt_from_before_the_decision_or_from_the_future_is_refused(bench: Bench, issued_s: int) -> None:
    bench.refused("receipt_time_invalid", issued_s=issued_s)
    assert bench.receive(issued_s=NOW_S - 60).standing == Standing.EXECUTED


def test_a_receipt_that_cannot_be_recorded_does_not_count(bench: Bench) -> None:
    bench.full = True
    with pytest.raises(UnavailableError):
        bench.receive()
    bench.full = False
    assert bench.book.listed("acme", unexecuted=False)[0].standing == Standing.AWAITED
    assert bench.receive().standing == Standing.EXECUTED


def test_settled_obligations_are_forgotten_in_time_and_awaited_ones_are_not(bench: Bench) -> None:
    bench.book.expect([record()])
    bench.receive()
    assert bench.book.prune(START_NS + 1) == 1
    assert [one.standing for one in bench.book.listed("acme", unexecuted=False)] == [Standing.AWAITED]
