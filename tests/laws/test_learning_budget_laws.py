"""Budget laws: whatever the days bring, a profile moves no faster than its budget says."""

from math import inf, nan

from hypothesis import given
from hypothesis import strategies as st

from ostiary.defence.drift import Anchor, Day, Rule, Watched, proven, step
from ostiary.defence.lessons import LessonGate, Lessons
from ostiary.vocabulary.events import AccessEvent, EventOutcome

ANCHOR = Anchor((tuple(float(n) for n in range(30)), tuple(float(n * n) for n in range(30))))
VALUES = st.floats(-1e9, 1e9) | st.sampled_from([nan, inf, -inf])
DAYS = st.lists(st.tuples(st.integers(0, 3), VALUES, VALUES, st.booleans()), max_size=40)


def days_of(told: list[tuple[int, float, float, bool]]) -> list[Day]:
    days, number = [], 0
    for gap, one, other, weekend in told:
        number += gap
        days.append(Day(number, (one, other), weekend))
    return days


@given(DAYS, st.floats(0.001, 0.5), st.floats(0.0, 1.0))
def test_the_time_to_shift_a_profile_has_a_floor(
    told: list[tuple[int, float, float, bool]], budget: float, follow: float
) -> None:
    rule, watched = Rule(budget=budget, follow=follow), Watched()
    for day in days_of(told):
        after = step(watched, ANCHOR, day, rule)
        moved = max((abs(one) for one in after.moved), default=0.0)
        assert moved <= budget * after.days + 1e-9
        assert after.days >= rule.days_to(moved) - 1e-6
        assert after.days - watched.days in {0, 1}
        watched = proven(after)


@given(DAYS)
def test_sums_are_bounded_never_negative_and_alarms_stay(told: list[tuple[int, float, float, bool]]) -> None:
    watched = Watched()
    for day in days_of(told):
        after = step(watched, ANCHOR, day)
        assert all(0.0 <= one <= 3.0 * max(1, after.days) for one in after.sums)
        assert set(watched.alarms) <= set(after.alarms)
        assert step(after, ANCHOR, day) == after, "a day counts once"
        watched = after


OUTCOMES = st.sampled_from([EventOutcome.SUCCESS, EventOutcome.DENIED, EventOutcome.FAILURE])


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 200), OUTCOMES), max_size=30),
    st.integers(20, 200),
    st.floats(0.01, 0.5),
)
def test_a_profile_is_never_made_of_more_new_lessons_than_the_days_allow(
    told: list[tuple[int, int, EventOutcome]], free: int, share: float
) -> None:
    lessons = Lessons(free=free, share=share, least=1)
    gate, day, name = LessonGate(lessons), 0, "user:ann"
    known: dict[int, int] = {}
    for gap, count, outcome in told:
        day += gap
        for number in range(count):
            event = AccessEvent(f"{day}-{number}", "t", day * 86_400 * 10**9, "ann", "read", "t", "r", outcome=outcome)
            learned = gate.may_learn(event)
            assert not learned or outcome is EventOutcome.SUCCESS
        known[day] = gate.known(name)
    begun = {at: lessons_of for at, lessons_of in known.items() if lessons_of >= free}
    for at, before in begun.items():
        for later, after in begun.items():
            if later > at:
                growth = max(1 + share, 1 + 1 / before) ** (later - at)
                assert after <= before * growth + 1e-6


def test_who_is_held_back_teaches_nothing_and_a_day_that_is_over_cannot_be_used_again() -> None:
    event = AccessEvent("1", "t", 10 * 86_400 * 10**9, "ann", "read", "t", "r", outcome=EventOutcome.SUCCESS)
    assert not LessonGate(held=lambda subject: subject == "user:ann").may_learn(event)
    gate = LessonGate(Lessons(free=0, share=0.1, least=2))
    late = AccessEvent("2", "t", 5 * 86_400 * 10**9, "ann", "read", "t", "r", outcome=EventOutcome.SUCCESS)
    assert [gate.may_learn(one) for one in (event, late, late, event)] == [True, True, False, False]


def test_a_subject_that_fell_out_of_memory_is_not_new_again() -> None:
    gate = LessonGate(Lessons(free=5, share=0.1, least=1), most=1)
    events = [
        AccessEvent(f"{who}{n}", "t", 0, who, "read", "t", "r", outcome=EventOutcome.SUCCESS)
        for who in ("ann", "bob", "ann")
        for n in range(8)
    ]
    assert sum(gate.may_learn(one) for one in events[:8]) == 6
    assert sum(gate.may_learn(one) for one in events[8:16]) == 6
    assert sum(gate.may_learn(one) for one in events[16:]) == 1
