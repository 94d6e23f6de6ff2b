"""A profile store in memory, for tests and demos; the same port that storage implements on disk."""


class MemoryProfileStore:
    """Keeps profiles in a dictionary."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: dict[tuple[str, str], bytes] = {}

    def load(self, tenant: str, key: str) -> bytes | None:
        """Return the profile saved under ``key``, or ``None``."""
        return self._kept.get((tenant, key))

    def save(self, tenant: str, key: str, data: bytes) -> None:
        """Keep ``data`` under ``key``."""
        self._kept[(tenant, key)] = data

    def erase(self, tenant: str, key: str) -> None:
        """Remove what is kept under ``key``."""
        self._kept.pop((tenant, key), None)
