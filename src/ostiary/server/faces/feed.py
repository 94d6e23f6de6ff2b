"""``GET /access/v1/feed``: what changed about sessions, told to enforcement points as it happens.

1. Only an authenticated enforcement point reads, only of its own tenant, and only for as long as it would still be
   authenticated: that is checked anew every few seconds.
2. It begins with a snapshot, or where ``Last-Event-ID`` left off when everything since is still here.
3. A heartbeat tells the newest number, so that a reader notices silence as well as a gap.
4. Whoever does not keep up is told ``resync`` or cut off; the number of feeds is bounded, by tenant and in total.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from ostiary.keys.hashing import random_bytes
from ostiary.server.authzen import METHOD_WRONG
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.feed.hub import FeedLimits, Hub, Reader
from ostiary.server.feed.messages import event, place_of
from ostiary.server.feed.snapshot import Snapshots
from ostiary.server.feed.stream import Feed
from ostiary.server.feed.watch import Watch, welcome
from ostiary.server.wire import CLOSE, Reply, Request, StreamReply, json_reply

PATH: Final = "/access/v1/feed"
FULL: Final = "feeds_exhausted"
_HEADERS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx would otherwise hold changes back
)


def face(desk: FaceDesk) -> "FeedFace":
    """Return the face; every server has it."""
    return FeedFace(desk, desk.house.settings.feed.limits())


class FeedFace:
    """Answers those who want to be told."""

    def __init__(self, desk: FaceDesk, limits: FeedLimits) -> None:
        """Listen to the sessions from now on."""
        self._limits = limits
        self._desk = desk
        self.hub = Hub(random_bytes(12).hex(), limits)
        ledger = desk.house.ledger
        ledger.listen(self.hub.publish)
        self._snapshots = Snapshots(ledger, self.hub, limits, desk.house.clock.now_ns)
        desk.metrics.gauge("ostiary_feeds", "enforcement points that are told of changes", lambda: self.hub.count)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The one path."""
        return (PATH,)

    def chores(self) -> Sequence[Chore]:
        """Nothing is done beside the feeds."""
        return ()

    async def answer(self, request: Request) -> Reply | StreamReply:
        """Begin one feed."""
        if request.path != PATH:
            return json_reply(404, {"code": "not_found", "message": "there is nothing here"})
        if request.method != "GET":
            self._desk.refusals.count(METHOD_WRONG, request.peer)
            return json_reply(405, {"code": "method_not_allowed", "message": "use GET"}, (b"allow", b"GET"))
        pep = await welcome(self._desk, request)
        if isinstance(pep, Reply):
            return pep
        if self._desk.draining():
            return json_reply(503, {"code": "draining", "message": "this server is about to end"}, CLOSE)
        reader = self.hub.attach(pep.tenant)
        if reader is None:
            self._desk.refusals.count(FULL, request.peer)
            return json_reply(
                503, {"code": "feeds_too_many", "message": "there are too many feeds"}, (b"retry-after", b"2")
            )
        try:
            first = await self._first(request, reader)
        except BaseException:
            self.hub.detach(reader)
            raise
        watch = Watch(self._desk, request, pep)
        feed = Feed(self.hub, reader, first, self._limits.beat_s, request.gone, watch.look)
        return StreamReply(200, feed, _HEADERS, stall_s=self._limits.stall_s, abort=request.abort)

    async def _first(self, request: Request, reader: Reader) -> bytes:
        """Return with what the feed begins, the reader standing right behind it."""
        told = [value for name, value in request.raw_headers if name == b"last-event-id"]
        sequence = place_of(told[0].decode("latin-1"), self.hub.epoch) if len(told) == 1 else None
        if sequence is not None and self.hub.resume(reader, sequence):
            newest = self.hub.newest(reader.tenant)
            return event("resumed", {"epoch": self.hub.epoch, "seq": sequence, "newest": newest})
        reader.sequence, snapshot = await asyncio.to_thread(self._snapshots.make, reader.tenant)
        return snapshot
