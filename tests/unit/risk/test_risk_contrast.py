"""Planting impostors: what changes, what stays, and that the same seed plants the same."""

from itertools import pairwise

import pytest

from ostiary.risk.training.contrast import ANYONE, COLLEAGUE, MIMIC, OWN, STRANGER, ContrastSettings, Planted, Planter
from ostiary.risk.training.disguise import disguise, named
from ostiary.risk.training.ghosts import make_ghosts
from ostiary.risk.training.sittings import collections_of, sittings_of
from ostiary.signals.tables import subject_key
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.events import AccessEvent

SETTINGS = ContrastSettings(share=0.1, least_depth=4)


@pytest.fixture(scope="module")
def history() -> list[AccessEvent]:
    return Organisation(people=14, days=12).history()


@pytest.fixture(scope="module")
def planted(history: list[AccessEvent]) -> Planted:
    return Planter(history, SETTINGS).plant(1)


def test_the_history_keeps_its_length_order_and_times(history: list[AccessEvent], planted: Planted) -> None:
    assert [event.event_id for event in planted.events] == [event.event_id for event in history]
    assert [event.time_ns for event in planted.events] == [event.time_ns for event in history]


def test_own_accesses_are_untouched_and_impostors_bear_another_name(
    history: list[AccessEvent], planted: Planted
) -> None:
    for before, after, kind in zip(history, planted.events, planted.kind, strict=True):
        if kind == OWN:
            assert after == before
        else:
            assert subject_key(after) != subject_key(before)


def test_every_run_has_one_victim_one_kind_and_one_impostor(history: list[AccessEvent], planted: Planted) -> None:
    assert planted.runs > 5
    runs: dict[int, set[tuple[str, str, int]]] = {}
    for before, after, kind, run in zip(history, planted.events, planted.kind, planted.run, strict=True):
        if run >= 0:
            runs.setdefault(run, set()).add((subject_key(before), subject_key(after), kind))
    assert len(runs) == planted.runs
    assert all(len(each) == 1 for each in runs.values())
    assert {kind for each in runs.values() for _, _, kind in each} >= {MIMIC, ANYONE} or planted.runs < 20


def test_kinds_are_what_they_say(history: list[AccessEvent], planted: Planted) -> None:
    used = collections_of(history)
    for before, after, kind in zip(history, planted.events, planted.kind, strict=True):
        mine, theirs = used[subject_key(after)], used[subject_key(before)]
        if kind == STRANGER:
            assert mine.isdisjoint(theirs)
        if kind == COLLEAGUE:
            assert 2 * len(mine & theirs) >= len(mine | theirs)


def test_a_victim_has_a_history_before_the_run(history: list[AccessEvent], planted: Planted) -> None:
    first: dict[int, int] = {}
    for place, run in enumerate(planted.run):
        if run >= 0:
            first.setdefault(run, place)
    counts = {
        subject: [s.start_ns for s in sittings_of(history) if s.subject == subject]
        for subject in {subject_key(planted.events[place]) for place in first.values()}
    }
    for place in first.values():
        event = planted.events[place]
        earlier = [start for start in counts[subject_key(event)] if start <= event.time_ns]
        assert len(earlier) > SETTINGS.least_depth


def test_the_same_seed_plants_the_same_and_another_another(history: list[AccessEvent]) -> None:
    planter = Planter(history, SETTINGS)
    assert planter.plant(3) == planter.plant(3) == Planter(history, SETTINGS).plant(3)
    assert planter.plant(3).kind != planter.plant(4).kind


def test_labelled_attacks_stay_as_they_are(history: list[AccessEvent]) -> None:
    taboo = [place % 7 == 0 for place in range(len(history))]
    planted = Planter(history, SETTINGS, taboo).plant(1)
    assert all(kind == OWN for kind, fixed in zip(planted.kind, taboo, strict=True) if fixed)


