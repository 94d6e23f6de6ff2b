"""The command line of bubblewrap for one run, and what a probe must know of it.

What is not said here is not there: the root is an empty folder in memory, made read-only when it is furnished.
Measured and closed on the way (bubblewrap 0.8):

- ``/proc/sys`` is writable to a sandbox whose user is root outside: it is bound read-only over itself.
- The root and ``/dev`` are folders in memory without a size, owned by the sandbox's user: both become read-only.
- ``/proc/1/environ`` shows the environment that bubblewrap was *started* with, whatever ``--clearenv`` says: it is
  started with none. ``/proc/1/cmdline`` shows its arguments: they come through a descriptor.
"""

import os
import py_compile
import sys
import tempfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.pipeline.training.environment import Environment, Mount
from ostiary.pipeline.training.limits import OUTPUTS, PROXY, SandboxLimits
from ostiary.pipeline.training.sealing import Seal

USER: Final = 65_534
HOSTNAME: Final = "sandbox"
LIBRARY: Final = "/run/ostiary"
WORKSPACE: Final = "/workspace"
PROXY_PORT: Final = 3128
PROXY_SOCKET: Final = f"{PROXY}/proxy.sock"
# Every mount costs a third of a millisecond of each start. What else /proc tells is closed to whoever is not root.
_HIDDEN_FILES: Final = ("kcore", "key-users", "keys", "kmsg", "sched_debug", "sysrq-trigger", "timer_list")
_HIDDEN_FOLDERS: Final = ("acpi", "fs", "scsi")
_ETC: Final = {
    "passwd": f"trainer:x:{USER}:{USER}::/tmp:/bin/sh\n",
    "group": f"trainer:x:{USER}:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_INSIDE: Final = Path(__file__).parent / "inside"
_PACKAGE: Final = f"{LIBRARY}/ostiary/pipeline/training/inside"
BOOT: Final = (
    f"import sys; sys.path.insert(0, '{LIBRARY}'); from ostiary.pipeline.training.inside.entry import main; "
    "main(int(sys.argv[1]))"
)


class File(msgspec.Struct, frozen=True):
    """A file that is copied in."""

    target: str
    data: bytes


class Plan(msgspec.Struct, frozen=True):
    """All that is in a sandbox: its environment, and what this run is shown beside it, read-only."""

    environment: Environment
    limits: SandboxLimits
    mounts: tuple[Mount, ...] = ()
    seal: Seal | None = None

    @property
    def root(self) -> list[str]:
        """The names that lie in the sandbox's root."""
        targets = [mount.target for mount in (*self.environment.mounts, *self.mounts)]
        names = {target.split("/")[1] for target in (*targets, WORKSPACE, OUTPUTS, "/run/x", "/etc/x", "/tmp")}  # noqa: S108
        return sorted(names | {"proc", "dev"} | self.environment.links.keys())


def files_of(plan: Plan) -> list[File]:
    """Return the files that are copied in: a few of ``/etc``, and the probes."""
    shown = {mount.target for mount in plan.environment.mounts}
    etc = [File(f"/etc/{name}", text.encode()) for name, text in _ETC.items() if f"/etc/{name}" not in shown]
    return [*etc, *_probes()]


@lru_cache(maxsize=1)
def _probes() -> tuple[File, ...]:
    """Return our own modules, and their code for an interpreter of our version: another one compiles them itself."""
    found: list[File] = []
    for path in sorted(_INSIDE.glob("*.py")):
        found.append(File(f"{_PACKAGE}/{path.name}", path.read_bytes()))
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, "code")
            py_compile.compile(str(path), str(made), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
            name = f"{_PACKAGE}/__pycache__/{path.stem}.{sys.implementation.cache_tag}.pyc"
            found.append(File(name, made.read_bytes()))
    return tuple(found)


def arguments(plan: Plan, files: Iterable[tuple[File, int]], seccomp: int, proc: Path = Path("/proc")) -> list[str]:
    """Return bubblewrap's arguments; files and filter come by descriptor. ``proc`` tells what there is to hide."""
    told = ["--unshare-user", "--unshare-all", "--unshare-cgroup-try", "--disable-userns", "--die-with-parent"]
    told += ["--new-session", "--cap-drop", "ALL", "--uid", str(USER), "--gid", str(USER), "--hostname", HOSTNAME]
    for name, leads in plan.environment.links.items():
        told += ["--symlink", leads, f"/{name}"]
    for mount in (*plan.environment.mounts, *plan.mounts):
        told += ["--ro-bind", mount.source, mount.target]
    told += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", *_hide(proc)]
    told += ["--dev", "/dev", "--remount-ro", "/dev"]
    for file, number in files:
        told += ["--perms", "0444", "--file", str(number), file.target]
    for folder, size in plan.limits.folders.items():
        told += ["--perms", "1777", "--size", str(size), "--tmpfs", folder]
    told += ["--dir", WORKSPACE, "--remount-ro", "/", "--chdir", "/", "--clearenv", "--seccomp", str(seccomp)]
    return told


def _hide(proc: Path) -> list[str]:
    told: list[str] = []
    for name in _HIDDEN_FILES:
        if (proc / name).exists():
            told += ["--ro-bind", "/dev/null", f"/proc/{name}"]
    for name in _HIDDEN_FOLDERS:
        if (proc / name).exists():
            told += ["--size", "4096", "--tmpfs", f"/proc/{name}", "--remount-ro", f"/proc/{name}"]
    return told


def find_bubblewrap(places: Sequence[str] = ("/usr/bin/bwrap", "/usr/local/bin/bwrap")) -> str:
    """Return where bubblewrap is; never looked for in the caller's ``PATH``.

    Raises:
        UnavailableError: ``training_bubblewrap_missing``.
    """
    for place in places:
        if os.access(place, os.X_OK):
            return place
    text = "bubblewrap is not installed: `apt-get install bubblewrap` (tools/system.sh does it)"
    raise UnavailableError("training_bubblewrap_missing", text)
