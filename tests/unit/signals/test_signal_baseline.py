"""The frozen baseline sees who has crept away from what they were; nobody can freeze themselves in."""

import math

import msgspec
import pytest

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import INDEX
from ostiary.vocabulary.events import AccessEvent, EventOutcome

DAY_S = 86_400
BEGIN_S = 1_700_000_000
BASE = AccessEvent(
    "e", "default", BEGIN_S * 10**9, "ann", "read", "database", "db/orders", outcome=EventOutcome.SUCCESS,
    ip="10.0.0.1", country="DE", device_id="laptop", session_id="s",
)  # fmt: skip


def at(day: float, **changes: str) -> AccessEvent:
    return msgspec.structs.replace(BASE, time_ns=int((BEGIN_S + day * DAY_S) * 10**9), **changes)


def worked(days: int, book: ProfileBook, begin: int = 0, **changes: str) -> ProfileBook:
    for day in range(begin, begin + days):
        for hour in range(4):
            book.learn(at(day + hour / 24, **changes))
    return book


def value(book: ProfileBook, event: AccessEvent, name: str) -> float:
    return features.extract(event, book.view(event))[INDEX[name]]


def test_habits_are_frozen_once_there_are_fifty_events_and_fourteen_days() -> None:
    young = worked(13, ProfileBook("default"))
    assert math.isnan(value(young, at(13.5), "baseline_age"))
    old = worked(16, ProfileBook("default"))
    assert value(old, at(15.5), "baseline_age") == pytest.approx(math.log1p(1.5), abs=0.1)


def test_what_crept_in_is_usual_now_and_was_not_then() -> None:
    book = worked(20, ProfileBook("default"))
    worked(60, book, 20, resource_id="crown/jewels", ip="203.0.113.9", country="RU")
    now = at(80.5, resource_id="crown/jewels", ip="203.0.113.9", country="RU")
    assert value(book, now, "collection_surprise") < 1.0
    assert value(book, now, "baseline_collection_surprise") > 4.0
    assert value(book, now, "baseline_country_surprise") > 4.0
    assert value(book, now, "baseline_creep") > 3.0
    assert value(book, now, "baseline_collection_drift") > 0.8
    assert value(book, now, "baseline_device_drift") == pytest.approx(0.0, abs=1e-9)
    assert "unusual" in features.describe(now, "baseline_country_surprise", book.view(now))


def test_who_stays_the_same_has_not_drifted() -> None:
    book = worked(80, ProfileBook("default"))
    now = at(80.5)
    assert value(book, now, "baseline_collection_drift") == pytest.approx(0.0, abs=1e-9)
    assert value(book, now, "baseline_collection_surprise") < 0.1


def test_a_baseline_is_taken_anew_only_by_a_call_and_after_thirty_days() -> None:
    book = worked(20, ProfileBook("default"))
    worked(60, book, 20, resource_id="crown/jewels")
    assert not book.freeze("user", "nobody", BEGIN_S + 80 * DAY_S)
    assert not book.freeze("user", "ann", BEGIN_S + 30 * DAY_S), "the baseline is younger than thirty days"
    now = at(80.5, resource_id="crown/jewels")
    assert value(book, now, "baseline_collection_surprise") > 4.0
    assert book.freeze("user", "ann", BEGIN_S + 80 * DAY_S)
    assert value(book, now, "baseline_collection_surprise") < 1.0
    assert not book.freeze("user", "ann", BEGIN_S + 81 * DAY_S)
