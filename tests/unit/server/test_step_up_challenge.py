"""The RFC 9470 challenge: in the scheme of the token, with the page where there is one, and never in the record."""

from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from ostiary.decision.answer import answer_of
from ostiary.decision.parts import Decided
from ostiary.server.challenge import step_up_challenge, with_uri
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.events import AccessEvent, EventOutcome
from ostiary.vocabulary.verdicts import DecisionRecord, Obligation, Outcome

STRONG = "urn:ostiary:acr:phishing-resistant"
BASE = "https://id.example.org/ostiary"


def decided(effect: Effect = Effect.STEP_UP, proof: str = "none", acr: tuple[str, ...] = (STRONG,)) -> Decided:
    event = AccessEvent(
        event_id="dec_1",
        tenant="acme",
        time_ns=1,
        subject_id="ann",
        subject_type="user",
        action="drop",
        resource_type="table",
        resource_id="orders",
        outcome=EventOutcome.DENIED,
    )
    outcome = Outcome(effect, Effect.ALLOW, effect, effect, Effect.TERMINATE)
    obligations = (
        Obligation("watermark", "watermark", {"uri": "https://not.ours"}),
        Obligation("step-up", "step-up", {"acr_values": list(acr), "max_age": 60}),
    )
    told = {"subject": {"identity": {"proof": proof, "session_id": "s1"}}}
    record = DecisionRecord(
        v=1,
        tenant="acme",
        receipt=Receipt("dec_1", 1),
        pep="web",
        subject_key="user:ann",
        outcome=outcome,
        input=msgspec.Raw(msgspec.json.encode(told)),
        event=event,
        obligations=obligations,
    )
    durable: Future[Any] = Future()
    return Decided(record, answer_of("dec_1", outcome, obligations), durable, event)


def header(one: Decided) -> str:
    ((name, value),) = step_up_challenge(one)
    assert name == b"www-authenticate"
    return value.decode()


@pytest.mark.parametrize(("proof", "scheme"), [("none", "Bearer"), ("mtls", "Bearer"), ("dpop", "DPoP")])
def test_the_scheme_is_that_of_the_token(proof: str, scheme: str) -> None:
    assert header(with_uri(decided(proof=proof), BASE, (STRONG,))) == (
        f'{scheme} error="insufficient_user_authentication", acr_values="{STRONG}", max_age="60", '
        f'step_up_uri="{BASE}/step-up/acme/dec_1"'
    )


def test_only_the_answer_names_the_page() -> None:
    before = decided()
    after = with_uri(before, BASE, (STRONG,))
    assert after.answer["context"]["obligations"][1]["properties"]["uri"] == f"{BASE}/step-up/acme/dec_1"
    assert after.answer["context"]["obligations"][0]["properties"] == {"uri": "https://not.ours"}
    assert after.record is before.record
    assert "uri" not in before.record.obligations[1].properties
    assert "uri" not in before.answer["context"]["obligations"][1]["properties"]


def test_without_a_page_there_is_none_to_name() -> None:
    for one in (
        with_uri(decided(), "", (STRONG,)),
        with_uri(decided(acr=("urn:example:smartcard",)), BASE, (STRONG,)),
        with_uri(decided(effect=Effect.DENY), BASE, (STRONG,)),
    ):
        assert "uri" not in one.answer["context"]["obligations"][1]["properties"]
        assert "step_up_uri" not in header(one)
