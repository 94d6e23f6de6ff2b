"""The AuthZEN 1.0 decision endpoints: from a head and a body to one recorded answer.

1. A caller that has not proved who it is gets 401 and is counted; the body is not even read.
2. From then on every request gets exactly one record, whatever is wrong with it; each item of a batch gets its own.
3. A decision is always 200, but for one that refuses because too much was asked: 429, the decision in its body, and in
   a batch an ``error`` beside it. 4xx and 503 are about the call itself: their body says so, and 503 says DENY as well.
4. Time, id and the end user's address are stamped here, at receipt, and never read from the body.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal, Protocol

import msgspec

from ostiary.decision.answer import retry_after
from ostiary.decision.decide import Decider
from ostiary.decision.parts import AlreadyAnsweredError, Call, Claim, Decided
from ostiary.decision.search import SearchCall, Searcher, Wanted
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.extract import extract_presented
from ostiary.identity.pep import PepAuthenticator
from ostiary.identity.types import PepIdentity, PresentedPep
from ostiary.keys.hashing import random_bytes
from ostiary.server.batch_items import STATUS, Asked
from ostiary.server.body import BodyLimits, parse_object, printable
from ostiary.server.challenge import NONCE, UNAUTHENTICATED, lacks_nonce, nonce_challenge, step_up_challenge
from ostiary.server.crew import Crew
from ostiary.server.forwarded import Proxies
from ostiary.server.requests import Batch, Semantic, read_evaluation, read_evaluations, read_search
from ostiary.server.wire import CLOSE, JSON, Reply, Request, json_reply
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import EvaluationRequest, Receipt
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.reasons import Reason

Endpoint = Literal["evaluation", "evaluations", "subject", "resource", "action"]
LARGE_BODY: Final = 65_536
METHOD_WRONG: Final = "method_not_allowed"
LOT: Final = 8
"""Most questions of one batch that a thread takes in turn before others may have it."""
_SEARCH_DEADLINES: Final = 10


class RefusalSink(Protocol):
    """Counts callers that proved nothing; the counts become signed aggregates in the log."""

    def count(self, reason: str, peer: str | None) -> None:
        """Count one refusal."""
        ...


class Observer(Protocol):
    """Is told of every answer, for metrics, traces and learning; must be quick and never raise."""

    def decided(self, decided: Decided) -> None:
        """A decision was recorded and is about to be answered."""
        ...

    def failed_closed(self, reason: str) -> None:
        """Something was answered with a denial because a part of Ostiary failed."""
        ...


class AuthZenLimits(msgspec.Struct, frozen=True):
    """How much one caller may ask for."""

    body: BodyLimits
    max_evaluations: int
    max_in_flight: int
    receive_timeout_s: float
    deadline_s: float
    parallel: int


class AuthZen:
    """Answers the five decision endpoints."""

    def __init__(
        self,
        *,
        authenticator: PepAuthenticator,
        decider: Decider,
        crew: Crew,
        clock: Clock,
        proxies: Proxies,
        refusals: RefusalSink,
        observer: Observer,
        limits: AuthZenLimits,
        per_request: Callable[[Decider], Decider] = lambda decider: decider,
        nonce: Callable[[str, int], str | None] = lambda _tenant, _now_ns: None,
        told: Callable[[Decided], Decided] = lambda decided: decided,
    ) -> None:
        """Take the parts.

        ``per_request`` makes the decider of one batch, which verifies each subject once; ``nonce`` gives a tenant's
        nonce for DPoP proofs, if they must carry one; ``told`` adds to an answer what its record need not know.
        """
        self._nonce = nonce
        self._told = told
        self._authenticator = authenticator
        self._decider = decider
        self._searcher = Searcher(decider)
        self._crew = crew
        self._clock = clock
        self._proxies = proxies
        self._refusals = refusals
        self._observer = observer
        self._limits = limits
        self._per_request = per_request
        self.in_flight = 0

    async def answer(self, endpoint: Endpoint, request: Request) -> Reply:
        """Answer one request; never raises but for bugs."""
        if request.method != "POST":
            self._refusals.count(METHOD_WRONG, request.peer)
            return json_reply(405, "use POST", (b"allow", b"POST"))
        if self.in_flight >= self._limits.max_in_flight:
            self._refusals.count(Reason.OVERLOADED, request.peer)
            return self._unavailable(Reason.OVERLOADED)
        self.in_flight += 1
        try:
            return await self._authenticated(endpoint, request)
        finally:
            self.in_flight -= 1

    async def _authenticated(self, endpoint: Endpoint, request: Request) -> Reply:
        pep = await self._identify(request)
        if isinstance(pep, Reply):
            return pep
        try:
            return await self._read_and_answer(endpoint, request, pep)
        except FaultyInputError as fault:
            return await self._faulty(request, pep, fault)
        except RefusedError as no:  # its tenant went away this very moment, and with it the right to a record
            return self._stranger(request, no)
        except UnavailableError as away:
            return self._unavailable(away.code)

    async def _identify(self, request: Request) -> PepIdentity | Reply:
        """Return who is calling, or what is said to somebody who proved nothing."""
        try:
            if request.bears_jwt():  # its issuer's keys may have to be fetched: never on the loop
                return await asyncio.to_thread(self._authenticate, request)
            return self._authenticate(request)
        except RefusedError as no:
            return self._stranger(request, no)
        except FaultyInputError as fault:
            self._refusals.count(fault.code, request.peer)
            return json_reply(400, fault.message)
        except UnavailableError as away:
            self._refusals.count(away.code, request.peer)
            return self._unavailable(away.code)

    def _stranger(self, request: Request, no: RefusedError) -> Reply:
        self._refusals.count(no.code, request.peer)
        return json_reply(401, "the caller did not authenticate", *UNAUTHENTICATED)

    def _authenticate(self, request: Request) -> PepIdentity:
        if request.twice:
            raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the header `{request.twice}` came twice")
        certificate = request.certificate or self._proxies.certificate(request.peer, request.raw_headers)
        presented = PresentedPep(authorization=request.header(b"authorization"), client_cert_sha256=certificate)
        return self._authenticator.authenticate(presented, self._clock.now_ns())

    async def _read_and_answer(self, endpoint: Endpoint, request: Request, pep: PepIdentity) -> Reply:
        if not request.is_json():
            raise FaultyInputError(Reason.REQUEST_INVALID.value, "the content type must be application/json")
        limits = self._limits
        raw = await request.body(limits.body.max_bytes, limits.receive_timeout_s)
        if len(raw) > LARGE_BODY:  # long enough to make other callers wait: parsed beside the loop
            body = await asyncio.to_thread(parse_object, raw, limits.body)
        else:
            body = parse_object(raw, limits.body)
        if endpoint == "evaluation":
            return await self._evaluation(request, pep, read_evaluation(body))
        if endpoint == "evaluations":
            batch = read_evaluations(body, limits.max_evaluations)
            if batch is None:
                return await self._evaluation(request, pep, read_evaluation(body))
            return await self._evaluations(request, pep, batch)
        return await self._search(request, pep, endpoint, body)

    # The three kinds of question.

    async def _evaluation(self, request: Request, pep: PepIdentity, asked: EvaluationRequest) -> Reply:
        decided = await self._decide(self._decider, self._receipt(request), pep, asked)
        wait_s = retry_after(decided.record.outcome)
        more = ((b"retry-after", b"%d" % wait_s),) if wait_s else ()
        return Reply(429 if wait_s else 200, msgspec.json.encode(decided.answer), (JSON, *_challenge(decided), *more))

    async def _evaluations(self, request: Request, pep: PepIdentity, batch: Batch) -> Reply:
        """Decide a batch: in lots side by side, a thread each; one after another where any may be the last."""
        decider, stamp = self._per_request(self._decider), self._stamp(request)
        asked = [Asked(decider, stamp, pep, item) for item in batch.items]
        at_once = LOT * self._limits.parallel if batch.semantic is Semantic.EXECUTE_ALL else 1
        answers: list[dict[str, Any]] = []
        for start in range(0, len(asked), at_once):
            answers += await self._wave(asked[start : start + at_once])
            if batch.semantic.stops_after(decision=answers[-1]["decision"]):
                break
        return json_reply(200, {"evaluations": answers})

    async def _wave(self, asked: list[Asked]) -> list[dict[str, Any]]:
        """Return the answers in the order of the items; in that order too each is told to whoever learns from it.

        Raises:
            OstiaryError: why one is no answer; the others are recorded, and told of, all the same.
        """
        lot = -(-len(asked) // self._limits.parallel)
        lots = [asked[start : start + lot] for start in range(0, len(asked), lot)]
        done = [one for some in await asyncio.gather(*map(self._crew.do_all, lots)) for one in some]
        decided = [(one, result) for one, result in zip(asked, done, strict=True) if isinstance(result, Decided)]
        answers = [one.answer_of(self._answered(decision)) for one, decision in decided]
        for result in done:
            if isinstance(result, BaseException):
                raise result
        return answers

    async def _search(self, request: Request, pep: PepIdentity, wanted: Wanted, body: dict[str, Any]) -> Reply:
        asked = read_search(body, wanted)
        receipt, claim = self._receipt(request), Claim()
        presented, context = extract_presented(asked.request.context)
        clean = msgspec.structs.replace(asked.request, context=context)
        call = SearchCall(pep, wanted, clean, presented, asked.page, claim)
        refuse = partial(self._refusal, receipt, pep, clean, claim)
        run = partial(self._run_search, receipt, call, refuse)
        deadline_s = self._limits.deadline_s * _SEARCH_DEADLINES
        decided = await self._crew.do(run, refuse, deadline_s=deadline_s)
        self._observer.decided(decided)
        return json_reply(200, decided.answer if "results" in decided.answer else {"results": [], **decided.answer})

    async def _decide(self, decider: Decider, receipt: Receipt, pep: PepIdentity, asked: EvaluationRequest) -> Decided:
        presented, context = extract_presented(asked.context)
        clean = msgspec.structs.replace(asked, context=context)
        call = Call(pep, clean, presented)
        refuse = partial(self._refusal, receipt, pep, clean, call.claim)
        return self._answered(await self._crew.do(partial(decider.decide, receipt, call), refuse))

    def _answered(self, decided: Decided) -> Decided:
        """Tell of a decision whose record is on disk; return it as it is told to who asked."""
        record = decided.record
        nonce = self._nonce(record.tenant, record.receipt.received_ns) if lacks_nonce(decided) else None
        if nonce is not None:
            decided.answer["context"][NONCE] = nonce
        self._observer.decided(decided)
        return self._told(decided)

    def _run_search(self, receipt: Receipt, call: SearchCall, refuse: Callable[[str, str], Decided]) -> Decided:
        try:
            return self._searcher.search(receipt, call)
        except UnavailableError as away:  # before the record: a denial with a record; in it: no answer
            try:
                return refuse(away.code, type(away).__name__)
            except AlreadyAnsweredError:
                raise away from None

    # What is said when there is no decision to tell.

    def _refusal(
        self, receipt: Receipt, pep: PepIdentity, asked: EvaluationRequest, claim: Claim, reason: str, fault: str
    ) -> Decided:
        return self._decider.refuse(receipt, pep, reason, asked, claim=claim, fault=fault)

    async def _refuse(self, receipt: Receipt, pep: PepIdentity, fault: FaultyInputError) -> Decided:
        decided = await self._crew.settle(self._decider.refuse(receipt, pep, fault.code, fault=fault.pointer))
        self._observer.decided(decided)
        return decided

    async def _faulty(self, request: Request, pep: PepIdentity, fault: FaultyInputError) -> Reply:
        try:
            await self._refuse(self._receipt(request), pep, fault)
        except OstiaryError as away:
            return self._unavailable(away.code)
        status = STATUS.get(fault.code, 400)
        return json_reply(status, fault.message, *((CLOSE,) if status in STATUS.values() else ()))

    def _unavailable(self, reason: str) -> Reply:
        self._observer.failed_closed(reason)
        text = "The service cannot decide now, so the answer is no."
        context = {"effect": Effect.DENY.name, "reasons": [reason], "reason_user": {"en": text}}
        return json_reply(503, {"decision": False, "context": context}, (b"retry-after", b"1"))

    def _receipt(self, request: Request) -> Receipt:
        return self._stamp(request)()

    def _stamp(self, request: Request) -> Callable[[], Receipt]:
        """Return what makes receipts of one request: each has its own time and id."""
        peer_ip = self._proxies.client(request.peer, request.raw_headers)
        header = request.header(b"x-request-id")
        request_id = None if header is None else printable(header)

        def stamp() -> Receipt:
            now = self._clock.now_ns()
            return Receipt(make_id("dec", now, random_bytes(RANDOM_BYTES)), now, peer_ip, request_id)

        return stamp


def _challenge(decided: Decided) -> tuple[tuple[bytes, bytes], ...]:
    """Return what the enforcement point can pass on to its own caller, if the decision asks for anything."""
    if NONCE in decided.answer.get("context", {}):
        return nonce_challenge(decided)
    return step_up_challenge(decided) if decided.record.outcome.effect == Effect.STEP_UP else ()
