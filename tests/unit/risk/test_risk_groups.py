"""False alarms by group of subjects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.risk.groups import JOBS, PEOPLE, SERVICES, group_of
from ostiary.risk.measure.groups import group_rates

rows = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 1),
        st.sampled_from(["user", "service", "job"]),
        st.sampled_from(["a", "b", "c"]),
    ),
    max_size=60,
)


@given(rows, st.floats(0, 1))
def test_groups_together_hold_every_false_alarm_once(drawn: list[tuple[float, int, str, str]], limit: float) -> None:
    scores, truth = np.array([one[0] for one in drawn]), np.array([one[1] for one in drawn], dtype=np.int64)
    table = group_rates(
        scores, truth, [group_of(one[2]) for one in drawn], [f"{one[2]}:{one[3]}" for one in drawn], {"x": limit}
    )
    alarms = [one.rates["x"] for one in table]
    assert sum(one.false_alarms for one in alarms) == sum(s >= limit and not t for s, t, _, _ in drawn)
    assert sum(one.own for one in table) == sum(not one[1] for one in drawn)
    for one in table:
        told = one.rates["x"]
        assert told.subjects_alarmed <= one.subjects
        assert told.worst_subject <= told.false_alarms
        assert (told.false_positive_rate is None) == (one.own == 0)


@pytest.mark.parametrize(
    ("subject_type", "group"),
    [("user", PEOPLE), ("service", SERVICES), ("serviceaccount", SERVICES), ("job", JOBS), ("", SERVICES)],
)
def test_what_is_no_person_is_never_counted_among_people(subject_type: str, group: str) -> None:
    assert group_of(subject_type) == group


def test_the_worst_subject_is_told_beside_the_rate() -> None:
    scores = np.array([0.9, 0.9, 0.1, 0.9, 0.1, 0.1])
    (people,) = group_rates(
        scores, np.zeros(6, dtype=np.int64), [PEOPLE] * 6, ["a", "a", "b", "b", "c", "c"], {"x": 0.5}
    )
    alarms = people.rates["x"]
    assert (alarms.false_alarms, alarms.subjects_alarmed, alarms.worst_subject) == (3, 2, 2)
    assert alarms.subjects_alarmed_share == pytest.approx(2 / 3)
