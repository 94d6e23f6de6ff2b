"""Whom an access looks like: a colleague behind the name, the owner itself, a stranger, and what gathers over days."""

import math

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import INDEX
from ostiary.signals.lookalikes import MAX_REGULARS, MAX_SUSPECTS
from ostiary.vocabulary.events import AccessEvent, EventOutcome

HOUR = 3_600 * 10**9
START = 1_700_000_000 * 10**9


def access(hours: float, who: str, thing: str, zone: int, kind: str = "user", number: int = 0) -> AccessEvent:
    return AccessEvent(
        f"{who}{hours}{number}",
        "default",
        START + int(hours * HOUR),
        who,
        "write",
        "repository",
        thing,
        subject_type=kind,
        outcome=EventOutcome.SUCCESS,
        session_id=f"{who}{hours}",
        tz_offset_min=zone,
    )


def settled() -> ProfileBook:
    """Ann works on paint from Lisbon, Bob on engine from Tokyo, for forty days."""
    book = ProfileBook("default")
    for day in range(40):
        book.learn(access(24 * day, "ann", "car/paint", 0))
        book.learn(access(24 * day + 14, "bob", "car/engine", 540))
        book.learn(access(24 * day + 1, "kim", "car/paint", 0))
        book.learn(access(24 * day + 15, "lee", "car/engine", 60))
    return book


def told(book: ProfileBook, event: AccessEvent) -> dict[str, float]:
    row = features.extract(event, book.view(event))
    return {name: row[place] for name, place in INDEX.items() if name.startswith(("lookalike", "suspect"))}


def test_another_mans_work_from_another_mans_place_looks_like_him() -> None:
    book = settled()
    event = access(24 * 40 + 14, "ann", "car/engine", 540)
    assert book.view(event).lookalike.key == "user:bob"
    assert told(book, event)["lookalike_gain"] > 5
    assert told(book, event)["lookalike_place"] > 1


def test_own_work_from_the_own_place_looks_like_nobody_else() -> None:
    found = told(settled(), access(24 * 40, "ann", "car/paint", 0))
    assert found["lookalike_gain"] < 1
    assert math.isnan(found["suspect_evidence"])


def test_evidence_for_one_and_the_same_gathers_over_sittings_and_fades() -> None:
    book = settled()
    for night in range(3):
        book.learn(access(24 * (40 + night) + 14, "ann", "car/engine", 540))
    after = told(book, access(24 * 43 + 14, "ann", "car/engine", 540))
    assert after["suspect_evidence"] > 4
    assert after["suspect_times"] == math.log1p(3)
    later = told(book, access(24 * 73, "ann", "car/paint", 0))
    assert later["suspect_before"] < 0.1


def test_people_are_not_compared_with_services_of_the_same_resource() -> None:
    book = settled()
    for day in range(40):
        book.learn(access(24 * day + 14, "deploy", "car/wheels", 540, kind="service"))
    assert book.view(access(24 * 40 + 14, "ann", "car/wheels", 540)).lookalike.key == ""


def test_candidates_and_suspects_are_bounded() -> None:
    book = ProfileBook("default")
    for number in range(200):
        book.learn(access(number, f"u{number}", "car/paint", number % 7 * 60))
        book.learn(access(number + 0.5, "ann", "car/paint" if number % 2 else f"car/{number}", 0))
    tables = book._tables
    assert all(len(table) <= MAX_REGULARS for table in tables.regulars.values())
    ann = tables.subjects.find("user:ann")
    assert ann is not None
    assert len(ann.suspects) <= MAX_SUSPECTS


def test_a_forgotten_subject_is_nobodys_suspect_any_more() -> None:
    book = settled()
    book.learn(access(24 * 40 + 14, "ann", "car/engine", 540))
    assert "user:bob" in book._tables.subjects["user:ann"].suspects
    book.forget("user", "bob")
    ann = book._tables.subjects.find("user:ann")
    assert ann is not None
    assert "user:bob" not in ann.suspects
    assert all("user:bob" not in table for table in book._tables.regulars.values())
