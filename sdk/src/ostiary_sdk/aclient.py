"""The client of a decision point for programs with an event loop; what it promises is what ``client`` promises."""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from ostiary_sdk.answers import Decision, Found
from ostiary_sdk.asking import MAX_BATCH, AnotherLoopError, Asking, Call, TooLongError, prepared, why
from ostiary_sdk.client import DEFAULTS
from ostiary_sdk.following import FeedTask, Following
from ostiary_sdk.questions import Entity, Question, Who
from ostiary_sdk.revocation import RevocationList
from ostiary_sdk.settings import MAX_ANSWER, Settings, checked_url
from ostiary_sdk.wire import RECEIPTS, SEARCH, Credential, Reply, read_found


class AsyncClient:
    """Asks one decision point from one event loop: the first in which it is used; in another every answer is no."""

    def __init__(self, url: str, credential: Credential, settings: Settings = DEFAULTS) -> None:
        """Take where it is and with what to prove ourselves; see ``Client``.

        Raises:
            ValueError: the address is none, or not safe to send a secret to.
        """
        self.url = checked_url(url, allow_http=settings.allow_http)
        self.settings = settings
        self._credential = credential
        self._asking = Asking(credential, settings)
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._http: httpx.AsyncClient | None = None
        self._feed: FeedTask | None = None

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show whom it asks, not with what."""
        return f"AsyncClient({self.url!r})"

    async def __aenter__(self) -> Self:
        """Follow the feed and return the client itself."""
        await self.follow()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()

    @property
    def fallen(self) -> RevocationList:
        """What has fallen, as the feed tells it."""
        return self._asking.fallen

    async def evaluate(self, action: str, resource: Entity, **who: Unpack[Who]) -> Decision:
        """Ask whether ``action`` on ``resource`` may be done."""
        asked = prepared(action, resource, dict(who))
        return asked if isinstance(asked, Decision) else await self.ask(asked)

    async def ask(self, asked: Question, *, anew: bool = False) -> Decision:
        """Put one question; ``anew`` looks past grants at hand."""
        try:
            await self.follow()
            known = None if anew else self._asking.kept(asked)
            if known is not None:
                return known
            call = self._asking.one(asked)
            return self._asking.answered(asked, call, await self._send(call))
        except Exception as fault:  # noqa: BLE001 - whatever went wrong, the answer is no
            return Decision.failed(why(fault))

    async def evaluations(self, asked: Sequence[Question]) -> list[Decision]:
        """Put many questions at once; the answers come in their order."""
        decisions: list[Decision] = []
        for start in range(0, len(asked), MAX_BATCH):
            part = asked[start : start + MAX_BATCH]
            try:
                await self.follow()
                call = self._asking.many(part)
                decisions += self._asking.all_answered(part, call, await self._send(call))
            except Exception as fault:  # noqa: BLE001 - whatever went wrong, the answer is no
                decisions += [Decision.failed(why(fault)) for _ in part]
        return decisions

    async def search(self, wanted: str, body: dict[str, Any]) -> Found:
        """Search for each ``subject``, ``resource`` or ``action``; ``body`` is AuthZEN's. Never kept."""
        try:
            call = self._asking.call(SEARCH + wanted, body)
            return read_found(await self._send(call), call.request_id)
        except Exception as fault:  # noqa: BLE001 - whatever went wrong, nothing was found
            return Found(failed=why(fault))

    async def send_receipt(self, receipt: str) -> bool:
        """Bring a signed receipt; return whether it was taken."""
        try:
            return (await self._send(self._asking.call(RECEIPTS, {"receipt": receipt}))).status < 300  # noqa: PLR2004
        except Exception as fault:  # noqa: BLE001 - the obligation will show as unexecuted, which is true enough
            return not why(fault)

    async def follow(self) -> None:
        """Follow the feed of changes, if that is not being done; the first question does it by itself."""
        self._own()
        if self.settings.cache_s <= 0 or self._closed or (self._feed is not None and self._feed.alive):
            return
        self.fallen.lost(forget=True)
        following = Following(self.url, self._credential, self.fallen)
        self._feed = FeedTask(following, self._new_http(self.settings.max_stale_s))

    def _own(self) -> None:
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise AnotherLoopError

    async def wait_fresh(self, timeout_s: float) -> bool:
        """Wait until it is known what has fallen; return whether it is."""
        await self.follow()
        until = time.monotonic() + timeout_s
        while not self.fallen.fresh() and time.monotonic() < until:  # noqa: ASYNC110 - the list knows no loop
            await asyncio.sleep(0.01)
        return self.fallen.fresh()

    async def close(self) -> None:
        """End the feed and the connections; every later question is denied."""
        self._closed = True
        if self._feed is not None:
            await self._feed.close()
        self.fallen.lost()
        if self._http is not None:
            await self._http.aclose()

    async def _send(self, call: Call) -> Reply:
        if self._closed:
            raise TimeoutError
        self._own()
        client = self._http = self._http or self._new_http(self.settings.timeout_s)
        async with asyncio.timeout(self.settings.timeout_s):
            for _ in range(1, self.settings.connects):
                try:
                    return await self._attempt(client, call)
                except (httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent
                    continue
            return await self._attempt(client, call)

    async def _attempt(self, client: httpx.AsyncClient, call: Call) -> Reply:
        async with client.stream("POST", self.url + call.path, content=call.body, headers=call.headers) as response:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise TooLongError
            return Reply(response.status_code, dict(response.headers), bytes(body))

    def _new_http(self, timeout_s: float) -> httpx.AsyncClient:
        # Nothing of the environment: a proxy or a .netrc there would be told what we are told.
        count = self.settings.connections
        limits = httpx.Limits(max_connections=count, max_keepalive_connections=count)
        return httpx.AsyncClient(verify=self.settings.verify, timeout=timeout_s, limits=limits, trust_env=False)
