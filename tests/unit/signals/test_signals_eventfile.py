from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.signals import eventfile
from ostiary.vocabulary.events import AccessEvent

BASE = AccessEvent("0", "default", 0, "ann", "read", "database", "db")


def event(number: int, time_ns: int, who: str = "ann") -> AccessEvent:
    return msgspec.structs.replace(BASE, event_id=str(number), time_ns=time_ns, subject_id=who)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), max_size=8), max_size=4), st.integers(1, 4))
def test_any_parts_in_any_runs_come_out_in_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], run: int
) -> None:
    path = tmp_path_factory.mktemp("events") / "e.jsonl"
    number, all_events = 0, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eventfile, "RUN", run)
        for part in parts:
            events = [event(number + place, time_ns) for place, time_ns in enumerate(part)]
            number += len(part)
            all_events += events
            assert eventfile.write(path, events, append=True) == len(events)
    found = list(eventfile.read(path)) if parts else []
    assert found == sorted(all_events, key=lambda each: each.time_ns), "stable: equal times keep their order"
    assert not parts or [each.name for each in path.parent.iterdir()] == ["e.jsonl"], "nothing is left beside it"


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    eventfile.write(path, [event(1, 1)])

    def broken() -> object:
        yield event(2, 2)
        raise FaultyInputError("input_unreadable", "the disk went away")

    with pytest.raises(FaultyInputError):
        eventfile.write(path, broken(), append=True)  # type: ignore[arg-type]
    assert [each.event_id for each in eventfile.read(path)] == ["1"]
    assert [each.name for each in tmp_path.iterdir()] == ["e.jsonl"]


def test_a_subject_is_erased(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    eventfile.write(path, [event(number, number, "ann" if number % 2 else "bob") for number in range(9)])
    assert eventfile.keep_only(path, lambda each: each.subject_id != "ann") == 4
    assert b"ann" not in path.read_bytes()


def test_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(msgspec.json.encode(BASE) + b"\n\xff\n")
    with pytest.raises(FaultyInputError, match="line 2") as caught:
        list(eventfile.read(path))
    assert (caught.value.code, caught.value.pointer) == ("events_malformed", "2")
    with pytest.raises(FaultyInputError) as caught:
        list(eventfile.read(tmp_path / "none"))
    assert caught.value.code == "events_unreadable"
    with pytest.raises(UnavailableError) as away:
        eventfile.write(path / "below-a-file", [BASE])
    assert away.value.code == "events_unwritable"
