"""What signals asks of storage."""

from typing import Protocol


class ProfileStore(Protocol):
    """Keeps profiles that no longer fit in memory. Keys are opaque; one tenant never sees another's."""

    def load(self, tenant: str, key: str) -> bytes | None:
        """Return the profile saved under ``key``, or ``None``."""
        ...

    def save(self, tenant: str, key: str, data: bytes) -> None:
        """Keep ``data`` under ``key``, replacing what was there."""
        ...

    def erase(self, tenant: str, key: str) -> None:
        """Remove what is kept under ``key``; nothing there is no fault."""
        ...
