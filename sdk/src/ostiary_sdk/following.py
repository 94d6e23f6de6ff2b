"""Following the feed: one connection after another, in a thread or in a task, each change handed to the list.

Whatever happens to a connection, the list is told that it is lost before the next one is tried. Waiting between two
tries grows to two seconds and has chance in it, so that a thousand enforcement points do not come back at once.
"""

import asyncio
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Final

import httpx

from ostiary_sdk.revocation import FeedError, RevocationList
from ostiary_sdk.sse import SseError, SseParser
from ostiary_sdk.wire import FEED, Credential, authorization

_log = logging.getLogger("ostiary_sdk")
_SHORTEST_S: Final = 0.05
_LONGEST_S: Final = 2.0
_CHANCE: Final = 1000
_OK: Final = 200


class Following:
    """What thread and task share: requests, faults, waiting."""

    def __init__(self, url: str, credential: Credential, fallen: RevocationList) -> None:
        """Tell ``fallen`` what the feed at ``url`` says."""
        self.url = url + FEED
        self._credential = credential
        self._fallen = fallen
        self._failures = 0

    def headers(self) -> dict[str, str]:
        """Return the headers of the next connection."""
        place = self._fallen.place
        head = {"Authorization": authorization(self._credential), "Accept": "text/event-stream"}
        return {**head, "Accept-Encoding": "identity", **({"Last-Event-ID": place} if place else {})}

    def begin(self, response: httpx.Response) -> SseParser:
        """Judge the head of a response.

        Raises:
            FeedError: it is no feed.
        """
        kind = response.headers.get("content-type", "").partition(";")[0]
        if response.status_code != _OK or kind != "text/event-stream":
            raise FeedError(f"no feed: status {response.status_code}")
        self._fallen.begin()
        return SseParser()

    def take(self, parser: SseParser, chunk: bytes) -> None:
        """Hand on what came.

        Raises:
            FeedError, SseError: this connection is no good any more.
        """
        for event in parser.feed(chunk):
            self._fallen.apply(event)
            self._failures = 0

    def failed(self, fault: BaseException | None) -> float:
        """Note the end of a connection; return how long to wait before the next."""
        told = str(fault) if isinstance(fault, FeedError) else type(fault).__name__
        self._fallen.lost(forget=isinstance(fault, FeedError | SseError) and told != "bye")
        if told != "bye":
            _log.warning("the feed of changes is lost: %s", told)
        wait_s: float = min(_LONGEST_S, _SHORTEST_S * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        return wait_s * (0.5 + secrets.randbelow(_CHANCE) / _CHANCE)


class FeedThread:
    """Follows the feed in a thread of its own until closed."""

    def __init__(self, following: Following, client: Callable[[], httpx.Client]) -> None:
        """Start at once; ``client`` makes the HTTP client of this thread."""
        self._following = following
        self._client = client
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ostiary-feed", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it runs; in a forked process it does not."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End it; a connection is noticed at its next sign of life."""
        self._stop.set()
        self._thread.join(0.1)

    def _run(self) -> None:
        with self._client() as client:
            while not self._stop.is_set():
                fault: BaseException | None = None
                try:
                    self._connection(client)
                except Exception as wrong:  # noqa: BLE001 - a bug must not leave a list that nobody feeds
                    fault = wrong
                self._stop.wait(self._following.failed(fault))

    def _connection(self, client: httpx.Client) -> None:
        with client.stream("GET", self._following.url, headers=self._following.headers()) as response:
            parser = self._following.begin(response)
            for chunk in self._chunks(response):
                self._following.take(parser, chunk)

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        for chunk in response.iter_raw():
            if self._stop.is_set():
                return
            yield chunk


class FeedTask:
    """Follows the feed in a task of the running loop until closed."""

    def __init__(self, following: Following, client: httpx.AsyncClient) -> None:
        """Start at once."""
        self._following = following
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run())

    @property
    def alive(self) -> bool:
        """Whether it runs, in this very loop."""
        return not self._task.done() and self._loop is asyncio.get_running_loop()

    async def close(self) -> None:
        """End it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            fault: BaseException | None = None
            try:
                await self._connection()
            except Exception as wrong:  # noqa: BLE001 - a bug must not leave a list that nobody feeds
                fault = wrong
            await asyncio.sleep(self._following.failed(fault))

    async def _connection(self) -> None:
        following = self._following
        async with self._client.stream("GET", following.url, headers=following.headers()) as response:
            parser = following.begin(response)
            async for chunk in response.aiter_raw():
                following.take(parser, chunk)
