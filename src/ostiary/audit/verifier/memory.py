"""What the verifier remembers of a log between two visits: its keys, its last checkpoint, its leaves.

- Two files: ``FILE`` (JSON) and ``FILE.leaves`` (48 bytes an entry). Both are the verifier's, not the log's: keep them
  where whoever runs the log cannot write.
- The leaves must hash to the remembered checkpoint, so a damaged memory is noticed and never taken for the log's fault.
- A checkpoint note alone is a memory too: without leaves an attack is proved, but only roughly named.
- The first visit trusts what it sees, and says so.
"""

import base64
import os
from pathlib import Path
from typing import Final

import msgspec

from ostiary.audit.verifier.leaves import Leaves
from ostiary.audit.verifier.trees import root_over
from ostiary.errors import FaultyInputError, UnavailableError, VerificationError

_SEEN_LIMIT: Final = 1_000
_FILE_LIMIT: Final = 4 << 20
_HASH: Final = 32


class Seen(msgspec.Struct, frozen=True):
    """A checkpoint that was verified once."""

    size: int
    root: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    origin: str
    keys: list[str]
    checkpoint: str
    seen: list[Seen]


class Memory(msgspec.Struct):
    """What is remembered of one log. ``leaves`` is ``None`` when only a checkpoint is remembered."""

    origin: str
    keys: list[str]
    checkpoint: bytes
    size: int
    root: bytes
    leaves: Leaves | None
    seen: list[Seen]

    def seen_again(self, size: int, root: bytes) -> bool:
        """Return whether exactly this state was verified before."""
        return Seen(size, base64.b64encode(root).decode()) in self.seen


def load_memory(path: Path) -> Memory | None:
    """Read what is remembered; ``None`` when there is nothing.

    Raises:
        VerificationError: ``memory_damaged``.
    """
    if not path.exists():
        return None
    try:
        told = msgspec.json.decode(_read(path, _FILE_LIMIT), type=_File)
        leaves_file = _leaves_path(path)
        leaves = Leaves.load(leaves_file.read_bytes()) if leaves_file.exists() else None
        last = told.seen[-1]
        root = base64.b64decode(last.root, validate=True)
        memory = Memory(told.origin, told.keys, told.checkpoint.encode(), last.size, root, leaves, list(told.seen))
    except (msgspec.MsgspecError, IndexError, ValueError, FaultyInputError, OSError) as fault:
        raise VerificationError("memory_damaged", f"what was remembered in `{path}` is damaged") from fault
    if leaves is not None and (len(leaves) != last.size or root_over(leaves) != root):
        raise VerificationError(
            "memory_damaged", f"the leaves in `{path}.leaves` are not those of the remembered checkpoint"
        )
    return memory


def save_memory(path: Path, memory: Memory) -> None:
    """Write what is remembered: leaves first, so that a crash between the two is noticed, not believed.

    Raises:
        UnavailableError: ``memory_unwritable``.
    """
    told = _File(1, memory.origin, memory.keys, memory.checkpoint.decode(), memory.seen[-_SEEN_LIMIT:])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if memory.leaves is not None:
            _replace(_leaves_path(path), memory.leaves.dump())
        _replace(path, msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    except OSError as fault:
        raise UnavailableError("memory_unwritable", f"`{path}` cannot be written: {fault.strerror}") from fault


def default_memory(origin: str) -> Path:
    """Return where a log is remembered by default: the user's state directory, a file named after the origin."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    name = "".join(char if char.isalnum() or char in ".-" else "_" for char in origin)[:120]
    return home / "ostiary" / "logs" / f"{name}.json"


def _leaves_path(path: Path) -> Path:
    return path.with_name(path.name + ".leaves")


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit)


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
