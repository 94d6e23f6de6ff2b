"""What the list knows, and that it says so when it does not know; grants live and die by it."""

import json
from typing import Any

import pytest

from ostiary_sdk import Decision, Effect, Question, question
from ostiary_sdk.grants import Grants
from ostiary_sdk.revocation import FeedError, RevocationList
from ostiary_sdk.sse import SseEvent

ALLOW = Decision(allowed=True, effect=Effect.ALLOW)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Feed:
    """Tells a list what a server would."""

    def __init__(self, most: int = 1000) -> None:
        self.clock = Clock()
        self.fallen = RevocationList(5.0, self.clock, most)
        self.grants = Grants(self.fallen, 100, self.clock)
        self.seq = 0

    def say(self, name: str, told: object, place: str = "") -> None:
        self.fallen.apply(SseEvent(name, told if isinstance(told, str) else json.dumps(told), place))

    def snapshot(self, *ended: str, epoch: str = "e") -> None:
        self.fallen.begin()
        self.say("snapshot", {"epoch": epoch, "seq": self.seq, "ended": [{"session": one} for one in ended]})

    def change(self, kind: str = "terminated", **told: Any) -> None:
        self.seq += 1
        self.say("change", {"kind": kind, **told}, f"e-{self.seq}")

    def beat(self, seq: int | None = None, at: float | None = None) -> None:
        at = self.clock.now if at is None else at
        self.say("beat", {"seq": self.seq if seq is None else seq, "clock_ms": int(at * 1000)})

    def keep(self, asked: Question, mark: int | None = None) -> None:
        self.grants.keep(asked, ALLOW, self.fallen.mark() if mark is None else mark, 60)

    def holds(self, asked: Question) -> bool:
        return self.grants.find(asked) is not None


@pytest.fixture
def feed() -> Feed:
    one = Feed()
    one.snapshot()
    return one


def of(session: str = "s1", subject: str = "user:alice", **more: Any) -> Question:
    return question("read", "doc:1", subject=subject, session_id=session, **more)


def test_a_grant_is_used_again_and_says_so(feed: Feed) -> None:
    feed.keep(of())
    found = feed.grants.find(of())
    assert found is not None
    assert found.cached


@pytest.mark.parametrize(
    "told",
    [
        {"session": "s1"},
        {"session": "user\nalice\ns1"},
        {"session": "identity\nalice\ns1"},
        {"session": "other", "subject": "user:alice"},
        {"kind": "subject_revoked", "subject": "user:alice"},
        {"kind": "subject_revoked", "subject": "identity:alice"},
        {"kind": "reduced", "session": "s1"},
        {"kind": "step_up", "session": "s1"},
        {"kind": "level", "session": "s1"},
        {"kind": "something-new", "session": "s1"},
        {"kind": "something-new"},
        {"session": "\n" * 50},
    ],
)
def test_a_fall_takes_its_grants(feed: Feed, told: dict[str, Any]) -> None:
    feed.keep(of())
    feed.change(**{"kind": "terminated", **told})
    assert not feed.holds(of())


@pytest.mark.parametrize(
    "told",
    [
        {"session": "s2"},
        {"session": "s1x"},
        {"subject": "user:bob", "session": "z"},
        {"kind": "proven", "session": "s1"},
    ],
)
def test_a_fall_of_others_does_not(feed: Feed, told: dict[str, Any]) -> None:
    feed.keep(of())
    feed.change(**{"kind": "terminated", **told})
    assert feed.holds(of())


def test_a_session_that_its_token_names_falls_too(feed: Feed) -> None:
    token = "e30.eyJzdWIiOiJhbGljZSIsInNpZCI6InRzIn0.x"  # {"sub": "alice", "sid": "ts"}
    asked = question("read", "doc:1", token=token)
    feed.keep(asked)
    feed.change(session="ts")
    assert not feed.holds(asked)


def test_an_answer_that_arrives_after_the_fall_is_not_kept(feed: Feed) -> None:
    """Decided before, arrived after: the mark from before the question shows it."""
    mark = feed.fallen.mark()
    feed.change(session="s1")
    feed.keep(of(), mark)
    assert not feed.holds(of())


def test_an_answer_asked_for_after_the_fall_is_kept(feed: Feed) -> None:
    feed.change(session="s1")
    feed.keep(of())
    assert feed.holds(of())


@pytest.mark.parametrize("other", [of("s2"), of(subject="user:bob"), of(token="a.b.c"), of(certificate="x")])
def test_nobody_uses_anothers_grant(feed: Feed, other: Question) -> None:
    feed.keep(of())
    assert not feed.holds(other)


def test_a_proof_of_possession_is_good_once(feed: Feed) -> None:
    asked = of(token="e30.eyJzdWIiOiJhbGljZSJ9.x", dpop="proof")
    feed.keep(asked)
    assert not feed.holds(asked)


