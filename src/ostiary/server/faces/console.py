"""The console: signing in, the pages, and the files that they load.

    GET  /sign-in[?next=PATH]        POST /sign-in/options     POST /sign-in/answer
    GET  /sign-in/with/…, /sign-in/callback…           POST /sign-in/backchannel-logout    (``console.oidc.steps``)
    GET  /static/console/DIGEST/FILE
    everything else as ``server.console.pages`` says

1. Files are anybody's; signing in takes a passkey or a provider's word; everything else a session and a decision's yes.
2. Pages are found and imported with the first one that somebody asks for: no decision needs them.
3. Work is done beside the loop, and only so much at once: a crowd here delays no decision.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ostiary.console.assets import STATIC, assets
from ostiary.console.rendering import Renderer
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.webauthn.challenges import MOST_CHALLENGES, Challenges
from ostiary.server.admin.late import IMPORTING
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.chores import Chore
from ostiary.server.console.asking import DOOR
from ostiary.server.console.cookies import set_cookie
from ostiary.server.console.oidc.attempt_cookie import forget_attempt
from ostiary.server.console.oidc.providers import WITH, Providers
from ostiary.server.console.oidc.steps import BACKCHANNEL, OidcSteps
from ostiary.server.console.own_path import own_path
from ostiary.server.console.paths import PATHS, SIGN_IN
from ostiary.server.console.replying import answer, sentence
from ostiary.server.console.routes import Table
from ostiary.server.console.signing_in import options, sign_in
from ostiary.server.console.streams import Streams
from ostiary.server.desk import Face, FaceDesk
from ostiary.server.places import DEFAULT_TENANT
from ostiary.server.step_up.ceremony import Ceremonies
from ostiary.server.step_up.party import page_base, party_of
from ostiary.server.wire import Reply, Request, StreamReply, json_reply

if TYPE_CHECKING:
    from ostiary.server.console.answering import Answering

LIMITS: Final = BodyLimits(max_bytes=65_536, max_depth=8)
_MOST_SIGNING_IN: Final = 16
_FOR_EVER: Final = (b"cache-control", b"public, max-age=31536000, immutable")
_ALONE: Final = (b"cross-origin-resource-policy", b"same-origin")
_READING: Final = frozenset({"GET", "HEAD"})
_GONE: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})
_STEPS: Final = {f"{SIGN_IN}/options": "options", f"{SIGN_IN}/answer": "answer"}
Told = dict[str, Any]
Made = TypeVar("Made")


class ConsoleFace:
    """Answers browsers."""

    prefixes = (STATIC, SIGN_IN, *PATHS)

    def __init__(self, desk: FaceDesk, ceremonies: Ceremonies) -> None:
        """Take the desk, and who we are to a browser."""
        self._desk = desk
        self._ceremonies = ceremonies
        self._renderer = Renderer()
        self._providers = Providers(desk.house.settings, page_base(desk.house.settings), desk.house.shared)
        self._oidc = OidcSteps(desk, self._providers)
        self._in_flight = 0
        self._building = asyncio.Lock()
        self._pages: Answering | None = None

    def chores(self) -> Sequence[Chore]:
        """Return nothing: sessions end by their own date."""
        return ()

    async def answer(self, request: Request) -> Reply | StreamReply:
        """Answer one request."""
        if request.path.startswith(STATIC):
            return _file(request)
        if request.path == SIGN_IN or request.path.startswith(f"{SIGN_IN}/"):
            try:
                return await self._signing_in(request)
            except OstiaryError as no:
                shown = self._oidc.takes(request.path) and request.path != BACKCHANNEL
                return (
                    await asyncio.to_thread(self._not_signed_in, no, request) if shown else self._refused(no, request)
                )
        async with self._building:
            if self._pages is None:
                self._pages = await asyncio.to_thread(self._built)
        return await self._pages.answer(request)

    async def _signing_in(self, request: Request) -> Reply:
        if self._oidc.takes(request.path):
            return await self._oidc.answer(request)
        if request.path == SIGN_IN:
            return (
                await self._beside(lambda: self._sign_in_page(request)) if request.method in _READING else _use("GET")
            )
        step = _STEPS.get(request.path)
        if step is None:
            return _GONE
        if request.method != "POST":
            return _use("POST")
        self._check_site(request)
        if request.twice or not request.is_json():
            raise FaultyInputError("request_invalid", "the content type must be application/json")
        told = parse_object(await request.body(LIMITS.max_bytes, self._desk.receive_timeout_s), LIMITS)
        if step == "options":
            return json_reply(200, await self._beside(lambda: options(self._desk.house, self._ceremonies, told)))
        address = self._desk.proxies.client(request.peer, request.raw_headers) or request.peer or ""
        cookie = await self._beside(lambda: sign_in(self._desk.house, self._ceremonies, told, address))
        lifetime_s = self._desk.house.settings.console.session_s
        return json_reply(200, {"go": own_path(told.get("next"))}, set_cookie(cookie, lifetime_s))

    def _sign_in_page(self, request: Request, wrong: str = "", status: int = 200) -> Reply:
        living = [row.tenant for row in self._desk.house.tenants.living()]
        then = "/" if wrong else own_path(request.query.get("next"))
        providers = [{"path": f"{WITH}{one.section.name}", "title": one.title} for one in self._providers]
        rendered = self._renderer.alone(
            "sign_in.html", next=then, several=living != [DEFAULT_TENANT], providers=providers, wrong=wrong
        )
        return answer(rendered, status)

    def _not_signed_in(self, no: OstiaryError, request: Request) -> Reply:
        """Show the sign-in with the sentence; what was begun is over."""
        refused = self._refused(no, request)
        page = self._sign_in_page(request, sentence(no.message), refused.status)
        return Reply(page.status, page.body, (*page.headers, forget_attempt()))

    def _check_site(self, request: Request) -> None:
        told = {name: value for name, value in request.raw_headers if name in {b"origin", b"sec-fetch-site"}}
        origin, site = told.get(b"origin", b""), told.get(b"sec-fetch-site", b"same-origin")
        if origin.decode("latin-1") not in self._ceremonies.party.origins or site != b"same-origin":
            raise RefusedError("console_foreign_site", "this was sent from another site")

    async def _beside(self, work: Callable[[], Made]) -> Made:
        if self._in_flight >= _MOST_SIGNING_IN:
            raise UnavailableError("console_busy", "too many people sign in at once: try again in a moment")
        self._in_flight += 1
        try:
            return await asyncio.to_thread(work)
        finally:
            self._in_flight -= 1

    def _refused(self, no: OstiaryError, request: Request) -> Reply:
        body = {"code": no.code, "message": sentence(no.message)}
        if isinstance(no, UnavailableError):
            self._desk.faults(no.code, no)
            return json_reply(503, body, (b"retry-after", b"1"))
        self._desk.refusals.count(no.code, request.peer)
        return json_reply(403 if isinstance(no, RefusedError) else 400, body)

    def _built(self) -> "Answering":
        with IMPORTING:
            return self._put_together()

    def _put_together(self) -> "Answering":
        from ostiary.server.admin.context import Office  # noqa: PLC0415 - FastAPI comes along
        from ostiary.server.console.answering import Answering  # noqa: PLC0415
        from ostiary.server.console.needs import Needs  # noqa: PLC0415
        from ostiary.server.console.pages import all_routes  # noqa: PLC0415
        from ostiary.server.console.visit import Shared  # noqa: PLC0415

        desk = self._desk
        settings = desk.house.settings.console
        streams = Streams(settings.max_streams)
        desk.metrics.gauge("ostiary_console_streams", "tabs of the console that are told of changes", streams.of_now)
        shared = Shared(desk, Office(desk.house, desk.refusals), self._renderer, Needs(), streams, self._providers)
        # Whatever a permission asks of a page beyond what Ostiary does itself, a page cannot do: then the answer is no.
        keeper = desk.keeper(DOOR, bound=False)
        return Answering(shared, Table(all_routes()), keeper, self._ceremonies.party.origins, settings.max_in_flight)


def _file(request: Request) -> Reply:
    if request.method not in _READING:
        return _use("GET")
    found = assets().find(request.path)
    if found is None:
        return _GONE
    body = found.body if request.method == "GET" else b""
    return Reply(200, body, ((b"content-type", found.kind.encode("ascii")), _FOR_EVER, _ALONE))


def _use(method: str) -> Reply:
    return json_reply(405, {"code": "method_not_allowed", "message": f"use {method}"}, (b"allow", method.encode()))


def face(desk: FaceDesk) -> Face | None:
    """Return the face, unless it is switched off or this server has no domain."""
    party = party_of(desk.house.settings)
    if party is None or not desk.house.settings.console.enabled:
        return None
    shared = desk.house.shared
    challenges = Challenges(shared.secret("console"), shared.once("console", MOST_CHALLENGES))
    return ConsoleFace(desk, Ceremonies(party, challenges, desk.house.store.authenticators))
