"""The one ASGI application: hot paths by hand, everything else by whoever answers it.

Which path goes where is in this file and nowhere else. A bug anywhere below is answered with a plain 500 and logged
by name; the caller never sees a traceback. While draining, every answer closes its connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.server.authzen import AuthZen, Endpoint
from ostiary.server.bulk import BulkReply
from ostiary.server.desk import Face
from ostiary.server.metadata import WELL_KNOWN
from ostiary.server.opa_api import PREFIX as OPA_PREFIX
from ostiary.server.opa_api import OpaData
from ostiary.server.public import JWKS_PATH, LOG_PREFIX, NOT_FOUND, PublicFace
from ostiary.server.wire import CLOSE, Receive, Reply, Request, Scope, Send, StreamReply, json_reply

ENDPOINTS: Final[dict[str, Endpoint]] = {
    "/access/v1/evaluation": "evaluation",
    "/access/v1/evaluations": "evaluations",
    "/access/v1/search/subject": "subject",
    "/access/v1/search/resource": "resource",
    "/access/v1/search/action": "action",
}
ADMIN_PREFIX: Final = "/api/v1"
_PUBLIC: Final = frozenset({"/healthz", "/readyz", "/metrics", JWKS_PATH})
_BROKEN: Final = json_reply(500, "something broke here; it was logged")
_GOING: Final = json_reply(503, {"decision": False, "context": {"effect": "DENY", "reasons": ["overloaded"]}}, CLOSE)

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class App:
    """The application of one worker."""

    def __init__(
        self,
        authzen: AuthZen,
        public: PublicFace,
        admin: AsgiApp | None,
        faces: Sequence[Face] = (),
        *,
        start: Callable[[], Awaitable[None]],
        stop: Callable[[], Awaitable[None]],
        on_fault: Callable[[str, BaseException], None],
        opa: OpaData | None = None,
    ) -> None:
        """Take who answers what, and what to run in the loop at start and end; of two faces the longer path wins."""
        paths = [(prefix, face) for face in faces for prefix in face.prefixes]
        self.lead(sorted(paths, key=lambda path: -len(path[0])))
        self._authzen = authzen
        self._opa = opa
        self._public = public
        self._admin = admin
        self._start = start
        self._stop = stop
        self._on_fault = on_fault
        self.draining = False

    def lead(self, faces: Sequence[tuple[str, Face]]) -> None:
        """From now on lead paths to ``faces``, prefixes and who answers below them; the first that fits does."""
        self.faces = tuple(faces)
        self._by_first = _by_first(self.faces)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the worker's life."""
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "lifespan":
            await self._lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if self._admin is not None and (path == ADMIN_PREFIX or path.startswith(ADMIN_PREFIX + "/")):
            await self._admin(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            reply = await self._reply(path, request)
        except asyncio.CancelledError:
            await _GOING.send(send, request.request_id)
            raise
        except FaultyInputError as fault:
            reply = json_reply(400, {"code": fault.code, "message": fault.message})
        except Exception as fault:  # noqa: BLE001 - the last line: a bug is a 500, never a traceback to the caller
            self._on_fault("internal_error", fault)
            reply = _BROKEN
        if self.draining and isinstance(reply, Reply | BulkReply):
            reply = msgspec.structs.replace(reply, headers=(*reply.headers, CLOSE))
        await reply.send(send, request.request_id)

    async def _reply(self, path: str, request: Request) -> Reply | StreamReply | BulkReply:
        endpoint = ENDPOINTS.get(path)
        if endpoint is not None:
            return await self._authzen.answer(endpoint, request)
        if self._opa is not None and (path == OPA_PREFIX or path.startswith(OPA_PREFIX + "/")):
            return await self._opa.answer(request)
        for prefix, face in self._by_first.get(_first(path), self._by_first["*"]):
            if _is_below(path, prefix):
                return await face.answer(request)
        if path in _PUBLIC or path.startswith((WELL_KNOWN, LOG_PREFIX)):
            return await self._public.answer(request)
        return NOT_FOUND

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _first(path: str) -> str:
    """Return the first part of a path."""
    return path[1:].partition("/")[0]


def _by_first(faces: Sequence[tuple[str, Face]]) -> dict[str, list[tuple[str, Face]]]:
    """Return for each first part of a path the faces it may lead to, in order; ``*`` for any that no face names."""
    named = {"*", *(_first(prefix) for prefix, _ in faces)}
    return {one: [face for face in faces if _first(face[0]) in {one, "*"}] for one in named}


def _is_below(path: str, prefix: str) -> bool:
    """Return whether ``path`` is ``prefix`` or lies below it; ``*`` in a prefix stands for one part of the path.

    The root is itself alone: what nobody has a path for is not there.

    >>> _is_below("/pipeline/acme/inference/fraud", "/pipeline/*/inference"), _is_below("/pipeline//inference", "/a")
    (True, False)
    >>> _is_below("/", "/"), _is_below("/somewhere", "/")
    (True, False)
    """
    if prefix == "/":
        return path == prefix
    if "*" in prefix:
        wanted, parts = prefix.split("/"), path.split("/")
        return len(parts) >= len(wanted) and all(one in ("*", part) for one, part in zip(wanted, parts, strict=False))
    return path == prefix or (path.startswith(prefix) and (prefix[-1] == "/" or path[len(prefix)] == "/"))
