"""In front of the administrators' API: the same strict body as everywhere else, and no traceback behind it.

FastAPI would parse a body with duplicate keys and read one without an end; here it is read up to the limit, in
limited time, parsed once strictly, and only then handed on as the very same bytes. A stranger's is not read at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ostiary.errors import FaultyInputError
from ostiary.server.body import BodyLimits, parse_json
from ostiary.server.wire import BODY_LATE, CLOSE, Receive, Request, Scope, Send, json_reply
from ostiary.vocabulary.reasons import Reason

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
_STATUS = {Reason.BODY_TOO_LARGE.value: 413, BODY_LATE: 408}


class Gate:
    """An ASGI application around another one."""

    def __init__(
        self,
        inner: AsgiApp,
        limits: BodyLimits,
        timeout_s: float,
        on_fault: Callable[[str, BaseException], None],
        known: Callable[[str | None], bool] = lambda _authorization: True,
    ) -> None:
        """Guard ``inner``; ``known`` says whether an ``Authorization`` header is an administrator's."""
        self._inner = inner
        self._limits = limits
        self._timeout_s = timeout_s
        self._on_fault = on_fault
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, judge it, hand it on."""
        request = Request(scope, receive)
        started = False

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            body = await self._body(request)
            await self._inner(scope, _replay(body), watched)
        except FaultyInputError as fault:
            status = _STATUS.get(fault.code, 400)
            await json_reply(status, {"code": fault.code, "message": fault.message}, CLOSE).send(send)
        except Exception as fault:  # noqa: BLE001 - a bug is a 500, never a traceback
            self._on_fault(Reason.INTERNAL_ERROR, fault)
            if started:
                return
            await json_reply(500, {"code": "internal_error", "message": "something broke here"}).send(send)

    async def _body(self, request: Request) -> bytes:
        if request.twice:
            raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the header `{request.twice}` came twice")
        if not self._known(request.header(b"authorization")):
            return b""  # the application refuses him and counts it; what he sends is not worth reading
        body = await request.body(self._limits.max_bytes, self._timeout_s)
        if body:
            if not request.is_json():
                raise FaultyInputError(Reason.REQUEST_INVALID.value, "the content type must be application/json")
            await asyncio.to_thread(parse_json, body, self._limits)
        return body


def _replay(body: bytes) -> Receive:
    """Return a ``receive`` that tells of ``body`` once and then waits for ever, as a quiet connection does."""
    told = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal told
        if told:
            await asyncio.get_running_loop().create_future()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
