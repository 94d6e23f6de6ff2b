"""``/edge/…``: proxies ask whether a request may pass (``server.edge``); over gRPC too, where a port is set.

1. The proxy proves itself as an enforcement point does, by a key in ``X-Ostiary-Edge-Authorization`` or by the client
   certificate of this very connection, and is one that the settings name. To anybody else the answer is 403: it may
   reach a browser, which a 401 would make ask for a password.
2. ``Authorization`` and ``DPoP`` are the client's. What else it sends under ``X-Ostiary-`` is not read.
3. 200 lets the request pass; whatever else is an answer for the client. nginx knows 401 and 403 alone, so what would
   be another refusal is a 403 there.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
import prometheus_client

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.identity.types import PepIdentity, PresentedPep
from ostiary.keys import random_bytes
from ostiary.server.body import BodyLimits
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.edge.answers import EdgeAnswer, refused, unavailable
from ostiary.server.edge.bodies import Bodies
from ostiary.server.edge.deciding import Edge
from ostiary.server.edge.reading import NGINX, asked_by, kind_of, proof_of
from ostiary.server.edge.routes import RouteTable
from ostiary.server.edge.rpc import RpcDoor
from ostiary.server.wire import CLOSE, Reply, Request, json_reply
from ostiary.vocabulary.reasons import Reason

PREFIX: Final = "/edge"
_NOT_FOUND: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})
_NGINX_KNOWS: Final = frozenset({200, 401, 403, 503})
_NOT_READ: Final = {"body_too_large": 413, "body_late": 408}


class EdgeFace:
    """Answers proxies."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk) -> None:
        """Decide by the settings' routes."""
        settings = desk.house.settings.edge
        self._desk = desk
        self._settings = settings
        routes = RouteTable(tuple(one.route() for one in settings.routes))
        self._edge = Edge(desk, routes, _bodies(desk) if routes.inspects else None, settings.urls)
        self._checks = prometheus_client.Counter(
            "ostiary_edge_checks", "requests that proxies asked about", ("by", "status"), registry=desk.metrics.registry
        )
        desk.metrics.gauge("ostiary_edge_in_flight", "requests of proxies now", lambda: self._edge.in_flight)
        self._rpc = (
            RpcDoor(desk.house.settings, self.known, self._edge.answer, self._told) if settings.grpc_port else None
        )

    def chores(self) -> Sequence[Chore]:
        """Return nothing: there is nothing to do between requests."""
        return ()

    async def open(self) -> None:
        """Begin to listen for gRPC, where a port is set.

        Raises:
            UnavailableError: ``grpc_unavailable``.
        """
        if self._rpc is not None:
            await self._rpc.open()

    async def close(self) -> None:
        """Listen no more."""
        if self._rpc is not None:
            await self._rpc.close(self._desk.house.settings.server.drain_s)

    async def answer(self, request: Request) -> Reply:
        """Answer one proxy."""
        kind = kind_of(request)
        if not kind:
            return _NOT_FOUND
        answer = await self._answer(kind, request)
        if kind == NGINX and answer.status not in _NGINX_KNOWS:
            answer = msgspec.structs.replace(answer, status=403)
        by = kind.rsplit("/", 1)[1]
        self._told(by, answer)
        headers = tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in answer.headers)
        unread = (CLOSE,) if answer.status in {408, 413} else ()
        return Reply(answer.status, answer.body, (*headers, *unread))

    async def _answer(self, kind: str, request: Request) -> EdgeAnswer:
        try:
            proof = PresentedPep(authorization=proof_of(request), client_cert_sha256=request.certificate)
            pep = await self.known(proof)
            body = None
            if kind not in {NGINX, "/edge/forward"}:
                body = await request.body(self._settings.max_body_bytes, self._desk.receive_timeout_s)
            return await self._edge.answer(pep, asked_by(kind, request, self._desk.proxies, body))
        except RefusedError as no:
            self._desk.refusals.count(no.code, request.peer)
            return refused(403, Reason.PEP_UNAUTHENTICATED.value)
        except FaultyInputError as fault:
            self._desk.refusals.count(fault.code, request.peer)
            return refused(_NOT_READ.get(fault.code, 400), fault.code)
        except UnavailableError as away:
            self._desk.refusals.count(away.code, request.peer)
            return unavailable(away.code)

    async def known(self, presented: PresentedPep) -> PepIdentity:
        """Return which proxy asks.

        Raises:
            RefusedError: ``pep_unauthenticated``, also of an enforcement point that is no proxy by the settings.
            UnavailableError: its issuer's keys cannot be fetched.
        """
        now_ns = self._desk.house.clock.now_ns()
        authenticate = self._desk.house.authenticator.authenticate
        if (presented.authorization or "").count(".") > 1:  # a JWT: its issuer's keys may have to be fetched
            pep = await asyncio.to_thread(authenticate, presented, now_ns)
        else:
            pep = authenticate(presented, now_ns)
        if pep.pep_id not in self._settings.proxies:
            raise RefusedError(Reason.PEP_UNAUTHENTICATED.value, "the enforcement point is no proxy by the settings")
        return pep

    def _told(self, by: str, answer: EdgeAnswer) -> None:
        self._checks.labels(by, str(answer.status)).inc()


def _bodies(desk: FaceDesk) -> Bodies:
    """Return what looks into bodies; it brings the inspectors along, which take a moment to open."""
    from ostiary.gateway.inspectors import in_order  # noqa: PLC0415
    from ostiary.server.llm.room import prompt_inspector  # noqa: PLC0415

    settings = desk.house.settings
    label, prompt, *_ = in_order(prompt_inspector(), random_bytes(32))
    limits = BodyLimits(settings.edge.max_body_bytes, settings.edge.max_depth)
    return Bodies((label, prompt), limits, settings.llm.limits())


def face(desk: FaceDesk) -> EdgeFace | None:
    """Return the face, if the settings name a proxy."""
    return EdgeFace(desk) if desk.house.settings.edge.proxies else None
