"""Django middleware: asks before a view hears of a request, and lets nothing out after its session has fallen.

    class Guard(OstiaryMiddleware):
        client = Client(url, key)
        access = staticmethod(access)

    MIDDLEWARE = ["site.guard.Guard", …]      # the first one

- What it promises is what ``wsgi`` promises. The decision is ``request.ostiary_decision``; it stands first, so that
  nothing of Django's has looked at the request before.
- Under ASGI Django runs it in a thread; streams of either kind are judged piece by piece.
- A refusal raised in a view (``requires``) becomes the right answer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from ostiary_sdk.answers import Decision
from ostiary_sdk.asgi import FELL, Granted
from ostiary_sdk.client import Client
from ostiary_sdk.current import Calling, calling
from ostiary_sdk.incoming import (
    NOTHING,
    Incoming,
    Mapping_,
    OddRequestError,
    Presented,
    check_path,
    incoming,
    is_ours,
    presented,
)
from ostiary_sdk.refusals import RefusedError, refusal
from ostiary_sdk.wsgi import Guarded, StreamEndedError, http_of, path_of
from ostiary_sdk.wsgi import OstiaryMiddleware as Asking

GetResponse = Callable[[HttpRequest], HttpResponseBase]
_HTTP = "HTTP_"


class OstiaryMiddleware:
    """Guards a site; a class of yours says with which client and for which accesses.

    Attributes:
        client: asks the decision point.
        access: says what a request wants; ``None`` refuses it, ``PUBLIC`` lets it pass unasked.
        understands: types of obligations that the site carries out.
        public_url: address under which clients reach the site, for proofs of possession.
    """

    sync_capable: ClassVar[bool] = True
    async_capable: ClassVar[bool] = False
    client: ClassVar[Client]
    access: ClassVar[Mapping_]
    understands: ClassVar[Iterable[str]] = ()
    public_url: ClassVar[str] = ""

    def __init__(self, get_response: GetResponse) -> None:
        """Guard what ``get_response`` answers."""
        self._get_response = get_response
        cls = type(self)
        self._asking = Asking(_nobody, cls.client, cls.access, understands=cls.understands, public_url=cls.public_url)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer one request."""
        headers = [(name[len(_HTTP) :].replace("_", "-"), value) for name, value in http_of(request.META)]
        shown, got = Presented(), NOTHING
        try:
            path, raw = _paths(request)
            check_path(path, raw)
            shown = presented(headers)
            got = _got(request, path, headers)
            granted = self._asking.decide(got, shown)
        except OddRequestError as odd:
            granted = Decision.failed(str(odd))
        if isinstance(granted, Decision):
            return _refused(granted, shown)
        _clean(request)
        request.ostiary_decision = granted.decision
        who = Calling(got, shown, type(self).public_url, granted.access, client=self._asking.client)
        return self._run(request, granted, who)

    def process_exception(self, _request: HttpRequest, fault: Exception) -> HttpResponseBase | None:
        """Turn a refusal that a view raised into its answer."""
        if not isinstance(fault, RefusedError):
            return None
        who = calling.get(None)
        return _refused(fault.decision, who.shown if who is not None else Presented())

    def _run(self, request: HttpRequest, granted: Granted, who: Calling) -> HttpResponseBase:
        guarded = Guarded((), self._asking, granted, who)
        token = calling.set(who)
        try:
            response = self._get_response(request)
        finally:
            calling.reset(token)
        if not response.streaming:
            try:
                guarded.judge()
            except StreamEndedError:
                response.close()
                return _refused(FELL, who.shown)
            return response
        pieces: Any = response.streaming_content
        if response.is_async:
            response.streaming_content = _judged(pieces, guarded, who)
        else:
            response.streaming_content = guarded.over(pieces)
        return response


async def _judged(pieces: AsyncIterator[bytes], guarded: Guarded, who: Calling) -> AsyncIterator[bytes]:
    """Yield pieces as long as their session stands."""
    token = calling.set(who)
    try:
        async for piece in pieces:
            await asyncio.to_thread(guarded.judge)
            yield piece
    finally:
        calling.reset(token)


def _paths(request: HttpRequest) -> tuple[str, str]:
    """Return the whole path, and the path as it was sent where the server tells.

    Raises:
        OddRequestError: ``path_ambiguous``: it is no UTF-8.
    """
    scope: dict[str, Any] | None = getattr(request, "scope", None)
    if scope is not None:  # ASGI: decoded by the server
        return scope["path"], (scope.get("raw_path") or b"").decode("latin-1")
    raw = str(request.META.get("RAW_URI") or request.META.get("REQUEST_URI") or "")
    return path_of(request.META), raw.partition("?")[0]


def _got(request: HttpRequest, path: str, headers: list[tuple[str, str]]) -> Incoming:
    query, client = request.META.get("QUERY_STRING", ""), request.META.get("REMOTE_ADDR", "")
    return incoming(request.method or "GET", path, query, headers, client)


def _clean(request: HttpRequest) -> None:
    """Take out what the client sent under our names."""
    for name in [name for name in request.META if name.startswith(_HTTP) and is_ours(name[len(_HTTP) :])]:
        del request.META[name]
    request.__dict__.pop("headers", None)  # made from META, once


def _refused(decision: Decision, shown: Presented) -> HttpResponse:
    told = refusal(decision, shown.scheme)
    return HttpResponse(told.body, status=told.status, headers=dict(told.headers))


def _nobody(_environ: Any, _start: Any) -> Iterable[bytes]:
    """Answer nothing: Django's own chain does."""
    return ()
