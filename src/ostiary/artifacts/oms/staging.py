"""Where verified bytes lie between the check and the use (stub)."""

from pathlib import Path
from typing import BinaryIO, Protocol


class StagedFile(Protocol):
    """The bytes of one verified file; nobody else can change them."""

    @property
    def name(self) -> str:
        """Path inside the model."""
        ...

    @property
    def size(self) -> int:
        """Number of bytes."""
        ...

    @property
    def path(self) -> Path:
        """A path from which a library of this process may open the same bytes (``/proc/self/fd/…``)."""
        ...

    def view(self) -> memoryview:
        """Return the bytes, mapped."""
        ...

    def read(self) -> bytes:
        """Return the bytes, copied."""
        ...

    def open(self) -> BinaryIO:
        """Return a file of its own position over the same bytes."""
        ...

    def close(self) -> None:
        """Give the bytes back."""
        ...


class Staging:
    """How bytes are kept: see ``InMemory``, ``InFolder``, ``InPlace`` and ``CheckOnly``."""


class InMemory(Staging):
    """Sealed memory files (memfd): nobody can write them, root neither."""

    def __init__(self, max_bytes: int = 8 << 30) -> None:
        """Bound the memory that is taken."""
        self.max_bytes = max_bytes


class InFolder(Staging):
    """A private folder under ``parent`` for loaders that want a folder."""

    def __init__(self, parent: Path) -> None:
        """Stage under ``parent``."""
        self.parent = parent


class InPlace(Staging):
    """No copy: read leases on the files themselves, for models too large to copy."""


class CheckOnly(Staging):
    """Digests only; nothing is handed on, so ``VerifiedModel.files`` cannot be read."""
