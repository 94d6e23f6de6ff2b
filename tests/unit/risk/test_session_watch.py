"""What is told of a watch over sessions: takeovers seen, how soon, and false alarms."""

import math

import pytest

from ostiary.risk.measure.session_watch import Watched, per_user_month, threshold_for, watch

DAY = 86_400.0


def honest(who: str, *scores: float, start: float = 0.0) -> Watched:
    return Watched(who, "", "", start, [start + 60 * n for n in range(len(scores))], list(scores))


def bad(attack: str, since: float, *scores: float, kind: str = "stolen", start: float = 0.0) -> Watched:
    return Watched(f"v{attack}", attack, kind, since, [start + 60 * n for n in range(len(scores))], list(scores))


def test_a_flag_before_the_takeover_catches_nothing() -> None:
    told = watch([bad("a", 120, 0.9, 0.9, 0.1, 0.1), honest("u", 0.1)], 0.5)
    assert told.recall.value == told.caught.value == 0.0
    assert told.accesses_median is None
    assert told.by_kind == {"stolen": 0.0}


def test_accesses_and_minutes_are_counted_from_the_takeovers_first_access() -> None:
    told = watch([bad("a", 60, 0.1, 0.2, 0.3, 0.9), bad("b", 0, 0.9, kind="bulk"), honest("u", 0.1)], 0.5)
    assert (told.accesses_median, told.minutes_median) == (2.0, 1.0)
    assert told.by_kind == {"bulk": 1.0, "stolen": 1.0}
    assert told.takeovers == 2


def test_a_takeover_of_several_sessions_is_one() -> None:
    told = watch([bad("a", 0, 0.1), bad("a", 600, 0.9, start=600), honest("u", 0.1)], 0.5)
    assert (told.takeovers, told.caught.value, told.recall.value) == (1, 1.0, 0.5)
    assert (told.accesses_median, told.minutes_median) == (2.0, 10.0)


def test_the_threshold_keeps_the_budget_where_it_was_set() -> None:
    seen = [honest(f"u{n}", n / 200) for n in range(200)] + [bad("a", 0, 1.0)]
    limit = threshold_for(seen, 0.01)
    told = watch(seen, limit)
    assert told.false_positive_rate.value == pytest.approx(0.01)
    assert told.recall.value == 1.0


def test_step_ups_are_counted_over_users_and_months_and_honest_accesses_only() -> None:
    seen = [honest("u", 0.9, 0.9), honest("v", 0.1, start=45 * DAY), bad("a", 60, 0.9, 0.9, 0.9)]
    months = 1 + 0.5 + 1  # v's only month of use is the second, half of which was watched
    counted = per_user_month(seen, lambda run: sum(score > 0.5 for _, score in run))
    assert counted == pytest.approx(3 / months)
    assert per_user_month([], lambda _run: 1) == 0.0


def test_nothing_seen_is_not_measured_and_no_error() -> None:
    told = watch([], 0.5)
    assert told.recall.value is None
    assert told.takeovers == 0
    assert math.isfinite(threshold_for([], 0.01))