@pytest.mark.parametrize("effect", [Effect.DENY, Effect.STEP_UP, Effect.TERMINATE])
def test_only_grants_are_kept(feed: Feed, effect: Effect) -> None:
    feed.grants.keep(of(), Decision(allowed=False, effect=effect), feed.fallen.mark(), 60)
    assert len(feed.grants) == 0


def test_a_grant_ends_with_its_time(feed: Feed) -> None:
    feed.grants.keep(of(), ALLOW, feed.fallen.mark(), 3)
    feed.clock.now += 2.9
    assert feed.holds(of())
    feed.clock.now += 0.2
    assert not feed.holds(of())


def test_silence_is_not_knowing(feed: Feed) -> None:
    feed.keep(of())
    assert feed.fallen.ended("s1") is False
    feed.clock.now += 5.1
    assert (feed.fallen.fresh(), feed.fallen.mark(), feed.fallen.ended("s1")) == (False, None, None)
    assert not feed.holds(of())


def test_a_beat_is_a_sign_of_life(feed: Feed) -> None:
    for _ in range(4):
        feed.clock.now += 4
        feed.beat()
    assert feed.fallen.fresh()


def test_a_clock_that_went_back_is_not_knowing(feed: Feed) -> None:
    feed.clock.now -= 1
    assert not feed.fallen.fresh()


def test_beats_that_come_later_and_later_are_no_sign_of_life(feed: Feed) -> None:
    """Somebody holds the feed back: the beats come regularly, and each tells of a moment longer ago."""
    feed.beat()
    begun = feed.clock.now
    for second in range(1, 10):
        feed.clock.now += 4
        feed.beat(at=begun + second)
    assert not feed.fallen.fresh()


def test_a_lost_connection_is_not_knowing_at_once(feed: Feed) -> None:
    feed.keep(of())
    feed.fallen.lost()
    assert not feed.fallen.fresh()
    assert not feed.holds(of())


def test_going_on_is_knowing_only_after_catching_up() -> None:
    feed = Feed()
    feed.snapshot()
    feed.keep(of())
    feed.fallen.lost()
    assert feed.fallen.place == "e-0"
    feed.fallen.begin()
    feed.say("resumed", {"epoch": "e", "seq": 0, "newest": 1})
    assert not feed.fallen.fresh()
    feed.change(session="s1")
    assert feed.fallen.fresh()
    assert not feed.holds(of())


@pytest.mark.parametrize(
    ("name", "told", "place"),
    [
        ("change", {"kind": "terminated", "session": "x"}, "e-2"),
        ("change", {"kind": "terminated", "session": "x"}, "other-1"),
        ("change", {"kind": "terminated", "session": "x"}, ""),
        ("change", "garbage", "e-1"),
        ("change", {"session": 7}, "e-1"),
        ("beat", {"seq": 1, "clock_ms": 1}, ""),
        ("beat", {"seq": -1, "clock_ms": 1}, ""),
        ("beat", {}, ""),
        ("resumed", {"epoch": "x", "seq": 0, "newest": 0}, ""),
        ("resumed", {"epoch": "e", "seq": 9, "newest": 9}, ""),
        ("snapshot", {"epoch": "e"}, ""),
        ("snapshot", "[" * 10_000, ""),
        ("bye", {}, ""),
        ("over", {}, ""),
        ("resync", {}, ""),
    ],
)
def test_what_does_not_fit_ends_the_connection(feed: Feed, name: str, told: Any, place: str) -> None:
    with pytest.raises(FeedError):
        feed.say(name, told, place)


def test_a_change_before_the_snapshot_ends_the_connection() -> None:
    with pytest.raises(FeedError):
        Feed().change(session="s1")


def test_a_new_snapshot_takes_everything(feed: Feed) -> None:
    feed.keep(of())
    feed.snapshot("s9", epoch="f")
    assert not feed.holds(of())
    assert (feed.fallen.ended("s9"), feed.fallen.ended("s1")) == (True, False)


def test_what_is_forgotten_counts_as_fallen() -> None:
    feed = Feed(most=10)
    feed.snapshot()
    mark = feed.fallen.mark()
    feed.change(session="s1")
    for number in range(20):
        feed.change(session=f"other-{number}")
    feed.keep(of(), mark)
    assert not feed.holds(of())
    assert len(feed.fallen._fell) <= 10


def test_grants_are_bounded(feed: Feed) -> None:
    for number in range(300):
        feed.keep(of(f"s{number}"))
    assert len(feed.grants) == 100


def test_a_change_that_was_held_back_is_no_sign_of_life(feed: Feed) -> None:
    feed.keep(of())
    feed.clock.now += 6.0
    feed.change(session="another")
    assert not feed.fallen.fresh(), "it tells no time: what came after it may still be held back"
    assert not feed.holds(of())


def test_a_first_sign_of_life_that_is_late_ends_the_connection(feed: Feed) -> None:
    feed.clock.now += 6.0
    with pytest.raises(FeedError):
        feed.beat()
