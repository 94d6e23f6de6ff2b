"""The client of a decision point for programs without an event loop.

    with Client("http://127.0.0.1:8181", key) as pdp:
        if pdp.evaluate("read", "document:handbook", subject="user:alice"):
            ...

- Nothing here raises for a question that cannot be answered: the decision is a denial with a reason.
- A second attempt is made only while nothing was sent. The whole of a question has one time limit.
- Grants are used again for ``Settings.cache_s``, and only as long as the feed of changes is alive.
"""

import os
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from ostiary_sdk.answers import Decision, Found
from ostiary_sdk.asking import MAX_BATCH, Asking, Call, TooLongError, prepared, why
from ostiary_sdk.following import FeedThread, Following
from ostiary_sdk.questions import Entity, Question, Who
from ostiary_sdk.revocation import RevocationList
from ostiary_sdk.settings import MAX_ANSWER, Settings, checked_url
from ostiary_sdk.wire import RECEIPTS, SEARCH, Credential, Reply, read_found

DEFAULTS = Settings()


class Client:
    """Asks one decision point; safe for several threads, and in a process that was forked."""

    def __init__(self, url: str, credential: Credential, settings: Settings = DEFAULTS) -> None:
        """Take where it is and with what to prove ourselves: an API key, a token, ``id:secret``, or what returns one.

        Raises:
            ValueError: the address is none, or not safe to send a secret to.
        """
        self.url = checked_url(url, allow_http=settings.allow_http)
        self.settings = settings
        self._credential = credential
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        """Begin anew: a forked process has neither the threads nor the right to the connections of its parent."""
        self._asking = Asking(self._credential, self.settings)
        self._lock = threading.Lock()
        self._http = self._new_http(self.settings.timeout_s)
        self._feed: FeedThread | None = None
        self._process = os.getpid()

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show whom it asks, not with what."""
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    @property
    def fallen(self) -> RevocationList:
        """What has fallen, as the feed tells it."""
        self._own()
        return self._asking.fallen

    def _own(self) -> None:
        if self._process != os.getpid():
            self._begin()  # a lock that a thread of the parent held is never let go here

    def evaluate(self, action: str, resource: Entity, **who: Unpack[Who]) -> Decision:
        """Ask whether ``action`` on ``resource`` may be done."""
        asked = prepared(action, resource, dict(who))
        return asked if isinstance(asked, Decision) else self.ask(asked)

    def ask(self, asked: Question, *, anew: bool = False) -> Decision:
        """Put one question; ``anew`` looks past grants at hand."""
        try:
            self.follow()
            known = None if anew else self._asking.kept(asked)
            if known is not None:
                return known
            call = self._asking.one(asked)
            return self._asking.answered(asked, call, self._send(call))
        except Exception as fault:  # noqa: BLE001 - whatever went wrong, the answer is no
            return Decision.failed(why(fault))

    def evaluations(self, asked: Sequence[Question]) -> list[Decision]:
        """Put many questions at once; the answers come in their order."""
        decisions: list[Decision] = []
        for start in range(0, len(asked), MAX_BATCH):
            part = asked[start : start + MAX_BATCH]
            try:
                self.follow()
                call = self._asking.many(part)
                decisions += self._asking.all_answered(part, call, self._send(call))
            except Exception as fault:  # noqa: BLE001 - whatever went wrong, the answer is no
                decisions += [Decision.failed(why(fault)) for _ in part]
        return decisions

    def search(self, wanted: str, body: dict[str, Any]) -> Found:
        """Search for each ``subject``, ``resource`` or ``action``; ``body`` is AuthZEN's. Never kept."""
        try:
            call = self._asking.call(SEARCH + wanted, body)
            return read_found(self._send(call), call.request_id)
        except Exception as fault:  # noqa: BLE001 - whatever went wrong, nothing was found
            return Found(failed=why(fault))

    def send_receipt(self, receipt: str) -> bool:
        """Bring a signed receipt; return whether it was taken."""
        try:
            return self._send(self._asking.call(RECEIPTS, {"receipt": receipt})).status < 300  # noqa: PLR2004
        except Exception as fault:  # noqa: BLE001 - the obligation will show as unexecuted, which is true enough
            return not why(fault)

    def follow(self) -> None:
        """Follow the feed of changes, if that is not being done; the first question does it by itself."""
        self._own()
        if self._follows and (self._feed is None or not self._feed.alive):
            with self._lock:
                self._follow()

    def wait_fresh(self, timeout_s: float) -> bool:
        """Wait until it is known what has fallen; return whether it is."""
        self.follow()
        until = time.monotonic() + timeout_s
        while not self.fallen.fresh() and time.monotonic() < until:
            time.sleep(0.01)
        return self.fallen.fresh()

    def close(self) -> None:
        """End the feed and the connections; every later question is denied."""
        self._closed = True
        with self._lock:
            if self._feed is not None:
                self._feed.close()
            self.fallen.lost()
            self._http.close()

    @property
    def _follows(self) -> bool:
        return self.settings.cache_s > 0 and not self._closed

    def _follow(self) -> None:
        if self._closed or (self._feed is not None and self._feed.alive):
            return
        self.fallen.lost(forget=True)
        stale_s = self.settings.max_stale_s
        following = Following(self.url, self._credential, self.fallen)
        self._feed = FeedThread(following, lambda: self._new_http(stale_s))

    def _send(self, call: Call) -> Reply:
        self._own()
        for attempt in range(1, self.settings.connects + 1):
            try:
                return self._attempt(call)
            except (httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent
                if attempt == self.settings.connects:
                    raise
        raise TimeoutError

    def _attempt(self, call: Call) -> Reply:
        left = self._asking.time_left_s(call)
        parts = {"content": call.body, "headers": call.headers, "timeout": left}
        with self._http.stream("POST", self.url + call.path, **parts) as response:  # type: ignore[arg-type]
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                self._asking.time_left_s(call)
                if len(body) > MAX_ANSWER:
                    raise TooLongError
            return Reply(response.status_code, dict(response.headers), bytes(body))

    def _new_http(self, timeout_s: float) -> httpx.Client:
        # Nothing of the environment: a proxy or a .netrc there would be told what we are told.
        count = self.settings.connections
        limits = httpx.Limits(max_connections=count, max_keepalive_connections=count)
        return httpx.Client(verify=self.settings.verify, timeout=timeout_s, limits=limits, trust_env=False)
