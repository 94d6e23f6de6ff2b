"""A model inside its own program, behind Ostiary's inference door: nothing gets in unasked or out unrecorded.

    guard = InferenceGuard("https://pdp.example", api_key, "default", "fraud", public_url="https://fraud.example")
    app = InferenceMiddleware(app, guard)                       # any ASGI application that answers POST /predict
    told = await guard.predict(presented, rows, model.predict)  # or a model that is called in this program

- The caller's token and proof are presented to Ostiary, which decides, checks the rows and takes from budgets. The API
  key is the program's own: it lets the program ask, and lets nobody in.
- The model gets what Ostiary wrote anew from the checked rows: no credential of the caller's, no query of the address,
  and no header that says how to read or to answer them.
- What the model says goes to Ostiary, which makes it as coarse as policy asks, records it, and says what may be given
  out. Whatever fails on the way, nothing is given out.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

import msgspec

from ostiary_sdk.incoming import OddRequestError, Presented, check_path, presented
from ostiary_sdk.inference_guard import Begun, Caller, InferenceGuard, NoInferenceError, no_inference, unavailable
from ostiary_sdk.settings import MAX_ANSWER

__all__ = ["Begun", "Caller", "InferenceGuard", "InferenceMiddleware", "NoInferenceError"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
MAX_BODY: Final = 262_144
_OK: Final = 200
_DEVICE: Final = "ostiary-device"
# What says where a request is, and nothing of what is asked or how it is to be answered.
_INSIDE: Final = frozenset({b"host", b"traceparent", b"tracestate", b"user-agent", b"x-request-id"})


class InferenceMiddleware:
    """An ASGI application in which every question to a model goes through the guard."""

    def __init__(
        self,
        app: App,
        guard: InferenceGuard,
        *,
        path: str = "/predict",
        public: Iterable[str] = (),
        most: int = MAX_BODY,
    ) -> None:
        """Guard ``app``.

        Args:
            app: answers ``POST path`` with ``{"predictions": …}``.
            guard: asks Ostiary.
            path: where questions come.
            public: further paths that need no permission, such as a health check; all others are refused.
            most: longest question in bytes.
        """
        self._app = app
        self._guard = guard
        self._path = path
        self._public = frozenset(public)
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the server's life."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in self._public):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            try:
                body = msgspec.json.encode(await self._guarded(scope, receive))
                await _answer(send, _OK, body, ())
            except NoInferenceError as no:
                await _answer(send, no.status, no.body, no.headers)

    async def _guarded(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        caller = self._caller(scope, headers)
        try:
            told = msgspec.json.decode(await _body(receive, self._most))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as fault:
            raise no_inference(400, "body_malformed", "the body is not JSON") from fault
        begun = await self._guard.begin(caller, told)
        inner = _Inner(bytes(begun.input))
        try:
            await self._app(_inside(scope, len(inner.asked)), inner.receive, inner.send)
            answer = inner.answer()
        except BaseException as fault:
            await self._guard.failed(begun)
            if isinstance(fault, Exception):
                raise unavailable() from fault
            raise
        return await self._guard.end(begun, answer)

    def _caller(self, scope: Scope, headers: list[tuple[str, str]]) -> Caller:
        try:
            check_path(scope["path"], (scope.get("raw_path") or b"").decode("latin-1"))
            shown: Presented = presented(headers)
        except OddRequestError as odd:
            raise no_inference(400, str(odd), "the request could be read in two ways") from odd
        if scope["method"] != "POST" or scope["path"] != self._path:
            raise no_inference(404, "not_found", "there is nothing here")
        devices = [value for name, value in headers if name == _DEVICE]
        if len(devices) > 1:
            raise no_inference(400, "credentials_ambiguous", "the header `ostiary-device` came twice")
        client = scope.get("client")
        return Caller(
            token=shown.token,
            dpop=shown.dpop,
            path=scope["path"],
            ip=client[0] if client else "",
            user_agent=next((value for name, value in headers if name == "user-agent"), "")[:512],
            device=devices[0] if devices else "",
        )


class _Inner:
    """The model's application as it is asked: one body in, one bounded answer out."""

    def __init__(self, asked: bytes) -> None:
        self.asked = asked
        self._told = False
        self._status = 0
        self._body = bytearray()
        self._whole = False

    async def receive(self) -> Message:
        if self._told:
            return {"type": "http.disconnect"}
        self._told = True
        return {"type": "http.request", "body": self.asked, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            self._whole = not message.get("more_body", False)
            if len(self._body) > MAX_ANSWER:
                raise unavailable()

    def answer(self) -> Any:
        if self._status != _OK or not self._whole:
            raise unavailable()
        return msgspec.json.decode(bytes(self._body))


def _inside(scope: Scope, length: int) -> Scope:
    """Return the scope for the model's application: what it is asked are the checked rows, and nothing beside them."""
    inner = dict(scope)
    kept = [(name, value) for name, value in scope["headers"] if name.lower() in _INSIDE]
    kind = b"application/json"
    inner["headers"] = [*kept, (b"accept", kind), (b"content-type", kind), (b"content-length", b"%d" % length)]
    inner["query_string"] = b""
    return inner


async def _body(receive: Receive, most: int) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise no_inference(400, "body_malformed", "the body ended early")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > most:
            raise no_inference(413, "body_too_large", f"the body is longer than the {most} bytes allowed")
    return bytes(body)


async def _answer(send: Send, status: int, body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    head = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    head += [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    head.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
