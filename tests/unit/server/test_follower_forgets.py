"""What follows the log keeps of its own decisions only those that it has not read there yet."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ostiary.errors import UnavailableError
from ostiary.server.following import Follower
from ostiary.testing.fake_clock import START_NS
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.events import AccessEvent, EventOutcome
from ostiary.vocabulary.verdicts import DecisionRecord, Outcome

ALLOWED = Outcome(Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE)


def decided(name: str) -> Any:
    event = AccessEvent(name, "acme", START_NS, "ada", "read", "repo", "r1", EventOutcome.SUCCESS, source="authzen")
    record = DecisionRecord(1, "acme", Receipt(name, START_NS), "gw", "user:ada", ALLOWED, event=event)
    return SimpleNamespace(record=record, event=event)


class Log:
    """A log of decisions; ``breaks_at`` makes a page break off before that index, once."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.breaks_at = -1

    def head(self) -> Any:
        return SimpleNamespace(size=len(self.kept))

    def between(self, start: int, end: int, wanted: Callable[[str, str], bool]) -> Iterator[Any]:
        for index, one in enumerate(self.kept[start:end], start):
            if index == self.breaks_at:
                self.breaks_at = -1
                raise UnavailableError("storage_unavailable", "the database failed")
            name = one.record.receipt.decision_id
            if wanted("decision", name):
                yield SimpleNamespace(kind="decision", record_id=name, payload=msgspec.json.encode(one.record))


class Scene:
    """A follower, its log, and what it learned."""

    def __init__(self) -> None:
        self.log, self.learned = Log(), list[str]()
        log: Any = self.log
        self.follower = Follower(log, lambda one: self.learned.append(one.record.receipt.decision_id), self.fault)

    def fault(self, reason: str, fault: BaseException) -> None:
        raise AssertionError(reason) from fault

    def own(self, name: str) -> None:
        self.follower.own(decided(name))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_was_read_in_the_log_is_not_kept_in_mind(scene: Scene) -> None:
    for number in range(1_500):
        scene.own(f"dec_{number}")
        scene.log.kept.append(decided(f"dec_{number}"))
    assert len(scene.follower._ours) == 1_500
    assert scene.follower.catch_up() == 0
    assert len(scene.follower._ours) == len(scene.follower._read) == 0
    assert len(scene.learned) == len(set(scene.learned)) == 1_500


def test_a_decision_that_was_read_before_it_was_learned_by_itself_is_learned_once(scene: Scene) -> None:
    scene.log.kept.append(decided("dec_slow"))
    assert scene.follower.catch_up() == 1
    scene.own("dec_slow")
    assert scene.learned == ["dec_slow"]


def test_a_page_that_broke_off_teaches_nothing_twice(scene: Scene) -> None:
    scene.own("dec_0")
    scene.own("dec_2")
    scene.log.kept = [decided(f"dec_{number}") for number in range(4)]
    scene.log.breaks_at = 3
    with pytest.raises(UnavailableError):
        scene.follower.catch_up()
    scene.follower.catch_up()
    assert sorted(scene.learned) == ["dec_0", "dec_1", "dec_2", "dec_3"]
