"""The outbox: in order, without a gap, at least once, and dead letters kept."""

import msgspec
import pytest

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.response import outbox as module
from ostiary.response.outbox import DEAD, MAX_ATTEMPTS, SENT, WAITING, Letter
from ostiary.testing.response_parts import FakeSink, ResponseBench

LETTER = Letter("", "acme", "soc", "stolen", "text", {"subject": "user:ann"}, 1)
AWAY = UnavailableError("sink_away", "away")


@pytest.fixture
def bench() -> ResponseBench:
    return ResponseBench([])


def test_letters_are_numbered_and_the_same_key_is_one_letter(bench: ResponseBench) -> None:
    assert [bench.outbox.post(LETTER, key).sequence for key in ("a", "b", "a")] == [1, 2, 1]
    bench.outbox.deliver()
    assert [letter.sequence for letter in bench.sink.letters] == [1, 2]
    assert len({letter.letter_id for letter in bench.sink.letters}) == 2
    assert bench.outbox.deliver() == 0


def test_no_letter_overtakes_one_that_must_wait(bench: ResponseBench) -> None:
    bench.outbox.post(LETTER, "a")
    bench.sink.fault = AWAY
    assert bench.outbox.deliver() == 0
    bench.sink.fault = None
    bench.outbox.post(LETTER, "b")
    assert bench.outbox.deliver() == 0, "the second is due, the first is not"
    bench.clock.advance(2)
    assert bench.outbox.deliver() == 2
    assert [letter.sequence for letter in bench.sink.letters] == [1, 2]


def test_a_sink_that_is_away_does_not_hold_back_another(bench: ResponseBench) -> None:
    other = FakeSink("acme", "other")
    bench.outbox._sinks["acme", "other"] = other
    bench.sink.fault = AWAY
    bench.outbox.post(LETTER, "a")
    bench.outbox.post(msgspec.structs.replace(LETTER, sink="other"), "a")
    bench.outbox.deliver()
    assert [letter.sequence for letter in other.letters] == [1]


def test_a_letter_that_never_arrives_is_dead_kept_and_sent_again_on_demand(bench: ResponseBench) -> None:
    bench.outbox.post(LETTER, "a")
    bench.outbox.post(LETTER, "b")
    bench.sink.fault = AWAY
    for _ in range(MAX_ATTEMPTS):
        bench.outbox.deliver()
        bench.clock.advance(600)
    (dead,) = bench.outbox.dead("acme")
    assert (dead.sequence, dead.fault, dead.attempts) == (1, "sink_away", MAX_ATTEMPTS)
    assert bench.outbox.dead("beta") == []
    bench.sink.fault = None
    bench.clock.advance(600)
    bench.outbox.deliver()
    assert [letter.sequence for letter in bench.sink.letters] == [2], "the gap tells the receiver that one is missing"
    with pytest.raises(RefusedError):
        bench.outbox.again("beta", dead.letter_id)
    bench.outbox.again("acme", dead.letter_id)
    bench.outbox.deliver()
    assert bench.sink.letters[-1].sequence == 1
    assert bench.sink.letters[-1].letter_id == dead.letter_id


@pytest.mark.parametrize("fault", [RefusedError("sink_refused", "no"), FaultyInputError("x", "no")])
def test_what_is_refused_for_good_dies_at_once(bench: ResponseBench, fault: Exception) -> None:
    bench.outbox.post(LETTER, "a")
    bench.sink.fault = fault
    bench.outbox.deliver()
    assert (bench.outbox.count(DEAD), bench.outbox.count(WAITING)) == (1, 0)
    assert [reason for reason, _ in bench.faults] == ["letter_dead"]


def test_a_broken_sink_is_tried_again(bench: ResponseBench) -> None:
    bench.outbox.post(LETTER, "a")
    bench.sink.fault = ZeroDivisionError("a bug")
    bench.outbox.deliver()
    assert bench.outbox.count(WAITING) == 1


def test_what_waits_is_bounded(bench: ResponseBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    bench.outbox.post(LETTER, "a")
    bench.outbox.post(LETTER, "b")
    with pytest.raises(UnavailableError) as caught:
        bench.outbox.post(LETTER, "c")
    assert caught.value.code == "outbox_full"
    assert bench.outbox.post(LETTER, "a").sequence == 1
    with pytest.raises(FaultyInputError):
        ResponseBench([]).outbox.post(msgspec.structs.replace(LETTER, text="x" * 70_000), "d")


def test_nobody_is_told_under_a_name_that_is_not_there(bench: ResponseBench) -> None:
    for letter in (msgspec.structs.replace(LETTER, sink="x"), msgspec.structs.replace(LETTER, tenant="beta")):
        with pytest.raises(RefusedError) as caught:
            bench.outbox.post(letter, "a")
        assert caught.value.code == "sink_unknown"


def test_a_sink_that_was_taken_away_keeps_its_letters_for_a_while(bench: ResponseBench) -> None:
    bench.outbox.post(LETTER, "a")
    bench.outbox._sinks.clear()
    bench.outbox.deliver()
    assert bench.outbox.count(WAITING) == 1


def test_old_letters_are_forgotten(bench: ResponseBench) -> None:
    bench.outbox.post(LETTER, "a")
    bench.outbox.deliver()
    assert bench.outbox.prune(bench.clock.now_ns()) == 0
    bench.clock.advance(1)
    assert (bench.outbox.prune(bench.clock.now_ns()), bench.outbox.count(SENT)) == (1, 0)
    assert bench.outbox.post(LETTER, "z").sequence == 2, "numbers go on"
