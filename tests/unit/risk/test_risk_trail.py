"""A subject's trail: what three pictures say of it, and what holds for every stream."""

import math

from hypothesis import given
from hypothesis import strategies as st

from ostiary.risk.trail import HIGH, MAX_FIRSTS, MAX_SITTINGS, NAMES, Step, Trails

DAY = 86_400


def step(time: int, session: str, zone: int = 1, collection: int = 2, who: str = "user:ann") -> Step:
    return Step(who, session, time, (collection * 10, collection, zone, 0, 0))


def told(trails: Trails, one: Step, llr: float) -> dict[str, float]:
    return dict(zip(NAMES, trails.view(one, llr), strict=True))


def test_a_quiet_life_leaves_a_quiet_trail() -> None:
    trails = Trails()
    for day in range(10):
        trails.learn(step(day * DAY, f"s{day}"), -2.0)
    row = told(trails, step(10 * DAY, "now"), -2.0)
    assert row["trail_odd_sittings_10d"] == row["trail_odd_sum_10d"] == row["trail_switches"] == 0
    assert row["trail_llr_level_10d"] == -2.0
    assert abs(row["trail_llr_unusual"]) < 1e-9


def test_a_guest_between_the_owners_sittings_resembles_itself() -> None:
    trails = Trails()
    for day in range(6):
        trails.learn(step(day * DAY, f"own{day}"), -2.0)
        trails.learn(step(day * DAY + 9_000, f"guest{day}", zone=7, collection=8), HIGH + 1)
    guest = told(trails, step(6 * DAY + 9_000, "guest", zone=7, collection=8), HIGH + 1)
    owner = told(trails, step(6 * DAY + 20_000, "own"), -2.0)
    assert guest["trail_zone_mean"] == HIGH + 1
    assert owner["trail_zone_mean"] == -2.0
    assert guest["trail_zone_first"] == HIGH + 1
    assert guest["trail_others_mean"] == -2.0
    assert guest["trail_switches"] >= 10


def test_a_session_is_as_odd_as_its_worst_access_until_it_rests() -> None:
    trails = Trails()
    trails.learn(step(0, "s"), 4.0)
    assert told(trails, step(60, "s"), 0.0)["trail_llr_sitting_worst"] == 4.0
    assert told(trails, step(60 + 2_000, "s"), 0.0)["trail_llr_sitting_worst"] == 0.0


def test_an_access_from_years_ago_in_the_wrong_place_breaks_nothing() -> None:
    """A file out of order, or one with a made-up clock, is scored like any other."""
    trails = Trails()
    for day in range(3):
        trails.learn(step(8_000_000_000 + day * DAY, f"s{day}"), HIGH + 1)
    row = told(trails, step(0, "early"), 1.0)
    assert not any(map(math.isinf, row.values()))
    assert row["trail_odd_sum_1d"] <= 3
    trails.learn(step(0, "early"), 1.0)
    assert len(trails.view(step(8_000_000_000, "late"), 1.0)) == len(NAMES)


steps = st.lists(
    st.tuples(
        st.integers(-(10**10), 3 * DAY) | st.integers(0, 3 * DAY),
        st.sampled_from("ab"),
        st.integers(0, 4),
        st.integers(0, 300),
        st.floats(-9, 9),
    ),
    max_size=60,
)


@given(steps)
def test_looking_changes_nothing_and_everything_is_bounded(drawn: list[tuple[int, str, int, int, float]]) -> None:
    one, other, now = Trails(), Trails(), 0
    for number, (gap, session, zone, collection, llr) in enumerate(drawn):
        now += gap
        at = step(now, session, zone, collection)
        row = one.view(at, llr)
        assert len(row) == len(NAMES)
        assert not any(map(math.isinf, row))
        assert str(row) == str(one.view(at, llr))
        assert str(row) == str(other.view(at, llr)), number
        one.learn(at, llr)
        other.learn(at, llr)
        other.learn(step(now, session, zone, collection, who="user:bob"), 9.0)  # somebody else's life changes nothing
    trail = one._trails.get("user:ann")
    if trail is not None:
        assert len(trail.past) <= MAX_SITTINGS
        assert all(len(firsts) <= MAX_FIRSTS for firsts in trail.firsts)


def test_the_longest_unheard_of_subject_goes() -> None:
    trails = Trails(most=2)
    for who in ("user:a", "user:b", "user:a", "user:c"):
        trails.learn(step(0, "s", who=who), 0.0)
    assert sorted(trails._trails) == ["user:a", "user:c"]
    trails.forget("user:a")
    assert len(trails) == 1
