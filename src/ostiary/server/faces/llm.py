"""The door in front of language models, in OpenAI's words: an application gets here by changing its ``base_url``.

    POST /v1/chat/completions   /llm/{tenant}/v1/chat/completions     whole or streaming, with tools
    POST /v1/responses          /llm/{tenant}/v1/responses            the same
    POST /v1/embeddings         /llm/{tenant}/v1/embeddings
    GET  /v1/models[/NAME]      /llm/{tenant}/v1/models[/NAME]        those that policy would let the asker ask
    POST                        /llm/{tenant}/guardrail               LiteLLM's generic guardrail API
    POST                        /llm/{tenant}/quarantine/extract      untrusted text to typed values

``/v1`` is the tenant ``default``. Every request bears a verified token; an API key names a program and nobody's
identity, and is refused with what to do instead.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import prometheus_client

from ostiary.errors import OstiaryError, UnavailableError, VerificationError
from ostiary.gateway.openai.asked import Face
from ostiary.gateway.openai.errors import error, model_unknown
from ostiary.gateway.record import InspectionRecord
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import TurnedAway
from ostiary.server.llm.embedding import embedded
from ostiary.server.llm.entrance import Entrance, Slot
from ostiary.server.llm.guardrail import TAIL, Guardrail
from ostiary.server.llm.listing import Listing
from ostiary.server.llm.live import LOOK_S, Streams
from ostiary.server.llm.outgoing import GONE, Outgoing
from ostiary.server.llm.quarantine import PATH as QUARANTINE
from ostiary.server.llm.quarantine import Quarantine
from ostiary.server.llm.room import LlmRoom
from ostiary.server.llm.telling import no_answer, turned_away
from ostiary.server.llm.visit import NotThisModel, Visit, Visits
from ostiary.server.places import DEFAULT_TENANT
from ostiary.server.telemetry.genai import spoken
from ostiary.server.wire import Reply, Request, StreamReply, json_reply
from ostiary.vocabulary.reasons import Reason

FACES: Final[dict[str, Face]] = {
    "chat/completions": "chat",
    "responses": "responses",
    "embeddings": "embeddings",
}
_NOWHERE: Final = json_reply(404, error(404, "unknown_url", "there is nothing here"))
_SECONDS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_SSE: Final = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no"))


class LlmFace:
    """Answers clients of language models."""

    prefixes = ("/v1", "/llm/*")

    def __init__(self, desk: FaceDesk) -> None:
        """Open the door."""
        self._desk = desk
        self._room = LlmRoom(desk.house, self._spoke)
        settings = self._room.settings
        self._threads = ThreadPoolExecutor(max(2, min(8, settings.in_flight)), "llm")
        desk.house.opened.callback(self._threads.shutdown)
        self._streams = Streams(desk.house, settings.stream_s)
        self.visits = Visits(desk, self._room, self._streams, self._threads)
        self._listing = Listing(desk, self._room, self.visits.keeper)
        self._guardrail = Guardrail(desk, self._room, self._threads)
        self._quarantine = Quarantine(desk, self.visits, self._room)
        self._entrance = Entrance(settings.in_flight)
        self._stall_s = settings.stall_s
        kept = desk.metrics.registry
        self._outcomes = prometheus_client.Counter(
            "ostiary_llm_requests", "requests to language models", ("face", "outcome"), registry=kept
        )
        self._verdicts = prometheus_client.Counter(
            "ostiary_llm_verdicts", "verdicts on prompts and answers", ("of", "verdict"), registry=kept
        )
        self._first = prometheus_client.Histogram(
            "ostiary_llm_first_text_seconds", "until the first text of a stream left", buckets=_SECONDS, registry=kept
        )
        self._whole = prometheus_client.Histogram(
            "ostiary_llm_duration_seconds", "from request to the end of its answer", buckets=_SECONDS, registry=kept
        )
        desk.metrics.gauge("ostiary_llm_streams", "open streams", self._streams.__len__)
        desk.metrics.gauge("ostiary_llm_in_flight", "requests to language models now", self._entrance.__len__)

    def chores(self) -> Sequence[Chore]:
        """Judge open streams again and again."""
        return (Chore("streams_not_judged", LOOK_S, self._look),)

    async def close(self) -> None:
        """Close the connections to models' servers."""
        await self._room.close()

    def _look(self) -> None:
        if self._desk.draining():
            self._streams.drain()
        self._streams.look()

    async def answer(self, request: Request) -> Reply | StreamReply:
        """Answer one request."""
        own = () if request.request_id is not None else ((b"x-request-id", b"req_" + secrets.token_hex(12).encode()),)
        reply = await self._answer(request)
        if isinstance(reply, StreamReply):
            return StreamReply(reply.status, reply.chunks, (*reply.headers, *own), reply.stall_s, reply.abort)
        return Reply(reply.status, reply.body, (*reply.headers, *own))

    async def _answer(self, request: Request) -> Reply | StreamReply:
        tenant, rest = _place(request.path)
        if rest == "guardrail" and request.path.startswith("/llm/"):
            return await self._guardrail.answer(request, tenant)
        if rest == QUARANTINE:
            return await self._extract(request, tenant)
        if rest == "models" or rest.startswith("models/"):
            return await self._models(request, tenant, rest.removeprefix("models").lstrip("/"))
        face = FACES.get(rest)
        if face is None:
            return _NOWHERE
        if request.method != "POST":
            return json_reply(405, error(405, "method_not_allowed", "use POST"), (b"allow", b"POST"))
        slot = self._entrance.slot(tenant)
        try:
            reply = await self._asked(request, tenant, face, slot)
        except BaseException:
            slot.leave()
            raise
        if not isinstance(reply, StreamReply):
            slot.leave()
        return reply

    async def _asked(self, request: Request, tenant: str, face: Face, slot: Slot) -> Reply | StreamReply:
        begun = time.monotonic()
        visit: Visit | None = None
        try:
            visit = await self.visits.open(request, tenant, face, slot)
            self._verdicts.labels("prompt", visit.turn.verdict.value).inc()
            if face == "embeddings":
                reply = json_reply(200, await embedded(self._room, self.visits, visit))
            elif visit.turn.asked.stream:
                return await self._stream(request, visit, slot, begun)
            else:
                out = Outgoing(self.visits, self._room, visit, self._first.observe)
                reply = json_reply(200, await self._unless_gone(request, visit, out))
                self._verdicts.labels("answer", out.collected.verdict.value).inc()
            self._told(face, "answered", begun)
        except TurnedAway as no:
            self._told(face, "turned_away", begun)
            return turned_away(no.reply, _model(no))
        except OstiaryError as no:
            self._told(face, no.code, begun)
            if isinstance(no, UnavailableError | VerificationError) and no.code != Reason.OVERLOADED:
                self._desk.faults(no.code, no)
            return no_answer(no, visit.passed.decision_id if visit else "")
        return Reply(reply.status, reply.body, (*reply.headers, _decision(visit)))

    async def _stream(self, request: Request, visit: Visit, slot: Slot, begun: float) -> StreamReply:
        """Begin a stream; a server that refuses does so before anything was said."""
        out = Outgoing(self.visits, self._room, visit, self._first.observe)
        events = self._room.upstream(visit.model).events(visit.to)
        out.watch()
        try:
            first = await anext(events, None)
        except OstiaryError as no:
            await out.failed(no)
            raise
        except BaseException:
            out.abandoned()
            raise
        gone = asyncio.ensure_future(request.gone())
        gone.add_done_callback(lambda _: visit.to.stop.now(GONE))

        def ended() -> None:
            gone.cancel()
            slot.leave()
            self._verdicts.labels("answer", out.collected.verdict.value).inc()
            self._told(visit.turn.asked.face, out.outcome, begun)

        headers = (*_SSE, _decision(visit))
        return StreamReply(200, out.stream(events, first, ended), headers, self._stall_s, request.abort)

    async def _unless_gone(self, request: Request, visit: Visit, out: Outgoing) -> dict[str, Any]:
        gone = asyncio.ensure_future(request.gone())
        gone.add_done_callback(lambda _: visit.to.stop.now(GONE))
        try:
            return await out.whole()
        finally:
            gone.cancel()

    async def _extract(self, request: Request, tenant: str) -> Reply:
        if request.method != "POST":
            return json_reply(405, error(405, "method_not_allowed", "use POST"), (b"allow", b"POST"))
        slot = self._entrance.slot(tenant)
        try:
            return await self._quarantine.answer(request, tenant, slot)
        finally:
            slot.leave()

    async def _models(self, request: Request, tenant: str, name: str) -> Reply:
        if request.method != "GET":
            return json_reply(405, error(405, "method_not_allowed", "use GET"), (b"allow", b"GET"))
        try:
            found = await self._listing.models(request, tenant)
        except TurnedAway as no:
            return turned_away(no.reply, name)
        except OstiaryError as no:
            return no_answer(no)
        if not name:
            return json_reply(200, {"object": "list", "data": found})
        one = next((model for model in found if model["id"] == name), None)
        return json_reply(200, one) if one else json_reply(404, model_unknown(name))

    def _spoke(self, tenant: str, record: InspectionRecord) -> None:
        """Tell of a request where spans are taken."""
        tracer = self._desk.tracer
        if tracer is None:
            return
        try:
            model = self._room.models.find(tenant, record.model)
            tracer.spoke(spoken(tenant, record, model, self._desk.house.clock.now_ns()))
        except Exception as fault:  # noqa: BLE001 - a span that is not sent must not keep an answer back
            self._desk.faults("telemetry_failed", fault)

    def _told(self, face: str, outcome: str, begun: float) -> None:
        self._outcomes.labels(face, outcome).inc()
        self._whole.observe(time.monotonic() - begun)


def _model(no: TurnedAway) -> str:
    return no.model if isinstance(no, NotThisModel) else ""


def _decision(visit: Visit | None) -> tuple[bytes, bytes]:
    return b"ostiary-decision", visit.passed.decision_id.encode() if visit else b""


def _place(path: str) -> tuple[str, str]:
    """Return tenant and rest of ``/v1/…`` or ``/llm/TENANT/v1/…``."""
    if path.startswith("/llm/"):
        _, _, tenant, *rest = path.split("/")
        if "/".join(rest) in {"guardrail", f"guardrail/{TAIL}"}:
            return tenant, "guardrail"
        if rest == ["quarantine", "extract"]:
            return tenant, QUARANTINE
        return tenant, "/".join(rest[1:]) if rest[:1] == ["v1"] else "?"
    return DEFAULT_TENANT, path.removeprefix("/v1/") if path.startswith("/v1/") else "?"


def face(desk: FaceDesk) -> LlmFace | None:
    """Return the face, unless the settings leave it out."""
    return LlmFace(desk) if desk.house.settings.llm.enabled else None
