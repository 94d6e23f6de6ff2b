"""A model inside its own program, behind Ostiary's inference door: nothing gets in unasked or out unrecorded.

    guard = InferenceGuard("https://pdp.example", api_key, "default", "fraud", public_url="https://fraud.example")
    app = InferenceMiddleware(app, guard)                       # any ASGI application that answers POST /predict
    told = await guard.predict(presented, rows, model.predict)  # or a model that is called in this program

- The caller's token and proof are presented to Ostiary, which decides, checks the rows and takes from budgets. The API
  key is the program's own: it lets the program ask, and lets nobody in.
- The model gets what Ostiary wrote anew from the checked rows, and no credential of the caller's.
- What the model says goes to Ostiary, which makes it as coarse as policy asks, records it, and says what may be given
  out. Whatever fails on the way, nothing is given out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec

from ostiary_sdk.incoming import OddRequestError, Presented, check_path, is_ours, presented
from ostiary_sdk.settings import MAX_ANSWER, Settings, checked_url
from ostiary_sdk.wire import Credential, authorization

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Model = Callable[[list[dict[str, Any]]], Any]
MAX_BODY: Final = 262_144
_OK: Final = 200
_DEVICE: Final = "ostiary-device"
_RELAYED: Final = ("www-authenticate", "dpop-nonce", "retry-after")
_NEVER_INSIDE: Final = frozenset(
    {
        "authorization",
        "dpop",
        "cookie",
        "proxy-authorization",
        "content-length",
        "content-encoding",
        "transfer-encoding",
    }
)
_DEFAULTS: Final = Settings(timeout_s=10.0)


class NoInferenceError(Exception):
    """There is no answer; ``status``, ``body`` and ``headers`` are what the caller is told."""

    def __init__(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Keep what the caller is told."""
        super().__init__(f"no inference: {status}")
        self.status, self.body, self.headers = status, body, headers


class Begun(msgspec.Struct, frozen=True):
    """A request that the model may be asked: ``input`` is what to ask it, as JSON."""

    permit: str
    decision_id: str
    input: msgspec.Raw


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: its token and proof as they came, and where from. ``device`` is a mere claim."""

    token: str = ""
    dpop: str = ""
    method: str = "POST"
    path: str = "/predict"
    ip: str = ""
    user_agent: str = ""
    device: str = ""

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show where from, not with what."""
        return f"Caller({self.ip!r})"


