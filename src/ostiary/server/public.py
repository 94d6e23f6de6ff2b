"""What anybody may read without credentials: health, metadata, keys, the log's public face; and metrics from within.

- ``/healthz`` says that the loop turns; ``/readyz`` that decisions can be made and recorded here.
- Log paths are read in a thread: whoever reads the whole log must not make callers wait.
- ``/metrics`` answers only the networks it was told; a connection is judged by its own address, never by a header.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ostiary.audit.tile_http import TileFace
from ostiary.server.forwarded import Proxies
from ostiary.server.metadata import WELL_KNOWN, Metadata
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.wire import JSON, Reply, Request, json_reply

LOG_PREFIX: Final = "/log/"
JWKS_PATH: Final = "/.well-known/jwks.json"
_CACHED: Final = (b"cache-control", b"public, max-age=300")
_TEXT: Final = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
NOT_FOUND: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})

Checks = Callable[[], dict[str, str]]


class PublicFace:
    """Answers GET requests that need no credentials."""

    def __init__(
        self,
        *,
        metadata: Metadata,
        jwks: Callable[[], dict[str, object]],
        tiles: TileFace,
        metrics: Metrics,
        metrics_from: Proxies,
        unready: Checks,
        degraded: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """Take the parts.

        ``unready`` returns what is wrong, by name, and nothing when all is well; ``degraded`` what is away that the
        server does without for now, refusing more than usual.
        """
        self._metadata = metadata
        self._jwks = jwks
        self._tiles = tiles
        self._metrics = metrics
        self._metrics_from = metrics_from
        self._unready = unready
        self._degraded = degraded

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        if request.method not in {"GET", "HEAD"}:
            return json_reply(405, {"code": "method_not_allowed", "message": "use GET"}, (b"allow", b"GET, HEAD"))
        reply = await self._get(request)
        return msgspec.structs.replace(reply, body=b"") if request.method == "HEAD" else reply

    async def _get(self, request: Request) -> Reply:
        path = request.path
        if path.startswith(LOG_PREFIX):
            return await self._log(path.removeprefix(LOG_PREFIX))
        if path.startswith(WELL_KNOWN):
            body = self._metadata.find(path)
            return NOT_FOUND if body is None else Reply(200, body, (JSON, _CACHED))
        if path == "/healthz":
            return json_reply(200, {"status": "ok"})
        if path == "/readyz":
            return self._ready()
        return self._metrics_for(request.peer) if path == "/metrics" else json_reply(200, self._jwks(), _CACHED)

    def _ready(self) -> Reply:
        wrong = self._unready()
        told = {"status": "not ready" if wrong else "ok", "checks": wrong}
        degraded = list(self._degraded())
        return json_reply(503 if wrong else 200, {**told, "degraded": degraded} if degraded else told)

    def _metrics_for(self, peer: str | None) -> Reply:
        if not self._metrics_from.trusts(peer):
            return json_reply(403, {"code": "metrics_not_allowed", "message": "metrics are not for this network"})
        return Reply(200, self._metrics.exposition(), (_TEXT,))

    async def _log(self, path: str) -> Reply:
        answer = await asyncio.to_thread(self._tiles.answer, path)
        headers = tuple((name.encode(), value.encode()) for name, value in answer.headers)
        return Reply(answer.status, answer.body, headers)
