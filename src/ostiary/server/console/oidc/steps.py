"""The browser's way to a provider and back, and the provider's own call.

    GET  /sign-in/with/{provider}[?next=PATH]          a new sign-in
    GET  /sign-in/with/{provider}/again[?next=PATH]    a confirmation of the session that is there (RFC 9470 §5)
    GET  /sign-in/callback[/{provider}]                the provider's answer
    POST /sign-in/backchannel-logout                   the provider ends sessions

1. An answer is taken from the browser that began, once: its attempt is used up before anything of the answer is read.
2. What the provider writes into an error is not shown: it is a text that anybody can put into a link.
3. Work is done beside the loop, and only so much at once: a slow provider keeps nobody from signing in by passkey.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.browsing import BrowserSession
from ostiary.identity.oidc.attempts import RANDOM_BYTES, Attempt
from ostiary.identity.oidc.reasons import WORDS, OidcRefusal, refusal
from ostiary.keys import random_bytes
from ostiary.server.console.asking import signed_in
from ostiary.server.console.cookies import read_cookie, set_cookie
from ostiary.server.console.forms import read_form
from ostiary.server.console.oidc.arriving import arrive
from ostiary.server.console.oidc.attempt_cookie import attempt_cookie, forget_attempt, read_attempt
from ostiary.server.console.oidc.leaving import end_by_provider
from ostiary.server.console.oidc.providers import AGAIN, CALLBACK, WITH, Providers
from ostiary.server.console.own_path import own_path
from ostiary.server.console.paths import SIGN_IN
from ostiary.server.desk import FaceDesk
from ostiary.server.wire import Reply, Request, json_reply

BACKCHANNEL: Final = f"{SIGN_IN}/backchannel-logout"
_MOST_AT_ONCE: Final = 8
_MAX_FORM: Final = 32_768
_FORM: Final = b"application/x-www-form-urlencoded"
_BAD: Final = json_reply(400, {"error": "invalid_request"})
_LATER: Final = json_reply(503, {"error": "temporarily_unavailable"}, (b"retry-after", b"5"))
_GONE: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})
Made = TypeVar("Made")


class OidcSteps:
    """Answers what lies below the sign-in and concerns providers."""

    def __init__(self, desk: FaceDesk, providers: Providers) -> None:
        """Take the desk and the providers."""
        self._desk = desk
        self._providers = providers
        self._in_flight = 0

    def takes(self, path: str) -> bool:
        """Return whether a path is answered here."""
        return path in {CALLBACK, BACKCHANNEL} or path.startswith((WITH, f"{CALLBACK}/"))

    async def answer(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            RefusedError: one code for each way not to be signed in.
            FaultyInputError: the request is malformed.
            UnavailableError: something needed is away.
        """
        wanted = "POST" if request.path == BACKCHANNEL else "GET"
        if request.method != wanted:
            text = {"code": "method_not_allowed", "message": f"use {wanted}"}
            return json_reply(405, text, (b"allow", wanted.encode()))
        if request.path == BACKCHANNEL:
            return await self._ended(request)
        step = self._callback if request.path.startswith(CALLBACK) else self._begun
        return await self._beside(lambda: step(request))

    def _begun(self, request: Request) -> Reply:
        name = request.path.removeprefix(WITH)
        again = name.endswith(AGAIN)
        provider = self._providers.find(name.removesuffix(AGAIN))
        session = self._session(request) if again else None
        if again and (session is None or session.vouched is None or session.vouched.name != provider.section.name):
            raise refusal(OidcRefusal.STATE)
        now_ns, attempts = self._desk.house.clock.now_ns(), self._providers.attempts
        text, attempt = attempts.begin(
            provider.section.name,
            own_path(request.query.get("next")),
            now_ns,
            random_bytes(RANDOM_BYTES),
            session.session_id if session else "",
        )
        return _go(provider.client.address(attempts, attempt, now_ns), attempt_cookie(text))

    def _callback(self, request: Request) -> Reply:
        house, answer = self._desk.house, request.query
        now_ns, attempts = house.clock.now_ns(), self._providers.attempts
        attempt = attempts.read(read_attempt(request.raw_headers), now_ns)
        attempts.use(attempt, answer.get("state", ""), now_ns)
        provider = self._providers.find(attempt.provider)
        if not provider.client.redirect_uri.endswith(request.path):
            raise refusal(OidcRefusal.MIXED_UP)
        before = self._confirmed(request, attempt)
        told = provider.client.finish(attempts, attempt, answer, now_ns)
        address = self._desk.proxies.client(request.peer, request.raw_headers) or request.peer or ""
        cookie = arrive(house, provider.section, told, address, before)
        return _go(attempt.then, set_cookie(cookie, house.settings.console.session_s), forget_attempt())

    def _confirmed(self, request: Request, attempt: Attempt) -> BrowserSession | None:
        """Return the session that an attempt shall confirm: the one that this browser still has."""
        if not attempt.session:
            return None
        session = self._session(request)
        if session is None or session.session_id != attempt.session:
            raise refusal(OidcRefusal.STATE)
        return session

    def _session(self, request: Request) -> BrowserSession | None:
        cookie = read_cookie(request.raw_headers)
        try:
            return signed_in(self._desk, cookie).session if cookie else None
        except (RefusedError, FaultyInputError):
            return None

    async def _ended(self, request: Request) -> Reply:
        house, providers = self._desk.house, self._providers
        kind = request.header(b"content-type") or ""
        try:
            if request.twice or kind.partition(";")[0].strip().lower().encode("latin-1") != _FORM:
                return _BAD
            form = read_form(await request.body(_MAX_FORM, self._desk.receive_timeout_s))
            await self._beside(lambda: end_by_provider(house, providers, form.get("logout_token", "")))
        except UnavailableError as away:
            self._desk.faults(away.code, away)
            return _LATER
        except OstiaryError as no:
            self._desk.refusals.count(no.code, request.peer)
            return _BAD
        return Reply(200, b"", ())

    async def _beside(self, work: Callable[[], Made]) -> Made:
        if self._in_flight >= _MOST_AT_ONCE:
            raise UnavailableError(OidcRefusal.BUSY, WORDS[OidcRefusal.BUSY])
        self._in_flight += 1
        try:
            return await asyncio.to_thread(work)
        finally:
            self._in_flight -= 1


def _go(place: str, *cookies: tuple[bytes, bytes]) -> Reply:
    return Reply(303, b"", ((b"location", place.encode("ascii")), (b"referrer-policy", b"no-referrer"), *cookies))