class InferenceGuard:
    """Asks Ostiary before and after a model is asked; for one event loop."""

    def __init__(
        self,
        url: str,
        credential: Credential,
        tenant: str,
        endpoint: str,
        *,
        public_url: str = "",
        settings: Settings = _DEFAULTS,
    ) -> None:
        """Take where Ostiary is, the program's own credential, and which endpoint the model is.

        Args:
            url: Ostiary's address.
            credential: an enforcement point's API key, token or ``id:secret``.
            tenant: whose endpoint it is.
            endpoint: its id.
            public_url: address under which callers reach this program, for proofs of possession.
            settings: time limits and connections.

        Raises:
            ValueError: the address is none, or not safe to send a secret to.
        """
        base = checked_url(url, allow_http=settings.allow_http)
        self._base = f"{base}/pipeline/{tenant}/inference/{endpoint}/"
        self._credential = credential
        self._public_url = public_url.rstrip("/")
        self._settings = settings
        self._http = httpx.AsyncClient(verify=settings.verify, timeout=settings.timeout_s, trust_env=False)

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show the endpoint, not the credential."""
        return f"InferenceGuard({self._base!r})"

    async def __aenter__(self) -> Self:
        """Return the guard itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def predict(self, caller: Caller, rows: Sequence[Mapping[str, Any]], model: Model) -> dict[str, Any]:
        """Ask a model of this program; return what may be given to the caller.

        Raises:
            NoInferenceError: it may not be asked, or there is no answer.
        """
        begun = await self.begin(caller, {"instances": list(rows)})
        try:
            found = await asyncio.to_thread(model, msgspec.json.decode(begun.input)["instances"])
            answer = {"predictions": list(found)}
            msgspec.json.encode(answer)
        except Exception as fault:
            await self.failed(begun)
            raise _broken() from fault
        return await self.end(begun, answer)

    async def begin(self, caller: Caller, told: Any) -> Begun:
        """Return the permission to ask the model.

        Raises:
            NoInferenceError: there is none.
        """
        context = {
            "subject_token": caller.token,
            "dpop_proof": caller.dpop,
            "http_method": caller.method if caller.dpop else "",
            "http_uri": self._public_url + caller.path if caller.dpop else "",
            "ip": caller.ip,
            "user_agent": caller.user_agent,
        }
        body: dict[str, Any] = {"context": {name: value for name, value in context.items() if value}, "input": told}
        if caller.device:
            body["device"] = caller.device
        try:
            return msgspec.json.decode(await self._post("begin", body), type=Begun)
        except msgspec.MsgspecError as fault:
            raise _broken() from fault

    async def end(self, begun: Begun, answer: Any) -> dict[str, Any]:
        """Bring what the model said; return what may be given to the caller.

        Raises:
            NoInferenceError: nothing may.
        """
        try:
            told = msgspec.json.decode(await self._post("end", {"permit": begun.permit, "answer": answer}))
        except msgspec.MsgspecError as fault:
            raise _broken() from fault
        if not isinstance(told, dict) or not isinstance(told.get("predictions"), list):
            raise _broken()
        return told

    async def failed(self, begun: Begun) -> None:
        """Say that the model gave no answer; it is recorded so."""
        try:
            await self._post("end", {"permit": begun.permit})
        except NoInferenceError as no:
            _ = no.status  # that there is no answer is what was said

    async def _post(self, act: str, body: dict[str, Any]) -> bytes:
        headers = {
            "Authorization": authorization(self._credential),
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
        }
        try:
            content = msgspec.json.encode(body)
            async with (
                asyncio.timeout(self._settings.timeout_s),
                self._http.stream("POST", self._base + act, content=content, headers=headers) as reply,
            ):
                whole = bytearray()
                async for chunk in reply.aiter_raw():
                    whole += chunk
                    if len(whole) > MAX_ANSWER:
                        raise _broken()
        except (httpx.HTTPError, TimeoutError, OSError, msgspec.MsgspecError, UnicodeEncodeError) as fault:
            raise _broken() from fault
        if reply.status_code != _OK:
            raise _relayed(reply, bytes(whole))
        return bytes(whole)


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
        except (msgspec.MsgspecError, RecursionError) as fault:
            raise _no(400, "body_malformed", "the body is not JSON") from fault
        begun = await self._guard.begin(caller, told)
        inner = _Inner(bytes(begun.input))
        try:
            await self._app(_inside(scope, len(inner.asked)), inner.receive, inner.send)
            answer = inner.answer()
        except BaseException as fault:
            await self._guard.failed(begun)
            if isinstance(fault, Exception):
                raise _broken() from fault
            raise
        return await self._guard.end(begun, answer)

    def _caller(self, scope: Scope, headers: list[tuple[str, str]]) -> Caller:
        try:
            check_path(scope["path"], (scope.get("raw_path") or b"").decode("latin-1"))
            shown: Presented = presented(headers)
        except OddRequestError as odd:
            raise _no(400, str(odd), "the request could be read in two ways") from odd
        if scope["method"] != "POST" or scope["path"] != self._path:
            raise _no(404, "not_found", "there is nothing here")
        devices = [value for name, value in headers if name == _DEVICE]
        if len(devices) > 1:
            raise _no(400, "credentials_ambiguous", "the header `ostiary-device` came twice")
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
                raise _broken()

    def answer(self) -> Any:
        if self._status != _OK or not self._whole:
            raise _broken()
        return msgspec.json.decode(bytes(self._body))


def _inside(scope: Scope, length: int) -> Scope:
    """Return the scope for the model's application: no credential of the caller's, nothing under our names."""
    inner = dict(scope)
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if name.decode("latin-1").lower() not in _NEVER_INSIDE | {_DEVICE} and not is_ours(name.decode("latin-1"))
    ]
    inner["headers"] = [*kept, (b"content-length", b"%d" % length)]
    return inner


async def _body(receive: Receive, most: int) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _no(400, "body_malformed", "the body ended early")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > most:
            raise _no(413, "body_too_large", f"the body is longer than the {most} bytes allowed")
    return bytes(body)


async def _answer(send: Send, status: int, body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    head = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    head += [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    head.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def _relayed(reply: httpx.Response, body: bytes) -> NoInferenceError:
    """Return what the caller is told of Ostiary's refusal; one of this program itself is nobody's business."""
    try:
        told = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return _broken()
    if not isinstance(told, dict) or not isinstance(told.get("code"), str):
        return _broken()
    kept = tuple((name, reply.headers[name]) for name in _RELAYED if name in reply.headers)
    return NoInferenceError(reply.status_code, body, kept)


def _no(status: int, code: str, message: str) -> NoInferenceError:
    return NoInferenceError(status, msgspec.json.encode({"code": code, "message": message}))


def _broken() -> NoInferenceError:
    return _no(503, "inference_unavailable", "The service cannot answer now, so the answer is no.")
