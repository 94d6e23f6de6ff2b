"""Where browsers send how somebody types and moves, below ``/biometrics/v1/``.

    GET    /biometrics/v1/collector.js          the script
    POST   /biometrics/v1/{tenant}/streams      introduce a page; brings the first nonce
    POST   /biometrics/v1/{tenant}/windows      one window; brings the next nonce
    GET    /biometrics/v1/{tenant}/consent      whether the person agrees
    PUT    /biometrics/v1/{tenant}/consent      agree
    DELETE /biometrics/v1/{tenant}/consent      agree no more: nothing is taken, and everything is erased

- The caller is a person's page: its token, and a DPoP proof that signs the body (``identity.bodies``).
- Work is done by a few threads of its own, so much at once, a tenant half of it: whoever floods waits for himself.
- Pages of ``biometrics.collector.origins`` may call from elsewhere (CORS); there are no cookies to borrow.
- Windows are counted by what became of them, never by whose they are. None is logged.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import prometheus_client

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.keys.hashing import sha256
from ostiary.server.biometrics.rates import Pauses
from ostiary.server.biometrics.refusing import STATUS, BehaviourRefusal, WindowRefusedError
from ostiary.server.biometrics.script import PREFIX, scripts
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Caller, TurnedAway
from ostiary.server.step_up.origins import origin_of
from ostiary.server.wire import BODY_LATE, CLOSE, Reply, Request, json_reply
from ostiary.vocabulary.reasons import Reason

if TYPE_CHECKING:
    from ostiary.server.biometrics.collecting import Collecting

DOOR: Final = "biometrics"
MAX_BODY: Final = 16_384
THREADS: Final = 4
MAX_WAITING: Final = 64
MOST_PAUSES: Final = 10_000
SWEEP_S: Final = 30.0
_SHARE: Final = 2
_PARTS: Final = 2
_WAY: Final = {"streams": ("POST",), "windows": ("POST",), "consent": ("GET", "PUT", "DELETE")}
_GONE: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})
_NS: Final = 1_000_000_000
T = TypeVar("T")


class BiometricsFace:
    """Answers people's pages."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk, collecting: "Collecting") -> None:
        """Take what the worker has."""
        self._desk = desk
        self._collecting = collecting
        self._keeper = desk.keeper(DOOR)
        settings = desk.house.settings.biometrics.collector
        self._origins = frozenset({*settings.origins, origin_of(desk.base_url)} - {""})
        self._threads = ThreadPoolExecutor(THREADS, DOOR)
        self._working: Counter[str] = Counter()
        self._pauses = Pauses(MOST_PAUSES)
        kept = desk.metrics.registry
        self._windows = prometheus_client.Counter(
            "ostiary_collector_windows", "windows by what became of them", ("modality", "outcome"), registry=kept
        )
        self._missed = prometheus_client.Counter(
            "ostiary_collector_windows_missed", "numbers that streams left out", registry=kept
        )
        self._consents = prometheus_client.Counter(
            "ostiary_collector_consents", "agreements given and withdrawn", ("what",), registry=kept
        )
        desk.metrics.gauge("ostiary_collector_streams", "pages that send behaviour", lambda: len(collecting.streams))

    def chores(self) -> Sequence[Chore]:
        """Forget pages that were silent."""
        return (Chore("streams_not_swept", SWEEP_S, lambda: self._collecting.streams.sweep(self._now())),)

    async def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        script = scripts().get(request.path)
        if script is not None:
            return _script(request, script)
        parts = request.path.removeprefix(PREFIX).split("/")
        ways = _WAY.get(parts[1]) if len(parts) == _PARTS else None
        if ways is None:
            return _GONE
        origin = next((value.decode("latin-1") for name, value in request.raw_headers if name == b"origin"), "")
        allowed = origin in self._origins
        if request.method == "OPTIONS":
            return (
                _preflight(origin, ways)
                if allowed
                else json_reply(403, {"code": "origin_not_allowed", "message": "this origin may not call"})
            )
        tenant, what = parts
        reply = await self._answer(request, tenant, what, ways)
        return _shared(reply, origin) if allowed else reply

    async def _answer(self, request: Request, tenant: str, what: str, ways: tuple[str, ...]) -> Reply:
        if request.method not in ways:
            allow = ", ".join(ways)
            return json_reply(
                405, {"code": "method_not_allowed", "message": f"use {allow}"}, (b"allow", allow.encode())
            )
        if not self._enters(tenant):
            busy = {"code": Reason.OVERLOADED.value, "message": "too many pages speak at once"}
            return json_reply(503, busy, (b"retry-after", b"1"))
        token = sha256((request.header(b"authorization") or "").encode())
        name = (tenant, token) if what != "consent" else None
        try:
            self._check_pause(name)
            caller = await self._keeper.caller(request, tenant)
            return await self._done(request, caller, what)
        except TurnedAway as no:
            return self._timed(no.reply)
        except OstiaryError as no:
            if isinstance(no, WindowRefusedError) and no.wait_s and name is not None:
                self._pauses.put(name, self._now() + no.wait_s * _NS)
            if what == "windows":
                self._windows.labels("", str(no.code)).inc()
            return self._refused(request, no)
        finally:
            self._working[tenant] -= 1
            if not self._working[tenant]:  # a tenant's name is anybody's word: none is remembered
                del self._working[tenant]

    async def _done(self, request: Request, caller: Caller, what: str) -> Reply:
        body = b"" if request.method in {"GET", "DELETE"} else await self._body(request)
        own = self._collecting
        if what == "streams":
            return json_reply(201, await self._do(partial(own.open, caller, body)))
        if what == "windows":
            answer, told, missed = await self._do(partial(own.take, caller, body))
            self._windows.labels(told.window.modality.value, "taken").inc()
            self._missed.inc(missed)
            return json_reply(202, answer)
        if request.method == "GET":
            return json_reply(200, await self._do(partial(own.consent, caller)))
        if request.method == "PUT":
            answer = await self._do(partial(own.agree, caller, body))
            self._consents.labels("given").inc()
            return json_reply(200, answer)
        answer = await self._do(partial(own.withdraw, caller))
        self._consents.labels("withdrawn").inc()
        return json_reply(200, answer)

    def _check_pause(self, name: tuple[str, bytes] | None) -> None:
        """Refuse whoever was told to wait and does not, before its proof is looked at and remembered."""
        left_s = 0 if name is None else self._pauses.left_s(name, self._now())
        if left_s:
            raise WindowRefusedError(BehaviourRefusal.WINDOWS_LIMITED, wait_s=left_s)

    def _enters(self, tenant: str) -> bool:
        if self._working.total() >= MAX_WAITING or self._working[tenant] >= MAX_WAITING // _SHARE:
            return False
        self._working[tenant] += 1
        return True

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _body(self, request: Request) -> bytes:
        if request.twice or not request.is_json():
            raise FaultyInputError(Reason.REQUEST_INVALID.value, "the content type must be application/json, told once")
        return await request.body(MAX_BODY, self._desk.receive_timeout_s)

    def _refused(self, request: Request, no: OstiaryError) -> Reply:
        if isinstance(no, UnavailableError):
            self._desk.faults(no.code, no)
            said = {"code": no.code, "message": "This cannot be done now; try again."}
            return json_reply(503, said, (b"retry-after", b"1"))
        self._desk.refusals.count(no.code, request.peer)
        body: dict[str, Any] = {"code": no.code, "message": no.message}
        if isinstance(no, FaultyInputError):
            status = {BODY_LATE: 408, Reason.BODY_TOO_LARGE.value: 413}.get(no.code, 400)
            return json_reply(status, body, *((CLOSE,) if status != 400 else ()))  # noqa: PLR2004 - an unread body
        waits: tuple[tuple[bytes, bytes], ...] = ()
        if isinstance(no, WindowRefusedError):
            body |= {"nonce": no.nonce} if no.nonce else {}
            waits = ((b"retry-after", b"%d" % no.wait_s),) if no.wait_s else ()
        return json_reply(STATUS.get(no.code, 403), body, *waits)  # type: ignore[call-overload]

    def _timed(self, reply: Reply) -> Reply:
        """Tell a page whose proof was turned away what time it is here: its clock may be wrong."""
        told = msgspec.json.decode(reply.body)
        return msgspec.structs.replace(reply, body=msgspec.json.encode({**told, "now": self._now() // _NS}))

    def _now(self) -> int:
        return self._desk.house.clock.now_ns()


def _script(request: Request, script: Reply) -> Reply:
    if request.method not in {"GET", "HEAD"}:
        return json_reply(405, {"code": "method_not_allowed", "message": "use GET"}, (b"allow", b"GET, HEAD"))
    etag = dict(script.headers)[b"etag"]
    if (request.header(b"if-none-match") or "").encode() == etag:
        return Reply(304, b"", script.headers)
    return script if request.method == "GET" else msgspec.structs.replace(script, body=b"")


def _preflight(origin: str, ways: tuple[str, ...]) -> Reply:
    headers = (
        (b"access-control-allow-methods", ", ".join(ways).encode()),
        (b"access-control-allow-headers", b"authorization, content-type, dpop"),
        (b"access-control-max-age", b"600"),
    )
    return _shared(Reply(204, b"", headers), origin)


def _shared(reply: Reply, origin: str) -> Reply:
    more = (
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", b"dpop-nonce, retry-after"),
        (b"vary", b"Origin"),
    )
    return msgspec.structs.replace(reply, headers=(*reply.headers, *more))


def face(desk: FaceDesk) -> BiometricsFace | None:
    """Return the face, where there is a room that judges behaviour."""
    room = desk.house.behaviour
    if room is None:
        return None
    from ostiary.server.biometrics.collecting import Collecting  # noqa: PLC0415 - it brings numpy along

    return BiometricsFace(desk, Collecting(desk.house, room))
