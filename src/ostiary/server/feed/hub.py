"""Where the changes of all tenants come in and each tenant's readers take them out; safe for several threads.

1. A tenant's changes are numbered and kept in a ring of bounded length. A reader is a place in that ring and nothing
   else, so that a slow one costs no memory: whoever falls out of the ring is told to begin anew.
2. ``publish`` runs wherever a session changed: it numbers, keeps, and wakes the readers' loop. No waiting, no work
   that grows with anything but the tenant's readers, whose number is bounded.
3. Another tenant's changes are in another ring, with numbers of their own: not even their count can be seen.
"""

import asyncio
import threading
from collections import deque
from itertools import islice
from typing import Final

import msgspec

from ostiary.server.feed.messages import change_of, event, place
from ostiary.sessions import SessionChange

BATCH: Final = 256


class FeedLimits(msgspec.Struct, frozen=True):
    """How much is kept, for how many; times in seconds.

    Attributes:
        feeds: readers in total.
        tenant_feeds: readers of one tenant.
        ring: changes that a tenant's readers may lie behind.
        beat_s: time between two heartbeats.
        recheck_s: time after which a reader must be authenticated anew.
        stall_s: time in which a reader must take what it was sent.
        keep_s: age up to which ended sessions are named in a snapshot.
        named: most names of one kind in a snapshot.
    """

    feeds: int = 1024
    tenant_feeds: int = 256
    ring: int = 4096
    beat_s: float = 1.0
    recheck_s: float = 3.0
    stall_s: float = 10.0
    keep_s: float = 86_400.0
    named: int = 10_000


class Reader:
    """One reader's place in its tenant's ring; lives in one event loop."""

    def __init__(self, tenant: str, sequence: int) -> None:
        """Stand at ``sequence``: everything up to it is known."""
        self.tenant = tenant
        self.sequence = sequence
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._told = False

    def wake(self) -> None:
        """Say from any thread that there is something new."""
        if self._told:
            return
        self._told = True
        self._loop.call_soon_threadsafe(self._news.set)

    async def wait(self, timeout_s: float) -> None:
        """Return when there is something new, or after a while."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return

    def awake(self) -> None:
        """Begin to look: whatever comes from now on wakes again."""
        self._told = False
        self._news.clear()


class Ring:
    """The newest changes of one tenant, and how many there were in all."""

    def __init__(self, length: int) -> None:
        """Keep at most ``length`` changes."""
        self.sequence = 0
        self._kept: deque[bytes] = deque(maxlen=length)

    def add(self, change: SessionChange, epoch: str) -> None:
        """Number a change and keep it."""
        self.sequence += 1
        self._kept.append(event("change", change_of(change), place(epoch, self.sequence)))

    def after(self, sequence: int, most: int) -> list[bytes] | None:
        """Return the next changes after ``sequence``, or ``None`` when they are no longer kept or never were."""
        first = self.sequence - len(self._kept)
        if not first <= sequence <= self.sequence:
            return None
        start = sequence - first
        return list(islice(self._kept, start, min(len(self._kept), start + most)))


class Hub:
    """All rings and readers of this process."""

    def __init__(self, epoch: str, limits: FeedLimits) -> None:
        """Begin at zero in a fresh ``epoch``, which nobody can guess."""
        self.epoch = epoch
        self._limits = limits
        self._lock = threading.Lock()
        self._rings: dict[str, Ring] = {}
        self._readers: dict[str, set[Reader]] = {}
        self._count = 0

    def publish(self, change: SessionChange) -> None:
        """Take one change, from any thread."""
        with self._lock:
            self._ring(change.tenant).add(change, self.epoch)
            readers = tuple(self._readers.get(change.tenant, ()))
        for reader in readers:
            reader.wake()

    def attach(self, tenant: str) -> Reader | None:
        """Return a new reader at the newest place, or ``None`` when there are too many; to be detached."""
        limits = self._limits
        with self._lock:
            mine = self._readers.setdefault(tenant, set())
            if self._count >= limits.feeds or len(mine) >= limits.tenant_feeds:
                return None
            reader = Reader(tenant, self._ring(tenant).sequence)
            mine.add(reader)
            self._count += 1
            return reader

    def detach(self, reader: Reader) -> None:
        """Forget a reader; twice is once."""
        with self._lock:
            mine = self._readers.get(reader.tenant, set())
            if reader not in mine:
                return
            mine.remove(reader)
            self._count -= 1
            if not mine:
                del self._readers[reader.tenant]

    def resume(self, reader: Reader, sequence: int) -> bool:
        """Put a reader back to ``sequence``; return whether all that came after it is still there."""
        with self._lock:
            if self._ring(reader.tenant).after(sequence, 0) is None:
                return False
            reader.sequence = sequence
            return True

    def take(self, reader: Reader) -> list[bytes] | None:
        """Return what is next for a reader, or ``None`` when it has fallen out of the ring."""
        reader.awake()
        with self._lock:
            news = self._ring(reader.tenant).after(reader.sequence, BATCH)
        if news is not None:
            reader.sequence += len(news)
        return news

    def newest(self, tenant: str) -> int:
        """Return how many changes a tenant has seen."""
        with self._lock:
            return self._ring(tenant).sequence

    @property
    def count(self) -> int:
        """How many readers there are."""
        return self._count

    def _ring(self, tenant: str) -> Ring:
        ring = self._rings.get(tenant)
        if ring is None:
            ring = self._rings[tenant] = Ring(self._limits.ring)
        return ring
