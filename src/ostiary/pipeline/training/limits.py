"""How much of the machine a run may use."""

import resource
from typing import Final

import msgspec

MIB: Final = 1 << 20
GIB: Final = 1 << 30


class SandboxLimits(msgspec.Struct, frozen=True):
    """Bounds of one sandbox. What a control group holds is for all its processes together, the rest for each.

    Attributes:
        memory_bytes: memory; for each process where no control group can be had.
        processes: processes and threads at one time.
        cpus: processors' worth of time; ``0`` leaves it to the machine; held by a control group only.
        cpu_s: seconds of processor time of one process; ``0`` asks nothing.
        wall_s: seconds until the run is ended.
        open_files: open files of one process.
        tmp_bytes: size of ``/tmp``, in memory.
        shared_bytes: size of ``/dev/shm``, in memory.
        outputs_bytes: size of the folder of outputs, in memory, and of all outputs together.
        output_files: number of output files.
        said_bytes: how much of what the command prints is kept.
        start_s: how long any step of the start may take.
    """

    memory_bytes: int = 4 * GIB
    processes: int = 1024
    cpus: float = 0.0
    cpu_s: int = 0
    wall_s: float = 3600.0
    open_files: int = 4096
    tmp_bytes: int = GIB
    shared_bytes: int = 256 * MIB
    outputs_bytes: int = GIB
    output_files: int = 256
    said_bytes: int = MIB
    start_s: float = 10.0

    def for_each_process(self, *, memory_is_counted: bool) -> dict[str, int]:
        """Return the limits of each process by the kernel's names.

        ``RLIMIT_CORE`` is 1 and not 0: a pattern that pipes cores to a program of the host is obeyed at 0, and left
        alone at 1 only (core(5)).
        """
        limits = {
            "RLIMIT_CORE": 1,
            "RLIMIT_FSIZE": max(self.tmp_bytes, self.outputs_bytes, self.shared_bytes),
            "RLIMIT_MEMLOCK": 64 * MIB,
            "RLIMIT_MSGQUEUE": 819_200,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_RTPRIO": 0,
            "RLIMIT_SIGPENDING": 4096,
        }
        if not memory_is_counted:
            limits["RLIMIT_AS"] = self.memory_bytes
        if self.cpu_s:
            limits["RLIMIT_CPU"] = self.cpu_s
        return {name: _reachable(name, value) for name, value in limits.items()}

    @property
    def folders(self) -> dict[str, int]:
        """The folders that a command can write to, with their sizes."""
        return {"/tmp": self.tmp_bytes, "/dev/shm": self.shared_bytes, OUTPUTS: self.outputs_bytes, PROXY: _PROXY_BYTES}  # noqa: S108 - inside the sandbox


OUTPUTS: Final = "/outputs"
PROXY: Final = "/run/egress"
_PROXY_BYTES: Final = 65_536


def _reachable(name: str, value: int) -> int:
    hard = resource.getrlimit(getattr(resource, name))[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
