"""Under load something always waits to be looked at: how far that went is noted all the same, and little is kept."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ostiary.errors import UnavailableError
from ostiary.response.backoff import Backoff
from ostiary.response.from_decision import bare, session_name, triggers_of
from ostiary.response.outbox import Outbox
from ostiary.response.shelf import Shelf
from ostiary.server.responding import MARGIN_NS, MAX_QUEUED, MOST_MARKS, SEEN, Responding
from ostiary.server.settings.response import ResponseSection
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_cards import MemoryCards
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.events import AccessEvent, EventOutcome
from ostiary.vocabulary.verdicts import DecisionRecord, Obligation, Outcome

REDUCED = Outcome(Effect.REDUCE, Effect.REDUCE, Effect.REDUCE, Effect.ALLOW, Effect.TERMINATE)
SHOWN = {"subject": {"identity": {"session_id": "idp-7", "claims": ["x" * 2_000]}}, "resource": {"labels": ["y"]}}


def record(number: int, at_ns: int) -> DecisionRecord:
    event = AccessEvent(
        f"e{number}", "acme", at_ns, "ada", "read", "repo", "r1", EventOutcome.SUCCESS, source="authzen"
    )
    return DecisionRecord(
        1,
        "acme",
        Receipt(f"dec_{number}", at_ns),
        "gw",
        "user:ada",
        REDUCED,
        input=msgspec.Raw(msgspec.json.encode(SHOWN)),
        event=msgspec.structs.replace(event, session_id="claimed"),
        features=bytes(4_700),
        obligations=(Obligation("o1", "human_review", {"topic": "odd"}), Obligation("o2", "log")),
        bundle="sha256:" + "0" * 64,
    )


class Scene:
    """Responses of one tenant over a log whose reads are written down."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.kept, self.size, self.reads = FakeClock(), dict[str, bytes](), 0, list[int]()
        self.log: list[DecisionRecord] = []
        self.away = False
        snapshots = SimpleNamespace(
            load=lambda _tenant, _kind, name: self.kept.get(name),
            save=lambda _tenant, _kind, name, data, _now_ns: self.kept.update({name: data}),
        )
        peps = SimpleNamespace(find=lambda _name: None)
        rows = [SimpleNamespace(tenant="acme", deleted_ns=None)]
        store: Any = SimpleNamespace(cards=MemoryCards(), snapshots=snapshots, tenants=lambda: rows, peps=peps)
        log: Any = SimpleNamespace(iterate=self.iterate, head=lambda: SimpleNamespace(size=self.size))
        phases: Any = SimpleNamespace(phase=lambda *_where, **_how: None)
        self.responding = Responding(
            store,
            log,
            ResponseSection(),
            self.clock,
            shelf=Shelf(folder, lambda _tenant: folder / "none", self.clock.now_ns, self.fault),
            outbox=Outbox(store.cards, (), self.clock, self.fault),
            make_handlers=lambda _made: [],
            phases=phases,
            on_fault=self.fault,
            backoff=Backoff(),
        )
        self.responding.turn()

    def iterate(self, _tenant: str, _kind: str, since: int) -> Any:
        self.reads.append(since)
        if self.away:
            raise UnavailableError("storage_unavailable", "the database failed")
        return [SimpleNamespace(payload=msgspec.json.encode(one)) for one in self.log[since:]]

    def fault(self, *_told: object) -> None:
        """Hear of nothing."""

    def decide(self, count: int) -> None:
        now = self.clock.now_ns()
        made = [record(number, now) for number in range(count)]
        self.log += made
        self.size += count
        for one in made:
            self.responding.decided(SimpleNamespace(record=one))  # type: ignore[arg-type]

    @property
    def noted(self) -> int:
        return int(self.kept[SEEN])


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_it_is_noted_how_far_that_went_though_something_always_waits(scene: Scene) -> None:
    assert scene.noted == 0
    for _ in range(20):
        scene.decide(10)
        scene.responding.watch()
        scene.responding.turn()
        scene.decide(10)
        scene.clock.advance(MARGIN_NS / 10**9 / 5)
    assert scene.responding.waiting == 10
    assert 200 <= scene.noted < 400, "up to what was received half a minute before the oldest that waits"


def test_what_waits_longest_holds_the_note_back(scene: Scene) -> None:
    scene.decide(1)
    for _ in range(20):
        scene.size += 10
        scene.clock.advance(MARGIN_NS / 10**9)
        scene.responding.watch()
    assert scene.noted == 0


def test_a_queue_that_ran_over_is_read_in_the_log_once_and_no_more_each_time(scene: Scene) -> None:
    for _ in range(4):
        scene.decide(MAX_QUEUED + 5)
        assert scene.responding.waiting == MAX_QUEUED
        scene.responding.turn()
        assert scene.responding.waiting == 0
    whole = MAX_QUEUED + 5
    assert scene.reads == [0, whole, 2 * whole, 3 * whole]


def test_what_could_not_be_read_is_read_again(scene: Scene) -> None:
    scene.decide(MAX_QUEUED + 5)
    scene.away = True
    scene.responding.turn()
    scene.away = False
    scene.responding.turn()
    assert scene.reads == [0, 0]
    assert scene.noted == MAX_QUEUED + 5


def test_marks_do_not_pile_up(scene: Scene) -> None:
    scene.decide(1)
    for _ in range(MOST_MARKS + 10):
        scene.responding.watch()
    assert len(scene.responding._marks) == MOST_MARKS


@pytest.mark.parametrize("claimed", ["claimed", None])
@pytest.mark.parametrize("shown", [SHOWN, {}])
def test_a_bare_decision_sets_off_the_same_and_is_small(claimed: str | None, shown: dict[str, Any]) -> None:
    whole = record(1, 5)
    event = None if whole.event is None else msgspec.structs.replace(whole.event, session_id=claimed)
    whole = msgspec.structs.replace(whole, event=event, input=msgspec.Raw(msgspec.json.encode(shown)))
    kept = bare(whole)
    assert list(triggers_of(kept)) == list(triggers_of(whole))
    assert session_name(kept) == session_name(whole)
    assert bare(kept) == kept
    assert len(msgspec.json.encode(kept)) < 1_000


def test_what_cannot_be_read_stays_as_it_is() -> None:
    whole = msgspec.structs.replace(record(1, 5), input=msgspec.Raw(b'{"subject":7}'))
    assert bytes(bare(whole).input) == b'{"subject":7}'
