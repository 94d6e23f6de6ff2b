"""One exchange, from a form to a recorded token (RFC 8693).

1. The form is read, the caller's key and tokens are verified (``identity.exchange``). Strangers are counted, and leave
   no record.
2. What is good once is used up. From then on every outcome has its record.
3. What was asked for is held against what was proven; then each action of it is asked of the decision, on its own and
   with its record. All must be permitted.
4. The token is made and recorded while the decisions' records are on their way to the disk, and told when all of them
   are there. Should the disk fail between the two, the log knows of a token that nobody got.

Verifying may wait for an issuer's keys, so it has a few threads of its own and a bounded queue: whoever floods the
token endpoint waits for himself.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from ostiary.decision.parts import Decided
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.exchange.asking import MAX_FORM, AskedToken, read_form, read_request
from ostiary.identity.exchange.details import AccessDetail, detail_of
from ostiary.identity.exchange.grant import CLAIM as GRANT
from ostiary.identity.exchange.grant import grant_for
from ostiary.identity.exchange.issuing import AccessTokens, Minted
from ostiary.identity.exchange.own import audience_of
from ostiary.identity.exchange.presenting import ExchangeVerifier, PresentedExchange, ProvenExchange
from ostiary.identity.exchange.reasons import ExchangeRefusal
from ostiary.identity.exchange.settling import TokenLimits, lifetime_s, settled
from ostiary.identity.one_request import OneRequest
from ostiary.identity.reasons import Refusal
from ostiary.identity.tokens import MAX_LENGTH
from ostiary.identity.types import PepIdentity, PresentedSubject, thaw
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Asked, Caller, TurnedAway
from ostiary.server.tokens.answers import granted, refused, turned_away
from ostiary.server.tokens.records import record_exchange
from ostiary.server.tokens.standing import is_over
from ostiary.server.wire import Reply, Request
from ostiary.vocabulary.reasons import Reason

DOOR: Final = "token"
PEP: Final = f"ostiary:{DOOR}"
FORM: Final = "application/x-www-form-urlencoded"
THREADS: Final = 4
MAX_WAITING: Final = 128
LONGEST_TOKEN: Final = MAX_LENGTH - 2048  # what is made must be read again, and pass in one header beside a proof
NONCE_WANTED: Final = frozenset({"dpop_nonce_missing", "dpop_nonce_wrong"})
Made = TypeVar("Made")


class Exchanger:
    """Exchanges tokens for every tenant."""

    def __init__(self, desk: FaceDesk) -> None:
        """Take what all faces share."""
        house = desk.house
        told = house.settings.tokens
        self.limits = TokenLimits(
            lifetime_s=told.lifetime_s, types=told.types, max_bytes=told.max_bytes, max_objects=told.max_objects
        )
        self._desk = desk
        self._house = house
        self._keeper = desk.keeper(DOOR, understands=None)
        self._verifier = ExchangeVerifier.beside(house.subjects)
        self._tokens = AccessTokens(house.ring, desk.base_url)
        self._threads = ThreadPoolExecutor(THREADS, DOOR)
        self._waiting = 0

    async def answer(self, request: Request, tenant: str) -> Reply:
        """Answer one token request."""
        try:
            form = read_form(await form_of(self._desk, request))
            return await self._exchange(request, tenant, form)
        except OstiaryError as no:
            return self.stranger(request, tenant, no)
        except TurnedAway as no:
            return turned_away(no)

    def stranger(self, request: Request, tenant: str, no: OstiaryError) -> Reply:
        """Count whoever proved nothing, and return what it is told."""
        self._desk.refusals.count(no.code, request.peer)
        if isinstance(no, UnavailableError) and no.code != Reason.OVERLOADED:
            self._desk.faults(no.code, no)
        nonce = self._house.subjects.dpop_nonce(tenant, self._house.clock.now_ns()) if no.code in NONCE_WANTED else None
        return refused(no, nonce)

    async def _exchange(self, request: Request, tenant: str, form: dict[str, str]) -> Reply:
        now_ns = self._house.clock.now_ns()
        wanted = read_request(form)
        presented = self._presented(request, wanted)
        proven = await self.beside(partial(self._proven, presented, wanted, tenant, now_ns))
        caller = self._caller(request, tenant, proven)
        detail = await self._settled(caller, proven, wanted, tenant, now_ns)
        ahead = await self._ahead(caller, _asked(proven, detail))
        told: list[Decided] = []
        try:
            make = partial(self._made, proven, detail, tenant, now_ns, _ids(ahead))
            minted, recorded = await self._passing(ahead, make, told.append)
            await self._recorded(recorded)
            return granted(minted, detail, now_ns, dpop=bool(proven.jkt))
        finally:  # learning from a decision begins when the answer has left: beside the signature it would slow it down
            asyncio.get_running_loop().call_soon(self._keeper.tell, told)

    def _presented(self, request: Request, wanted: AskedToken) -> PresentedExchange:
        return PresentedExchange(
            subject_token=wanted.subject_token,
            actor_token=wanted.actor_token,
            dpop=one_header(request, b"dpop"),
            htm=request.method,
            htu=self._desk.base_url + request.path,
            client_cert_sha256=certificate_of(self._desk, request),
        )

    def _proven(self, presented: PresentedExchange, wanted: AskedToken, tenant: str, now_ns: int) -> ProvenExchange:
        """Verify, then use up what is good once."""
        proven = self._verifier.verify(presented, tenant, now_ns)
        if self._house.tenants.find(tenant) is None:  # one that is gone believes nobody, whatever is configured
            raise RefusedError(Refusal.TOKEN_ISSUER_UNKNOWN, "the token's issuer is not known here")
        if any(target != audience_of(self._desk.base_url, tenant) for target in wanted.targets):
            raise RefusedError(
                ExchangeRefusal.TARGET_UNKNOWN, "`audience` and `resource` can be the tenant's doors alone"
            )
        self._verifier.use(proven, tenant, now_ns)
        return proven

    async def _settled(
        self, caller: Caller, proven: ProvenExchange, wanted: AskedToken, tenant: str, now_ns: int
    ) -> AccessDetail:
        try:
            self._check_actor(proven, now_ns)
            lifetime_s(proven, self.limits, now_ns)
            return settled(proven, wanted.detail, self.limits, audience_of(self._desk.base_url, tenant))
        except RefusedError as no:
            first = next(iter(_asked(proven, wanted.detail)))
            raise await self._keeper.refuse(caller, first, no.code) from no

    def _check_actor(self, proven: ProvenExchange, now_ns: int) -> None:
        if proven.actor is not None and is_over(self._house.ledger, proven.actor, now_ns):
            raise RefusedError(ExchangeRefusal.ACTOR_REVOKED, "who would act has ended or was revoked")

    async def _ahead(self, caller: Caller, asked: list[Asked]) -> list[Decided | BaseException]:
        """Return the decision on each question, or why there is none; nobody may hear of them yet."""
        if len(asked) == 1:
            return [await self._keeper.ahead(caller, asked[0])]
        return await asyncio.gather(*(self._keeper.ahead(caller, one) for one in asked), return_exceptions=True)

    async def _passing(
        self, ahead: list[Decided | BaseException], make: Callable[[], Made], tell: Callable[[Decided], object]
    ) -> Made:
        """Make what all decisions permit while their records go to the disk, and return it when all are there.

        Raises:
            TurnedAway: of the first that does not permit it.
        """
        if not all(isinstance(one, Decided) and one.record.outcome.effect.permits for one in ahead):
            await self._passed(ahead, tell)
            return make()
        try:
            return make()
        finally:
            await self._passed(ahead, tell)

    async def _passed(self, ahead: list[Decided | BaseException], tell: Callable[[Decided], object]) -> None:
        no: BaseException | None = None
        for one in ahead:
            if isinstance(one, BaseException):
                no = no or one
                continue
            try:
                await self._keeper.passed(one, tell)
            except TurnedAway as turned_away:
                no = no or turned_away
        if no is not None:
            raise no

    def _made(
        self, proven: ProvenExchange, detail: AccessDetail, tenant: str, now_ns: int, decisions: list[str]
    ) -> tuple[Minted, Future[Any]]:
        """Sign the token and queue its record; here, since handing one signature to a thread would cost more."""
        minted = self._mint(proven, detail, tenant, now_ns)
        return minted, record_exchange(self._house, tenant, proven, detail, minted, decisions)

    def _caller(self, request: Request, tenant: str, proven: ProvenExchange) -> Caller:
        pep = PepIdentity(pep_id=PEP, tenant=tenant, subjects="token")
        presented, once = PresentedSubject(), OneRequest(self._house.subjects)
        once.believe(pep, presented, proven.identity)
        agent = one_header(request, b"user-agent") or ""
        return Caller(
            tenant=tenant,
            identity=proven.identity,
            detail=detail_of(proven.identity),
            pep=pep,
            presented=presented,
            once=once,
            ip=self._desk.proxies.client(request.peer, request.raw_headers) or request.peer,
            user_agent=agent[:512],
            request_id=request.request_id,
        )

    def _mint(self, proven: ProvenExchange, detail: AccessDetail, tenant: str, now_ns: int) -> Minted:
        identity, actor = proven.identity, {} if proven.act is None else {"act": proven.act}
        minted = self._tokens.mint(
            tenant,
            subject_type=identity.subject_type,
            subject_id=identity.subject_id,
            detail=detail,
            now_ns=now_ns,
            lifetime_s=lifetime_s(proven, self.limits, now_ns),
            jkt=proven.jkt,
            x5t=proven.x5t,
            origin=proven.origin,
            more={**proven.carried, **self._granted(proven, detail, now_ns), **actor},
            session_id=identity.session_id if identity.exchanged else "",
        )
        if len(minted.token) > LONGEST_TOKEN:
            text = "the token would be too long to be sent: ask for fewer columns, or for `*`"
            raise FaultyInputError(ExchangeRefusal.ISSUED_TOKEN_TOO_LARGE, text)
        return minted

    def _granted(self, proven: ProvenExchange, detail: AccessDetail, now_ns: int) -> dict[str, Any]:
        """Return the claim of the grant: a workload's own, or that of the token which is narrowed."""
        if not proven.identity.exchanged:
            return {GRANT: grant_for(proven.workload, detail, now_ns, self._house.settings.tokens.budget_window_s)}
        kept = proven.identity.claims.get(GRANT)
        return {} if kept is None else {GRANT: thaw(kept)}

    async def _recorded(self, future: Any) -> None:
        """Wait until a record is on disk; without it there is no token."""
        try:
            async with asyncio.timeout(self._house.settings.server.record_wait_ms / 1000):
                await asyncio.shield(asyncio.wrap_future(future))  # the log's own future is not ours to cancel
        except TimeoutError:
            raise UnavailableError(Reason.RECORD_FAILED.value, "the record was not on disk in time") from None

    async def beside(self, work: Callable[[], Made]) -> Made:
        """Do work in our own threads, as many as may wait."""
        if self._waiting >= MAX_WAITING:
            raise UnavailableError(Reason.OVERLOADED.value, "too many tokens are asked for at once")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _ids(ahead: list[Decided | BaseException]) -> list[str]:
    return [one.record.receipt.decision_id for one in ahead if isinstance(one, Decided)]


