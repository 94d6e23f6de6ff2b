"""Padding laws: what an attacker adds never lowers a feature that a hardened model looks at, through the real books."""

from collections import defaultdict
from random import Random

import msgspec
import pytest

from ostiary.redteam.padding_search import Case, handful, in_order
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import FEATURES, NAMES, extract
from ostiary.signals.padding import PADDABLE, RISING
from ostiary.signals.settled import SettledBook
from ostiary.testing.labelled_sessions import Labelled, labelled
from ostiary.vocabulary.events import AccessEvent

DAYS = 6.0


@pytest.fixture(scope="module")
def life() -> Labelled:
    """Return three weeks of a small organisation."""
    return labelled(seed=11, people=12, days=20, rate=0.15)


def rows(book: SettledBook | ProfileBook, case: Case, added: list[AccessEvent]) -> list[list[float]]:
    """Return the row of each of the attack's accesses with ``added`` among them."""
    mine, found = {event.event_id for event in case.accesses}, []
    for event in in_order(case, added):
        if event.event_id in mine:
            found.append(extract(event, book.view(event)))
        book.learn(event)
    return found


def lowered(before: float, after: float, monotone: int) -> bool:
    """Return whether a feature moved where it could mean less risk."""
    if before == after or (before != before and after != after):  # noqa: PLR0124 - NaN is not itself
        return False
    return before != before or after != after or not monotone or (after - before) * monotone < 0  # noqa: PLR0124


def test_nothing_that_a_hardened_model_sees_is_lowered_by_padding(life: Labelled) -> None:
    rng, tried, moved = Random(3), 0, set()  # noqa: S311 - an experiment
    habits: dict[str, list[AccessEvent]] = defaultdict(list)
    begin = life.events[int(0.6 * len(life.events))].time_ns
    for number, event in enumerate(life.events):
        mine = habits[event.subject_id]
        if (
            event.time_ns > begin
            and event.subject_type == "user"
            and len(mine) > 20
            and rng.random() < 0.02
            and tried < 8
        ):
            accesses = (event, msgspec.structs.replace(event, event_id="then", time_ns=event.time_ns + 60 * 10**9))
            case = Case(str(number), accesses, tuple(mine))
            added = sorted(handful(case, rng, rng.choice((1, 5, 30)), "x"), key=lambda one: one.time_ns)
            plain, padded = (rows(_learned(life.events[:number]), case, some) for some in ([], added))
            for before, after in zip(plain, padded, strict=True):
                moved |= {
                    spec.name
                    for spec, was, now in zip(FEATURES, before, after, strict=True)
                    if lowered(was, now, spec.monotone)
                }
            tried += 1
        mine.append(event)
    assert tried == 8
    assert moved <= PADDABLE
    assert moved, "padding moves what is named paddable, or this test sees nothing"


def _learned(events: list[AccessEvent]) -> SettledBook:
    book = SettledBook("default", DAYS)
    for event in events[-400:]:
        book.learn(event)
    return book


def test_what_is_named_is_in_the_catalogue_and_rises() -> None:
    assert set(NAMES) >= RISING | PADDABLE
    assert not RISING & PADDABLE
    assert all(spec.monotone == 1 for spec in FEATURES if spec.name in RISING)


def test_what_is_younger_than_the_delay_changes_no_habit(life: Labelled) -> None:
    book = SettledBook("default", DAYS)
    target = life.events[400]
    for event in life.events[:400]:
        book.learn(event)
    before = book.view(target)
    late = msgspec.structs.replace(target, event_id="late", time_ns=target.time_ns - 10**9, resource_id="never/seen")
    book.learn(late)
    after = book.view(target)
    assert (after.surprise, after.mine, after.my_totals) == (before.surprise, before.mine, before.my_totals)


def test_what_an_alarm_drops_is_never_learned() -> None:
    base = AccessEvent("0", "default", 10**18, "ann", "read", "table", "wiki")
    book = SettledBook("default", DAYS)
    for number in range(5):
        book.learn(msgspec.structs.replace(base, event_id=str(number), time_ns=base.time_ns + number))
    assert book.drop("user", "ann", base.time_ns + 2) == 3
    later = msgspec.structs.replace(base, event_id="9", time_ns=base.time_ns + 30 * 86_400 * 10**9)
    assert book.view(later).own.events == 2


def test_a_flood_finds_no_room_and_forgetting_leaves_nothing() -> None:
    base = AccessEvent("0", "default", 10**18, "ann", "read", "table", "wiki")
    book = SettledBook("default", DAYS, most_held=3)
    learned = [book.learn(msgspec.structs.replace(base, event_id=str(n), time_ns=base.time_ns + n)) for n in range(5)]
    assert learned == [True, True, True, False, False]
    assert book.forget("user", "ann")
    later = msgspec.structs.replace(base, event_id="9", time_ns=base.time_ns + 30 * 86_400 * 10**9)
    assert not book.view(later).known
    assert len(book) == 0
