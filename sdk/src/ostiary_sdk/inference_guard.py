"""Asks Ostiary before and after a model of this program is asked; ``inference`` is what applications import."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec

from ostiary_sdk.settings import MAX_ANSWER, Settings, checked_url
from ostiary_sdk.wire import Credential, authorization

Model = Callable[[list[dict[str, Any]]], Any]
_OK: Final = 200
_OURSELVES: Final = "pep_"
_RELAYED: Final = ("www-authenticate", "dpop-nonce", "retry-after")
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
            raise unavailable() from fault
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
        except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
            raise unavailable() from fault

    async def end(self, begun: Begun, answer: Any) -> dict[str, Any]:
        """Bring what the model said; return what may be given to the caller.

        Raises:
            NoInferenceError: nothing may.
        """
        try:
            told = msgspec.json.decode(await self._post("end", {"permit": begun.permit, "answer": answer}))
        except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
            raise unavailable() from fault
        if not isinstance(told, dict) or not isinstance(told.get("predictions"), list):
            raise unavailable()
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
                        raise unavailable()
        except (httpx.HTTPError, TimeoutError, OSError, msgspec.MsgspecError, UnicodeError) as fault:
            raise unavailable() from fault
        if reply.status_code != _OK:
            raise _relayed(reply, bytes(whole))
        return bytes(whole)


def _relayed(reply: httpx.Response, body: bytes) -> NoInferenceError:
    """Return what the caller is told of Ostiary's refusal; one of this program itself is nobody's business."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return unavailable()
    # Who is not let in here is this program and not its caller, who is told no more than that there is no answer.
    if not isinstance(told, dict) or not isinstance(told.get("code"), str) or told["code"].startswith(_OURSELVES):
        return unavailable()
    kept = tuple((name, reply.headers[name]) for name in _RELAYED if name in reply.headers)
    return NoInferenceError(reply.status_code, body, kept)


def no_inference(status: int, code: str, message: str) -> NoInferenceError:
    """Return a refusal in the shape of Ostiary's own."""
    return NoInferenceError(status, msgspec.json.encode({"code": code, "message": message}))


def unavailable() -> NoInferenceError:
    """Return what is told whenever something is away or broken."""
    return no_inference(503, "inference_unavailable", "The service cannot answer now, so the answer is no.")
