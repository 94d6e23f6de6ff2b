"""The three AuthZEN searches: which subjects, resources or actions would be permitted?

- Candidates come from the catalogue; each is put to the guardrails as an evaluation would put it, without a score:
  a search tells what policy permits, and an evaluation may still ask for a step-up on top.
- A search is one request and gets one record, with the number of results.
- Results are paged by an opaque token that is bound to the request and to the bundle: changed parameters are an error.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

import msgspec

from ostiary.decision.decide import RECORD_VERSION, Decider, known_of, why_over
from ostiary.decision.document import floor_of, guardrail_document
from ostiary.decision.event import event_of
from ostiary.decision.held import with_session
from ostiary.decision.parts import AlreadyAnsweredError, Claim, Decided
from ostiary.decision.ports import PolicyEngine
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.verdicts import DecisionRecord, Outcome

Wanted = Literal["subject", "resource", "action"]
MAX_PAGE: Final = 1000
MAX_CANDIDATES: Final = 2000
_NOBODY: Final = PresentedSubject()


class Page(msgspec.Struct, frozen=True):
    """What a caller asks of paging; after ``candidates`` evaluations a page ends, full or not."""

    limit: int = MAX_PAGE
    token: str = ""
    candidates: int = MAX_CANDIDATES


class SearchCall(msgspec.Struct, frozen=True):
    """One search: the searched entity's id (or the action's name) in ``request`` is ignored."""

    pep: PepIdentity
    wanted: Wanted
    request: EvaluationRequest
    presented: PresentedSubject = _NOBODY
    page: Page = Page()
    claim: Claim = msgspec.field(default_factory=Claim)


class Searcher:
    """Answers searches from the same parts that decide."""

    def __init__(self, decider: Decider) -> None:
        """Share the decider's parts and its recorder."""
        self._decider = decider
        self._parts = decider.parts

    def search(self, receipt: Receipt, call: SearchCall) -> Decided:
        """Search, and queue one record.

        Raises:
            FaultyInputError: ``page_token_invalid`` or ``page_limit_invalid``.
            AlreadyAnsweredError: a deadline took the call's claim first.
        """
        engine = self._parts.policies.engine(call.pep.tenant)
        start = _offset(call, engine.bundle.digest)
        names = self._candidates(call)
        try:
            found = self._permitted(receipt, call, engine, names[start:])
            page = _take(found, call.page)
        except RefusedError as no:
            return self._decider.refuse(receipt, call.pep, no.code, call.request, claim=call.claim)
        after = start + page.consumed
        body: dict[str, Any] = {"results": [_entity(call, name) for name in page.names]}
        more = page.full and after < len(names)
        body["page"] = {
            "next_token": _token(call, engine.bundle.digest, after) if more else "",
            "count": len(page.names),
        }
        return self._record(receipt, call, engine, body)

    def _candidates(self, call: SearchCall) -> list[str]:
        tenant, directory = call.pep.tenant, self._parts.directory
        if call.wanted == "subject":
            return list(directory.subjects(tenant, call.request.subject.type))
        if call.wanted == "resource":
            return list(directory.resources(tenant, call.request.resource.type))
        return list(directory.actions(tenant))

    def _permitted(
        self, receipt: Receipt, call: SearchCall, engine: PolicyEngine, names: list[str]
    ) -> Iterator[tuple[str, bool]]:
        verify: Callable[[EvaluationRequest], VerifiedIdentity] = lambda request: self._parts.subjects.verify(  # noqa: E731
            call.pep, request.subject, call.presented, receipt.received_ns
        )
        known = None if call.wanted == "subject" else verify(call.request)
        for name in names:
            if call.claim.taken:  # answered at the deadline: going on would look like a thread that is stuck
                raise AlreadyAnsweredError
            request = _candidate(call, name)
            identity = known or verify(request)
            yield name, self._permits(receipt, call, engine, request, identity)

    def _permits(
        self,
        receipt: Receipt,
        call: SearchCall,
        engine: PolicyEngine,
        request: EvaluationRequest,
        identity: VerifiedIdentity,
    ) -> bool:
        parts = self._parts
        known = known_of(parts, receipt, request, identity)
        if why_over(known.standing) is not None:
            return False
        moment = parts.signals.read(event_of(receipt, request, identity, known))
        told = guardrail_document(request, call.pep.pep_id, identity, moment, known)
        document = msgspec.json.encode(told)
        return floor_of(with_session(engine.guardrails(document), document)).permits

    def _record(self, receipt: Receipt, call: SearchCall, engine: PolicyEngine, body: dict[str, Any]) -> Decided:
        if not call.claim.take():
            raise AlreadyAnsweredError
        record = DecisionRecord(
            v=RECORD_VERSION,
            tenant=call.pep.tenant,
            receipt=receipt,
            pep=call.pep.pep_id,
            subject_key="" if call.wanted == "subject" else f"{call.request.subject.type}:{call.request.subject.id}",
            outcome=Outcome(Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE),
            request=call.request,
            kind=f"search.{call.wanted}",
            results=len(body["results"]),
            bundle=engine.bundle.digest,
        )
        return Decided(record, body, self._decider.append(record))


class _Taken(msgspec.Struct):
    """One page's names, and how many candidates it took to find them."""

    names: list[str]
    consumed: int
    full: bool


def _take(found: Iterator[tuple[str, bool]], wanted: Page) -> _Taken:
    taken = _Taken([], 0, full=False)
    for name, permitted in found:
        taken.consumed += 1
        if permitted:
            taken.names.append(name)
        if len(taken.names) >= wanted.limit or taken.consumed >= wanted.candidates:
            taken.full = True
            break
    return taken


def _candidate(call: SearchCall, name: str) -> EvaluationRequest:
    replace, request = msgspec.structs.replace, call.request
    if call.wanted == "subject":
        return replace(request, subject=Subject(request.subject.type, name, request.subject.properties))
    if call.wanted == "resource":
        return replace(request, resource=Resource(request.resource.type, name, request.resource.properties))
    return replace(request, action=Action(name, request.action.properties))


def _entity(call: SearchCall, name: str) -> dict[str, str]:
    if call.wanted == "action":
        return {"name": name}
    kind = call.request.subject.type if call.wanted == "subject" else call.request.resource.type
    return {"type": kind, "id": name}


def _binding(call: SearchCall, bundle: str) -> str:
    """Return a digest of everything that the pages of one search must have in common."""
    common = msgspec.json.encode([call.pep.tenant, call.wanted, call.request, bundle], order="deterministic")
    return hashlib.sha256(common).hexdigest()[:16]


def _token(call: SearchCall, bundle: str, offset: int) -> str:
    return base64.urlsafe_b64encode(f"{offset}.{_binding(call, bundle)}".encode()).decode().rstrip("=")


def _offset(call: SearchCall, bundle: str) -> int:
    if not 1 <= call.page.limit <= MAX_PAGE:
        raise FaultyInputError("page_limit_invalid", f"page.limit must be 1 to {MAX_PAGE}", "/page/limit")
    if not call.page.token:
        return 0
    try:
        raw = base64.urlsafe_b64decode(call.page.token + "=" * (-len(call.page.token) % 4)).decode("ascii")
        number, binding = raw.split(".", 1)
        offset = int(number)
    except ValueError:
        offset, binding = -1, ""
    if offset < 0 or binding != _binding(call, bundle):
        raise FaultyInputError(
            "page_token_invalid", "page.token does not belong to this search or its policy has changed", "/page/token"
        )
    return offset
