"""The index follows the log: whole, once, and without what the log has forgotten."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.audit.erasure import overwrite
from ostiary.audit.retention import RetentionPolicy, prune
from ostiary.audit.subjects import SubjectAdmin
from ostiary.decision.index.ports import IndexedDecision
from ostiary.decision.index.query import DecisionQuery
from ostiary.errors import UnavailableError
from ostiary.server.decision_index import erasing, projector
from ostiary.server.decision_index.erasing import follow_erasures
from ostiary.server.decision_index.opening import projector_of
from ostiary.server.decision_index.projector import Projector
from ostiary.server.decision_index.reading import row_of
from ostiary.server.forgetting import forget
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.storage.sqlite import open_store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.shadow_records import record_of
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, EvaluationRequest, Resource, Subject
from ostiary.vocabulary.verdicts import DecisionRecord

HOUR = 3_600 * 10**9
START = 1_790_000_000_000_000_000 // HOUR * HOUR
SETTINGS = load(None, environ={}, options={}).settings


class Scene:
    """A house whose decisions are written as those of a server are."""

    def __init__(self, place: Path) -> None:
        self.place, self.clock, self.number = place, FakeClock(START), 0
        self.faults: list[str] = []
        self.open()

    def open(self) -> None:
        told = lambda reason, _fault: self.faults.append(reason)  # noqa: E731
        self.house: House = open_house(Places(self.place), SETTINGS, self.clock, told)
        self.projector = projector_of(self.house, told)

    def again(self) -> None:
        self.house.close()
        self.open()

    def decide(self, subject: str = "user:ada", tenant: str = "default", **more: Any) -> DecisionRecord:
        self.number += 1
        record = record_of(f"dec_{self.number}", subject, self.clock.now_ns(), tenant=tenant, **more)
        self.write(record)
        return record

    def write(self, record: DecisionRecord) -> None:
        at_ns, name = record.receipt.received_ns, record.receipt.decision_id
        payload = msgspec.json.encode(record)
        self.house.log.append(record.tenant, "decision", name, at_ns, payload, record.subject_key).result(10)

    def rows(self, tenant: str = "default", **asked: Any) -> list[IndexedDecision]:
        return list(self.house.store.decisions.rows(tenant, DecisionQuery(**{"limit": 1000, **asked})))

    def subjects(self, tenant: str = "default") -> list[str]:
        return [row.subject for row in self.rows(tenant)]

    def counted(self, tenant: str = "default") -> int:
        return sum(one.count for one in self.house.store.decisions.hours(tenant, 0, 2**50))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "data")
    yield made
    made.house.close()


def test_a_record_becomes_a_row_with_all_that_can_be_asked_for(scene: Scene) -> None:
    scene.decide(proposal=Effect.STEP_UP, live=True, score=0.25, resource_type="db", resource_id="prod")
    assert scene.projector.catch_up() == 1
    found = scene.rows()[0]
    assert (found.id, found.effect, found.subject, found.subject_type) == ("dec_1", Effect.STEP_UP, "user:ada", "user")
    assert (found.action, found.resource_type, found.resource_id, found.pep) == ("read", "db", "prod", "gateway")
    assert (found.risk, found.rule, found.time_ns, found.kind) == (250_000, "odd", START, "evaluation")
    assert "rule:odd" in found.reasons
    assert scene.projector.catch_up() == 0


def test_a_request_that_never_became_an_event_tells_what_it_asked() -> None:
    asked = EvaluationRequest(Subject("job", "ci"), Action("push"), Resource("repo", "web"))
    record = record_of("dec_1", "job:ci", 5)
    record = msgspec.structs.replace(record, event=None, request=asked, risk=None)
    found = row_of(0, 5, "dec_1", msgspec.json.encode(record))
    assert (found.subject_type, found.action, found.resource_id, found.risk) == ("job", "push", "web", None)
    unknown = msgspec.structs.replace(record, request=None, subject_key="")
    assert row_of(0, 5, "dec_1", msgspec.json.encode(unknown)).action == ""


def test_rounds_are_bounded_and_go_on_where_they_ended(scene: Scene) -> None:
    for _ in range(7):
        scene.decide()
    assert [scene.projector.catch_up(3) for _ in range(4)] == [3, 3, 1, 0]
    assert [row.id for row in scene.rows()] == [f"dec_{n}" for n in range(7, 0, -1)]


def test_a_start_goes_on_where_the_last_one_ended(scene: Scene) -> None:
    scene.decide()
    scene.projector.catch_up()
    scene.decide()
    scene.again()
    scene.decide()
    scene.projector.catch_up_all()
    assert (len(scene.rows()), scene.counted()) == (3, 3)


def test_a_crash_between_rows_and_cursor_leaves_neither(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.decide()
    database = scene.house.store.decisions._database
    real = database.write_many

    def fails(name: str, rows: Any) -> None:
        if name == "widen_decision_span":
            raise UnavailableError("storage_unavailable", "the power went")
        real(name, rows)

    monkeypatch.setattr(database, "write_many", fails)
    scene.projector.catch_up()
    assert (scene.rows(), scene.counted(), scene.faults) == ([], 0, ["decisions_not_indexed"])
    monkeypatch.undo()
    scene.projector.catch_up()
    assert (len(scene.rows()), scene.counted()) == (1, 1)


def test_two_workers_that_race_count_once(scene: Scene) -> None:
    for _ in range(60):
        scene.decide()
    other = open_store(scene.house.places.database, scene.clock)
    faults: list[str] = []
    workers = [
        Projector(scene.house.log, index, lambda: ["default"], lambda reason, _fault: faults.append(reason))
        for index in (scene.house.store.decisions, other.decisions)
    ]

    def work(worker: Projector) -> None:
        while worker.catch_up(7):
            pass

    threads = [threading.Thread(target=work, args=(one,)) for one in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert (len(scene.rows()), scene.counted(), faults) == (60, 60, [])


def test_others_records_move_no_cursor_for_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.house.tenants.create("quiet")
    scene.decide()
    scene.projector.catch_up()
    index = scene.house.store.decisions
    assert index.cursor("quiet") == 0
    monkeypatch.setattr(projector, "_IDLE_GAP", 1)
    monkeypatch.setattr(erasing, "_IDLE_GAP", 1)
    scene.projector.catch_up()
    size = scene.house.log.head().size
    assert (index.cursor("quiet"), index.erasures()) == (size, size)
    scene.decide(tenant="quiet")
    scene.projector.catch_up()
    assert len(scene.rows("quiet")) == 1


def test_a_quiet_log_is_not_asked_about_each_tenant(scene: Scene) -> None:
    asked: list[int] = []

    def tenants() -> list[str]:
        asked.append(1)
        return ["default"]

    follower = Projector(scene.house.log, scene.house.store.decisions, tenants, lambda *_told: None)
    scene.decide()
    assert [follower.catch_up() for _ in range(4)] == [1, 0, 0, 0]
    assert len(asked) == 2
    scene.decide()
    assert follower.catch_up() == 1


def test_a_tenant_that_fails_is_tried_again_though_nothing_was_written(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.decide()

    def away(_tenant: str) -> int:
        raise UnavailableError("storage_unavailable", "away")

    monkeypatch.setattr(scene.house.store.decisions, "cursor", away)
    with pytest.raises(UnavailableError):
        scene.projector.catch_up()  # erasures come first: without them no row may be written
    monkeypatch.undo()
    monkeypatch.setattr(scene.projector, "_step", lambda tenant, _most: away(tenant))
    assert (scene.projector.catch_up(), scene.projector.catch_up(), len(scene.faults)) == (0, 0, 2)
    monkeypatch.undo()
    assert scene.projector.catch_up() == 1


def test_a_record_that_cannot_be_read_is_told_and_ends_nothing(scene: Scene) -> None:
    scene.decide()
    scene.house.log.append("default", "decision", "dec_odd", START, b"[]", "user:ada").result(10)
    scene.decide()
    with closing(sqlite3.connect(scene.house.places.database)) as raw, raw:
        raw.execute("UPDATE records SET sealed = zeroblob(60) WHERE record_id = 'dec_1'")
    scene.projector.catch_up()
    assert [row.id for row in scene.rows()] == ["dec_2"]
    assert scene.faults == ["decision_unreadable"] * 2


def test_who_is_forgotten_is_gone_at_once_and_from_the_file(scene: Scene) -> None:
    for _ in range(3):
        scene.decide("user:mallory-the-first")
        scene.decide()
    scene.projector.catch_up()
    forget(scene.house, "default", "user", "mallory-the-first")
    assert set(scene.subjects()) == {"user:ada"}
    assert scene.counted() == 6
    assert scene.house.store.decisions.top("default", "subject", (), 0, 9) == [("user:ada", 3)]
    wal = scene.house.places.database.with_name("ostiary.db-wal")
    assert b"mallory-the-first" not in scene.house.places.database.read_bytes() + wal.read_bytes()
    scene.projector.catch_up_all()
    assert set(scene.subjects()) == {"user:ada"}


def test_a_worker_that_read_before_the_erasure_writes_nothing_after_it(scene: Scene) -> None:
    """The race: read, then the person is forgotten, then write."""
    scene.decide("user:mallory")
    index = scene.house.store.decisions
    record = next(scene.house.log.iterate("default", "decision"))
    late = row_of(record.index, record.time_ns, record.record_id, record.payload or b"")
    forget(scene.house, "default", "user", "mallory")
    assert index.add("default", 0, record.index + 1, [late])
    assert scene.rows() == []


def test_an_erasure_is_followed_until_the_last_payload_is_gone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker follows between the erasure's record and its overwriting, and then who erases crashes."""
    scene.decide("user:mallory")
    scene.decide()
    cut: list[Any] = []
    monkeypatch.setattr("ostiary.audit.erasure.overwrite", lambda log, gone: cut.append(list(gone)))
    index = scene.house.store.decisions
    record = next(scene.house.log.iterate("default", "decision"))
    late = row_of(record.index, record.time_ns, record.record_id, record.payload or b"")
    SubjectAdmin(scene.house.log, scene.clock).erase("default", "user:mallory")
    follow_erasures(scene.house.log, index)
    assert index.add("default", 0, record.index + 1, [late])
    assert scene.subjects() == ["user:mallory"]
    overwrite(scene.house.log, cut[0])  # as every start does
    scene.projector.catch_up()
    assert scene.subjects() == ["user:ada"]


