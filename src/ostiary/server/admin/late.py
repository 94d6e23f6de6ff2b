"""The administrators' application, imported and built when the first administrator calls.

FastAPI costs a worker about as much time at its start as everything else together, and no decision needs it.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Final

from ostiary.server.authzen import RefusalSink
from ostiary.server.wire import Receive, Scope, Send
from ostiary.server.wiring import House

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
# Whoever imports the administrators' modules late takes it: two threads that import modules which need one another
# can see them half made.
IMPORTING: Final = threading.Lock()


class LateAdmin:
    """An ASGI application that comes into being with its first request."""

    def __init__(self, house: House, refusals: RefusalSink) -> None:
        """Remember what it will need."""
        self._house = house
        self._refusals = refusals
        self._building = asyncio.Lock()
        self._app: AsgiApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        async with self._building:
            if self._app is None:
                self._app = await asyncio.to_thread(self._build)
        await self._app(scope, receive, send)

    def _build(self) -> AsgiApp:
        with IMPORTING:
            from ostiary.server.admin.api import build_admin  # noqa: PLC0415 - see above
            from ostiary.server.admin.context import Office  # noqa: PLC0415

            return build_admin(Office(self._house, self._refusals))
