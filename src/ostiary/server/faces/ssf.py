"""The face of shared signals: metadata, streams, polls, and the door at which other domains push (SSF 1.0).

- ``GET /.well-known/ssf-configuration[/TENANT]`` and ``GET /ssf/v1/jwks.json``: for everybody;
- ``/ssf/v1/streams``, ``/status``, ``/subjects/…``, ``/verify``, ``/poll/…``: for enforcement points, each for its own
  streams; with a token it needs the scope ``ssf.manage``, or ``ssf.read`` where nothing is changed;
- ``POST /ssf/v1/events/RECEIVER``: for the transmitter that this receiver was set up for (``server.push_door``).

No store is touched on the loop, and a poll that waits holds no thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.devices import DeviceChange
from ostiary.identity.types import PepIdentity, PresentedPep
from ostiary.response.ssf.caep import standing
from ostiary.response.ssf.desk import Caller
from ostiary.response.ssf.documents import PREFIX, status_document, stream_document, transmitter_document
from ostiary.response.ssf.mailbox import Poll, PollAnswer, read_poll
from ostiary.response.ssf.streams import Stream
from ostiary.server.body import parse_object
from ostiary.server.challenge import UNAUTHENTICATED
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.push_door import RETRY, PushDoor
from ostiary.server.replicas.telling import told_once
from ostiary.server.signalling import PEP, SharedSignals, pool_of, shared_signals
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.vocabulary.ids import check_tenant
from ostiary.vocabulary.reasons import Reason

WELL_KNOWN: Final = "/.well-known/ssf-configuration"
MANAGE: Final = "ssf.manage"
READ: Final = "ssf.read"
MAX_LONG_POLLS: Final = 64
LOOK_S: Final = 0.2
DRAIN_S: Final = 0.1
PUSH_S: Final = 0.2
POLL_S: Final = 1.0
UPKEEP_S: Final = 60.0
KEYS_S: Final = 300.0
_CACHED: Final = (b"cache-control", b"public, max-age=300")
_NOT_FOUND: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})
_STATUS: Final = {
    "stream_changed": 409,
    "stream_unknown": 404,
    "streams_too_many": 409,
    "subjects_too_many": 409,
    "verification_too_soon": 429,
    "ssf_not_allowed": 403,
}
Handler = Callable[[Request, Caller, dict[str, Any]], Awaitable[Reply]]


def face(desk: FaceDesk) -> "SsfFace | None":
    """Return the face, unless the settings leave it out."""
    if not desk.house.settings.ssf.enabled:
        return None
    signals = shared_signals(desk.house, desk.faults)
    told_once(desk.house.together, desk.house.ledger, signals.transmitter.on_change)
    desk.house.devices.listen(lambda change: _tell_standing(signals, change))
    return SsfFace(desk, signals)


def _tell_standing(signals: SharedSignals, change: DeviceChange) -> None:
    """Tell that a device fell out of compliance or came back (CAEP 1.0 §3.5); the device book's listener."""
    told = standing(
        change.tenant,
        change.device_id,
        before=change.previous.value,
        after=change.current.value,
        at_ns=change.at_ns,
        reason=change.reason,
        cause=change.cause,
    )
    if told is not None:
        signals.transmitter.tell(told)


