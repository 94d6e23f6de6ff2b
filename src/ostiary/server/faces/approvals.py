"""The face of approvals: one page, two steps, and the files that it loads.

    GET  /approve/{tenant}/{proposal}?as=user:ann
    POST /approve/{tenant}/{proposal}/options
    POST /approve/{tenant}/{proposal}/answer

1. The link alone opens the page; a passkey of one of the people alone decides anything.
2. A step must come from our own page: a browser that says otherwise (``Origin``, ``Sec-Fetch-Site``) is refused.
3. Work is done beside the loop, and only so much at once: a crowd here delays no decision.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from ostiary.approvals.deciding import Hand
from ostiary.approvals.proposal import MAX_COMMENT
from ostiary.approvals.refusing import refusal
from ostiary.approvals.room import Approvals
from ostiary.approvals.standing import Standing, may_say_yes
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.webauthn.authentication import assertion_options
from ostiary.identity.webauthn.codes import WORDS, StepUpRefusal
from ostiary.identity.webauthn.refusing import refusal as passkey_refusal
from ostiary.identity.webauthn.types import MAX_SUBJECT, RelyingParty
from ostiary.server.approving.pages import STATIC, Pages, approval_files
from ostiary.server.approving.shown import APPROVE
from ostiary.server.approving.telling import tell
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.chores import Chore
from ostiary.server.desk import Face, FaceDesk
from ostiary.server.step_up.party import page_base, party_of
from ostiary.server.wire import Reply, Request, json_reply

LIMITS: Final = BodyLimits(max_bytes=65_536, max_depth=8)
MAX_IN_FLIGHT: Final = 16
_TIMEOUT_MS: Final = 300_000
_MAX_ID: Final = 64
_READING: Final = frozenset({"GET", "HEAD"})
_NOT_READ: Final = json_reply(405, {"code": "method_not_allowed", "message": "use GET"}, (b"allow", b"GET, HEAD"))
_GONE: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})
Told = dict[str, Any]
Made = TypeVar("Made")


class ApprovalFace:
    """Answers everything about approvals that needs no administrator."""

    prefixes = (APPROVE, STATIC)

    def __init__(self, desk: FaceDesk, party: RelyingParty) -> None:
        """Take the desk, and who we are."""
        self._desk = desk
        self._party = party
        self._pages = Pages(party, page_base(desk.house.settings))
        self._in_flight = 0

    @property
    def _room(self) -> Approvals:
        return self._desk.house.approvals.room

    def chores(self) -> Sequence[Chore]:
        """Return nothing: what expires here is refused by its own date."""
        return ()

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path.startswith(STATIC):
            return approval_files().get(request.path, _GONE) if request.method in _READING else _NOT_READ
        tenant, _, rest = request.path.removeprefix(APPROVE).partition("/")
        proposal_id, _, step = rest.partition("/")
        if step not in {"", "options", "answer"}:
            return _GONE
        try:
            if step:
                return await self._stepped(request, tenant, proposal_id, step)
            return await self._shown(request, tenant, proposal_id)
        except OstiaryError as no:
            return self._refused(no, request.peer)

    async def _shown(self, request: Request, tenant: str, proposal_id: str) -> Reply:
        if request.method not in _READING:
            return _NOT_READ
        who, delegation = request.query.get("as", ""), request.query.get("delegation", "")
        person = request.query.get("for", "") or who
        named = who and max(len(who), len(person)) <= MAX_SUBJECT and len(delegation) <= _MAX_ID
        hand = Hand(person, who, "approve", delegation) if named else None
        reply = await self._beside(lambda: self._page(tenant, proposal_id, hand))
        return reply if request.method == "GET" else msgspec.structs.replace(reply, body=b"")

    async def _stepped(self, request: Request, tenant: str, proposal_id: str, step: str) -> Reply:
        if request.method != "POST":
            return json_reply(405, {"code": "method_not_allowed", "message": "use POST"}, (b"allow", b"POST"))
        self._check_site(request)
        told = await self._body(request)
        do = self._options if step == "options" else self._answer
        return json_reply(200, await self._beside(lambda: do(tenant, proposal_id, told)))

    # What is shown.

    def _page(self, tenant: str, proposal_id: str, hand: Hand | None) -> Reply:
        try:
            standing = self._standing(tenant, proposal_id)
        except RefusedError as no:
            if no.code != "approval_unknown":
                raise
            return self._pages.unknown()
        law, why_not = self._room.law(tenant), ""
        people = [one.name for one in law.people if self._may(standing, one.name)]
        if hand is not None:
            try:
                self._room.may(tenant, proposal_id, hand)
                self._keys(standing, hand)
            except RefusedError as no:
                why_not = no.message
        return self._pages.proposal(standing, law, hand, why_not, people, self._desk.house.clock.now_ns())

    def _standing(self, tenant: str, proposal_id: str) -> Standing:
        if self._desk.house.tenants.find(tenant) is None:
            raise refusal("approval_unknown")
        return self._room.standing(tenant, proposal_id)

    def _may(self, standing: Standing, person: str) -> bool:
        one = standing.proposal
        law = self._room.law(one.tenant)
        try:
            may_say_yes(one, law, law.known_as(one.own), person, person)
        except RefusedError:
            return False
        return standing.state in {"open", "approved"}

    # What is done.

    def _options(self, tenant: str, proposal_id: str, told: Told) -> Told:
        self._standing(tenant, proposal_id)
        hand = _hand(told)
        standing = self._room.may(tenant, proposal_id, hand)
        challenge = standing.proposal.challenge(hand.person, hand.signer, hand.decision, hand.comment)
        return {"get": assertion_options(self._party, challenge, self._keys(standing, hand), _TIMEOUT_MS)}

    def _answer(self, tenant: str, proposal_id: str, told: Told) -> Told:
        self._standing(tenant, proposal_id)
        credential = told.get("credential")
        standing = self._room.sign(tenant, proposal_id, _hand(told), credential if isinstance(credential, dict) else {})
        tell(self._desk.house, standing)
        return {"state": standing.state, "standing": standing.words}

    def _keys(self, standing: Standing, hand: Hand) -> Any:
        kept = self._room.keys_of(standing.proposal.tenant, hand.signer, standing.proposal)
        if not kept:
            raise passkey_refusal(StepUpRefusal.AUTHENTICATOR_NONE)
        return kept

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
        foreign = origin is not None and origin.decode("latin-1") not in self._party.origins
        if foreign or site != b"same-origin":
            raise passkey_refusal(StepUpRefusal.STEP_UP_FOREIGN_SITE)

    def _refused(self, no: OstiaryError, peer: str | None) -> Reply:
        if isinstance(no, UnavailableError):
            if no.code != StepUpRefusal.STEP_UP_BUSY:
                self._desk.faults(no.code, no)
            return json_reply(503, {"code": no.code, "message": no.message}, (b"retry-after", b"1"))
        self._desk.refusals.count(no.code, peer)
        status = 404 if no.code == "approval_unknown" else 403 if isinstance(no, RefusedError) else 400
        return json_reply(status, {"code": no.code, "message": no.message})


def _hand(told: Told) -> Hand:
    """Return as whom a page says that somebody decides.

    Raises:
        FaultyInputError: ``approval_malformed``.
    """
    named = [told.get(name, "") for name in ("person", "signer")]
    delegation, decision = told.get("delegation", ""), told.get("decision")
    fits = all(isinstance(one, str) and 0 < len(one) <= MAX_SUBJECT for one in named)
    if not fits or not isinstance(delegation, str) or len(delegation) > _MAX_ID:
        raise FaultyInputError("approval_malformed", "say who signs, and for whom")
    if decision not in ("approve", "reject"):  # a tuple: what cannot be hashed is a fault like any other
        raise FaultyInputError("approval_malformed", "a decision is `approve` or `reject`")
    comment = told.get("comment", "")
    if not isinstance(comment, str) or len(comment) > MAX_COMMENT:
        raise FaultyInputError("approval_malformed", f"a comment is a text of at most {MAX_COMMENT} characters")
    return Hand(named[0], named[1], decision, delegation, comment)


def face(desk: FaceDesk) -> Face | None:
    """Return the face, unless it is switched off or this server has no domain."""
    party = party_of(desk.house.settings)
    return None if party is None else ApprovalFace(desk, party)
