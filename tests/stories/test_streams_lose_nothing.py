"""Streams under faults: whoever receives can prove that nothing is missing, whatever broke on the way."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.response.streams.checking import StreamCheck
from ostiary.response.streams.cursor import CursorBook
from ostiary.testing.streams import ListReceiver, StreamScene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[StreamScene]:
    with StreamScene(tmp_path) as found:
        yield found


class DiedError(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("seed", range(6))
def test_no_fault_on_the_way_loses_or_renumbers_an_event(scene: StreamScene, seed: int) -> None:
    chance, receiver = random.Random(seed), ListReceiver(batch=4)  # noqa: S311 - a seeded story
    stream, wanted = scene.stream(receiver), list[str]()
    for _ in range(60):
        for _ in range(chance.randrange(5)):
            kind = chance.choice(["admin", "approval", "inspection", "profiles"])
            name = scene.add(kind)
            wanted += [name] if kind != "profiles" else []
        what = chance.randrange(4)
        fault: BaseException = DiedError() if what == 0 else UnavailableError("receiver_away", "away")
        receiver.faults = [(chance.randrange(4), fault)] if what < 2 else [None] * chance.randrange(3)
        try:
            stream.turn()
        except DiedError:
            stream = scene.stream(receiver)  # another process, which finds the card held by the dead one
        scene.later(chance.choice([0.1, 5, 60, 400]))
    receiver.faults = []
    scene.later(1000)
    stream.turn()
    (report,) = receiver.checked().report()
    assert report.whole
    assert report.last == len(wanted) + 1
    first_seen = dict.fromkeys(one.event_id for one in sorted(receiver.events, key=lambda one: one.sequence))
    assert list(first_seen) == ["stream-1", *wanted]


def test_a_slow_or_dead_receiver_holds_nobody_else_up(scene: StreamScene) -> None:
    dead, well = ListReceiver(), ListReceiver()
    dead.faults = [(0, UnavailableError("receiver_away", "away"))] * 50
    streams = [scene.stream(dead, name="dead"), scene.stream(well, name="well")]
    for _ in range(10):
        scene.add()
        for one in streams:
            one.turn()
        scene.later(2)
    assert (len(dead.events), len(well.events)) == (0, 11)
    cursor = streams[0].cursor()
    assert cursor is not None
    assert cursor.fault == "receiver_away"
    assert streams[0].behind() > 0
    dead.faults = []
    scene.later(1000)
    streams[0].turn()
    assert dead.checked().report()[0].last == 11


def test_what_is_refused_for_good_is_a_dead_letter_with_its_number_and_can_be_sent_again(scene: StreamScene) -> None:
    receiver = ListReceiver()
    names = [scene.add() for _ in range(5)]
    receiver.refuses = {names[2]: RefusedError("event_refused", "the receiver answered 400")}
    stream = scene.stream(receiver)
    stream.turn()
    assert receiver.checked().report()[0].missing == ((4, 4),)
    outbox = scene.outbox(stream)
    (letter,) = outbox.dead("acme")
    assert (letter.sink, letter.sequence, letter.facts["record"]) == ("soc", 4, names[2])
    assert outbox.dead("other") == []
    receiver.refuses = {}
    outbox.again("acme", letter.letter_id)
    assert outbox.deliver() == 1
    assert receiver.checked().whole
    assert outbox.dead("acme") == []


def test_a_receiver_that_refuses_everything_fills_nothing_without_end(
    scene: StreamScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.response.streams.pump.MAX_DEAD", 3)
    receiver = ListReceiver()
    names = [scene.add() for _ in range(9)]
    receiver.refuses = {name: RefusedError("event_refused", "no") for name in names}
    stream = scene.stream(receiver)
    for _ in range(5):
        stream.turn()
        scene.later(1000)
    assert len(scene.outbox(stream).dead("acme")) == 3
    cursor = stream.cursor()
    assert cursor is not None
    assert cursor.fault == "dead_letters_full"
    receiver.refuses = {}
    stream.turn()
    assert receiver.checked().report()[0].missing == ((2, 4),)


def test_a_refused_login_kills_no_letter(scene: StreamScene) -> None:
    receiver = ListReceiver()
    receiver.faults = [(0, RefusedError("address_refused", "the name leads into a network that is not allowed"))]
    scene.add()
    stream = scene.stream(receiver)
    assert stream.turn() == 0
    assert scene.outbox(stream).dead("acme") == []


def test_other_contents_are_another_stream_that_says_where_the_first_one_ended(scene: StreamScene) -> None:
    receiver = ListReceiver()
    scene.add("admin")
    scene.stream(receiver, "admin").turn()
    scene.add("approval")
    scene.stream(receiver, "admin", "approvals").turn()
    first, second = receiver.checked().report()
    assert (first.last, second.last) == (2, 2)
    lost = ListReceiver()
    lost.events = [one for one in receiver.events if not (one.source.endswith(":1") and one.sequence == 2)]
    assert lost.checked().report()[0].missing == ((2, 2),), "the end of the first stream is missed, too"


def test_one_tenants_stream_never_has_another_tenants_record(scene: StreamScene) -> None:
    receiver = ListReceiver()
    scene.add(tenant="other")
    mine = scene.add(tenant="acme")
    scene.stream(receiver).turn()
    assert [one.event_id for one in receiver.events] == ["stream-1", mine]


def test_two_processes_do_not_tell_the_same_stream_at_once(scene: StreamScene) -> None:
    first, second = ListReceiver(), ListReceiver()
    scene.add()
    held = scene.stream(first)
    held.turn()
    book = CursorBook(scene.cards)
    card = book.hold("acme", "soc", scene.clock.now_ns(), 30 * 10**9)
    assert card is not None
    scene.add()
    assert scene.stream(second).turn() == 0, "another process holds it"
    scene.later(31)
    assert scene.stream(second).turn() == 1
    assert book.move(card, held.cursor() or pytest.fail("no cursor")) is None, "and the late one moves it no more"


def test_an_erased_record_keeps_its_number_and_says_nothing(scene: StreamScene) -> None:
    receiver = ListReceiver()
    scene.add()
    name = scene.add(secret="what ann did")
    with scene.log.store.transaction() as transaction:
        transaction.erase_sealed([scene.log.head().size - 1])
    scene.stream(receiver).turn()
    last = receiver.events[-1]
    assert (last.event_id, last.sequence, last.type) == (name, 3, "dev.ostiary.erased.v1")
    assert b"ann did" not in last.document()


WORKER = """
import sys
from pathlib import Path
from ostiary.audit import AuditLog
from ostiary.keys import open_keys
from ostiary.response.backoff import Backoff
from ostiary.response.streams.jsonl import JsonlReceiver
from ostiary.response.streams.pump import Pump, StreamPlan
from ostiary.storage.sqlite import open_store
from ostiary.vocabulary.clock import SystemClock

