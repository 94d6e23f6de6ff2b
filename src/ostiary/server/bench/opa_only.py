"""OPA behind the same HTTP stack as ours, and nothing else: the peer of ``ostiary bench peers``.

A body is a JSON array of two documents; both entrypoints are asked, and the answer says whether anything allows and
nothing denies. Nobody is identified, nothing is scored or recorded. Loopback only.

    python -m ostiary.server.bench.opa_only PORT DATA
"""

import asyncio
import sys
from pathlib import Path

import msgspec
import uvicorn

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.server.bench.rounds import HOST
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.server.protocol import limited
from ostiary.server.settings.sections import ServerSection
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.tuning import tune
from ostiary.server.wire import Receive, Reply, Request, Scope, Send, json_reply

_HARSHEST = ("deny", "terminate")
_pair = msgspec.json.Decoder(tuple[msgspec.Raw, msgspec.Raw])
_READY = json_reply(200, {"status": "ok"})


class OpaOnly:
    """An ASGI application that asks OPA."""

    def __init__(self, engine: OpaEngine, settings: ServerSection) -> None:
        """Ask ``engine``; read bodies within the limits of ``settings``."""
        self._engine = engine
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if scope["path"] == "/readyz":
            await _READY.send(send, request.request_id)
            return
        body = await request.body(self._settings.max_body_bytes, self._settings.receive_timeout_s)
        # In a thread, as ours: an evaluation cannot be cancelled, and a loop that waits for one answers nobody.
        reply = await asyncio.to_thread(self._answer, body)
        await reply.send(send, request.request_id)

    def _answer(self, body: bytes) -> Reply:
        guarded, joined = _pair.decode(body)
        verdict = self._engine.guardrails(bytes(guarded))
        proposed = self._engine.adaptive(bytes(joined))
        names = [hit.effect.name.lower() for hit in verdict.hits]
        allowed = "allow" in names and not any(one in _HARSHEST for one in names) and not verdict.error
        return json_reply(200, {"decision": allowed, "context": {"effect": proposed.proposal.name}})


def main(port: int, data: Path) -> None:
    """Serve until told to end."""
    settings = ServerSection()
    own = Places(data).bundle(DEFAULT_TENANT)
    with OpaEngine(Bundle.load(own if own.is_dir() else policies_dir())) as engine:
        tune()
        config = uvicorn.Config(
            OpaOnly(engine, settings),
            host=HOST,
            port=port,
            http=limited(settings.max_header_bytes, settings.receive_timeout_s, Metrics().rubbish),
            ws="none",
            loop="uvloop",
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
        )
        uvicorn.Server(config).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
