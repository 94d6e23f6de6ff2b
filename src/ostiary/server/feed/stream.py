"""One feed as its reader gets it: first the snapshot, then each change, and a heartbeat beside them.

It ends when the reader has gone, lies too far behind (``resync``), may read no longer (``over``), or the server is
about to end (``bye``). It gives its place back whatever happens, also when it was never begun.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Self

from ostiary.server.feed.hub import Hub, Reader
from ostiary.server.feed.messages import event

RESYNC: Final = event("resync", {})
_TICK_S: Final = 0.25


class Feed:
    """The pieces of one feed."""

    def __init__(
        self,
        hub: Hub,
        reader: Reader,
        first: bytes,
        beat_s: float,
        gone: Callable[[], Awaitable[None]],
        ending: Callable[[], Awaitable[str]],
    ) -> None:
        """Begin with ``first``; ``gone`` returns when the reader left, ``ending`` names the event that ends it."""
        self._hub = hub
        self._reader = reader
        self._beat_s = beat_s
        self._ending = ending
        self._next = [first]
        self._ended = False
        self._beat = time.monotonic()
        self._gone = asyncio.ensure_future(gone())

    def __aiter__(self) -> Self:
        """Return the feed itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece."""
        while not self._next:
            if self._ended or self._gone.done():
                raise StopAsyncIteration
            await self._look()
        piece = b"".join(self._next)
        self._next.clear()
        return piece

    async def aclose(self) -> None:
        """Give the place back."""
        self._ended = True
        self._gone.cancel()
        self._hub.detach(self._reader)

    async def _look(self) -> None:
        """Put together what is to be said now; wait a little when there is nothing."""
        if last := await self._ending():
            self._end(event(last, {}))
            return
        news = self._hub.take(self._reader)
        if news is None:
            self._end(RESYNC)
            return
        now = time.monotonic()
        self._next += news
        if now - self._beat >= self._beat_s:  # beside changes, too: they tell no time, so they are no sign of life
            self._beat = now
            self._next.append(event("beat", {"seq": self._reader.sequence, "clock_ms": int(now * 1000)}))
        elif not news:
            await self._reader.wait(_TICK_S)

    def _end(self, last: bytes) -> None:
        self._ended = True
        self._next.append(last)
