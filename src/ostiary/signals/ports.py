"""What signals asks of storage."""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

LAST: Final = (1 << 63) - 1


class ProfileStore(Protocol):
    """Keeps profiles that no longer fit in memory. Keys are opaque; one tenant never sees another's.

    Every profile is saved under an *epoch*, which ends with a snapshot of what is in memory. After a crash the store is
    rewound to the epoch of the snapshot that is there, and what was learned since is learned again, once.
    """

    def load(self, tenant: str, key: str, until: int = LAST) -> bytes | None:
        """Return the profile saved last under ``key`` in an epoch up to ``until``, or ``None``."""
        ...

    def save(self, tenant: str, epoch: int, profiles: Mapping[str, bytes]) -> None:
        """Keep each of ``profiles`` under its key; those of earlier epochs stay until they are settled."""
        ...

    def erase(self, tenant: str, key: str) -> None:
        """Remove what is kept under ``key``, of every epoch; nothing there is no fault."""
        ...

    def naming(self, tenant: str, text: str) -> Iterable[tuple[str, int]]:
        """Return key and epoch of every version that holds ``text``."""
        ...

    def rewrite(self, tenant: str, key: str, epoch: int, data: bytes) -> None:
        """Put ``data`` in the place of a version that is there, and leave no trace of what stood there."""
        ...

    def settle(self, tenant: str, epoch: int) -> None:
        """Remove what no return to ``epoch`` or later needs: its snapshot is safe."""
        ...

    def rewind(self, tenant: str, epoch: int) -> None:
        """Remove what was saved after ``epoch``; zero leaves nothing."""
        ...
