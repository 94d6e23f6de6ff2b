"""Replicas that die, freeze and come back over one log: no fork, no record lost, none twice.

Each child is a process of its own that hands over decisions and tells which of them may be answered. One of them comes
to grief at a named step; the others go on, and at the end the log is verified against what was told.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final, Self

import pytest

from ostiary.audit.verifier import Verifier
from ostiary.storage.sqlite import open_source, open_store
from ostiary.vocabulary.clock import SystemClock

TTL_S: Final = 0.4
CHILD: Final = r"""
import os, signal, sys, threading, time
from contextlib import contextmanager
from pathlib import Path
from ostiary.audit import AuditLog
from ostiary.audit.sequencing import Sequencing
from ostiary.keys import open_keys
from ostiary.storage.sqlite import open_store
from ostiary.vocabulary.clock import SystemClock

home, name, step, how, ttl_s = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], float(sys.argv[5])
clock = SystemClock()
store = open_store(home / "ostiary.db", clock)
ring, vault = open_keys(home / "keys", store, clock)
inbox, leases = store.inbox, store.leases
left = [9]

def say(word):
    os.write(1, (word + "\n").encode())

def grief(where):
    if where == step:
        left[0] -= 1
        if left[0] == 0:
            say("!")
            os.kill(os.getpid(), getattr(signal, how))
            time.sleep(0.2)  # the signal stops all threads, not at once

database = store._database

class Watched:
    def __init__(self, inner, before, after):
        self.inner, self.before, self.after = inner, before, after
    def __getattr__(self, which):
        def call(*given):
            with database._lock:  # so that a process that freezes here leaves no file locked
                grief(self.before.get(which))
            done = getattr(self.inner, which)(*given)
            with database._lock:
                grief(self.after.get(which) if done else None)
            if which == "holds":
                say("holds" if done else "fenced")
            return done
        return call

plain = database.transaction
nested = [0]

@contextmanager
def transaction():
    mine = taking == [threading.get_ident()]
    with plain() as entered:
        nested[0] += mine
        yield entered
        nested[0] -= mine
        if mine and not nested[0]:
            grief("holder before commit")
    if mine and not nested[0]:
        grief("holder after commit")

taking = [0]
database.transaction = transaction
watched = Watched(
    inbox,
    {"hand_over": "follower before", "waiting": ""},
    {"hand_over": "follower after", "take": "holder after take", "waiting": "holder before transaction"},
)
shared = Sequencing(name, watched, Watched(leases, {}, {}), ttl_s)
log = AuditLog(store, vault, ring, clock, shared=shared, on_fault=lambda code, fault: say(f"fault {code}"))
take_in = log.sequencer._batches.take_in
def watched_take_in(*given):
    taking[0] = threading.get_ident()
    try:
        return take_in(*given)
    finally:
        taking[0] = 0
log.sequencer._batches.take_in = watched_take_in
number = 0
while not (home / "stop").exists():
    names = [f"dec_{name}_{number + n}" for n in range(4)]
    number += 4
    now = clock.now_ns()
    waiting = [log.append("default", "decision", one, now, b"x" * 300, f"u{n}") for n, one in enumerate(names)]
    for one, future in zip(names, waiting):
        future.result()
        say(one)
    time.sleep(0.005)
log.close()
"""
FOLLOWER_STEPS: Final = ("follower before", "follower after")
HOLDER_STEPS: Final = ("holder before transaction", "holder after take", "holder before commit", "holder after commit")


class _Child:
    """One replica, and what it has told so far."""

    def __init__(self, home: Path, name: str, step: str = "none", how: str = "SIGKILL") -> None:
        self.told = home / f"{name}.told"
        with self.told.open("wb") as out:
            command = [sys.executable, "-c", CHILD, str(home), name, step, how, str(TTL_S)]
            self.process = subprocess.Popen(command, stdout=out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(10)

    def lines(self) -> list[str]:
        return [line for line in self.told.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def heard(self, word: str, times: int = 1) -> bool:
        return sum(line.startswith(word) for line in self.lines()) >= times

    def answered(self) -> list[str]:
        return [line.strip() for line in self.lines() if line.startswith("dec_")]


def _until(child: _Child, word: str, times: int = 1) -> None:
    end = time.monotonic() + 15
    while not child.heard(word, times):
        assert time.monotonic() < end, f"never heard {word}"
        time.sleep(0.01)


def _end(home: Path, *children: _Child) -> None:
    (home / "stop").touch()
    for child in children:
        assert child.process.wait(15) == 0


def _judge(home: Path, *children: _Child) -> None:
    """Check that each answered decision is in the log exactly once, in order, and that the log stands."""
    with open_store(home / "ostiary.db", SystemClock()) as store:
        assert store.inbox.waiting() == 0
        names = [row.record_id for row in store.rows(0, store.head().size) if row.kind == "decision"]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    place = {name: at for at, name in enumerate(names)}
    for child in children:
        answered = child.answered()
        assert answered
        assert set(answered) <= set(place)
        places = [place[name] for name in answered]
        assert places == sorted(places)
    with open_source(home / "ostiary.db", home / "keys") as source:
        verifier = Verifier(source)
        verifier.run()
    assert verifier.report.findings == []


@pytest.mark.parametrize("step", [*FOLLOWER_STEPS, *HOLDER_STEPS])
def test_a_replica_killed_at_any_step_loses_and_doubles_nothing(step: str, tmp_path: Path) -> None:
    holder = ("victim", step) if step in HOLDER_STEPS else ("survivor", "none")
    follower = ("survivor", "none") if step in HOLDER_STEPS else ("victim", step)
    with _Child(tmp_path, *holder) as first:
        _until(first, "holds")
        with _Child(tmp_path, *follower) as second:
            victim, survivor = (first, second) if step in HOLDER_STEPS else (second, first)
            _judge_death(tmp_path, victim, survivor)


def _judge_death(home: Path, victim: _Child, survivor: _Child) -> None:
    _until(victim, "!")
    assert victim.process.wait(10) == -signal.SIGKILL
    held = sum(line.startswith("holds") for line in survivor.lines())
    _until(survivor, "holds", held + 3)  # took over, or goes on
    _end(home, survivor)
    _judge(home, victim, survivor)


def test_a_sequencer_that_was_frozen_past_its_lease_is_fenced_off(tmp_path: Path) -> None:
    with _Child(tmp_path, "frozen", "holder before transaction", "SIGSTOP") as frozen:
        _until(frozen, "!")
        with _Child(tmp_path, "other") as other:
            _until(other, "holds", 3)  # the lease is the other's, and it sequences
            assert not frozen.heard("fenced")
            os.kill(frozen.process.pid, signal.SIGCONT)
            _until(frozen, "fenced")  # what it was about to append is refused inside the transaction
            before = len(frozen.answered())
            _until(frozen, "dec_", before + 8)  # and it goes on as a follower
            _end(tmp_path, frozen, other)
            assert not frozen.heard("fault")
            _judge(tmp_path, frozen, other)
