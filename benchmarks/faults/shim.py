"""The shim between a process, its disk and its clock: compiled on the spot, steered through shared memory.

Where there is no C compiler ``build`` says so and the campaign leaves its faults out, with a word.
"""

import mmap
import shutil
import struct
import subprocess
from enum import IntEnum, IntFlag
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_SOURCE: Final = Path(__file__).with_name("shim.c")
_LAYOUT: Final = struct.Struct("<IIiIIi232s")  # as `struct control` in shim.c
_HITS: Final = struct.Struct("<16xI")
_CLOCK: Final = struct.Struct("<20xi")


class Mode(IntEnum):
    """What happens to a call that is hit."""

    NONE = 0
    EIO = 1
    ENOSPC = 2
    SLOW = 3
    TORN = 4


class Calls(IntFlag):
    """Which calls are hit."""

    SYNC = 1
    WRITE = 2


def build(folder: Path) -> Path | None:
    """Compile the shim into ``folder``; return ``None`` where that cannot be done."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = folder / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl"]
    done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a compiler on our own file
    return library if done.returncode == 0 else None


class Shim:
    """Steers the shim of one deployment. Use it as a context manager."""

    def __init__(self, library: Path, control: Path) -> None:
        """Lay the control file down."""
        self.library = library
        self.control = control
        control.write_bytes(bytes(_LAYOUT.size))
        with control.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _LAYOUT.size)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let everything pass, and let go of the file."""
        self.rest()
        self._memory.close()

    def strike(self, mode: Mode, calls: Calls, path: str, *, left: int = -1, latency_us: int = 0) -> None:
        """Hit ``left`` (negative: all) calls on files whose path holds ``path``."""
        self._memory[:] = _LAYOUT.pack(0, calls, left, latency_us, 0, self.clock_s, path.encode())
        self._memory[:4] = struct.pack("<I", mode)

    @property
    def clock_s(self) -> int:
        """How far the wall clock of the deployment stands from ours, in seconds."""
        return int(_CLOCK.unpack_from(self._memory)[0])

    @clock_s.setter
    def clock_s(self, seconds: int) -> None:
        self._memory[20:24] = struct.pack("<i", seconds)

    def rest(self) -> int:
        """Let everything pass from now on; return how many calls were hit."""
        self._memory[:4] = bytes(4)
        return int(_HITS.unpack_from(self._memory)[0])
