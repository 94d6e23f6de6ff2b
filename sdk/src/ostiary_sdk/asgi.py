"""ASGI middleware: asks before the application hears of a request, and ends what lasts when its session falls.

    def access(got): return Access(action=got.method, resource=("path", got.path))
    app = OstiaryMiddleware(app, AsyncClient(url, key), access)

- The application sees the decision, obligations and all, as ``scope["ostiary.decision"]``. One with an obligation that
  it did not say it understands never reaches it.
- Only ``lifespan`` passes unasked. A kind of scope that is not known is refused.
- A response that lasts is cut within a second of its session's end; its connection is broken off, so that nobody takes
  half an answer for a whole one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import msgspec

from ostiary_sdk.aclient import AsyncClient
from ostiary_sdk.answers import Decision
from ostiary_sdk.current import Calling, calling
from ostiary_sdk.incoming import (
    DECISION,
    NOTHING,
    PUBLIC,
    Access,
    Incoming,
    Mapping_,
    OddRequestError,
    Presented,
    asked_for,
    check_path,
    incoming,
    is_ours,
    presented,
)
from ostiary_sdk.questions import Question
from ostiary_sdk.refusals import RefusedError, refusal
from ostiary_sdk.watching import TICK_S, Watch

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_POLICY_VIOLATION = 1008
FELL = Decision.failed("session_changed")


class Granted(msgspec.Struct, frozen=True):
    """A request that may go on; without a question it is public."""

    asked: Question | None
    decision: Decision | None
    mark: int | None = None
    access: Access | None = None


class OstiaryMiddleware:
    """An ASGI application around another one."""

    def __init__(
        self,
        app: App,
        client: AsyncClient,
        access: Mapping_,
        *,
        understands: Iterable[str] = (),
        public_url: str = "",
    ) -> None:
        """Guard ``app``.

        Args:
            app: the application.
            client: asks the decision point.
            access: says what a request wants; ``None`` refuses it, ``PUBLIC`` lets it pass unasked.
            understands: types of obligations that the application carries out.
            public_url: address under which clients reach the application, for proofs of possession.
        """
        self._app = app
        self._client = client
        self._access = access
        self._understands = frozenset(understands)
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the server's life."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] in {"http", "websocket"}:
            await self._guarded(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        shown, got = Presented(), NOTHING
        try:
            check_path(scope["path"], (scope.get("raw_path") or b"").decode("latin-1"))
            shown = presented(headers)
            got = _got(scope, headers)
            granted = await self._decide(got, shown)
        except OddRequestError as odd:
            granted = Decision.failed(str(odd))
        if isinstance(granted, Decision):
            await _refuse(scope, send, granted, shown)
            return
        inner = dict(scope)
        inner["headers"] = [(name, value) for name, value in scope["headers"] if not is_ours(name.decode("latin-1"))]
        inner[DECISION] = granted.decision
        token = calling.set(Calling(got, shown, self._public_url, granted.access, async_client=self._client))
        try:
            await self._run(inner, receive, send, granted, shown)
        finally:
            calling.reset(token)

    async def _decide(self, got: Incoming, shown: Presented) -> Granted | Decision:
        try:
            wanted = self._access(got)
        except Exception:  # noqa: BLE001 - a mapping that fails lets nobody through
            return Decision.failed("mapping_failed")
        if wanted == PUBLIC:
            return Granted(None, None)
        if not isinstance(wanted, Access):
            return Decision.failed("mapping_unknown")
        asked = asked_for(wanted, got, shown, self._public_url)
        told = asked if isinstance(asked, Decision) else await self._ask(asked)
        return told if isinstance(told, Decision) else msgspec.structs.replace(told, access=wanted)

    async def _ask(self, asked: Question, *, anew: bool = False) -> Granted | Decision:
        mark = self._client.fallen.mark()
        decision = await self._client.ask(asked, anew=anew)
        if not decision.allowed:
            return decision
        denied = without_unknown(decision, self._understands)  # a denial is false: never `or`
        return Granted(asked, decision, mark) if denied is None else denied

    async def _run(self, scope: Scope, receive: Receive, send: Send, granted: Granted, shown: Presented) -> None:
        gate = _Gate(send)
        work = asyncio.ensure_future(self._app(scope, receive, gate.send))
        try:
            if granted.asked is None or granted.decision is None:
                await work
            else:
                await self._watch(work, granted.asked, granted, gate)
                if gate.shut is None:
                    await work
                elif gate.begun:
                    await _break_off(scope, send)
                else:
                    await _refuse(scope, send, gate.shut, shown)
        except RefusedError as no:
            if gate.begun:
                raise
            await _refuse(scope, send, no.decision, shown)
        finally:
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    async def _watch(self, work: "asyncio.Future[None]", asked: Question, granted: Granted, gate: "_Gate") -> None:
        """Return when the application is done, or when it must be: then the gate is shut."""
        done, _ = await asyncio.wait({work}, timeout=TICK_S)
        if done or granted.decision is None:
            return
        client = self._client
        watch = Watch(asked, granted.decision, client.fallen, client.settings.stream_recheck_s, mark=granted.mark)
        while not work.done():
            if watch.due():
                again = await self._ask(asked, anew=True) if watch.repeatable else FELL
                if isinstance(again, Decision) or again.decision is None:
                    gate.shut = again if isinstance(again, Decision) else FELL
                    return
                watch.renew(again.decision, again.mark)
            await asyncio.wait({work}, timeout=TICK_S)


class _Gate:
    """What the application sends, as long as it may."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False
        self.shut: Decision | None = None

    async def send(self, message: Message) -> None:
        if self.shut is None:
            self.begun = True
            await self._send(message)


def without_unknown(decision: Decision, understands: frozenset[str]) -> Decision | None:
    """Return the denial of a grant that comes with an obligation nobody here understands, else ``None``."""
    unknown = decision.unknown_obligations(understands)
    if not unknown:
        return None
    reasons = ("obligation_unknown", *decision.reasons)
    return msgspec.structs.replace(Decision.failed("obligation_unknown"), reasons=reasons, id=decision.id, decided=True)


def _got(scope: Scope, headers: list[tuple[str, str]]) -> Incoming:
    client = scope.get("client")
    method = scope.get("method", "GET")  # a websocket's handshake is a GET
    query = scope.get("query_string", b"").decode("latin-1")
    return incoming(method, scope["path"], query, headers, client[0] if client else "")


async def _refuse(scope: Scope, send: Send, decision: Decision, shown: Presented) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})  # before acceptance: a 403 (ASGI §websocket)
        return
    told = refusal(decision, shown.scheme)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told.headers]
    headers.append((b"content-length", b"%d" % len(told.body)))
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": told.body})


async def _break_off(scope: Scope, send: Send) -> None:
    """End what was begun: a websocket by its code, a response by leaving it incomplete, which closes its connection."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
