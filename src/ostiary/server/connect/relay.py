"""Passes a client's request on to the gateway, with the person's own token and a proof for this very request.

- What the client sent of identity, cookies or forwarding never goes on; what it says about itself and its body does.
- A nonce that the server wants, and a token that it calls over, are answered once, with the same body.
- The answer streams back as it comes; when either side leaves, the other is closed. No redirect is followed: the token
  is for this server alone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol

import httpx
import msgspec

from ostiary.errors import OstiaryError
from ostiary.server.connect.guard import Fault, Guard

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY: Final = 32 * 1024 * 1024
_UNAUTHORIZED: Final = 401
_THERE: Final = frozenset(
    {b"accept", b"content-type", b"user-agent", b"x-request-id", b"openai-beta", b"idempotency-key"}
)
_BACK: Final = frozenset(
    {"content-type", "retry-after", "retry-after-ms", "www-authenticate", "x-request-id", "cache-control"}
)
_BACK_FAMILIES: Final = ("x-ratelimit-", "openai-", "ostiary-")


class Identity(Protocol):
    """The person's token, as a request bears it."""

    def headers(self, method: str, url: str, nonce: str = "") -> dict[str, str]:
        """Return the headers of one request."""
        ...

    def renew(self) -> None:
        """Fetch a new token."""
        ...


class Relay:
    """The ASGI application."""

    def __init__(self, base_url: str, prefix: str, guard: Guard, identity: Identity, client: httpx.AsyncClient) -> None:
        """Pass on to ``base_url`` + ``prefix`` in place of ``/v1``."""
        self._target = base_url + prefix
        self._guard = guard
        self._identity = identity
        self._client = client
        self._nonce = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        raw_path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
        no = self._guard.fault(headers.get(b"host", b"").decode("latin-1"), headers, raw_path)
        try:
            body = await _body(receive) if no is None else None
            if body is None:
                await _refuse(send, no or Fault(413, "body_too_large", f"a body has at most {MAX_BODY} bytes"))
                return
            await self._pass_on(scope, headers, raw_path, body, send, receive)
        except OstiaryError as fault:
            await _refuse(send, Fault(401 if fault.exit_code == 3 else 503, fault.code, fault.message))  # noqa: PLR2004 - refused
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            await _refuse(
                send, Fault(502, "gateway_unavailable", f"the gateway does not answer: {type(fault).__name__}")
            )

    async def _pass_on(
        self, scope: Scope, headers: dict[bytes, bytes], raw_path: str, body: bytes, send: Send, receive: Receive
    ) -> None:
        url = self._target + raw_path.removeprefix("/v1")
        query = scope.get("query_string", b"").decode("latin-1")
        told = {name.decode(): value.decode("latin-1") for name, value in headers.items() if name in _THERE}
        response = await self._ask(scope["method"], url, query, told, body)
        gone = asyncio.ensure_future(_gone(receive))
        back = asyncio.ensure_future(_send_back(response, send))
        try:
            await asyncio.wait({gone, back}, return_when=asyncio.FIRST_COMPLETED)
            if back.done():
                back.result()
        finally:
            for one in (gone, back):
                one.cancel()
            await asyncio.gather(gone, back, return_exceptions=True)
            await response.aclose()

    async def _ask(self, method: str, url: str, query: str, told: dict[str, str], body: bytes) -> httpx.Response:
        response = await self._once(method, url, query, told, body)
        if response.status_code != _UNAUTHORIZED:
            return response
        nonce, challenge = response.headers.get("dpop-nonce", ""), response.headers.get("www-authenticate", "")
        if nonce and "use_dpop_nonce" in challenge:
            self._nonce = nonce
        elif "invalid_token" in challenge and "expired" in (await _start(response)):
            await asyncio.to_thread(self._identity.renew)
        else:
            return response
        await response.aclose()
        return await self._once(method, url, query, told, body)

    async def _once(self, method: str, url: str, query: str, told: dict[str, str], body: bytes) -> httpx.Response:
        proven = await asyncio.to_thread(self._identity.headers, method, url, self._nonce)
        whole = url + (f"?{query}" if query else "")
        request = self._client.build_request(
            method, whole, headers={**told, **proven, "accept-encoding": "identity"}, content=body
        )
        return await self._client.send(request, stream=True, follow_redirects=False)


async def _start(response: httpx.Response) -> str:
    return (await response.aread())[:65_536].decode("utf-8", "replace")


async def _body(receive: Receive) -> bytes | None:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        more = message.get("more_body", False)
    return bytes(body)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _send_back(response: httpx.Response, send: Send) -> None:
    kept = [(n.encode(), v.encode("latin-1")) for n, v in response.headers.items() if _goes_back(n)]
    await send({"type": "http.response.start", "status": response.status_code, "headers": kept})
    async for chunk in _chunks(response):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    if response.is_stream_consumed:
        yield response.content
        return
    async for chunk in response.aiter_raw():
        yield chunk


def _goes_back(name: str) -> bool:
    return name in _BACK or name.startswith(_BACK_FAMILIES)


async def _refuse(send: Send, fault: Fault) -> None:
    """Answer as OpenAI's clients read it."""
    kind = "authentication_error" if fault.status == _UNAUTHORIZED else "invalid_request_error"
    told = {"error": {"message": fault.message, "type": kind, "param": None, "code": fault.code}}
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": msgspec.json.encode(told)})
