"""Whom a subject keeps meeting: its nearest twenty, its circle; people and workloads never mix."""

import math

import msgspec

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.circles import LEAST_MEMBERS, MOST_MEMBERS, Circles
from ostiary.signals.neighbours import BITS, marked, using
from ostiary.signals.profiles import Subject
from ostiary.vocabulary.events import AccessEvent, EventOutcome
from ostiary.vocabulary.facts import AccountFacts

BASE = AccessEvent(
    "e", "default", 1_700_000_000 * 10**9, "a0", "read", "database", "db/a", outcome=EventOutcome.SUCCESS
)


def two_teams(rounds: int = 30) -> ProfileBook:
    """Seven people around one database, seven around another, and a job that uses both."""
    book, now = ProfileBook("default"), BASE.time_ns
    for _ in range(rounds):
        for team in "ab":
            for number in range(7):
                now += 10**11
                who = msgspec.structs.replace(BASE, time_ns=now, subject_id=f"{team}{number}")
                book.learn(msgspec.structs.replace(who, resource_id=f"shared/{team}", ip=f"10.0.{ord(team)}.1"))
            job = msgspec.structs.replace(BASE, time_ns=now, subject_id="job", subject_type="service")
            book.learn(msgspec.structs.replace(job, resource_id=f"shared/{team}"))
    return book


def values(book: ProfileBook, event: AccessEvent) -> dict[str, float]:
    return dict(zip(features.NAMES, features.extract(event, book.view(event)), strict=True))


def test_the_nearest_use_what_the_team_uses() -> None:
    book = two_teams()
    later = msgspec.structs.replace(BASE, time_ns=BASE.time_ns + 10**15, ip="10.0.97.1")
    ours, theirs = (values(book, msgspec.structs.replace(later, resource_id=f"shared/{team}")) for team in "ab")
    assert ours["neighbours_using"] > 0.8
    assert ours["neighbours_using_weighted"] > 0.8
    assert theirs["neighbours_using"] < 0.2
    assert ours["neighbours_on_network"] > 0.8
    assert math.isnan(ours["neighbours_on_device"])
    elsewhere = msgspec.structs.replace(later, ip="203.0.113.9", resource_id="shared/a")
    assert values(book, elsewhere)["neighbours_on_network"] == 0.0
    assert "of the 6 you work with" in features.describe(later, "neighbours_using", book.view(later))


def test_a_stranger_has_no_neighbours() -> None:
    row = values(two_teams(), msgspec.structs.replace(BASE, subject_id="new", time_ns=BASE.time_ns + 10**15))
    assert math.isnan(row["neighbours_using"])
    assert row["neighbours_known"] == 0.0


def test_people_do_not_meet_workloads() -> None:
    book = two_teams()
    assert not any(who.startswith("service:") for who in book._tables.subjects["user:a0"].colleagues)
    assert not book._tables.subjects["service:job"].colleagues


def test_a_thing_that_everybody_uses_says_nothing_of_the_nearest() -> None:
    mark = b""
    for number in range(4 * BITS):
        mark = marked(mark, f"user:{number}")
    near = tuple((place, 1) for place in range(20))
    assert max(using(mark, near)) < 0.2
    assert len(mark) == BITS // 8
    assert using(b"\xff" * (BITS // 8), near) == (0.0, 0.0)


def test_who_works_together_is_judged_together() -> None:
    """No directory, no group: two circles form, and what a subject's circle uses is what its team uses."""
    book = two_teams()
    circles = {team: {book._tables.subjects[f"user:{team}{number}"].circle for number in range(7)} for team in "ab"}
    assert all(len(found) == 1 and found != {""} for found in circles.values()), circles
    assert circles["a"] != circles["b"]
    later = msgspec.structs.replace(BASE, time_ns=BASE.time_ns + 10**15)
    ours, theirs = (values(book, msgspec.structs.replace(later, resource_id=f"shared/{team}")) for team in "ab")
    assert ours["circle_using_resource"] == 1.0
    assert theirs["circle_using_resource"] == 0.0
    assert theirs["circle_resource_surprise"] > ours["circle_resource_surprise"] + 3.0
    assert ours["circle_members"] == math.log1p(7)


def test_the_directory_is_asked_before_habits() -> None:
    book = two_teams()
    later = msgspec.structs.replace(BASE, time_ns=BASE.time_ns + 10**15)
    told = msgspec.structs.replace(later, account=AccountFacts(department="finance", manager="zoe"))
    assert book.view(later).peer_name == "user:home:database:shared"
    assert book.view(told).peer_name == "user:unit:finance/zoe"
    assert book.view(msgspec.structs.replace(told, groups=("dba",))).peer_name == "user:group:dba"
    book.learn(told)
    assert book.view(later).peer_name == "user:unit:finance/zoe", "what the directory said is remembered"


def test_circles_are_neither_tiny_nor_all_embracing() -> None:
    circles, names = Circles(), [f"user:{number}" for number in range(3 * MOST_MEMBERS)]
    own = Subject()
    assert circles.join(own, names[0]) == ""
    for who in names[1:]:
        own.colleagues = {names[0]: 9.0}
        circles.join(own, who)
    sizes = {label: list(circles.labels.values()).count(label) for label in set(circles.labels.values())}
    assert LEAST_MEMBERS <= max(sizes.values()) <= MOST_MEMBERS
    circles.forget(names[0])
    assert names[0] not in circles.labels
