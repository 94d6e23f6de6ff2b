"""WSGI middleware: asks before the application hears of a request, and lets nothing out after its session has fallen.

    def access(got): return Access(action=got.method, resource=("path", got.path))
    app = OstiaryMiddleware(app, Client(url, key), access)

What it promises is what ``asgi`` promises; the decision is in ``environ["ostiary.decision"]``. An application that
waits cannot be interrupted here, but each piece of its answer is judged before it goes out.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from ostiary_sdk.answers import Decision
from ostiary_sdk.asgi import Granted, without_unknown
from ostiary_sdk.client import Client
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
from ostiary_sdk.watching import Watch

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]
_HTTP = "HTTP_"


class StreamEndedError(RuntimeError):
    """A response was cut because its session fell; the server closes the connection."""


class OstiaryMiddleware:
    """A WSGI application around another one."""

    def __init__(
        self,
        app: App,
        client: Client,
        access: Mapping_,
        *,
        understands: Iterable[str] = (),
        public_url: str = "",
    ) -> None:
        """Guard ``app``; the arguments are those of the ASGI middleware."""
        self._app = app
        self.client = client
        self._access = access
        self._understands = frozenset(understands)
        self._public_url = public_url

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        headers = [(name[len(_HTTP) :].replace("_", "-"), value) for name, value in http_of(environ)]
        shown, got = Presented(), NOTHING
        try:
            path = path_of(environ)
            check_path(path, str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "").partition("?")[0])
            shown = presented(headers)
            got = _got(environ, path, headers)
            granted = self.decide(got, shown)
        except OddRequestError as odd:
            granted = Decision.failed(str(odd))
        if isinstance(granted, Decision):
            return _refuse(start_response, granted, shown)
        inner = {name: value for name, value in environ.items() if not (_is_http(name) and is_ours(name[len(_HTTP) :]))}
        inner[DECISION] = granted.decision
        who = Calling(got, shown, self._public_url, granted.access, client=self.client)
        return self._run(inner, start_response, granted, who)

    def decide(self, got: Incoming, shown: Presented) -> Granted | Decision:
        """Return the grant of a request, or its denial."""
        try:
            wanted = self._access(got)
        except Exception:  # noqa: BLE001 - a mapping that fails lets nobody through
            return Decision.failed("mapping_failed")
        if wanted == PUBLIC:
            return Granted(None, None)
        if not isinstance(wanted, Access):
            return Decision.failed("mapping_unknown")
        asked = asked_for(wanted, got, shown, self._public_url)
        told = asked if isinstance(asked, Decision) else self.ask(asked)
        return told if isinstance(told, Decision) else msgspec.structs.replace(told, access=wanted)

    def ask(self, asked: Question, *, anew: bool = False) -> Granted | Decision:
        """Ask; a permission with an obligation that nobody here understands is a denial."""
        mark = self.client.fallen.mark()
        decision = self.client.ask(asked, anew=anew)
        if not decision.allowed:
            return decision
        denied = without_unknown(decision, self._understands)  # a denial is false: never `or`
        return Granted(asked, decision, mark) if denied is None else denied

    def _run(self, environ: Environ, start: StartResponse, granted: Granted, who: Calling) -> Iterable[bytes]:
        token = calling.set(who)
        try:
            pieces = self._app(environ, start)
        except RefusedError as no:
            return _refuse(start, no.decision, who.shown)
        finally:
            calling.reset(token)
        return Guarded(pieces, self, granted, who)


class Guarded:
    """The pieces of a response, each judged before it goes out."""

    def __init__(self, pieces: Iterable[bytes], middleware: OstiaryMiddleware, granted: Granted, who: Calling) -> None:
        """Judge ``pieces`` from now on."""
        self._pieces = pieces
        self._middleware = middleware
        self._asked = granted.asked
        self._who = who
        client = middleware.client
        self._watch = None
        if granted.asked is not None and granted.decision is not None:
            recheck_s = client.settings.stream_recheck_s
            self._watch = Watch(granted.asked, granted.decision, client.fallen, recheck_s, mark=granted.mark)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the pieces.

        Raises:
            StreamEndedError: the session fell.
        """
        pieces = iter(self._pieces)
        while True:
            token = calling.set(self._who)  # a generator runs its body here
            try:
                piece = next(pieces, None)
            finally:
                calling.reset(token)
            if piece is None:
                return
            self.judge()
            yield piece

    def over(self, pieces: Iterable[bytes]) -> "Guarded":
        """Take the pieces, where they were not there yet when the grant was given."""
        self._pieces = pieces
        return self

    def close(self) -> None:
        """Close the application's own pieces."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    def judge(self) -> None:
        """Look whether the session still stands, where it is time to.

        Raises:
            StreamEndedError: it does not.
        """
        if self._watch is None or self._asked is None or not self._watch.due():
            return
        again = self._middleware.ask(self._asked, anew=True) if self._watch.repeatable else None
        if not isinstance(again, Granted) or again.decision is None:
            raise StreamEndedError("the session fell while its answer was sent")
        self._watch.renew(again.decision, again.mark)


def _is_http(name: str) -> bool:
    return name.startswith(_HTTP)


def http_of(environ: Environ) -> Iterator[tuple[str, str]]:
    """Yield the headers of a request, under their CGI names."""
    return ((name, value) for name, value in environ.items() if _is_http(name))


def path_of(environ: Environ) -> str:
    """Return the whole path; WSGI holds bytes as Latin-1 (PEP 3333).

    Raises:
        OddRequestError: ``path_ambiguous``: it is no UTF-8.
    """
    text = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    try:
        return (text or "/").encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise OddRequestError("path_ambiguous") from None


def _got(environ: Environ, path: str, headers: list[tuple[str, str]]) -> Incoming:
    method, query = environ.get("REQUEST_METHOD", "GET"), environ.get("QUERY_STRING", "")
    return incoming(method, path, query, headers, environ.get("REMOTE_ADDR", ""))


def _refuse(start: StartResponse, decision: Decision, shown: Presented) -> Iterable[bytes]:
    told = refusal(decision, shown.scheme)
    start(told.line, [*told.headers, ("content-length", str(len(told.body)))])
    return [told.body]
