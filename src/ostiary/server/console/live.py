"""One stream of events for one tab: decisions as they are recorded, what needs somebody, what was changed.

1. It follows the log's columns by their index, so nothing is lost or doubled over a restart or another worker: a reader
   that comes back says where it left off. One that lies too far behind is told so, and loads the list anew.
2. It carries the tab's own filters, which are applied here: what a person does not look at is not sent.
3. A session that ends ends its streams within seconds; every few minutes the decision is asked anew.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Self

import msgspec

from ostiary.decision.index.ports import DecisionIndex, IndexedDecision
from ostiary.decision.index.query import DecisionQuery
from ostiary.server.console.watching import Watching
from ostiary.server.feed.messages import event

LOOK_S: Final = 0.5
BEAT_S: Final = 15.0
AGAIN_S: Final = 300.0
NEEDS_S: Final = 5.0
MOST_AT_ONCE: Final = 200
MOST_BEHIND: Final = 2_000
_DIGITS: Final = 19

Shown = Callable[[IndexedDecision], Mapping[str, Any]]


class LiveStream:
    """The pieces of one stream."""

    def __init__(
        self,
        index: DecisionIndex,
        tenant: str,
        query: DecisionQuery | None,
        watching: Watching,
        shown: Shown,
        needs: Callable[[], Mapping[str, int]],
        closed: Callable[[], None],
    ) -> None:
        """Follow ``query`` from its ``after`` on, if there is one; ``closed`` is called once, at the end."""
        self._index = index
        self._tenant = tenant
        self._query = query
        self._watching = watching
        self._shown = shown
        self._needs = needs
        self._closed = closed
        self._open = True
        self._place = -1
        self._beat = self._asked = time.monotonic()
        self._counted = 0.0
        self._needed: Mapping[str, int] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._events: AsyncGenerator[bytes]

    def __aiter__(self) -> Self:
        """Return the stream itself: events until the reader has gone, may look no longer, or this server ends."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next event."""
        if self._gone is None:
            self._gone = asyncio.ensure_future(self._watching.gone())
            self._events = self._told(self._gone)
        return await anext(self._events)

    async def aclose(self) -> None:
        """Give the place back, also when nothing was ever told."""
        if self._open:
            self._open = False
            self._closed()
        if self._gone is not None:
            self._gone.cancel()
            await self._events.aclose()

    async def _told(self, gone: "asyncio.Future[None]") -> AsyncGenerator[bytes]:
        place = await asyncio.to_thread(self._begin)
        if place is None:
            yield event("gap", {})
            return
        self._place = place
        yield event("hello", {"after": place}, str(place))
        while not gone.done():
            if last := await self._last_word():
                yield event(last, {})
                return
            rows = await asyncio.to_thread(self._rows)
            for piece in (*self._decisions(rows), *await self._counts()):
                yield piece
            if len(rows) < MOST_AT_ONCE:
                await asyncio.wait([gone], timeout=LOOK_S)

    def _decisions(self, rows: Sequence[IndexedDecision]) -> Iterator[bytes]:
        now = time.monotonic()
        if rows:
            self._place, self._beat = rows[-1].idx, now
            yield event("decisions", [self._shown(row) for row in rows], str(self._place))
        elif now - self._beat >= BEAT_S:
            self._beat = now
            yield event("beat", {})

    async def _counts(self) -> Sequence[bytes]:
        now = time.monotonic()
        if now - self._counted < NEEDS_S:
            return ()
        self._counted = now
        needs = dict(await asyncio.to_thread(self._needs))
        if needs == self._needed:
            return ()
        self._needed = needs
        return (event("needs", needs),)

    async def _last_word(self) -> str:
        """Return the name of the event that ends the stream, or an empty string."""
        if self._watching.draining():
            return "bye"
        if self._watching.ended():
            return "over"
        if time.monotonic() - self._asked < AGAIN_S:
            return ""
        self._asked = time.monotonic()
        return "" if await self._watching.again() else "over"

    def _begin(self) -> int | None:
        """Return where to go on; ``None`` when that lies too far back."""
        newest = self._index.cursor(self._tenant) - 1
        if self._query is None:
            return newest
        after = _place(self._watching.after)
        if after is None:
            after = self._query.after
        if after is None:
            return newest
        behind = msgspec.structs.replace(self._query, after=after)
        return None if self._index.count(self._tenant, behind, MOST_BEHIND + 1) > MOST_BEHIND else after

    def _rows(self) -> list[IndexedDecision]:
        if self._query is None:
            return []
        query = msgspec.structs.replace(self._query, after=self._place, before=None, limit=MOST_AT_ONCE)
        return list(self._index.rows(self._tenant, query))


def _place(text: str) -> int | None:
    """Return the index that ``Last-Event-ID`` names."""
    plain = text.removeprefix("-")
    return int(text) if plain.isascii() and plain.isdigit() and len(plain) <= _DIGITS else None
