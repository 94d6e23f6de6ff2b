"""Imported history and the log together are what profiles know; neither is forgotten, neither is learned twice."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ostiary.audit.pending import StoredRecord
from ostiary.server.knowledge import KIND, NAME, Knowledge
from ostiary.server.places import Places
from ostiary.server.settings.sections import SignalsSection
from ostiary.signals import eventfile
from ostiary.testing.profile_store import MemoryProfileStore
from ostiary.vocabulary.events import AccessEvent

SECOND_NS = 1_000_000_000
BEGIN_NS = 1_772_000_000 * SECOND_NS


def event(number: int, subject: str = "ann") -> AccessEvent:
    return AccessEvent(str(number), "default", BEGIN_NS + number * SECOND_NS, subject, "read", "database", "payments")


class Snapshots:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], bytes] = {}

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        self.kept[tenant, kind, name] = data

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        return self.kept.get((tenant, kind, name))


class Records:
    """A log whose entry ``i`` is decision ``i``."""

    def __init__(self, *events: AccessEvent) -> None:
        self._events = events

    def iterate(
        self, tenant: str, kind: str | None = None, since_index: int = 0, subject_key: str | None = None
    ) -> Iterator[StoredRecord]:
        for index, each in enumerate(self._events[since_index:], since_index):
            payload = msgspec.json.encode({"event": each})
            yield StoredRecord(index, tenant, "decision", str(index), each.time_ns, payload, b"")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def knowledge(places: Places) -> tuple[Knowledge, list[str]]:
    told: list[str] = []
    return Knowledge(places, SignalsSection(), lambda: BEGIN_NS, lambda reason, _fault: told.append(reason)), told


def events_known(known: Knowledge, subject: str = "ann") -> int:
    history = known.book("default").view(event(1_000, subject))
    return history.own.events if history.known else 0


def test_history_is_learned_before_the_log(places: Places) -> None:
    eventfile.write(places.history("default"), [event(1), event(2)])
    known, _ = knowledge(places)
    assert known.restore("default", Snapshots(), Records(event(3))) == 3
    assert events_known(known) == 3


def test_what_was_saved_is_not_learned_again(places: Places) -> None:
    eventfile.write(places.history("default"), [event(1), event(2)])
    store, log = Snapshots(), Records(event(3), event(4))
    first, _ = knowledge(places)
    first.restore("default", store, Records(event(3)))
    first.save("default", store, 1)
    second, _ = knowledge(places)
    assert second.restore("default", store, log) == 1
    assert events_known(second) == 4


def test_a_further_import_begins_the_profiles_anew(places: Places) -> None:
    store = Snapshots()
    first, _ = knowledge(places)
    first.restore("default", store, Records(event(3)))
    first.save("default", store, 1)
    eventfile.write(places.history("default"), [event(1), event(2)])
    second, _ = knowledge(places)
    assert second.restore("default", store, Records(event(3))) == 3
    assert events_known(second) == 3


def test_unreadable_profiles_are_told_and_learned_anew(places: Places) -> None:
    eventfile.write(places.history("default"), [event(1)])
    store = Snapshots()
    store.save("default", KIND, NAME, b"\x00rubbish", 0)
    known, told = knowledge(places)
    assert known.restore("default", store, Records(event(2))) == 2
    assert told == ["profiles_malformed"]


def test_a_broken_history_is_told_and_the_log_still_learned(places: Places) -> None:
    eventfile.write(places.history("default"), [event(1)])
    with places.history("default").open("ab") as file:
        file.write(b"{broken\n")
    known, told = knowledge(places)
    assert known.restore("default", Snapshots(), Records(event(2))) == 2
    assert told == ["events_malformed"]


def test_a_forgotten_person_is_gone_from_the_history_too(places: Places) -> None:
    eventfile.write(places.history("default"), [event(1), event(2, "bob")])
    store = Snapshots()
    known, _ = knowledge(places)
    known.restore("default", store, Records())
    known.save("default", store, 0)
    known.forget("default", "user", "ann", store)
    assert [each.subject_id for each in eventfile.read(places.history("default"))] == ["bob"]
    after, _ = knowledge(places)
    assert after.restore("default", store, Records()) == 0, "nothing else is learned again"
    assert (events_known(after), events_known(after, "bob")) == (0, 1)


def test_a_deleted_tenant_leaves_no_history(places: Places) -> None:
    eventfile.write(places.history("default"), [event(1)])
    known, _ = knowledge(places)
    known.restore("default", Snapshots(), Records())
    known.forget_tenant("default")
    assert not places.history("default").exists()


def test_forgetting_one_beside_the_server_keeps_what_was_saved_of_the_others(places: Places) -> None:
    """A process that only erases has loaded nothing; it must not save the nothing that it knows."""
    first, _ = knowledge(places)
    snapshots = Snapshots()
    for number in range(6):
        first.learn(event(number, "ann" if number % 2 else "bob"))
    first.save("default", snapshots, 6)
    eraser, _ = knowledge(places)
    eraser.forget("default", "user", "ann", snapshots)
    again, told = knowledge(places)
    again.restore("default", snapshots, Records())
    assert (events_known(again, "ann"), events_known(again, "bob")) == (0, 3)
    assert told == []


def test_profiles_that_do_not_fit_are_found_again_after_a_restart(places: Places) -> None:
    settings, store, snapshots = SignalsSection(profiles_in_memory=2), MemoryProfileStore(), Snapshots()

    def opened(*, borrowed: bool = False) -> Knowledge:
        return Knowledge(places, settings, lambda: BEGIN_NS, lambda _reason, fault: pytest.fail(str(fault)), store,
                         borrowed=borrowed)  # fmt: skip

    log = [event(number, f"s{number % 5}") for number in range(40)]
    first = opened()
    first.restore("default", snapshots, Records())
    for number, each in enumerate(log):
        if number == 25:
            first.save("default", snapshots, 25)
        first.learn(each)
    beside = opened(borrowed=True)  # what it learns and spills is nobody else's
    beside.restore("default", snapshots, Records(*log))
    again = opened()
    again.restore("default", snapshots, Records(*log))
    for known in (again, beside):
        assert [events_known(known, f"s{number}") for number in range(5)] == [8] * 5
