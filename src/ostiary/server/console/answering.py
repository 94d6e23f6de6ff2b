"""From a request to a reply: who is signed in, what is asked, may it be, and what it looks like.

The order, for every route of the table:

1. there is such a route · 2. somebody is signed in · 3. a deed comes from our own page, with its token; what is taken
away by no link of another site · 4. the decision says yes, and its record is on disk · 5. the page is made, beside
the loop, so many at once.

What concerns every tenant is not for one tenant's policy alone to open: the person must look after the deployment.

A stranger is led to the sign-in, whatever he asked for: what there is, is not his to know.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec
from pydantic import ValidationError

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError, VerificationError
from ostiary.keys import equal
from ostiary.server.console.above import NOT_DEPLOYMENT
from ostiary.server.console.asking import caller_of, question, signed_in
from ostiary.server.console.cookies import clear_cookie, read_cookie
from ostiary.server.console.forms import MAX_BYTES, read_form
from ostiary.server.console.paths import SIGN_IN
from ostiary.server.console.refusing import DEED_TYPE, Refusing, asked_back
from ostiary.server.console.rights import rights_of
from ostiary.server.console.routes import Route, Table
from ostiary.server.console.said import forget_cookie, read_said
from ostiary.server.console.sessions import sessions_of
from ostiary.server.console.signed_in import SignedIn
from ostiary.server.console.visit import Shared, Visit, csrf_of
from ostiary.server.console.watching import Watching
from ostiary.server.doors import Keeper, TurnedAway
from ostiary.server.wire import Reply, Request, StreamReply
from ostiary.sessions import SessionState

BUSY: Final = "console_busy"
FOREIGN: Final = "console_foreign_site"
ENDED: Final = frozenset({"session-terminated", "session_terminated"})  # by a rule, and by the ledger itself
_EVERYBODYS: Final = "deployment"
_FORM: Final = b"application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_SHOWN: Final = frozenset({"GET", "HEAD"})
_FROM_HERE: Final = frozenset({"", "same-origin", "none"})


class Answering:
    """Answers the routes of the console."""

    def __init__(self, shared: Shared, table: Table, keeper: Keeper, origins: tuple[str, ...], most: int) -> None:
        """Take the routes, whom to ask, from where deeds may come, and how many pages may be made at once."""
        self._shared = shared
        self._table = table
        self._keeper = keeper
        self._origins = origins
        self._most = most
        self._in_flight = 0
        self._refusing = Refusing(shared)

    async def answer(self, request: Request) -> Reply | StreamReply:
        """Answer one request."""
        method = "GET" if request.method in _SHOWN else request.method
        wants_json = _header(request, b"accept") in {_JSON, DEED_TYPE}
        who: SignedIn | None = None
        try:
            who = await asyncio.to_thread(self._who, request)
            if who is None:
                return self._stranger(request, wants_json=wants_json)
            found = self._table.find(method, request.raw_path)
            if found is None:
                return self._refusing.nothing(who, self._table.methods(request.raw_path))
            reply = await self._passed(request, who, found, wants_json=wants_json)
        except TurnedAway as no:
            return await asyncio.to_thread(self._turned_away, no, who, request, wants_json)
        except OstiaryError as no:
            self._tell(no, request)
            return self._refusing.failed(no, who, wants_json=wants_json)
        bodiless = request.method == "HEAD" and isinstance(reply, Reply)
        return msgspec.structs.replace(reply, body=b"") if bodiless else reply

    async def _passed(
        self, request: Request, who: SignedIn, found: tuple[Route, dict[str, str]], *, wants_json: bool
    ) -> Reply | StreamReply:
        route, told = found
        form: Mapping[str, str] = {}
        if route.method == "POST":
            form = await self._form(request, who)
        elif route.action != "view" and _header(request, b"sec-fetch-site") not in _FROM_HERE:
            raise RefusedError(FOREIGN, "this leads to something that is taken away: open it from its page")
        caller = caller_of(self._shared.desk, who, request)
        passed = await self._keeper.ask(caller, question(route, request.path))
        if route.area == _EVERYBODYS and not who.person.deployment:  # a tenant's own policy need not have our rules
            raise RefusedError(
                NOT_DEPLOYMENT, "this concerns every tenant: ask somebody who looks after the deployment"
            )
        said = read_said(request.raw_headers) if route.method == "GET" and not wants_json else None
        visit = Visit(
            shared=self._shared,
            session=who.session,
            person=who.person,
            csrf=csrf_of(who.cookie.secret),
            path=request.path,
            told=told,
            query=request.query,
            form=form,
            decision_id=passed.decision_id,
            rights=await asyncio.to_thread(rights_of, self._shared.desk.house, who),
            wants_json=wants_json,
            said=said,
            watching=self._watching(request, who, route),
        )
        reply = await self._made(route, visit)
        if said is not None and isinstance(reply, Reply):
            reply = msgspec.structs.replace(reply, headers=(*reply.headers, forget_cookie()))
        return reply

    def _watching(self, request: Request, who: SignedIn, route: Route) -> Watching:
        ledger, clock = self._shared.desk.house.ledger, self._shared.desk.house.clock

        async def again() -> bool:
            now = await asyncio.to_thread(self._who, request)
            if now is None:
                return False
            try:
                await self._keeper.ask(caller_of(self._shared.desk, now, request), question(route, request.path))
            except TurnedAway:
                return False
            return True

        def ended() -> bool:
            state = ledger.state(who.session.tenant, who.session.session_id, clock.now_ns())
            return state in {SessionState.TERMINATED, SessionState.EXPIRED}

        after = _header(request, b"last-event-id")
        return Watching(again, ended, self._shared.desk.draining, request.gone, request.abort, after)

    async def _made(self, route: Route, visit: Visit) -> Reply | StreamReply:
        if self._in_flight >= self._most:
            raise UnavailableError(BUSY, "too many pages are being made: try again in a moment")
        self._in_flight += 1
        try:
            return await asyncio.to_thread(route.do, visit)
        except ValidationError as fault:  # what a form says becomes a body of the administrators' API
            raise FaultyInputError("request_invalid", _first(fault)) from fault
        finally:
            self._in_flight -= 1

    def _who(self, request: Request) -> SignedIn | None:
        cookie = read_cookie(request.raw_headers)
        if cookie is None:
            return None
        try:
            return signed_in(self._shared.desk, cookie)
        except VerificationError as no:  # somebody wrote a session or a person into the database
            self._shared.desk.faults(no.code, no)
            return None
        except (RefusedError, FaultyInputError) as no:
            self._shared.desk.refusals.count(no.code, request.peer)
            return None

    def _stranger(self, request: Request, *, wants_json: bool) -> Reply:
        if wants_json or request.method not in _SHOWN:
            return self._refusing.unsigned()
        return go_and_sign_in(request.target, clear=read_cookie(request.raw_headers) is not None)

    async def _form(self, request: Request, who: SignedIn) -> Mapping[str, str]:
        """Return the form of a deed that comes from our own page.

        Raises:
            RefusedError: ``console_foreign_site``.
            FaultyInputError: ``console_form_malformed``, ``body_…``.
        """
        origin, site = _header(request, b"origin"), _header(request, b"sec-fetch-site")
        if origin not in self._origins or site not in {"", "same-origin"}:
            raise RefusedError(FOREIGN, "this was sent from another site")
        if _header(request, b"content-type").partition(";")[0].strip().encode() != _FORM:
            raise FaultyInputError("console_form_malformed", "this is no form")
        body = await request.body(MAX_BYTES, self._shared.desk.receive_timeout_s)
        form = read_form(body)
        if not equal(form.pop("csrf", "").encode(), csrf_of(who.cookie.secret).encode()):
            raise RefusedError(FOREIGN, "this form is not from this session: load the page again")
        return form

    def _turned_away(self, no: TurnedAway, who: SignedIn | None, request: Request, wants_json: bool) -> Reply:  # noqa: FBT001
        body: dict[str, Any] = msgspec.json.decode(no.reply.body)
        if who is not None and ENDED & set(body.get("reasons", ())):
            sessions_of(self._shared.desk.house).drop(who.session)
            if wants_json:
                return self._refusing.unsigned()
            return go_and_sign_in(request.target if request.method in _SHOWN else "/", clear=True)
        back = request.target if request.method in _SHOWN else "/"
        reply = self._refusing.turned_away(no.reply, body, who, back, wants_json=wants_json)
        return asked_back(reply) if _header(request, b"accept") == DEED_TYPE else reply

    def _tell(self, no: OstiaryError, request: Request) -> None:
        if isinstance(no, UnavailableError) and no.code != BUSY:
            self._shared.desk.faults(no.code, no)
        elif no.code == FOREIGN:
            self._shared.desk.refusals.count(no.code, request.peer)


def go_and_sign_in(path: str, *, clear: bool) -> Reply:
    """Return the way to the sign-in, and back from there."""
    back = f"?next={quote(path, safe='/')}" if path != "/" else ""
    gone = (clear_cookie(),) if clear else ()
    return Reply(303, b"", ((b"location", f"{SIGN_IN}{back}".encode("ascii")), *gone))


def _first(fault: ValidationError) -> str:
    """Return the first thing that is wrong with a body."""
    one = fault.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in one["loc"])
    return f"`{where}`: {one['msg'][:1].lower()}{one['msg'][1:]}"


def _header(request: Request, name: bytes) -> str:
    """Return a header that came once, or an empty text."""
    found = [value for key, value in request.raw_headers if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""
