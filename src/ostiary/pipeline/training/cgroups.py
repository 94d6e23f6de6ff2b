"""Control groups of one run, version 1 or 2, where this process may make any; what cannot be had is told, not guessed.

A group holds the memory, processes and processor time of a whole run, however often it forks. As an ordinary user there
is one only where a folder was delegated (systemd's ``Delegate=yes``, or ``training.cgroup``).
"""

import errno
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.pipeline.training.limits import SandboxLimits

_PERIOD_US: Final = 100_000
_WANTED: Final = ("memory", "pids", "cpu")
_TRIES: Final = 50


class ControlGroups:
    """The groups of one run, by what they hold."""

    def __init__(self, folders: Mapping[str, Path], version: int) -> None:
        """Take folders that exist and carry their limits."""
        self._folders = dict(folders)
        self._version = version

    @property
    def held(self) -> dict[str, str]:
        """What is held, and by which version."""
        return dict.fromkeys(self._folders, f"cgroup v{self._version}")

    def add(self, pid: int) -> None:
        """Put a process, and all that it will start, under the limits.

        Raises:
            UnavailableError: ``training_cgroup_failed``.
        """
        try:
            for folder in set(self._folders.values()):
                (folder / "cgroup.procs").write_text(str(pid))
        except OSError as fault:
            raise UnavailableError(
                "training_cgroup_failed", f"the run's limits cannot be set: {fault.strerror}"
            ) from fault

    def try_to_add(self, pid: int) -> bool:
        """Put a process under the limits if it still lives; return whether it is."""
        try:
            self.add(pid)
        except UnavailableError:
            return False
        return True

    def peak_memory(self) -> int:
        """Return the most memory that was used at a time, ``0`` when nobody counted."""
        folder = self._folders.get("memory")
        names = ("memory.max_usage_in_bytes", "memory.peak")
        found = [folder / name for name in names if (folder / name).exists()] if folder else []
        return int(found[0].read_text()) if found else 0

    def remove(self) -> None:
        """Remove the groups; their processes have ended."""
        for folder in set(self._folders.values()):
            _remove(folder)


def make_groups(name: str, limits: SandboxLimits, base: Path | None = None) -> ControlGroups:
    """Make a run's groups as far as this process may; ``base`` is a delegated folder of version 2."""
    modern = _modern_base(base)
    if modern is not None:
        folder = _make(modern, name)
        if folder is not None:
            held = _set(folder, _modern_settings(limits))
            if held:
                return ControlGroups(dict.fromkeys(held, folder), 2)
            _remove(folder)
    found: dict[str, Path] = {}
    for controller, place in _old_places().items():
        folder = _make(place, name)
        if folder is not None and _set(folder, {controller: _old_settings(limits)[controller]}):
            found[controller] = folder
        elif folder is not None:
            _remove(folder)
    return ControlGroups(found, 1)


def _modern_settings(limits: SandboxLimits) -> dict[str, dict[str, str]]:
    quota = f"{int(limits.cpus * _PERIOD_US)} {_PERIOD_US}" if limits.cpus else "max"
    return {
        "memory": {"memory.max": str(limits.memory_bytes), "memory.swap.max?": "0", "memory.oom.group?": "1"},
        "pids": {"pids.max": str(limits.processes)},
        "cpu": {"cpu.max": quota},
    }


def _old_settings(limits: SandboxLimits) -> dict[str, dict[str, str]]:
    memory = str(limits.memory_bytes)
    quota = str(int(limits.cpus * _PERIOD_US)) if limits.cpus else "-1"
    return {
        "memory": {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes?": memory},
        "pids": {"pids.max": str(limits.processes)},
        "cpu": {"cpu.cfs_period_us": str(_PERIOD_US), "cpu.cfs_quota_us": quota},
    }


def _set(folder: Path, settings: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Write the limits; return which controllers took theirs. A file with ``?`` may be absent."""
    held = []
    for controller, files in settings.items():
        try:
            for name, value in files.items():
                place = folder / name.rstrip("?")
                if place.exists() or not name.endswith("?"):
                    place.write_text(value)
        except OSError:
            continue
        held.append(controller)
    return held


def _modern_base(base: Path | None) -> Path | None:
    place = base or _own_modern_place()
    if place is None or not os.access(place, os.W_OK):
        return None
    try:
        offered = set((place / "cgroup.controllers").read_text().split())
        given = set((place / "cgroup.subtree_control").read_text().split())
        missing = [name for name in _WANTED if name in offered - given]
        if missing:
            (place / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in missing))
    except OSError:
        return None  # processes of others live in it, or it is not ours to divide
    return place if offered & set(_WANTED) else None


def _own_modern_place() -> Path | None:
    mounts = _mounts()
    mine = _memberships().get("")
    return None if mine is None or "cgroup2" not in mounts else Path(mounts["cgroup2"] + mine)


def _old_places() -> dict[str, Path]:
    mounts, mine = _mounts(), _memberships()
    places = {name: Path(mounts[name] + mine[name]) for name in _WANTED if name in mounts and name in mine}
    return {name: place for name, place in places.items() if os.access(place, os.W_OK)}


def _mounts() -> dict[str, str]:
    """Return where each controller of version 1, and ``cgroup2``, is mounted."""
    found: dict[str, str] = {}
    for line in Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines():
        front, _, back = line.partition(" - ")
        kind, _, options = back.split(" ", 2)
        if kind == "cgroup2":
            found.setdefault("cgroup2", front.split(" ")[4])
        elif kind == "cgroup":
            found |= {name: front.split(" ")[4] for name in options.split(",") if name in _WANTED}
    return found


def _memberships() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text("utf-8", "surrogateescape").splitlines():
        _, names, path = line.split(":", 2)
        found |= dict.fromkeys(names.split(","), path.rstrip("/"))
    return found


def _make(place: Path, name: str) -> Path | None:
    folder = place / f"ostiary-{name}"
    try:
        folder.mkdir()
    except OSError:
        return None
    return folder


def _remove(folder: Path) -> None:
    for _ in range(_TRIES):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as fault:
            if fault.errno != errno.EBUSY:
                raise
            time.sleep(0.01)  # its last process is still being buried
        else:
            return