def test_a_lone_subject_cannot_be_impersonated(history: list[AccessEvent]) -> None:
    alone = [event for event in history if subject_key(event) == subject_key(history[0])]
    assert Planter(alone, SETTINGS).plant(1).runs == 0


def test_sittings_hold_every_access_once_and_break_after_half_an_hour(history: list[AccessEvent]) -> None:
    found = sittings_of(history)
    assert sorted(place for sitting in found for place in sitting.places) == list(range(len(history)))
    for sitting in found:
        times = [history[place].time_ns for place in sitting.places]
        assert all(later - earlier <= 30 * 60 * 10**9 for earlier, later in pairwise(times))


def test_ghosts_are_odd_accesses_of_people_seen_before(history: list[AccessEvent]) -> None:
    ghosts = make_ghosts(history, 0.1, seed=1)
    assert ghosts == make_ghosts(history, 0.1, seed=1)
    assert sum(map(len, ghosts.values())) > len(history) // 20
    for place, found in ghosts.items():
        known = {subject_key(event) for event in history[: place + 1]}
        for ghost in found:
            assert subject_key(ghost) in known
            assert ghost != history[place]
            assert ghost.time_ns >= history[place].time_ns


def _two(history: list[AccessEvent]) -> tuple[AccessEvent, AccessEvent]:
    """Return an access of one person and a later one of another, both telling everything."""
    victim = next(event for event in history if event.subject_type == "user" and event.behaviour is not None)
    own = next(
        event
        for event in history
        if event.subject_type == "user" and event.country not in {victim.country, ""} and event.time_ns > victim.time_ns
    )
    return own, victim


def test_the_directory_follows_the_name_and_hands_do_not(history: list[AccessEvent]) -> None:
    own, victim = _two(history)
    change = named(own, victim)
    assert own.account is not None
    assert victim.account is not None
    later = (own.time_ns - victim.time_ns) / 10**9
    assert change["subject_id"] == victim.subject_id
    assert change["account"].department == victim.account.department
    assert change["account"].age_s == pytest.approx((victim.account.age_s or 0.0) + later)
    assert own.behaviour is not None
    assert change["behaviour"].llr == -(own.behaviour.llr or 0.0)
    assert change["behaviour"].liveness == own.behaviour.liveness
    assert "token" not in change, "the token belongs to the session"


def test_who_wears_the_place_keeps_the_client_and_who_wears_the_device_has_it(history: list[AccessEvent]) -> None:
    own, victim = _two(history)
    assert own.place is not None
    assert victim.place is not None
    placed, equipped = disguise(own, victim, None), disguise(own, None, victim)
    assert (placed["ip"], placed["place"].city, placed["place"].kind) == (
        victim.ip,
        victim.place.city,
        victim.place.kind,
    )
    assert (placed["place"].ja4, placed["place"].language) == (own.place.ja4, own.place.language)
    assert "posture" not in placed
    assert equipped["posture"] == victim.posture
    assert (equipped["place"].ja4, equipped["place"].city) == (victim.place.ja4, own.place.city)
    assert "ip" not in equipped
    assert disguise(own, None, None) == {}
    assert disguise(own, victim, victim)["place"] == victim.place


def test_planted_impostors_bear_the_account_facts_of_the_victim(planted: Planted) -> None:
    departments = {
        event.subject_id: event.account.department
        for event, kind in zip(planted.events, planted.kind, strict=True)
        if kind == OWN and event.account is not None
    }
    borne = [event for event, kind in zip(planted.events, planted.kind, strict=True) if kind != OWN]
    assert borne
    for event in borne:
        assert event.account is not None
        assert event.account.department == departments[event.subject_id]
        assert event.token is not None
        assert event.posture is not None


def test_a_ghost_lacks_nothing_that_gives_it_away(history: list[AccessEvent]) -> None:
    for found in make_ghosts(history, 0.1, seed=2).values():
        for ghost in found:
            assert ghost.session_id
            assert ghost.token is not None
            assert (ghost.token.age_s or 0.0) >= 0
