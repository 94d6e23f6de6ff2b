"""Runs one harness for a time: changes inputs, keeps those that ended in a new way, reports what broke.

Without a coverage engine "a new way" is where and how the input ended (``Outcome.trail``), which costs nothing and
leads far into a parser: each refusal that was not seen before is a place to go on from. With atheris
(``tools/fuzz.py`` finds it when it is installed) coverage guides instead, over the same seeds, corpus and changes.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from tests.fuzz.harness import Harness, outcome
from tests.fuzz.mutating import MAX_BYTES, mutate

_MOST_KEPT: Final = 2_000
_MOST_FINDS: Final = 20


class Find(NamedTuple):
    """An input that broke something."""

    data: bytes
    fault: str


class Ran(NamedTuple):
    """What one run came to."""

    executions: int
    seconds: float
    kept: list[bytes]
    finds: list[Find]


def run(
    harness: Harness,
    random: Random,
    *,
    executions: int | None = None,
    seconds: float | None = None,
    corpus: Iterable[bytes] = (),
    on_find: Callable[[Find], None] | None = None,
) -> Ran:
    """Run ``harness`` for so many executions or seconds, from its seeds and what earlier runs kept."""
    begun, done = time.perf_counter(), 0
    kept: list[bytes] = []
    finds: list[Find] = []
    seen: set[tuple[object, ...]] = set()
    waiting = [*harness.seeds, *corpus]
    while not _over(done, begun, executions, seconds):
        data = waiting.pop() if waiting else mutate(random, random.choice(kept or [b""]), kept)
        ended, done = outcome(harness, data), done + 1
        if ended.trail in seen:
            continue
        seen.add(ended.trail)
        if ended.fault:
            finds.append(Find(data, ended.fault))
            if on_find is not None:
                on_find(finds[-1])
            if len(finds) >= _MOST_FINDS:
                break
        elif len(kept) < _MOST_KEPT:
            kept.append(data)
    return Ran(done, time.perf_counter() - begun, kept, finds)


def _over(done: int, begun: float, executions: int | None, seconds: float | None) -> bool:
    if executions is not None and done >= executions:
        return True
    return seconds is not None and time.perf_counter() - begun >= seconds


def read_corpus(folder: Path) -> list[bytes]:
    """Return the inputs that lie in ``folder``, in the order of their names."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [one.read_bytes()[:MAX_BYTES] for one in files if one.is_file()]


def write_input(folder: Path, data: bytes) -> Path:
    """Keep one input under its digest; return where."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / hashlib.sha256(data).hexdigest()[:20]
    place.write_bytes(data)
    return place
