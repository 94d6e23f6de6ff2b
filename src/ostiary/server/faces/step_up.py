"""The face of step-up, enrolment and denials: three pages for anybody with the link, and the files they load.

    GET  /step-up/{tenant}/{decision}            GET  /enrol/{token}
    POST /step-up/{tenant}/{decision}/options    POST /enrol/{token}/options
    POST /step-up/{tenant}/{decision}/answer     POST /enrol/{token}/answer
    GET  /denied/{decision}                      GET  /denied/{tenant}/{decision}

1. The link alone opens the page; the passkey alone does anything. Whoever has only the link learns what it asks.
2. A step must come from our own page: a browser that says otherwise (``Origin``, ``Sec-Fetch-Site``) is refused.
3. Work is done beside the loop, and only so much at once: a crowd here delays no decision.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.webauthn.challenges import MOST_CHALLENGES, Challenges
from ostiary.identity.webauthn.codes import WORDS, StepUpRefusal
from ostiary.identity.webauthn.refusing import refusal
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.chores import Chore
from ostiary.server.console.paths import SIGN_IN
from ostiary.server.console.people import people_of
from ostiary.server.desk import Face, FaceDesk
from ostiary.server.places import DEFAULT_TENANT
from ostiary.server.step_up import confirming, enrolling
from ostiary.server.step_up.asked import find_asked
from ostiary.server.step_up.ceremony import Ceremonies
from ostiary.server.step_up.denied import PATH as DENIED
from ostiary.server.step_up.denied import find_denied
from ostiary.server.step_up.inviting import ENROL, find_invitation
from ostiary.server.step_up.pages import STATIC, Pages, static_files
from ostiary.server.step_up.party import page_base, party_of
from ostiary.server.wire import Reply, Request, json_reply

STEP_UP: Final = "/step-up/"
LIMITS: Final = BodyLimits(max_bytes=65_536, max_depth=8)
MAX_IN_FLIGHT: Final = 32
_OK: Final = 200
_NS: Final = 1_000_000_000
_NOT_FOUND: Final = frozenset({StepUpRefusal.STEP_UP_UNKNOWN, StepUpRefusal.ENROLMENT_UNKNOWN})
_READING: Final = frozenset({"GET", "HEAD"})
_NOT_READ: Final = json_reply(405, {"code": "method_not_allowed", "message": "use GET"}, (b"allow", b"GET, HEAD"))
_GONE: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})
Told = dict[str, Any]
Made = TypeVar("Made")


class StepUpFace:
    """Answers everything about passkeys that needs no administrator."""

    prefixes = (STEP_UP, ENROL, DENIED, STATIC)

    def __init__(self, desk: FaceDesk, ceremonies: Ceremonies) -> None:
        """Take the desk, and who we are with what is out."""
        self._desk = desk
        self._ceremonies = ceremonies
        wanted = desk.house.settings.step_up
        back = (*wanted.return_origins, *ceremonies.party.origins)  # our own pages send people here, too
        self._pages = Pages(ceremonies.party, page_base(desk.house.settings), back)
        self._in_flight = 0

    def chores(self) -> Sequence[Chore]:
        """Return nothing: what expires here is refused by its own date."""
        return ()

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path.startswith(STATIC):
            return static_files().get(request.path, _GONE) if request.method in _READING else _NOT_READ
        if request.path.startswith(DENIED):
            return await self._denied(request)
        below = STEP_UP if request.path.startswith(STEP_UP) else ENROL
        names, step = _split(request.path.removeprefix(below), 2 if below == STEP_UP else 1)
        if step not in {"", "options", "answer"}:
            return _GONE
        try:
            return await (self._stepped(request, below, names, step) if step else self._shown(request, below, names))
        except OstiaryError as no:
            return self._refused(no, request.peer)

    async def _denied(self, request: Request) -> Reply:
        if request.method not in _READING:
            return _NOT_READ
        names = request.path.removeprefix(DENIED).split("/")
        try:
            reply = await self._beside(lambda: self._denied_page(names))
        except OstiaryError as no:
            return self._refused(no, request.peer)
        if reply.status != _OK:
            self._desk.refusals.count("denied_unknown", request.peer)
        return reply if request.method == "GET" else msgspec.structs.replace(reply, body=b"")

    def _denied_page(self, names: list[str]) -> Reply:
        tenant, decision = (DEFAULT_TENANT, names[0]) if len(names) == 1 else (names[0], "/".join(names[1:]))
        found = find_denied(self._desk.house, tenant, decision, self._desk.house.clock.now_ns())
        return self._pages.nothing_denied() if found is None else self._pages.denied(found)

    async def _shown(self, request: Request, below: str, names: list[str]) -> Reply:
        if request.method not in _READING:
            return _NOT_READ
        page, back = (self._step_up_page if below == STEP_UP else self._enrol_page), request.query.get("return_to", "")
        reply = await self._beside(lambda: page(names, back))
        return reply if request.method == "GET" else msgspec.structs.replace(reply, body=b"")

    async def _stepped(self, request: Request, below: str, names: list[str], step: str) -> Reply:
        if request.method != "POST":
            return json_reply(405, {"code": "method_not_allowed", "message": "use POST"}, (b"allow", b"POST"))
        self._check_site(request)
        told = await self._body(request)
        do = self._step_up_step if below == STEP_UP else self._enrol_step
        address = self._desk.proxies.client(request.peer, request.raw_headers) or ""
        return json_reply(200, await self._beside(lambda: do(names, step, told, address)))

    # What is shown.

    def _step_up_page(self, names: list[str], return_to: str) -> Reply:
        now_ns = self._desk.house.clock.now_ns()
        asked = find_asked(self._desk.house, names[0], names[-1], now_ns)
        if asked is None:
            return self._pages.unknown()
        kept = self._ceremonies.passkeys.of_subject(asked.tenant, asked.subject)
        return self._pages.step_up(asked, has_passkey=bool(kept), return_to=return_to, now_ns=now_ns)

    def _enrol_page(self, names: list[str], _return_to: str) -> Reply:
        now_ns = self._desk.house.clock.now_ns()
        invitation = find_invitation(self._desk.house, names[0], now_ns)
        if invitation is None:
            return self._pages.unknown()
        count = len(self._ceremonies.passkeys.of_subject(invitation.tenant, invitation.subject))
        house = self._desk.house
        console = house.settings.console.enabled and people_of(house).find(invitation.tenant, invitation.subject)
        sign_in = f"{page_base(house.settings)}{SIGN_IN}" if console else ""
        return self._pages.enrol(invitation, count=count, now_ns=now_ns, sign_in=sign_in)

    # What is done.

    def _step_up_step(self, names: list[str], step: str, told: Told, address: str) -> Told:
        house = self._desk.house
        now_ns = house.clock.now_ns()
        asked = find_asked(house, names[0], names[-1], now_ns)
        if asked is None:
            raise refusal(StepUpRefusal.STEP_UP_UNKNOWN)
        if step == "options":
            return confirming.options(self._ceremonies, asked, now_ns)
        confirmed = confirming.confirm(house, self._ceremonies, asked, told, address)
        self._desk.metrics.step_up("proven")
        return {"record": confirmed.record_id, "holds_s": (confirmed.expires_ns - now_ns) // _NS}

    def _enrol_step(self, names: list[str], step: str, told: Told, _address: str) -> Told:
        house = self._desk.house
        invitation = find_invitation(house, names[0], house.clock.now_ns())
        if invitation is None:
            raise refusal(StepUpRefusal.ENROLMENT_UNKNOWN)
        if step == "options":
            return enrolling.options(house, self._ceremonies, invitation, told)
        made = enrolling.enrol(house, self._ceremonies, invitation, told)
        return {"authenticator": made.credential_id, "name": made.name}

    # How it is done.

    async def _beside(self, work: Callable[[], Made]) -> Made:
        if self._in_flight >= MAX_IN_FLIGHT:
            raise UnavailableError(StepUpRefusal.STEP_UP_BUSY, WORDS[StepUpRefusal.STEP_UP_BUSY])
        self._in_flight += 1
        try:
            return await asyncio.to_thread(work)
        finally:
            self._in_flight -= 1

    async def _body(self, request: Request) -> Told:
        if request.twice or not request.is_json():
            raise FaultyInputError("request_invalid", "the content type must be application/json")
        return parse_object(await request.body(LIMITS.max_bytes, self._desk.receive_timeout_s), LIMITS)

    def _check_site(self, request: Request) -> None:
        """Refuse what a browser says another site sent; clients that say nothing are no browser's victims."""
        told = {name: value for name, value in request.raw_headers if name in {b"origin", b"sec-fetch-site"}}
        origin, site = told.get(b"origin"), told.get(b"sec-fetch-site", b"same-origin")
        foreign = origin is not None and origin.decode("latin-1") not in self._ceremonies.party.origins
        if foreign or site != b"same-origin":
            raise refusal(StepUpRefusal.STEP_UP_FOREIGN_SITE)

    def _refused(self, no: OstiaryError, peer: str | None) -> Reply:
        if isinstance(no, UnavailableError):
            if no.code != StepUpRefusal.STEP_UP_BUSY:
                self._desk.faults(no.code, no)
            return json_reply(503, {"code": no.code, "message": no.message}, (b"retry-after", b"1"))
        self._desk.refusals.count(no.code, peer)
        self._desk.metrics.step_up("refused")
        status = 404 if no.code in _NOT_FOUND else 403 if isinstance(no, RefusedError) else 400
        return json_reply(status, {"code": no.code, "message": no.message})


def _split(path: str, count: int) -> tuple[list[str], str]:
    """Return the first ``count`` parts of a path and what follows them."""
    parts = path.split("/")
    return parts[:count], "/".join(parts[count:])


def face(desk: FaceDesk) -> Face | None:
    """Return the face, unless it is switched off or this server has no domain."""
    party = party_of(desk.house.settings)
    if party is None:
        return None
    shared = desk.house.shared
    challenges = Challenges(shared.secret("step-up"), shared.once("step-up", MOST_CHALLENGES))
    return StepUpFace(desk, Ceremonies(party, challenges, desk.house.store.authenticators))