class SsfFace:
    """Answers everything of shared signals."""

    prefixes = (WELL_KNOWN, PREFIX)

    def __init__(self, desk: FaceDesk, signals: SharedSignals) -> None:
        """Take what it works with."""
        self._desk = desk
        self._settings = desk.house.settings.ssf
        self.signals = signals
        self._pusher = signals.pusher(pool_of(desk.house))
        self._push_door = PushDoor(desk, signals.intake, pool_of(desk.house))
        self._polling = 0
        waiting = desk.house.store.signals.count_all_waiting
        desk.metrics.gauge("ostiary_signals_waiting", "event tokens waiting to be delivered", waiting)
        self._routes: dict[tuple[str, str], tuple[str, Handler]] = {
            ("POST", "/streams"): (MANAGE, self._create),
            ("GET", "/streams"): (READ, self._read),
            ("PATCH", "/streams"): (MANAGE, self._change),
            ("PUT", "/streams"): (MANAGE, self._change),
            ("DELETE", "/streams"): (MANAGE, self._delete),
            ("GET", "/status"): (READ, self._status),
            ("POST", "/status"): (MANAGE, self._set_status),
            ("POST", "/subjects/add"): (MANAGE, self._add_subject),
            ("POST", "/subjects/remove"): (MANAGE, self._remove_subject),
            ("POST", "/verify"): (MANAGE, self._verify),
        }

    def chores(self) -> Sequence[Chore]:
        """Return what is to be done every so many seconds."""
        return (
            Chore("signals_not_told", DRAIN_S, self.signals.transmitter.drain),
            Chore("signals_not_pushed", PUSH_S, self._pusher.turn, once=True),
            Chore("signals_not_polled", POLL_S, self.signals.poller.turn, once=True),
            Chore("signals_not_kept", UPKEEP_S, self.signals.upkeep.turn, once=True),
            Chore("jwks_unavailable", KEYS_S, self._refresh_keys),
        )

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        path = request.path
        if path.startswith(WELL_KNOWN):
            return self._metadata(request, path.removeprefix(WELL_KNOWN))
        place = path.removeprefix(PREFIX)
        if place == "/jwks.json":
            return await self._jwks(request)
        if place.startswith("/events/"):
            if request.method != "POST":
                return _wrong_method("POST")
            return await self._push_door.answer(request, place.removeprefix("/events/"))
        try:
            return await self._managed(request, place)
        except OstiaryError as fault:
            return self._refused(request, fault)

    # For everybody.

    def _metadata(self, request: Request, tail: str) -> Reply:
        if request.method != "GET":
            return _wrong_method("GET")
        try:
            tenant = check_tenant(tail.removeprefix("/")) if tail not in {"", "/"} else ""
        except FaultyInputError:
            return _NOT_FOUND
        return json_reply(200, transmitter_document(self.signals.places, self.signals.rules, tenant), _CACHED)

    async def _jwks(self, request: Request) -> Reply:
        if request.method != "GET":
            return _wrong_method("GET")
        return json_reply(200, await asyncio.to_thread(self.signals.jwks), _CACHED)

    # For receivers (SSF 1.0 §8, RFC 8936).

    async def _managed(self, request: Request, place: str) -> Reply:
        polled = place.removeprefix("/poll/") if place.startswith("/poll/") else ""
        if polled and request.method != "POST":
            return _wrong_method("POST")
        scope, handler = (READ, self._poll) if polled else self._routes.get((request.method, place), ("", None))
        if handler is None:
            allowed = [method for method, path in self._routes if path == place]
            return _wrong_method(", ".join(allowed)) if allowed else _NOT_FOUND
        caller = await self._caller(request, scope)
        body = await self._body(request) if request.method in {"POST", "PUT", "PATCH"} else {}
        return await handler(request, caller, body)

    async def _caller(self, request: Request, scope: str) -> Caller:
        pep = await asyncio.to_thread(self._authenticate, request)
        if self._settings.managers and pep.pep_id not in self._settings.managers:
            raise RefusedError("ssf_not_allowed", "this caller may not set up streams")
        if pep.scopes is not None and not {scope, MANAGE} & set(pep.scopes):
            raise RefusedError("ssf_not_allowed", f"the token lacks the scope `{scope}`")
        return Caller(pep.tenant, PEP + pep.pep_id, pep.pep_id)

    def _authenticate(self, request: Request) -> PepIdentity:
        if request.twice:
            raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the header `{request.twice}` came twice")
        certificate = request.certificate or self._desk.proxies.certificate(request.peer, request.raw_headers)
        presented = PresentedPep(authorization=request.header(b"authorization"), client_cert_sha256=certificate)
        return self._desk.house.authenticator.authenticate(presented, self._desk.house.clock.now_ns())

    async def _body(self, request: Request) -> dict[str, Any]:
        if not request.is_json():
            raise FaultyInputError(Reason.REQUEST_INVALID.value, "the content type must be application/json")
        raw = await request.body(self._desk.limits.max_bytes, self._desk.receive_timeout_s)
        return parse_object(raw, self._desk.limits)

    def _refused(self, request: Request, fault: OstiaryError) -> Reply:
        if fault.code == "pep_unauthenticated":
            self._desk.refusals.count(fault.code, request.peer)
            return json_reply(401, {"code": fault.code, "message": "the caller did not authenticate"}, *UNAUTHENTICATED)
        said = {"code": fault.code, "message": fault.message}
        if isinstance(fault, UnavailableError):
            self._desk.faults(fault.code, fault)
            return json_reply(503, said, RETRY)
        return json_reply(_STATUS.get(fault.code, 400), said)

    async def _create(self, request: Request, caller: Caller, body: dict[str, Any]) -> Reply:
        del request
        stream = await asyncio.to_thread(self.signals.desk.create, caller, body)
        return json_reply(201, self._document(stream))

    async def _read(self, request: Request, caller: Caller, body: dict[str, Any]) -> Reply:
        del body
        stream_id = request.query.get("stream_id")
        if stream_id is None:
            streams = await asyncio.to_thread(self.signals.desk.listed, caller)
            return json_reply(200, [self._document(stream) for stream in streams])
        return json_reply(200, self._document(await self._find(caller, stream_id)))

    async def _change(self, request: Request, caller: Caller, body: dict[str, Any]) -> Reply:
        stream_id = _text(body, "stream_id")
        known = self._document(await self._find(caller, stream_id))
        # What the transmitter supplies may be repeated but not changed (SSF 1.0 §8.1.1.3).
        wrong = [name for name in ("iss", "aud", "events_supported", "events_delivered") if name in body]
        wrong = [name for name in wrong if body[name] != known[name]]
        if wrong:
            raise FaultyInputError("stream_invalid", f"`{wrong[0]}` is not the receiver's to change", f"/{wrong[0]}")
        whole = request.method == "PUT"
        stream = await asyncio.to_thread(self.signals.desk.change, caller, stream_id, body, whole=whole)
        return json_reply(200, self._document(stream))

    async def _delete(self, request: Request, caller: Caller, body: dict[str, Any]) -> Reply:
        del body
        await asyncio.to_thread(self.signals.desk.delete, caller, _text(request.query, "stream_id"))
        return Reply(204, b"", ())

    async def _status(self, request: Request, caller: Caller, body: dict[str, Any]) -> Reply:
        del body
        return json_reply(200, status_document(await self._find(caller, _text(request.query, "stream_id"))))

    async def _set_status(self, request: Request, caller: Caller, body: dict[str, Any]) -> Reply:
        del request
        told = (_text(body, "stream_id"), body.get("status"), body.get("reason", ""))
        return json_reply(200, status_document(await asyncio.to_thread(self.signals.desk.set_status, caller, *told)))

    async def _add_subject(self, request: Request, caller: Caller, body: dict[str, Any]) -> Reply:
        del request
        told = (_text(body, "stream_id"), body.get("subject"))
        await asyncio.to_thread(self.signals.desk.add_subject, caller, *told)
        return Reply(200, b"", ())

    async def _remove_subject(self, request: Request, caller: Caller, body: dict[str, Any]) -> Reply:
        del request
        told = (_text(body, "stream_id"), body.get("subject"))
        await asyncio.to_thread(self.signals.desk.remove_subject, caller, *told)
        return Reply(204, b"", ())

    async def _verify(self, request: Request, caller: Caller, body: dict[str, Any]) -> Reply:
        del request
        told = (_text(body, "stream_id"), body.get("state", ""))
        await asyncio.to_thread(self.signals.desk.verify, caller, *told)
        return Reply(204, b"", ())

    async def _poll(self, request: Request, caller: Caller, body: dict[str, Any]) -> Reply:
        stream = await self._find(caller, request.path.removeprefix(PREFIX + "/poll/"))
        poll = read_poll(body)
        await asyncio.to_thread(self.signals.mailbox.settle, stream, poll)
        await asyncio.to_thread(self.signals.desk.heard, caller, stream.stream_id)
        return json_reply(200, await self._wait(stream, caller, poll))

    async def _wait(self, stream: Stream, caller: Caller, poll: Poll) -> PollAnswer:
        """Return what waits; when nothing does, look again until the longest time for a poll is over."""
        looks = int(self._settings.long_poll_s / LOOK_S) if not poll.return_immediately and poll.max_events else 0
        if self._polling >= MAX_LONG_POLLS:
            looks = 0
        self._polling += 1
        try:
            answer = await asyncio.to_thread(self.signals.mailbox.answer, stream, poll)
            while not answer.sets and looks > 0:
                looks -= 1
                await asyncio.sleep(LOOK_S)
                stream = await self._find(caller, stream.stream_id)  # it may have been paused meanwhile
                answer = await asyncio.to_thread(self.signals.mailbox.answer, stream, poll)
            return answer
        finally:
            self._polling -= 1

    async def _find(self, caller: Caller, stream_id: str) -> Stream:
        return await asyncio.to_thread(self.signals.desk.find, caller, stream_id)

    def _document(self, stream: Stream) -> dict[str, Any]:
        return stream_document(stream, self.signals.places, self.signals.rules)

    def _refresh_keys(self) -> None:
        now_ns = self._desk.house.clock.now_ns()
        for receiver in self.signals.intake.receivers.values():
            try:
                receiver.verifier.refresh(now_ns)
            except UnavailableError as fault:
                self._desk.log.warning("jwks_unavailable", receiver=receiver.name, why=fault.message)


def _text(holder: Any, name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise FaultyInputError("stream_invalid", f"`{name}` is missing", f"/{name}")
    return value


def _wrong_method(allowed: str) -> Reply:
    said = {"code": "method_wrong", "message": f"use {allowed}"}
    return json_reply(405, said, (b"allow", allowed.encode()))
