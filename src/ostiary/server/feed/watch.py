"""Who reads a feed, at its beginning and every few seconds after: an enforcement point, as for a decision."""

import asyncio
import time

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.types import PepIdentity
from ostiary.server.callers import identify, stranger
from ostiary.server.desk import FaceDesk
from ostiary.server.wire import Reply, Request, json_reply


async def welcome(desk: FaceDesk, request: Request) -> PepIdentity | Reply:
    """Return who is calling, or what is said to somebody who proved nothing, who is counted."""
    try:
        return await _prove(desk, request)
    except RefusedError as no:
        return stranger(desk, request, no)
    except FaultyInputError as fault:
        desk.refusals.count(fault.code, request.peer)
        return json_reply(400, fault.message)
    except UnavailableError as away:
        desk.refusals.count(away.code, request.peer)
        return json_reply(
            503,
            {"code": "pep_unavailable", "message": "the caller cannot be authenticated now"},
            (b"retry-after", b"1"),
        )


async def _prove(desk: FaceDesk, request: Request) -> PepIdentity:
    if request.bears_jwt():  # its issuer's keys may have to be fetched: never on the loop
        return await asyncio.to_thread(identify, desk, request)
    return identify(desk, request)


class Watch:
    """Says why a feed must end: the server drains, or its reader is no longer who it was."""

    def __init__(self, desk: FaceDesk, request: Request, pep: PepIdentity) -> None:
        """Look at the draining each time, and at the reader every so many seconds."""
        self._desk = desk
        self._request = request
        self._pep = pep
        self._every_s = desk.house.settings.feed.recheck_s
        self._looked = time.monotonic()

    async def look(self) -> str:
        """Return the name of the event that ends the feed, or an empty string."""
        if self._desk.draining():
            return "bye"
        if time.monotonic() - self._looked < self._every_s:
            return ""
        try:
            now = await _prove(self._desk, self._request)
        except OstiaryError:  # removed, disabled, expired, or nobody can tell: in doubt it is over
            return "over"
        self._looked = time.monotonic()
        return "" if (now.pep_id, now.tenant) == (self._pep.pep_id, self._pep.tenant) else "over"
