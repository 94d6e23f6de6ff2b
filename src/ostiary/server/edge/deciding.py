"""The way of one request at the edge: who comes, what it asks, the body where a route says so, then the one decision.

1. The proxy has proved itself. Its client presents a token of its own: an API key names a program, and is refused.
   A client that proves nothing is counted and leaves no record (HOUSE §1, law 3).
2. From then on each request has exactly one record: of what cannot be read, what no route names, what a token is not
   for, what the inspectors block, as of what policy decides.
3. Bodies are looked into beside the decision's threads, for its deadline is for deciding; strangers get none looked at.
4. A permission whose obligations the upstream does not carry out is none.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from ostiary.decision.decide import Decider
from ostiary.decision.parts import Call, Claim, Decided
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.exchange.details import detail_of
from ostiary.identity.exchange.restrictions import AskedAccess, check
from ostiary.identity.one_request import OneRequest
from ostiary.identity.reasons import Refusal
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.keys import random_bytes
from ostiary.server.desk import FaceDesk
from ostiary.server.doors.keeper import OUR_OWN
from ostiary.server.edge.answers import EdgeAnswer, allowed, denied, stranger, unavailable
from ostiary.server.edge.asked import EdgeAsked
from ostiary.server.edge.bodies import Bodies
from ostiary.server.edge.paths import read_host, read_path
from ostiary.server.edge.routes import Matched, RouteTable
from ostiary.server.one_at_a_time import OneAtATime
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.reasons import Reason

API_KEY: Final = "api_key_not_enough"
_HOW: Final = "an API key alone is not enough: sign in, or exchange your identity for a token"
_NONCES: Final = frozenset({Refusal.DPOP_NONCE_MISSING.value, Refusal.DPOP_NONCE_WRONG.value})
_TOKEN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")
_JWT_DOTS: Final = 2
_MAX_WAITING: Final = 64
_THREADS: Final = 2
T = TypeVar("T")


class _Entered(msgspec.Struct, frozen=True):
    """What is known of a request before policy is asked; ``no`` is the code of what keeps it out already."""

    identity: VerifiedIdentity
    once: OneRequest
    presented: PresentedSubject
    request: EvaluationRequest | None = None
    matched: Matched | None = None
    no: str = ""

    @property
    def subject(self) -> str:
        return f"{self.identity.subject_type}:{self.identity.subject_id}"


class _Visit(msgspec.Struct):
    """One request on its way."""

    receipt: Receipt
    pep: PepIdentity
    asked: EdgeAsked
    claim: Claim
    entered: _Entered | None = None


class Edge:
    """Decides for proxies; one for a worker."""

    def __init__(self, desk: FaceDesk, routes: RouteTable, bodies: Bodies | None, urls: tuple[str, ...]) -> None:
        """Decide by ``routes``; ``urls`` are the addresses for which clients make proofs of possession."""
        self._desk, self._routes, self._bodies = desk, routes, bodies
        self._urls = {read_host(url.partition("://")[2]): url for url in urls}
        self._threads = ThreadPoolExecutor(_THREADS, "edge")
        desk.house.opened.callback(self._threads.shutdown)
        self._most = desk.house.settings.edge.max_in_flight
        self._waiting = 0
        self.in_flight = 0

    async def answer(self, pep: PepIdentity, asked: EdgeAsked) -> EdgeAnswer:
        """Answer one request; never raises but for bugs."""
        if self.in_flight >= self._most:
            return self._away(Reason.OVERLOADED)
        self.in_flight += 1
        try:
            return await self._answer(_Visit(self._receipt(asked), _by_token(pep), asked, Claim()))
        except RefusedError as no:
            self._desk.refusals.count(no.code, asked.ip)
            clock, subjects = self._desk.house.clock, self._desk.house.subjects
            return stranger(no, subjects.dpop_nonce(pep.tenant, clock.now_ns()) if no.code in _NONCES else None)
        except UnavailableError as away:
            return self._away(away.code)
        finally:
            self.in_flight -= 1

    async def _answer(self, visit: _Visit) -> EdgeAnswer:
        doors = self._desk.doors
        if visit.asked.body and self._bodies is not None:
            visit.entered = await self._beside(partial(self._enter, visit))
        decided = await doors.crew.do(partial(self._decide, visit), partial(self._refuse, visit))
        doors.observer.decided(decided)
        told, entered = doors.told(decided), visit.entered
        if decided.record.outcome.effect.permits and entered is not None and entered.matched is not None:
            return allowed(told, entered.subject, entered.matched.route.carries | OUR_OWN)
        return denied(told)

    async def _beside(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MAX_WAITING:
            raise UnavailableError(Reason.OVERLOADED.value, "too many bodies wait to be looked into")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    # In a thread.

    def _decide(self, visit: _Visit) -> Decided:
        entered = visit.entered = visit.entered or self._enter(visit)
        parts = self._desk.house.decider.parts
        decider = Decider(msgspec.structs.replace(parts, subjects=OneAtATime(entered.once)))
        if entered.no or entered.request is None:
            return decider.refuse(visit.receipt, visit.pep, entered.no, entered.request, claim=visit.claim)
        call = Call(visit.pep, entered.request, entered.presented, visit.claim)
        return decider.decide(visit.receipt, call)

    def _refuse(self, visit: _Visit, reason: str, fault: str) -> Decided:
        request = visit.entered.request if visit.entered else None
        return self._desk.house.decider.refuse(
            visit.receipt, visit.pep, reason, request, claim=visit.claim, fault=fault
        )

    def _enter(self, visit: _Visit) -> _Entered:
        """Return who comes and what for.

        Raises:
            RefusedError: the client proved nothing.
            UnavailableError: nobody can tell now.
        """
        asked, pep = visit.asked, visit.pep
        presented = self._presented(asked)
        once = OneRequest(self._desk.house.subjects)
        identity = once.identify(pep, presented, visit.receipt.received_ns)
        entered = _Entered(identity, once, presented)
        try:
            matched = self._matched(pep, asked)
        except FaultyInputError as fault:
            return msgspec.structs.replace(entered, no=fault.code, request=_unrouted(identity, asked))
        no, more = self._limits(entered, matched), dict[str, Any]()
        if not no and matched.route.inspects:
            no, more = self._looked(matched, visit, entered.subject)
        request = _request(identity, asked, matched, more)
        return msgspec.structs.replace(entered, request=request, matched=matched, no=no)

    def _presented(self, asked: EdgeAsked) -> PresentedSubject:
        scheme, _, token = asked.authorization.partition(" ")
        if not token or scheme.lower() not in {"bearer", "dpop"} or not _TOKEN.issuperset(token):
            raise RefusedError(Refusal.TOKEN_MISSING, "there is no token: send one as `Authorization: Bearer …`")
        if token.count(".") < _JWT_DOTS:
            raise RefusedError(API_KEY, _HOW)
        if (scheme.lower() == "dpop") != bool(asked.dpop):
            raise RefusedError(Refusal.DPOP_PROOF_MISSING, "the scheme `DPoP` and the header `DPoP` come together")
        return PresentedSubject(
            token=token,
            dpop=asked.dpop or None,
            htm=asked.method,
            htu=self._uri(asked) if asked.dpop else None,
            client_cert_sha256=asked.certificate,
        )

    def _uri(self, asked: EdgeAsked) -> str | None:
        """Return the address that a proof must name: one of ours by the settings, never what a header says alone."""
        try:
            base = self._urls.get(read_host(asked.host))
        except FaultyInputError:
            return None
        return None if base is None else base.rstrip("/") + asked.target.partition("?")[0]

    def _matched(self, pep: PepIdentity, asked: EdgeAsked) -> Matched:
        if asked.odd:
            raise FaultyInputError(asked.odd, "the request can be read in two ways")
        host, (_, segments) = read_host(asked.host), read_path(asked.target)
        return self._routes.find(pep.tenant, pep.pep_id, asked.method, host, segments)

    @staticmethod
    def _limits(entered: _Entered, matched: Matched) -> str:
        """Return why a token of ours does not cover the access, or nothing."""
        detail, route = detail_of(entered.identity), matched.route
        if detail is None:
            return ""
        return check(detail, AskedAccess(route.resource_type, matched.resource_id, route.action)) or ""

    def _looked(self, matched: Matched, visit: _Visit, subject: str) -> tuple[str, dict[str, Any]]:
        if self._bodies is None:
            return Reason.INTERNAL_ERROR, {}
        try:
            return "", self._bodies.looked(matched.route.inspects, visit.asked, visit.pep.tenant, subject)
        except RefusedError as no:
            return no.code, {"inspection": {"rules": [one.removeprefix("rule:") for one in no.reasons[1:]]}}
        except OstiaryError as no:
            return no.code, {}

    # What surrounds it.

    def _away(self, code: str) -> EdgeAnswer:
        self._desk.doors.observer.failed_closed(code)
        return unavailable(code)

    def _receipt(self, asked: EdgeAsked) -> Receipt:
        now_ns = self._desk.house.clock.now_ns()
        decision_id = make_id("dec", now_ns, random_bytes(RANDOM_BYTES))
        return Receipt(decision_id, now_ns, peer_ip=asked.ip, request_id=asked.request_id)


def _by_token(pep: PepIdentity) -> PepIdentity:
    """Return the proxy as one that must present a token: at the edge nobody's word is taken for who a client is."""
    return PepIdentity(
        pep_id=pep.pep_id,
        tenant=pep.tenant,
        subjects="token",
        proof_required=pep.proof_required,
        method=pep.method,
        scopes=pep.scopes,
    )


def _request(identity: VerifiedIdentity, asked: EdgeAsked, matched: Matched, more: dict[str, Any]) -> EvaluationRequest:
    route = matched.route
    edge = {"route": route.name, "host": read_host(asked.host), "method": asked.method}
    return EvaluationRequest(
        Subject(identity.subject_type, identity.subject_id),
        Action(route.action, {"edge": {**edge, "path": asked.target.partition("?")[0]}, **more}),
        Resource(route.resource_type, matched.resource_id),
        _context(asked),
    )


def _unrouted(identity: VerifiedIdentity, asked: EdgeAsked) -> EvaluationRequest:
    """Return the question of a request that is none, for its record: its path as it came, cut short."""
    subject = Subject(identity.subject_type, identity.subject_id)
    path = ascii(asked.target.partition("?")[0][:512])[1:-1] or "-"
    action = Action(f"http.{asked.method.lower()[:32]}" if asked.method.isalpha() else "http")
    return EvaluationRequest(subject, action, Resource("path", path), _context(asked))


def _context(asked: EdgeAsked) -> dict[str, Any]:
    told = {"ip": asked.ip, "user_agent": asked.user_agent[:512]}
    return {name: value for name, value in told.items() if value}
