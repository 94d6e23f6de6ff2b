"""Fetching from transmitters: what is taken is acknowledged, what is refused is reported, what failed comes again."""

import json
from typing import Any

import msgspec
import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.response.ssf.polling import Poller, Source
from ostiary.response.ssf.sending import Answer

SOURCE = Source("https://idp.example/poll", "https://idp.example/verify", "their-stream", "Bearer s3cret", 10)


def sets(more: bool = False, **tokens: str) -> Answer:  # noqa: FBT001, FBT002
    return Answer(200, json.dumps({"sets": tokens, "moreAvailable": more}).encode())


EMPTY = sets()


@pytest.fixture
def faults() -> list[tuple[str, BaseException]]:
    return []


@pytest.fixture
def poller(listening: Any, network: Any, faults: list[Any]) -> Poller:
    return Poller(
        listening.intake, {"idp": SOURCE}, network, listening.clock, lambda code, fault: faults.append((code, fault))
    )


def bodies(network: Any) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body, _ in network.sent]


def test_what_is_taken_is_acknowledged_after_it_was_recorded(poller: Poller, listening: Any, network: Any) -> None:
    network.answers = [sets(more=True, **{"event-1": listening.token()}), EMPTY]
    polled = poller.poll("idp")
    assert [one.event for one in polled.taken] == ["credential-compromise"]
    assert polled.more
    assert len(listening.records) == 1
    first, second = bodies(network)
    assert first == {"maxEvents": 100, "returnImmediately": True}
    assert second == {"maxEvents": 0, "returnImmediately": True, "ack": ["event-1"], "setErrs": {}}
    assert all(headers["authorization"] == "Bearer s3cret" for _, _, headers in network.sent)
    assert "s3cret" not in repr(SOURCE)


def test_what_came_before_is_acknowledged_again_without_effect(poller: Poller, listening: Any, network: Any) -> None:
    network.answers = [sets(**{"event-1": listening.token()}), EMPTY] * 2
    poller.poll("idp")
    assert poller.poll("idp").known == 1
    assert bodies(network)[3]["ack"] == ["event-1"]
    assert len(listening.triggers) == 1


def test_what_is_refused_is_reported_in_the_transmitters_words(poller: Poller, listening: Any, network: Any) -> None:
    tokens = {
        "a": listening.token(aud="https://other.example"),
        "b": listening.token(iss="https://evil.example"),
        "c": "rubbish",
    }
    network.answers = [sets(**tokens), EMPTY]
    assert poller.poll("idp").refused == {
        "a": "set_audience_wrong",
        "b": "set_issuer_unknown",
        "c": "set_not_compact",
    }
    errors = {jti: one["err"] for jti, one in bodies(network)[1]["setErrs"].items()}
    assert errors == {"a": "invalid_audience", "b": "invalid_issuer", "c": "invalid_request"}


def test_what_cannot_be_recorded_is_neither_and_comes_again(
    poller: Poller, listening: Any, network: Any, faults: list[Any]
) -> None:
    listening.log_is_away = True
    network.answers = [sets(**{"event-1": listening.token()})]
    assert poller.poll("idp").taken == ()
    assert len(network.sent) == 1
    assert [code for code, _ in faults] == ["signals_not_polled"]


def test_a_token_filed_under_another_name_is_acknowledged_by_that_name(
    poller: Poller, listening: Any, network: Any
) -> None:
    network.answers = [sets(**{"filed-elsewhere": listening.token()}), EMPTY]
    poller.poll("idp")
    assert bodies(network)[1]["ack"] == ["filed-elsewhere"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, b""),
        Answer(302, b""),
        Answer(200, b"["),
        Answer(200, b'{"sets": []}'),
        Answer(200, b'{"sets":{"a":1}}'),
    ],
)
def test_an_answer_that_is_none_is_a_failure(poller: Poller, network: Any, answer: Answer) -> None:
    network.answers = [answer]
    with pytest.raises(UnavailableError):
        poller.poll("idp")


def test_it_polls_in_its_rhythm_and_a_failing_transmitter_less_often(
    poller: Poller, listening: Any, network: Any, faults: list[Any]
) -> None:
    network.answers = [EMPTY]
    assert poller.turn() == 1
    assert poller.turn() == 0
    listening.clock.advance(10)
    tries = []
    for second in range(200):
        if poller.turn():
            tries.append(second)
        listening.clock.advance(1)
    assert tries == [0, 5, 15, 35, 75, 155]
    assert len(faults) == 6


def test_a_full_source_is_emptied_but_not_for_ever(poller: Poller, network: Any) -> None:
    network.answers = [sets(more=True) for _ in range(100)]
    poller.turn()
    assert len(network.sent) == 21


def test_a_verification_is_asked_for_with_a_state_that_is_then_expected(
    poller: Poller, listening: Any, network: Any
) -> None:
    network.answers = [Answer(204, b"")]
    state = poller.ask_verification("idp")
    assert bodies(network) == [{"stream_id": "their-stream", "state": state}]
    token = listening.token("verification", {"state": state}, sub_id={"format": "opaque", "id": "their-stream"})
    assert listening.intake.pushed("idp", token, None).outcome == "verification"
    network.answers = [Answer(429, b"")]
    with pytest.raises(UnavailableError):
        poller.ask_verification("idp")


def test_what_is_not_configured_is_said(listening: Any, network: Any) -> None:
    poller = Poller(listening.intake, {"idp": Source()}, network, listening.clock, lambda *_: None)
    for ask, code in (
        (lambda: poller.poll("idp"), "receiver_not_polled"),
        (lambda: poller.poll("none"), "receiver_unknown"),
        (lambda: poller.ask_verification("idp"), "receiver_not_verifiable"),
    ):
        with pytest.raises(RefusedError) as no:
            ask()
        assert no.value.code == code
    assert poller.turn() == 0
    assert msgspec.json.encode(poller.sources["idp"].every_s) == b"10"
