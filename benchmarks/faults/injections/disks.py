"""Disks that are full, slow, broken, or lose power in the middle of a write."""

import time
from random import Random

from benchmarks.faults.broken import BrokenInvariantError
from benchmarks.faults.field import Field, Injection
from benchmarks.faults.shim import Calls, Mode
from benchmarks.faults.small_disk import MIB

_FILES = ("ostiary.db-wal", "ostiary.db")


def _lacks_shim(field: Field) -> str:
    if field.backing is not None:
        return "the database is PostgreSQL's"
    return "" if field.shim is not None else "there is no C compiler for the shim"


class DiskFull:
    """The disk has no room for a while, its reserve of 16 MiB counted: nothing may be allowed."""

    name = "disk_full"
    harms_at_once = False

    def lacks(self, field: Field) -> str:
        """A disk of its own."""
        if field.backing is not None:
            return "the database is PostgreSQL's"
        return "" if field.disk is not None else "mounting a tmpfs needs root"

    def inject(self, field: Field, chance: Random) -> str:
        """Fill it up, look, and make room again."""
        disk = field.disk
        if disk is None:
            return self.lacks(field)
        free = chance.choice([0, 256 << 10, 2 * MIB, 12 * MIB])
        disk.leave(free)
        try:
            time.sleep(0.3)
            if field.serves():
                raise BrokenInvariantError("loosened", f"allowed with {free >> 10} KiB of disk left")
            time.sleep(chance.uniform(0.2, 1.5))
        finally:
            disk.relieve()
        return f"{free >> 10} KiB left"


class FailingDisk:
    """Some calls to the disk fail, once or for a while."""

    harms_at_once = False

    def __init__(self, name: str, mode: Mode, calls: Calls) -> None:
        """Fail ``calls`` with what ``mode`` says."""
        self.name = name
        self._mode = mode
        self._calls = calls

    def lacks(self, field: Field) -> str:
        """The shim."""
        return _lacks_shim(field)

    def inject(self, field: Field, chance: Random) -> str:
        """Let calls fail, then let them pass."""
        if field.shim is None:
            return self.lacks(field)
        path, left = chance.choice(_FILES), chance.choice([1, 3, -1])
        latency_us = chance.choice([20_000, 100_000, 400_000]) if self._mode is Mode.SLOW else 0
        field.shim.strike(self._mode, self._calls, path, left=left, latency_us=latency_us)
        time.sleep(chance.uniform(0.2, 1.2))
        hits = field.shim.rest()
        return f"{hits} calls on {path}" + (f", {latency_us // 1000} ms each" if latency_us else "")


class TornWrite:
    """The process ends after half of a write, as by a power cut that the disk survived."""

    name = "torn_write"
    harms_at_once = False

    def lacks(self, field: Field) -> str:
        """The shim."""
        return _lacks_shim(field)

    def inject(self, field: Field, chance: Random) -> str:
        """Tear one write."""
        if field.shim is None:
            return self.lacks(field)
        calls = chance.choice([Calls.WRITE, Calls.SYNC])
        field.shim.strike(Mode.TORN, calls, chance.choice(_FILES), left=1)
        time.sleep(chance.uniform(0.5, 1.5))
        return f"{field.shim.rest()} {calls.name} call of the database"


KINDS: list[Injection] = [
    DiskFull(),
    FailingDisk("sync_fails", Mode.EIO, Calls.SYNC),
    FailingDisk("write_fails", Mode.EIO, Calls.WRITE),
    FailingDisk("no_space", Mode.ENOSPC, Calls.WRITE),
    FailingDisk("slow_disk", Mode.SLOW, Calls.SYNC | Calls.WRITE),
    TornWrite(),
]
