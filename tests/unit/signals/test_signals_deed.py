"""The family deed: flags of marks and words, how it ended, and how far a sitting has come along an attack."""

import math

import msgspec

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import INDEX
from ostiary.signals.progress import advanced, errors_in, moves_in, tactics_in
from ostiary.signals.tactics import BITS, TACTICS, bits_of, tactics_of
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome
from ostiary.vocabulary.facts import Mark

BASE = AccessEvent("e", "default", 1_714_557_600_000_000_000, "ann", "frobnicate", "thing", "t", session_id="s")


def row(event: AccessEvent, *before: AccessEvent) -> list[float]:
    book = ProfileBook("default")
    for each in before:
        book.learn(each)
    return features.extract(event, book.view(event))


def value(name: str, event: AccessEvent, *before: AccessEvent) -> float:
    return row(event, *before)[INDEX[name]]


def with_marks(*marks: Mark, **more: object) -> AccessEvent:
    return msgspec.structs.replace(BASE, marks=tuple(sorted(marks)), **more)


def later(event: AccessEvent, seconds: int) -> AccessEvent:
    return msgspec.structs.replace(event, time_ns=event.time_ns + seconds * 1_000_000_000)


def test_what_is_not_understood_is_missing_never_harmless() -> None:
    assert math.isnan(value("mark_destroys", BASE))
    assert math.isnan(value("tactics", BASE))
    read = msgspec.structs.replace(BASE, action_class=ActionClass.READ)
    assert value("mark_destroys", read) == 0.0
    assert value("mark_destroys", with_marks(Mark.DESTROYS)) == 1.0
    assert value("mark_lists", with_marks(Mark.DESTROYS)) == 0.0


def test_words_of_the_name() -> None:
    event = msgspec.structs.replace(BASE, action="delete_log_sink")
    assert value("does_remove", event) == 1.0
    assert value("does_make", event) == 0.0
    assert value("touches_trace", event) == 1.0
    assert math.isnan(value("does_remove", BASE))


def test_how_it_ended() -> None:
    assert math.isnan(value("ended_failed", BASE))
    denied = msgspec.structs.replace(BASE, outcome=EventOutcome.DENIED, detail="AccessDenied")
    assert value("ended_denied", denied) == 1.0
    assert value("error_right", denied) == 1.0
    assert math.isnan(value("error_right", BASE))


def test_the_manner() -> None:
    agent = msgspec.structs.replace(BASE, user_agent="aws-cli/2.13.0 Python/3.11", auth_method="password")
    assert value("agent_command", agent) == 1.0
    assert value("agent_browser", agent) == 0.0
    assert value("way_password", agent) == 1.0
    assert math.isnan(value("agent_command", BASE))


def test_a_sitting_goes_through_tactics() -> None:
    first, second = with_marks(Mark.LISTS), later(with_marks(Mark.READS_SECRET), 60)
    third = later(with_marks(Mark.BULK), 120)
    assert value("session_tactics", third, first, second) == 3.0
    assert value("session_moves", third, first, second) == math.log1p(2)
    assert value("session_tactics", third) == 1.0
    elsewhere = msgspec.structs.replace(third, session_id="other")
    assert value("session_tactics", elsewhere, first, second) == 1.0


def test_different_errors_of_a_sitting() -> None:
    failed = [
        later(with_marks(Mark.LISTS, outcome=EventOutcome.DENIED, detail=detail), place)
        for place, detail in enumerate(["AccessDenied", "AccessDenied", "NoSuchBucket"])
    ]
    assert value("session_errors", later(BASE, 60), *failed) == 2.0


def test_marks_never_done_before() -> None:
    known, new = with_marks(Mark.LISTS), later(with_marks(Mark.LISTS, Mark.DESTROYS), 60)
    assert value("marks_new", new, known) == 1.0
    assert math.isnan(value("marks_new", new))
    refused = with_marks(Mark.DESTROYS, outcome=EventOutcome.DENIED)
    assert value("marks_new", new, known, refused) == 1.0, "what was refused becomes no habit"


def test_strong_marks_on_production() -> None:
    event = with_marks(Mark.DESTROYS, Mark.LISTS, labels=("production",))
    assert value("strong_marks", event) == 1.0
    assert value("strong_on_production", event) == 1.0
    assert math.isnan(value("strong_on_production", with_marks(Mark.DESTROYS)))


def test_every_mark_has_a_bit_of_its_own() -> None:
    """``BITS`` is part of stored profiles: these never change, more are appended."""
    assert set(BITS) == set(Mark)
    assert sorted(BITS.values()) == [1 << place for place in range(len(Mark))]
    assert (BITS[Mark.ADDS_CREDENTIAL], BITS[Mark.WEAK_LOGIN], BITS[Mark.PROTECTS]) == (1, 1 << 27, 1 << 32)
    assert bits_of(()) == 0
    assert tactics_of(Mark).bit_count() == len(TACTICS)


def test_progress_stays_a_small_number() -> None:
    deeds = 0
    for number in range(1_000):
        mark = Mark.LISTS if number % 2 else Mark.BULK
        deeds = advanced(deeds, with_marks(mark, detail=f"error {number}", outcome=EventOutcome.FAILURE))
    assert deeds < 1 << 44
    assert (tactics_in(deeds), moves_in(deeds), errors_in(deeds)) == (2, 255, 16)
