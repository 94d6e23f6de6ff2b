"""Counting what a change would have done."""

import msgspec
import pytest

from ostiary.decision.impact import DIRECTIONS, MOST_SHOWN, Tally, direction
from ostiary.decision.replay import Replayed
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.verdicts import DecisionRecord, Outcome


def _record(number: int) -> DecisionRecord:
    outcome = Outcome(Effect.DENY, Effect.DENY, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE)
    return DecisionRecord(1, "default", Receipt(f"dec_{number}", number), "pep", f"user:{number % 3}", outcome)


def _replayed(number: int, before: Effect, after: Effect) -> Replayed:
    return Replayed(f"dec_{number}", before, after, (before.name,), (after.name,))


def _tally(numbers: range) -> Tally:
    tally = Tally()
    effects = list(Effect)
    for number in numbers:
        before, after = effects[number % 5], effects[number // 5 % 5]
        tally.add(number, _record(number), _replayed(number, before, after))
    return tally


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        (Effect.DENY, Effect.REDUCE, "new_allows"),
        (Effect.STEP_UP, Effect.ALLOW, "new_allows"),
        (Effect.REDUCE, Effect.ALLOW, "loosened"),
        (Effect.DENY, Effect.STEP_UP, "loosened"),
        (Effect.ALLOW, Effect.TERMINATE, "new_blocks"),
        (Effect.DENY, Effect.TERMINATE, "tightened"),
        (Effect.ALLOW, Effect.STEP_UP, "new_step_ups"),
        (Effect.ALLOW, Effect.REDUCE, "tightened"),
        (Effect.DENY, Effect.DENY, ""),
    ],
)
def test_direction(before: Effect, after: Effect, way: str) -> None:
    assert direction(before, after) == way


def test_parts_add_up_to_the_whole() -> None:
    whole = _tally(range(2_000))
    joined = _tally(range(1_000, 2_000))
    joined.merge(_tally(range(1_000)))
    assert msgspec.to_builtins(joined) == msgspec.to_builtins(whole)
    assert set(whole.flips) == set(DIRECTIONS)


def test_the_oldest_flips_are_shown_and_the_rest_is_counted() -> None:
    tally = Tally()
    for number in reversed(range(3 * MOST_SHOWN)):
        tally.add(number, _record(number), _replayed(number, Effect.DENY, Effect.ALLOW))
    assert tally.flips == {"new_allows": 3 * MOST_SHOWN}
    assert [flip.index for flip in tally.shown["new_allows"]] == list(range(MOST_SHOWN))
    assert tally.allowed == {f"user:{n}": MOST_SHOWN for n in range(3)}


def test_what_cannot_be_replayed_is_counted() -> None:
    tally = Tally()
    tally.leave_out("erased")
    assert (tally.decisions, tally.replayed, tally.undecidable) == (1, 0, {"erased": 1})
