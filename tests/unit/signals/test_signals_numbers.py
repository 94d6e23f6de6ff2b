import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.signals import windows
from ostiary.signals.numbers import EMPTY, HALF_LIFE_S, faded, moved, unusual
from ostiary.signals.phrases import clock, plural, span, times
from ostiary.signals.profiles import pruned
from ostiary.signals.surprise import hour_chances, surprise_of
from ostiary.signals.texts import identifier, neutral, shown
from ostiary.signals.windows import SPANS, Metric

values = st.floats(-1e6, 1e6)


@given(st.lists(values, min_size=1, max_size=40))
def test_a_moving_mean_is_the_mean_while_it_is_young(numbers: list[float]) -> None:
    number = EMPTY
    for value in numbers:
        number = moved(number, value)
    mean = sum(numbers) / len(numbers)
    assert number[0] == len(numbers)
    assert number[1] == pytest.approx(mean, abs=1e-3)
    assert number[2] >= 0


@given(st.lists(values, max_size=6), values)
def test_unusual_is_bounded(numbers: list[float], value: float) -> None:
    number = EMPTY
    for each in numbers:
        number = moved(number, each)
    score = unusual(number, value)
    assert math.isnan(score) if len(numbers) < 3 else -8 <= score <= 8


def test_fading_halves_in_its_half_life() -> None:
    assert faded(8.0, HALF_LIFE_S) == pytest.approx(4.0)
    assert faded(8.0, -5) == 8.0


@given(st.lists(st.integers(0, 2_000_000), max_size=60), st.integers(0, 700_000))
def test_windows_never_count_too_little_of_what_is_surely_inside(gaps: list[int], after: int) -> None:
    """The sliding estimate lies between what surely is inside (half a window) and all of the last two windows."""
    held, now, times_seen = windows.fresh(), 0, []
    for gap in gaps:
        now += gap
        windows.add(held, now, [(Metric.EVENTS, 1.0)])
        times_seen.append(now)
    now += after
    for counts, width in zip(windows.read(held, now), SPANS, strict=True):
        bucket = now // width
        surely = sum(1 for each in times_seen if each // width == bucket)
        at_most = sum(1 for each in times_seen if each // width >= bucket - 1)
        assert surely <= counts[Metric.EVENTS] <= at_most


@given(st.lists(st.integers(0, 10**6), max_size=20), st.integers(0, 10**7))
def test_reading_a_window_does_not_roll_it(moments: list[int], later: int) -> None:
    held = windows.fresh()
    for moment in sorted(moments):
        windows.add(held, moment, [(Metric.AMOUNT, 2.0)])
    last = max(moments, default=0)
    before = windows.read(held, last)
    windows.read(held, later + last)
    assert windows.read(held, last) == before


@given(
    st.dictionaries(
        st.text(max_size=3), st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9)), max_size=40
    )
)
def test_pruning_keeps_the_most_used(table: dict[str, tuple[int, int, int]]) -> None:
    kept = dict(table)
    pruned(kept, 5)
    if len(table) <= 10:
        assert kept == table
    else:
        assert len(kept) == 5
        gone = [entry for key, entry in table.items() if key not in kept]
        assert min(entry[0] for entry in kept.values()) >= max(entry[0] for entry in gone)


counts = st.integers(0, 1_000)


@given(counts, counts, counts, counts, counts, counts)
def test_more_own_use_is_never_more_surprising(
    mine: int, rest: int, peer: int, peers: int, all_: int, others: int
) -> None:
    shared, everyone = (peer, 1, 0), (all_, 1, 0)
    less, _ = surprise_of((mine, 0, 0, 0.0), mine + rest, shared, peer + peers, everyone, all_ + others)
    more, _ = surprise_of((mine + 1, 0, 0, 0.0), mine + rest + 1, shared, peer + peers, everyone, all_ + others)
    assert more <= less + 1e-12
    assert math.isfinite(less)


@given(st.lists(st.integers(0, 99), min_size=48, max_size=48), st.integers(0, 23), st.booleans())
def test_hours_are_chances(hours: list[int], hour: int, weekend: bool) -> None:  # noqa: FBT001 - hypothesis hands it in
    total = sum(hour_chances(hours, hours, hours, each, weekend=weekend)[0] for each in range(24))
    assert total == pytest.approx(1.0)
    assert all(0 < chance <= 1 for chance in hour_chances(hours, hours, hours, hour, weekend=weekend))


@given(st.text(max_size=700))
def test_identifiers_are_short_neutral_and_stay_apart(text: str) -> None:
    clean = identifier(text)
    assert len(clean) <= 512
    assert neutral(clean) == clean
    assert neutral(shown(text)) == shown(text)
    if len(text) > 512:
        assert identifier(text + "x") != clean


def test_words() -> None:
    assert [times(each) for each in (0, 1, 1_200)] == ["never", "once", "1,200 times"]
    assert [span(each) for each in (1, 60, 7_300, 200_000)] == ["1 minute", "1 minute", "2 hours", "2 days"]
    assert clock(7) == "07:00"
    assert [plural(2, noun) for noun in ("failed try", "person", "access")] == [
        "2 failed tries",
        "2 people",
        "2 accesses",
    ]
