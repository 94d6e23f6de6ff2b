"""Attacks on streams that a second reader found: two writers of one folder, and a receiver slower than a lease."""

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.response.backoff import Backoff
from ostiary.response.streams.event import StreamEvent
from ostiary.response.streams.jsonl import JsonlReceiver
from ostiary.response.streams.webhook import WebhookReceiver
from ostiary.server.settings.export import ExportSection
from ostiary.server.streams import streams_of
from ostiary.testing.streams import ListReceiver, StreamScene


def event(name: str, number: int) -> StreamEvent:
    return StreamEvent(f"{name}-{number}", f"urn:{name}", number, "t", 0, {"filler": "x" * 400})


@pytest.mark.parametrize("max_bytes", [1 << 30, 4096])
def test_two_writers_of_one_folder_lose_nothing_that_was_confirmed(tmp_path: Path, max_bytes: int) -> None:
    """A process that lost its lease while it slept writes on beside the next one."""
    confirmed: list[str] = []
    start = threading.Barrier(4)

    def write(name: str) -> None:
        receiver = JsonlReceiver(tmp_path, max_bytes, 1000)
        start.wait()
        for number in range(60):
            while True:
                with suppress(UnavailableError):
                    receiver.deliver([event(name, number)], 0)
                    confirmed.append(f"{name}-{number}")
                    break

    threads = [threading.Thread(target=write, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line for file in tmp_path.glob("events.jsonl*") for line in file.read_text().splitlines()]
    assert sorted(json.loads(line)["id"] for line in lines) == sorted(confirmed)


@pytest.mark.parametrize("second", ["out", "out/../out", "link"])
def test_two_streams_do_not_write_into_one_folder(tmp_path: Path, second: str) -> None:
    """One tenant's events would be between another's, and rotate them away."""
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    told: list[dict[str, Any]] = [
        {"name": "a", "kind": "jsonl", "folder": tmp_path / "out"},
        {"name": "b", "kind": "jsonl", "tenant": "other", "folder": tmp_path / second},
    ]
    with StreamScene(tmp_path) as scene, pytest.raises(FaultyInputError) as no:
        streams_of(
            ExportSection.model_validate({"streams": told}), scene.log, scene.cards, scene.clock, lambda *_: None,
            Backoff(),
        )  # fmt: skip
    assert no.value.code == "stream_exists"


class Slow(ListReceiver):
    """Takes almost as long as it may for each request; meanwhile the other replica has its turn."""

    def __init__(self, scene: StreamScene, batch: int) -> None:
        super().__init__(batch)
        self.scene = scene
        self.other: Callable[[], object] = object

    def deliver(self, events: Sequence[StreamEvent], now_ns: int) -> None:
        for one in events:
            self.scene.later(9.5)  # of a `timeout_s` of 10
            super().deliver([one], now_ns)
            other, self.other = self.other, object
            other()
            self.other = other


@pytest.mark.parametrize("refused", [False, True])
def test_a_slow_receiver_is_told_by_one_replica_at_a_time(tmp_path: Path, refused: bool) -> None:  # noqa: FBT001
    with StreamScene(tmp_path) as scene:
        names = [scene.add() for _ in range(20)]
        slow = Slow(scene, WebhookReceiver.batch)
        if refused:
            slow.refuses = {names[0]: RefusedError("event_refused", "no")}
        here, there = scene.stream(slow), scene.stream(slow)
        for one in (here, there):
            one.plan = replace(one.plan, lease_s=4 * 10 + 10)  # as `server.streams` sets it
        meanwhile: list[int] = []
        slow.other = lambda: meanwhile.append(there.turn())
        for _ in range(12):
            here.turn()
        assert set(meanwhile) == {0}
        assert slow.events[-1].sequence == len(names) + 1