data, clock = Path(sys.argv[1]), SystemClock()
with open_store(data / "ostiary.db", clock) as store:
    ring, vault = open_keys(data / "keys", store, clock)
    with AuditLog(store, vault, ring, clock) as log:
        receiver = JsonlReceiver(data / "out", 40_000, 100)
        receiver.batch = 7
        plan = StreamPlan(tenant="default", name="soc", contents=("admin",), from_start=True, lease_s=0.2)
        stream = Pump(plan, receiver, log, store.cards, clock, print, Backoff(base_s=0.01, cap_s=0.02))
        number = 0
        while True:
            number += 1
            for each in range(9):
                name = f"r_{sys.argv[2]}_{number}_{each}"
                log.append("default", "admin", name, clock.now_ns(), b'{"action":"x"}', "").result(10)
            print(stream.turn(), flush=True)
"""


@pytest.mark.slow
def test_kill_9_in_the_middle_loses_no_event_and_skips_no_number(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 - as above
    for number in range(3):
        command = [sys.executable, "-c", WORKER, str(tmp_path), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.random() * 0.3)
            os.kill(process.pid, signal.SIGKILL)
    time.sleep(0.25)  # the lease of the dead
    check = StreamCheck()
    files = {len(path.suffix) < 5 and int(path.suffix[1:]): path for path in tmp_path.glob("out/events.jsonl*")}
    for _, path in sorted(files.items(), reverse=True):
        check.take_lines(line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n"))
    (report,) = check.report()
    assert report.whole
    assert report.last > 20
