"""The keeper of a door: asks the one decision for every access, and lets nobody in without its record on disk.

- The token's own limits come first: what it is not for is refused, with a record, before policy is asked.
- Then the decision, as for any enforcement point: policy, risk, session, device. The door is the enforcement point.
- A permission with an obligation that the door does not understand is none (AuthZEN Obligations Profile).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from ostiary.decision.decide import Decider
from ostiary.decision.parts import Call, Decided
from ostiary.errors import OstiaryError, RefusedError
from ostiary.identity.exchange.restrictions import AskedAccess, check
from ostiary.identity.reasons import Refusal
from ostiary.keys import random_bytes
from ostiary.server.body import printable
from ostiary.server.doors.caller import Caller, caller_of
from ostiary.server.doors.parts import Doors
from ostiary.server.doors.turned_away import TurnedAway, denied, not_understood, stranger, unavailable
from ostiary.server.one_at_a_time import OneAtATime
from ostiary.server.wire import Request
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

# What Ostiary itself carries out after any decision, at doors as anywhere.
OUR_OWN: Final = frozenset({"human_review", "notification", "session_lifetime"})


class Asked(msgspec.Struct, frozen=True):
    """One access to a door.

    Attributes:
        action: such as ``dataset.read``.
        resource_type, resource_id: what it is about.
        columns: the columns that are asked for, where there are any.
        path: the object, where there is one.
        purpose, stage: what the caller says; by default what its token says.
        properties: of the action, for policy.
        resource_properties: of the resource, for policy.
        context: further facts of the access: ``device``, ``count``, ``bytes``, ….
    """

    action: str
    resource_type: str
    resource_id: str
    columns: tuple[str, ...] = ()
    path: str = ""
    purpose: str = ""
    stage: str = ""
    properties: Mapping[str, Any] = {}
    resource_properties: Mapping[str, Any] = {}
    context: Mapping[str, Any] = {}


class Passed(msgspec.Struct, frozen=True):
    """An access that may happen; its record is on disk."""

    decided: Decided

    @property
    def decision_id(self) -> str:
        """The id of the decision."""
        return self.decided.record.receipt.decision_id

    @property
    def at_ns(self) -> int:
        """When it was asked for."""
        return self.decided.record.receipt.received_ns

    def obligations(self, kind: str) -> list[dict[str, Any]]:
        """Return the properties of all obligations of a type."""
        return [one.properties for one in self.decided.record.obligations if one.type == kind]


class Keeper:
    """Keeps one door."""

    def __init__(
        self, doors: Doors, door: str, *, understands: frozenset[str] | None = frozenset(), bound: bool = True
    ) -> None:
        """Take what all doors share.

        Args:
            doors: the shared parts.
            door: its name; policy sees it as ``input.pep.id`` = ``ostiary:`` and the name.
            understands: the types of obligations that the door carries out; ``None`` for a door that lets nobody at
                anything, and makes what another door decides on anew.
            bound: whether a token must be bound to a key.
        """
        self._doors = doors
        self._door = door
        self._understands = None if understands is None else understands | OUR_OWN
        self._bound = bound

    async def caller(self, request: Request, tenant: str) -> Caller:
        """Return who comes.

        Raises:
            TurnedAway: it proved nothing; 401, 400 or 503.
        """
        return await asyncio.to_thread(caller_of, self._doors, self._door, request, tenant, bound=self._bound)

    async def ask(self, caller: Caller, asked: Asked) -> Passed:
        """Return the permission for one access, its record on disk.

        Raises:
            TurnedAway: 403, 401 with a challenge, or 503.
        """
        decided = await self._sure(self._decided(caller, asked))
        self._doors.observer.decided(decided)
        return self._passed(decided)

    async def ahead(self, caller: Caller, asked: Asked) -> Decided:
        """Return the decision on one access while its record may still be on its way to the disk.

        What the access is for may be made meanwhile. Nobody may hear of either before ``passed`` has returned.

        Raises:
            TurnedAway: 503.
        """
        return await self._sure(self._decided(caller, asked, ahead=True))

    async def passed(self, decided: Decided, tell: Callable[[Decided], object]) -> Passed:
        """Return the permission that was decided ahead, its record on disk.

        Args:
            decided: what ``ahead`` returned.
            tell: takes it in the observer's place, for ``tell``.

        Raises:
            TurnedAway: as ``ask``.
        """
        tell(await self._sure(self._doors.crew.settle(decided)))
        return self._passed(decided)

    async def _sure(self, deciding: Awaitable[Decided]) -> Decided:
        """Return a decision, or turn away whoever gets none."""
        try:
            return await deciding
        except RefusedError as no:  # its tenant went away this very moment
            raise stranger(no) from no
        except OstiaryError as no:
            self._doors.observer.failed_closed(no.code)
            raise unavailable(no) from no

    def _passed(self, decided: Decided) -> Passed:
        if not decided.record.outcome.effect.permits:
            raise denied(self._doors.told(decided))
        types = {one.type for one in decided.record.obligations}
        unknown = set[str]() if self._understands is None else types - self._understands
        if unknown:
            raise not_understood(decided, unknown)
        return Passed(decided)

    def tell(self, decided: Iterable[Decided]) -> None:
        """Tell the observer of decisions that were kept from it until their answer was ready."""
        for one in decided:
            self._doors.observer.decided(one)

    async def refuse(self, caller: Caller, asked: Asked, code: str) -> TurnedAway:
        """Return the answer to an access that the door itself refuses; its record is on disk.

        Raises:
            TurnedAway: 503, when it cannot be recorded.
        """
        decided = await self._sure(self._refused(caller, asked, code))
        self._doors.observer.decided(decided)
        return denied(decided)

    async def _refused(self, caller: Caller, asked: Asked, code: str) -> Decided:
        refused = self._decider(caller).refuse(self._receipt(caller), caller.pep, code, request_of(caller, asked))
        return await self._doors.crew.settle(refused)

    async def _decided(self, caller: Caller, asked: Asked, *, ahead: bool = False) -> Decided:
        doors, decider = self._doors, self._decider(caller)
        receipt, request = self._receipt(caller), request_of(caller, asked)
        no = _limit(caller, asked, receipt.received_ns)
        if no is not None:
            return await doors.crew.settle(decider.refuse(receipt, caller.pep, no, request))
        call = Call(caller.pep, request, caller.presented)
        refuse = partial(self._refusal, decider, receipt, call)
        return await doors.crew.do(partial(decider.decide, receipt, call), refuse, ahead=ahead)

    @staticmethod
    def _refusal(decider: Decider, receipt: Receipt, call: Call, reason: str, fault: str) -> Decided:
        return decider.refuse(receipt, call.pep, reason, call.request, claim=call.claim, fault=fault)

    def _decider(self, caller: Caller) -> Decider:
        parts = self._doors.house.decider.parts
        return Decider(msgspec.structs.replace(parts, subjects=OneAtATime(caller.once)))

    def _receipt(self, caller: Caller) -> Receipt:
        now_ns = self._doors.house.clock.now_ns()
        return Receipt(
            decision_id=make_id("dec", now_ns, random_bytes(RANDOM_BYTES)),
            received_ns=now_ns,
            peer_ip=caller.ip,
            request_id=None if caller.request_id is None else printable(caller.request_id.decode("latin-1")),
        )


def request_of(caller: Caller, asked: Asked) -> EvaluationRequest:
    """Return the question that a door asks of the decision."""
    identity, detail = caller.identity, caller.detail
    said = {
        "purpose": asked.purpose or (detail.purpose if detail else ""),
        "stage": asked.stage or (detail.stage if detail else ""),
        "commit": detail.commit if detail else "",
        "columns": list(asked.columns),
        "path": asked.path,
    }
    properties = {**asked.properties, **{name: value for name, value in said.items() if value}}
    context = {"ip": caller.ip, "user_agent": caller.user_agent, **asked.context}
    return EvaluationRequest(
        Subject(identity.subject_type, identity.subject_id),
        Action(asked.action, properties),
        Resource(asked.resource_type, asked.resource_id, dict(asked.resource_properties)),
        {name: value for name, value in context.items() if value is not None and value != ""},
    )


def _limit(caller: Caller, asked: Asked, now_ns: int) -> str | None:
    """Return why a token does not cover an access, or nothing; whoever was let in may ask again much later."""
    if caller.identity.expires_ns <= now_ns:
        return Refusal.TOKEN_EXPIRED.value
    return None if caller.detail is None else check(caller.detail, _access(asked))


def _access(asked: Asked) -> AskedAccess:
    return AskedAccess(
        resource_type=asked.resource_type,
        resource_id=asked.resource_id,
        action=asked.action,
        columns=asked.columns,
        path=asked.path,
        purpose=asked.purpose,
        stage=asked.stage,
    )
