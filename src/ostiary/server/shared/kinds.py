"""One kind of things in a memory of used ones that knows no kinds."""

from ostiary.identity.ports import ReplayMemory
from ostiary.keys import sha256


class Kind:
    """A ``ReplayMemory`` that keeps its keys apart from those of others in the same memory."""

    def __init__(self, kind: str, memory: ReplayMemory) -> None:
        """Remember in ``memory`` under the name ``kind``."""
        self._kind, self._memory = kind.encode() + b"\0", memory

    @property
    def since_ns(self) -> int:
        """Moment since which nothing has been forgotten early."""
        return self._memory.since_ns

    def remember(self, tenant: str, key: bytes, expires_ns: int, now_ns: int) -> bool:
        """Return whether ``key`` is new, and remember it until ``expires_ns``."""
        return self._memory.remember(tenant, sha256(self._kind + key), expires_ns, now_ns)
