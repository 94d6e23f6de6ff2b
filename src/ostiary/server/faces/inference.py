"""The door in front of models: ``POST /pipeline/{tenant}/inference/{endpoint}/…``.

    predict   a caller with its own token: Ostiary asks the registered model and answers
    begin     an enforcement point, for a caller whose token it presents: may the model in its own program be asked?
    end       the same enforcement point: what the model said; only what comes back may be given to the caller

1. The caller proves who it is; an API key names a program and nobody's identity. ``Ostiary-Device`` may name a device;
   a token that is bound to the device's own key needs no such word.
2. The rows are checked and seen, and nobody is told what is wrong with them before the decision says that he may ask.
3. The decision, with its record; then budgets; then the model; then the record of the inference; then the answer.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
import prometheus_client

from ostiary.decision.event import ip_of, network_prefix
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.exchange.details import detail_of
from ostiary.identity.extract import extract_presented
from ostiary.identity.one_request import OneRequest
from ostiary.identity.reasons import Refusal
from ostiary.identity.types import PepIdentity
from ostiary.pipeline.inference.endpoint import TYPE, EndpointSpec
from ostiary.pipeline.inference.outputs import COARSE
from ostiary.pipeline.inference.serving import Answer, Permit
from ostiary.pipeline.inference.serving import Asked as Looked
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.callers import identify, stranger
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Asked, Caller, Passed, TurnedAway
from ostiary.server.doors.turned_away import stranger as unproven
from ostiary.server.inference.permits import EXPIRED, Permits
from ostiary.server.inference.room import InferenceRoom
from ostiary.server.inference.telling import no_answer
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.reasons import Reason

PREFIX: Final = "/pipeline/*/inference"
ACTION: Final = "endpoint.predict"
DOOR: Final = "inference"
DEVICE: Final = b"ostiary-device"
REDUCE: Final = "reduce"
SWEEP_S: Final = 5.0
_DEPTH: Final = 8
_PARTS: Final = 6
_SHARE: Final = 2
T = TypeVar("T")


class InferenceFace:
    """Answers callers of models, and enforcement points that run models themselves."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk) -> None:
        """Take what the worker has."""
        self._desk = desk
        self._room = InferenceRoom(desk.house)
        settings = self._room.settings
        self._keeper = desk.keeper(DOOR, understands=frozenset({COARSE, REDUCE}), bound=False)
        self._permits = Permits(settings.permit_s)
        self._limits = BodyLimits(settings.max_body_bytes, _DEPTH)
        self._threads = ThreadPoolExecutor(settings.in_flight, "inference")
        self._working: Counter[str] = Counter()
        self._outcomes = prometheus_client.Counter(
            "ostiary_inferences", "inferences by what came of them", ("outcome",), registry=desk.metrics.registry
        )
        desk.metrics.gauge("ostiary_inferences_in_flight", "requests to models now", self._working.total)
        self._acts: dict[str, Callable[[Request, str, str], Awaitable[Reply]]] = {
            "predict": self._predict,
            "begin": self._begin,
            "end": self._end,
        }

    def chores(self) -> Sequence[Chore]:
        """Record permits that nobody used."""
        return (Chore("permits_not_swept", SWEEP_S, self.sweep),)

    def sweep(self) -> None:
        """Record permits whose time is over."""
        for permit in self._permits.expired(self._now()):
            self._room.serving.fail(permit, EXPIRED)

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        parts = request.path.split("/")
        act = self._acts.get(parts[-1]) if len(parts) == _PARTS else None
        if act is None:
            return json_reply(404, {"code": "not_found", "message": "there is nothing here"})
        if request.method != "POST":
            return json_reply(405, {"code": "method_not_allowed", "message": "use POST"}, (b"allow", b"POST"))
        tenant, endpoint = parts[2], parts[4]
        if not self._enters(tenant):
            self._outcomes.labels(Reason.OVERLOADED.value).inc()
            return no_answer(UnavailableError(Reason.OVERLOADED.value, "too many models are being asked"))
        try:
            return await act(request, tenant, endpoint)
        except TurnedAway as no:
            return no.reply
        finally:
            self._working[tenant] -= 1
            if not self._working[tenant]:  # a tenant's name is anybody's word: none is remembered
                del self._working[tenant]

    def _enters(self, tenant: str) -> bool:
        """Count one more request in; no tenant takes all of the room."""
        most = self._room.settings.in_flight
        if self._working.total() >= most or self._working[tenant] >= max(1, most // _SHARE):
            return False
        self._working[tenant] += 1
        return True

    # A caller with its own token; Ostiary asks the model.

    async def _predict(self, request: Request, tenant: str, endpoint: str) -> Reply:
        caller = await self._keeper.caller(request, tenant)
        told = await self._body(request)
        device = _device(request)
        return await self._served(caller, endpoint, told, device, self._forward)

    def _forward(self, permit: Permit) -> Answer:
        spec, serving = permit.asked.spec, self._room.serving
        try:
            body = self._room.upstream.ask(spec, permit.batch.document(), permit.decision_id)
        except OstiaryError as no:
            serving.fail(permit, no.code)
            raise
        return serving.finish(permit, body)

    # An enforcement point that runs the model in its own program.

    async def _begin(self, request: Request, tenant: str, endpoint: str) -> Reply:
        body = await self._pep_body(request, tenant)
        if isinstance(body, Reply):
            return body
        pep, told = body
        try:
            caller = await self._do(partial(self._presented, request, pep, told))
        except RefusedError as no:
            self._desk.refusals.count(no.code, request.peer)
            raise unproven(no, self._nonce(tenant, no)) from no
        except OstiaryError as no:
            return no_answer(no)
        device = told.get("device") if isinstance(told.get("device"), str) else None
        return await self._served(
            caller, endpoint, told.get("input"), device, partial(self._hold, pep.pep_id), pep.pep_id
        )

    def _hold(self, pep: str, permit: Permit) -> dict[str, Any]:
        try:
            name = self._permits.give(permit, pep, self._now())
        except OstiaryError as no:
            self._room.serving.fail(permit, no.code)
            raise
        return {"permit": name, "decision_id": permit.decision_id, "input": msgspec.Raw(permit.batch.document())}

    async def _end(self, request: Request, tenant: str, endpoint: str) -> Reply:
        body = await self._pep_body(request, tenant)
        if isinstance(body, Reply):
            return body
        pep, told = body
        name, said = told.get("permit"), told.get("answer")
        try:
            if not isinstance(name, str) or set(told) - {"permit", "answer"}:
                raise FaultyInputError(
                    Reason.REQUEST_INVALID.value, "the body has `permit`, and `answer` if there is one"
                )
            permit = self._permits.use(tenant, endpoint, pep.pep_id, name, self._now())
            answer = await self._do(partial(self._ended, permit, said))
        except OstiaryError as no:
            self._outcomes.labels(no.code).inc()
            return no_answer(no)
        self._outcomes.labels("answered").inc()
        return json_reply(200, answer.document())

    def _ended(self, permit: Permit, said: Any) -> Answer:
        if said is None:
            self._room.serving.fail(permit, "upstream_failed")
            raise UnavailableError("upstream_failed", "the model gave no answer")
        return self._room.serving.finish(permit, msgspec.json.encode(said))

    # What both have in common.

    async def _served(
        self,
        caller: Caller,
        endpoint: str,
        told: Any,
        device: str | None,
        then: Callable[[Permit], Answer | dict[str, Any]],
        by: str = "",
    ) -> Reply:
        try:
            spec = await self._do(partial(self._room.endpoints.find, caller.tenant, endpoint))
            looked = await self._do(partial(self._looked, caller, endpoint, spec, told, by)) if spec else None
        except OstiaryError as no:
            return no_answer(no)
        passed = await self._asked(caller, endpoint, looked, device)
        if looked is None:
            return no_answer(RefusedError("endpoint_unknown", "no such endpoint is registered"), passed.decision_id)
        return await self._answered(looked, passed, then)

    async def _answered(
        self, looked: Looked, passed: Passed, then: Callable[[Permit], Answer | dict[str, Any]]
    ) -> Reply:
        spec = looked.spec
        try:
            answer = await self._do(partial(self._complete, looked, passed, then))
        except OstiaryError as no:
            self._outcomes.labels(no.code).inc()
            if isinstance(no, UnavailableError):
                self._desk.faults(no.code, no)
            return no_answer(no, passed.decision_id, spec.rate.wait_s if "rate" in no.code else spec.subject.wait_s)
        if isinstance(answer, Answer):
            self._outcomes.labels("answered").inc()
            return json_reply(200, answer.document())
        return json_reply(200, answer)

    def _complete(
        self, looked: Looked, passed: Passed, then: Callable[[Permit], Answer | dict[str, Any]]
    ) -> Answer | dict[str, Any]:
        if not looked.spec.url and not looked.by:
            self._room.serving.refuse(looked)
            raise RefusedError("endpoint_not_forwarded", "this model is asked inside its own program alone")
        reduced = passed.decided.record.outcome.effect == Effect.REDUCE
        obligations, standing = passed.obligations(COARSE), passed.decided.asked
        admit = self._room.serving.admit
        return then(admit(looked, passed.decision_id, obligations, reduced=reduced, standing=standing))

    def _looked(self, caller: Caller, endpoint: str, spec: EndpointSpec, told: Any, by: str) -> Looked:
        identity = caller.identity
        looked = Looked(
            tenant=caller.tenant,
            endpoint=endpoint,
            spec=spec,
            subject=f"{identity.subject_type}:{identity.subject_id}",
            at_ns=self._now(),
            by=by,
            device=identity.key,
            network=network_prefix(ip_of(caller.ip)),
            fault=told if isinstance(told, FaultyInputError) else None,
        )
        return looked if looked.fault is not None else self._room.serving.look(looked, told)

    async def _asked(self, caller: Caller, endpoint: str, looked: Looked | None, device: str | None) -> Passed:
        properties = looked.properties() if looked is not None else {}
        context: dict[str, Any] = {"device": {"id": device}} if device else {}
        context |= {"count": properties["rows"]} if properties else {}
        asked = Asked(ACTION, TYPE, endpoint, properties=properties, context=context)
        try:
            return await self._keeper.ask(caller, asked)
        except BaseException:
            if looked is not None:
                self._room.serving.refuse(looked)
            raise

    async def _body(self, request: Request) -> Any:
        """Return the parsed body, or what is wrong with it: nobody is told before he may ask."""
        try:
            return await self._read(request, self._limits)
        except FaultyInputError as fault:
            return fault

    async def _read(self, request: Request, limits: BodyLimits) -> dict[str, Any]:
        if not request.is_json():
            raise FaultyInputError(Reason.REQUEST_INVALID.value, "the content type must be application/json")
        raw = await request.body(limits.max_bytes, self._desk.receive_timeout_s)
        return await self._do(partial(parse_object, raw, limits))

    async def _pep_body(self, request: Request, tenant: str) -> tuple[PepIdentity, dict[str, Any]] | Reply:
        try:
            pep = await asyncio.to_thread(self._pep, request, tenant)
            return pep, await self._read(request, BodyLimits(2 * self._limits.max_bytes, _DEPTH + 2))
        except RefusedError as no:
            return stranger(self._desk, request, no)
        except OstiaryError as no:
            return no_answer(no)

    def _nonce(self, tenant: str, no: RefusedError) -> str | None:
        """Return the nonce that a proof must have, when that was what it lacked (RFC 9449 §8)."""
        wanted = no.code in {Refusal.DPOP_NONCE_MISSING, Refusal.DPOP_NONCE_WRONG}
        return self._desk.house.subjects.dpop_nonce(tenant, self._now()) if wanted else None

    def _pep(self, request: Request, tenant: str) -> PepIdentity:
        pep = identify(self._desk, request)
        if pep.tenant != tenant:  # exactly what a stranger hears
            raise RefusedError(Reason.PEP_UNAUTHENTICATED.value, "the enforcement point is another tenant's")
        return pep

    def _presented(self, request: Request, pep: PepIdentity, told: dict[str, Any]) -> Caller:
        """Return the caller for whom an enforcement point asks: its token and proofs, never the point's word."""
        context = told.get("context")
        presented, rest = extract_presented(context if isinstance(context, dict) else {})
        once = OneRequest(self._desk.house.subjects)
        identity = once.identify(pep, presented, self._now())
        ip, agent = rest.get("ip"), rest.get("user_agent")
        return Caller(
            tenant=pep.tenant,
            identity=identity,
            detail=detail_of(identity),
            pep=pep,
            presented=presented,
            once=once,
            ip=ip if isinstance(ip, str) else None,
            user_agent=agent[:512] if isinstance(agent, str) else "",
            request_id=request.request_id,
        )

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _now(self) -> int:
        return self._desk.house.clock.now_ns()


def _device(request: Request) -> str | None:
    """Return the device that the caller names; a name is a claim, and only policy says what it is worth.

    Raises:
        TurnedAway: it came twice.
    """
    told = [value for name, value in request.raw_headers if name == DEVICE]
    if len(told) > 1:
        raise TurnedAway(
            json_reply(400, {"code": "request_invalid", "message": "the header `ostiary-device` came twice"})
        )
    return told[0].decode("latin-1")[:128] if told else None


def face(desk: FaceDesk) -> InferenceFace:
    """Return the face; there is always one."""
    return InferenceFace(desk)
