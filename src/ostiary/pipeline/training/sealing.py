"""What a run is decided on is what it runs with: an environment that somebody changes meanwhile ends it.

Its digest is measured before the decision, and its folders are shown to the run as they lie on the host, where their
owner may go on writing. So everything in them is looked at again, without being read: where it lies, and when the
kernel last noted a change of it, which nobody but the kernel sets (``ctime``; setting a time back is a change too).

- before the command begins, through the sandbox's own root: what is mounted there is what was measured;
- when it has ended, through handles from that moment: nothing was changed and put back while it ran.

Folders that only the machine's packages write (``/usr``) are not looked at: their owner is root.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from ostiary.errors import RefusedError, UnavailableError
from ostiary.pipeline.training.environment import MAX_ENTRIES, Environment


class Seal:
    """The state of the folders of an environment that others may write."""

    def __init__(self, environment: Environment) -> None:
        """Look at them; made before the environment is measured.

        Raises:
            UnavailableError: ``training_environment_unreadable``.
        """
        self._told = {mount.target: _state(mount.source) for mount in environment.mounts if mount.read}
        self._held: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Return the seal."""
        return self

    def __exit__(self, *_fault: object) -> None:
        """Let go of the folders."""
        while self._held:
            os.close(self._held.popitem()[1])

    def hold(self, inside: int) -> None:
        """Hold what the sandbox of a process has mounted, and look at it; the process is our own still.

        Raises:
            RefusedError: ``training_environment_changed``.
            UnavailableError: ``training_environment_unreadable``.
        """
        for target in self._told:
            try:
                self._held[target] = os.open(f"/proc/{inside}/root{target}", os.O_PATH | os.O_CLOEXEC)
            except OSError as fault:
                raise _unreadable(target, fault) from fault
        self.check()

    def check(self) -> None:
        """Look once more at what is held.

        Raises:
            RefusedError: ``training_environment_changed``.
            UnavailableError: ``training_environment_unreadable``.
        """
        for target, handle in self._held.items():
            if _state(f"/proc/self/fd/{handle}") != self._told[target]:
                text = f"`{target}` was changed after it was measured: what ran may not be what was decided on"
                raise RefusedError("training_environment_changed", text)


def _state(place: str) -> str:
    state = hashlib.sha256()
    try:
        for count, (name, told) in enumerate(_walk(place, os.stat(place), "")):  # noqa: PTH116 - a handle's own path
            if count > MAX_ENTRIES:
                raise UnavailableError("training_environment_unreadable", f"`{place}` holds too many files")
            words = (told.st_dev, told.st_ino, told.st_mode, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
            state.update(f"{name}\0{words}\n".encode("utf-8", "surrogateescape"))
    except (OSError, RecursionError) as fault:
        raise _unreadable(place, fault) from fault
    return state.hexdigest()


def _walk(place: str, told: os.stat_result, name: str) -> Iterator[tuple[str, os.stat_result]]:
    yield name, told
    if not name and not Path(place).is_dir():
        return
    with os.scandir(place) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        below = f"{name}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, entry.stat(follow_symlinks=False), below)
        else:
            yield below, entry.stat(follow_symlinks=False)


def _unreadable(place: str, fault: OSError | RecursionError) -> UnavailableError:
    why = fault.strerror if isinstance(fault, OSError) else "folders within folders without end"
    return UnavailableError("training_environment_unreadable", f"`{place}` cannot be listed: {why}")
