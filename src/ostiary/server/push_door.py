"""The door at which transmitters of other domains push their event tokens (RFC 8935).

Whoever pushes may be a stranger, and a transmitter's keys may be slow to come: pushes wait in threads of their own, so
many at once and no more, and neither decisions nor the server's chores wait for them.
"""

import asyncio
from concurrent.futures import Executor
from typing import Final

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.identity.secevent.reasons import INVALID_REQUEST, push_error
from ostiary.identity.secevent.signing import MEDIA_TYPE
from ostiary.response.ssf.intake import Intake
from ostiary.server.desk import FaceDesk
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.vocabulary.reasons import Reason

MAX_SET_BODY: Final = 65_536
MAX_TAKING: Final = 64
RETRY: Final = (b"retry-after", b"5")


class PushDoor:
    """Takes one event token a request."""

    def __init__(self, desk: FaceDesk, intake: Intake, takers: Executor) -> None:
        """Take what it works with."""
        self._desk = desk
        self._intake = intake
        self._takers = takers
        self._taking = 0

    async def answer(self, request: Request, receiver: str) -> Reply:
        """Answer a push to ``receiver``: 202, or why not."""
        try:
            text = await self._token(request)
            await self._take(receiver, text, request.header(b"authorization"))
        except RefusedError as no:
            self._desk.refusals.count(no.code, request.peer)
            return json_reply(400, {"err": push_error(no.code), "description": no.message})
        except FaultyInputError as fault:
            self._desk.refusals.count(fault.code, request.peer)
            return json_reply(400, {"err": INVALID_REQUEST, "description": fault.message})
        except UnavailableError as away:
            self._desk.faults(away.code, away)
            return json_reply(503, {"code": away.code, "message": "try again later"}, RETRY)
        return Reply(202, b"", ())

    async def _take(self, receiver: str, text: str, authorization: str | None) -> None:
        if self._taking >= MAX_TAKING:
            raise UnavailableError(Reason.OVERLOADED.value, "too many event tokens come at once, try again in a moment")
        self._taking += 1
        loop, pushed = asyncio.get_running_loop(), self._intake.pushed
        try:
            await loop.run_in_executor(self._takers, pushed, receiver, text, authorization)
        finally:
            self._taking -= 1

    async def _token(self, request: Request) -> str:
        if request.twice:
            raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the header `{request.twice}` came twice")
        kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
        if kind != MEDIA_TYPE:
            raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the content type must be {MEDIA_TYPE}")
        body = await request.body(MAX_SET_BODY, self._desk.receive_timeout_s)
        try:
            return body.decode("ascii")
        except UnicodeDecodeError:
            raise FaultyInputError(Reason.BODY_MALFORMED.value, "the body is no event token") from None
