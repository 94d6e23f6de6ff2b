"""Proofs that were used, known to all replicas; ``SharedReplay`` implements ``identity.ports.ReplayMemory``.

- Of two uses at two replicas one is the first: it is one script, in the server's time.
- A flush, a restart or a failover forgets. Each run of the server notes when it began to remember, and a proof that was
  made before that is refused here: nobody can tell whether it was used. Whoever wants in makes a new one.
- A replica whose clock is more than 30 s off is refused: what it thinks is fresh may be forgotten already.
- Away means refused. Bounded per tenant; when full it refuses.
"""

from typing import Final

from ostiary.errors import UnavailableError
from ostiary.storage.valkey.link import Link
from ostiary.storage.valkey.names import key
from ostiary.storage.valkey.wire import away

MAX_PER_TENANT: Final = 200_000
GRACE_S: Final = 60
_US: Final = 1000
_S: Final = 1_000_000
_NEW: Final = 1
_USED: Final = 0
_FULL: Final = -1
_PARTS: Final = 2


class SharedReplay:
    """A memory of one kind of used proofs in Valkey."""

    def __init__(
        self, link: Link, kind: str, life_s: float = 0, ahead_s: float = 0, max_per_tenant: int = MAX_PER_TENANT
    ) -> None:
        """Remember proofs of ``kind``.

        Args:
            link: to Valkey.
            kind: a word; proofs of two kinds are never the same.
            life_s: how long before its end a proof is made; 0 = each end may be any time after.
            ahead_s: how far in the future proofs may be made, by a client whose clock is ahead.
            max_per_tenant: how many are remembered.
        """
        self._link, self._kind, self._max = link, kind, max_per_tenant
        self._life_us, self._ahead_us = int(life_s * _S), int(ahead_s * _S)

    @property
    def since_ns(self) -> int:
        """Always 0: what is older than the memory is told from its end, in the same step that remembers it."""
        return 0

    def remember(self, tenant: str, key: bytes, expires_ns: int, now_ns: int) -> bool:
        """Return whether ``key`` is new, and remember it until ``expires_ns``.

        Raises:
            UnavailableError: ``valkey_unavailable``, ``replay_memory_full``, ``replay_memory_young`` when the proof may
                have been used before Valkey forgot, ``clock_skewed``.
        """
        told = (key, expires_ns // _US, now_ns // _US, self._max, GRACE_S * _S)
        state, since_us = _told(self._link.run("used", [self._place(tenant)], told, now_ns))
        if state == _USED:
            return False
        if state == _FULL:
            raise UnavailableError("replay_memory_full", f"{self._max} proofs are remembered, and no more")
        if state != _NEW:
            raise UnavailableError("clock_skewed", "this machine's clock and Valkey's differ by more than 30 s")
        if self._life_us and expires_ns // _US - self._life_us <= since_us + self._ahead_us:
            raise UnavailableError("replay_memory_young", "the proof is older than the memory of used proofs")
        return True

    def _place(self, tenant: str) -> bytes:
        return key(tenant, "used", self._kind)


def _told(reply: object) -> tuple[int, int]:
    if not isinstance(reply, list) or len(reply) != _PARTS or not isinstance(reply[0], int):
        raise away("it answers something else than what it was asked")
    since = reply[1]
    if not isinstance(since, bytes) or not since.isdigit():
        raise away("it answers something else than what it was asked")
    return reply[0], int(since)
