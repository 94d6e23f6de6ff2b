"""What the signals say of the three simulated attacks, against the subject's own baseline; and of an honest morning.

A developer queries a production database at night from a strange network; an account drifts into other teams' code
over two weeks; a session goes on from another continent. Each must stand out in the signals that its story is about.
"""

from functools import cache

import msgspec
import pytest

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.signals.features import describe
from ostiary.signals.history import History
from ostiary.testing.organisation import Organisation, request_of
from ostiary.vocabulary.events import AccessEvent


@cache
def organisation() -> Organisation:
    return Organisation(people=90, days=20)


@cache
def learned() -> bytes:
    book, enricher = ProfileBook("default"), Enricher(organisation().catalogue())
    for event in organisation().history():
        book.learn(enricher.enrich(event))
    return book.snapshot()


def told(name: str) -> list[tuple[AccessEvent, History, dict[str, float]]]:
    """Play a story and return each of its events with what was known then and what the signals say."""
    book, enricher = ProfileBook("default"), Enricher(organisation().catalogue())
    book.restore(learned())
    found = []
    for bare in organisation().story(name).events:
        event = enricher.enrich(bare)
        history = book.view(event)
        found.append((event, history, dict(zip(features.NAMES, features.extract(event, history), strict=True))))
        book.learn(event)
    return found


def test_two_at_night() -> None:
    event, history, row = told("2am-dba")[-1]
    peers = history.peer_members - 1
    assert row["resource_new"] == row["network_new"] == row["country_new"] == row["collection_new"] == 1.0
    assert row["hour_surprise"] > 4
    assert row["sensitivity"] == 4.0
    assert row["mfa_dropped"] > 0.9
    assert row["odds"] > 4
    words = {name: describe(event, name, history) for name in ("resource_new", "hour_surprise", "network_new")}
    assert words["resource_new"] == f"database `prod/customers` never read by you or your {peers} peers"
    assert words["hour_surprise"].startswith("02:00 is outside your hours (0")
    assert words["network_new"] == "network `122.56.30.0/24` in NZ first seen from you, after 2 known ones"


def test_the_story_is_at_two_in_the_morning_whenever_it_is_told() -> None:
    for shift_h in range(0, 24, 5):
        until_ns = organisation().until_ns + shift_h * 3_600 * 10**9
        moved = Organisation(people=3, days=1, until_ns=until_ns)
        event = moved.story("2am-dba").events[-1]
        assert event.time_ns == until_ns
        assert (event.time_ns // 10**9 // 60 + (event.tz_offset_min or 0)) // 60 % 24 in {1, 2}


def test_slow_drift() -> None:
    """No single access is loud; the level of surprise against the subject's own is."""
    rows = [row for _, _, row in told("slow-drift")]
    assert all(row["network_new"] == row["device_new"] == row["country_new"] == 0.0 for row in rows)
    first, last = rows[0], rows[-1]
    assert last["drift_surprise"] > 2 > first["drift_surprise"]
    assert last["new_resources_7d"] > first["new_resources_7d"] + 1
    assert last["mature_collection"] < 1.0


def test_stolen_session() -> None:
    rows = [row for _, _, row in told("stolen-session")]
    own, stolen = rows[0], rows[1:]
    assert own["odds"] < 1
    for row in stolen:
        assert row["session_network_changed"] == row["session_device_changed"] == row["session_country_changed"] == 1.0
        assert row["network_new"] == row["device_new"] == 1.0, "still strange at the end of the session"
    assert stolen[0]["country_changed"] == 1.0
    assert stolen[0]["country_change_speed"] > 1
    assert stolen[-1]["new_share_7d"] > own["new_share_7d"]
    assert stolen[-1]["device_unmanaged"] == 1.0


def test_an_honest_morning_is_quiet() -> None:
    book, enricher = ProfileBook("default"), Enricher(organisation().catalogue())
    book.restore(learned())
    dana = organisation().people[0]
    last = [event for event in organisation().history() if event.subject_id == dana.name and event.action == "push"][-1]
    event = enricher.enrich(msgspec.structs.replace(last, time_ns=last.time_ns + 86_400 * 10**9, session_id="next-day"))
    row = dict(zip(features.NAMES, features.extract(event, book.view(event)), strict=True))
    assert row["resource_new"] == row["network_new"] == row["device_new"] == row["country_new"] == 0.0
    assert row["odds"] < 1
    assert row["hour_surprise"] < 4


@pytest.mark.parametrize("name", organisation().stories())
def test_stories_are_labelled_as_simulated_and_become_requests(name: str) -> None:
    story = organisation().story(name)
    assert story.sentence
    assert {event.source for event in story.events} == {"simulated"}
    assert [event.time_ns for event in story.events] == sorted(event.time_ns for event in story.events)
    request = request_of(story.events[-1])
    assert set(request) == {"subject", "action", "resource", "context"}
    assert None not in request["context"].values()


def test_one_seed_one_organisation() -> None:
    one, other = Organisation(people=10, days=2), Organisation(people=10, days=2)
    assert one.history() == other.history()
    assert Organisation(seed=1, people=10, days=2).history() != one.history()