def _asked(proven: ProvenExchange, detail: AccessDetail) -> list[Asked]:
    """Return the question of each action: what the token would be used for."""
    actor = {} if proven.act is None else {"actor": proven.act}
    return [
        Asked(
            action=action,
            resource_type=detail.resource_type,
            resource_id=detail.identifier,
            columns=detail.datatypes,
            path=detail.prefix,
            purpose=detail.purpose,
            stage=detail.stage,
            properties={**({"commit": detail.commit} if detail.commit else {}), **actor},
        )
        for action in detail.actions
    ]


async def form_of(desk: FaceDesk, request: Request) -> bytes:
    """Return the body of a form.

    Raises:
        FaultyInputError: it is none, or a header came twice.
    """
    kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if request.twice or kind != FORM:
        raise FaultyInputError(ExchangeRefusal.TOKEN_REQUEST_INVALID, f"the content type must be {FORM}, told once")
    return await request.body(MAX_FORM, desk.receive_timeout_s)


def one_header(request: Request, name: bytes) -> str | None:
    """Return a header that may come once only.

    Raises:
        FaultyInputError: it came twice.
    """
    values = [value for key, value in request.raw_headers if key == name]
    if len(values) > 1:
        raise FaultyInputError(ExchangeRefusal.TOKEN_REQUEST_INVALID, f"the header `{name.decode()}` came twice")
    return values[0].decode("latin-1") if values else None


def certificate_of(desk: FaceDesk, request: Request) -> str | None:
    """Return the thumbprint of the connection's client certificate, as far as whoever says so is trusted."""
    return request.certificate or desk.proxies.certificate(request.peer, request.raw_headers)
