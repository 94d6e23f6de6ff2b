"""How much of the machine other programs take, and which cores a measurement may use.

A figure by the wall clock is worth what the machine was left with: every round says how much others took beside it, and
a round that others disturbed is not counted unless somebody asks for it.
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
_STAT: Final = Path("/proc/stat")
_IDLE: Final = (3, 4)  # idle and waiting for the disk, as proc(5) counts them


@contextmanager
def pinned(cores: int) -> Iterator[tuple[int, ...]]:
    """Keep this process and those that it starts on its first ``cores`` cores; yield which these are.

    Nothing is pinned where the system cannot, or has no more cores than that: all of them are yielded then.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield tuple(range(os.cpu_count() or 1))
        return
    before = os.sched_getaffinity(0)
    chosen = tuple(sorted(before)[:cores])
    os.sched_setaffinity(0, chosen)
    try:
        yield chosen
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pids: Iterable[int]) -> float:
    """Return the processor time that processes and all below them have used; 0 where there is no ``/proc``.

    What a process below them used is counted as long as it lives, or from when it was waited for.
    """
    table = {pid: told for pid in _pids() if (told := _stat(pid)) is not None}
    wanted = set(pids)
    found: set[int] = set()
    while new := {pid for pid, (parent, _) in table.items() if pid in wanted or parent in found} - found:
        found |= new
    return sum(table[pid][1] for pid in found) / TICKS


def _pids() -> list[int]:
    proc = Path("/proc")
    return [int(one.name) for one in proc.iterdir() if one.name.isdigit()] if _STAT.exists() else []


def _stat(pid: int) -> tuple[int, int] | None:
    """Return a process's parent and the ticks that it used, with those of children that it waited for."""
    try:
        fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None  # it ended just now
    return int(fields[1]), sum(map(int, fields[11:15]))


def busy_s(cores: tuple[int, ...]) -> float:
    """Return for how long these cores have been busy with anything since the machine started, in seconds of a core."""
    if not _STAT.exists():
        return 0.0
    total = 0
    for line in _STAT.read_text().splitlines():
        name, _, rest = line.partition(" ")
        if name[:3] == "cpu" and name[3:].isdigit() and int(name[3:]) in cores:
            ticks = [int(part) for part in rest.split()[:8]]
            total += sum(ticks) - sum(ticks[at] for at in _IDLE)
    return total / TICKS


class Watch:
    """Sees how much of some cores others take from its start on."""

    def __init__(self, cores: tuple[int, ...]) -> None:
        """Begin to watch."""
        self._cores = cores
        self._busy = busy_s(cores)
        self._begun = time.monotonic()

    def others(self, own_s: float) -> float:
        """Return others' share of the cores since the start, 0 to 1, when ``own_s`` seconds of a core were our own."""
        whole = (time.monotonic() - self._begun) * len(self._cores)
        taken = busy_s(self._cores) - self._busy - own_s
        return round(min(1.0, max(0.0, taken / whole)), 3) if whole > 0 else 0.0