def test_a_crash_between_the_log_and_the_index_is_mended_by_the_next_round(scene: Scene) -> None:
    scene.decide("user:mallory")
    scene.projector.catch_up()
    SubjectAdmin(scene.house.log, scene.clock).erase("default", "user:mallory")
    scene.again()
    scene.projector.catch_up()
    assert scene.rows() == []


def test_what_retention_takes_goes_from_the_index_too(scene: Scene) -> None:
    scene.decide()
    scene.clock.advance(3 * 86_400)
    scene.decide("user:bob")
    scene.projector.catch_up()
    prune(scene.house.log, scene.clock, "default", RetentionPolicy({"decision": 2}))
    follow_erasures(scene.house.log, scene.house.store.decisions)
    assert (scene.subjects(), scene.counted()) == (["user:bob"], 2)


def test_a_tenant_that_is_deleted_leaves_nothing_and_takes_nobody_along(scene: Scene) -> None:
    scene.house.tenants.create("gone")
    scene.decide(tenant="gone")
    scene.decide()
    scene.projector.catch_up()
    scene.house.tenants.delete("gone")
    scene.house.store.forget_tenant("gone")
    scene.projector.catch_up_all()
    assert (scene.rows("gone"), scene.counted("gone"), len(scene.rows())) == ([], 0, 1)
