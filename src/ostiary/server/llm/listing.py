"""Which models an asker is told of: those that policy would let it ask now, and no others (no oracle of what exists).

It is a search of the decision's own (AuthZEN), with one record; the models that it finds were each put to the
guardrails as a question with nothing remarkable in it.
"""

from functools import partial
from typing import Any

import msgspec

from ostiary.decision.decide import Decider
from ostiary.decision.search import Page, SearchCall, Searcher
from ostiary.errors import OstiaryError, RefusedError
from ostiary.keys import random_bytes
from ostiary.server.body import printable
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Asked, Caller, Keeper
from ostiary.server.doors.keeper import request_of
from ostiary.server.doors.turned_away import stranger, unavailable
from ostiary.server.llm.directory import TYPE
from ostiary.server.llm.room import LlmRoom
from ostiary.server.one_at_a_time import OneAtATime
from ostiary.server.wire import Request
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

PLAIN = {
    "labels": {
        "untrusted": False,
        "confidentiality": 0,
        "uninspected": False,
        "foreign": False,
        "documents": [],
        "more_documents": False,
    },
    "inspection": {"available": True, "verdict": "pass", "rules": []},
    "tools": 0,
    "stream": False,
}


class Listing:
    """Lists models."""

    def __init__(self, desk: FaceDesk, room: LlmRoom, keeper: Keeper) -> None:
        """Ask the desk's house."""
        self._desk, self._room, self._keeper = desk, room, keeper

    async def models(self, request: Request, tenant: str) -> list[dict[str, Any]]:
        """Return the models that whoever comes may ask.

        Raises:
            TurnedAway: it proved nothing, or nobody can decide.
        """
        caller = await self._keeper.caller(request, tenant)
        found = {model.name: model for model in self._room.models.of(tenant)}
        names = [name for name in await self._permitted(caller) if name in found]
        created = self._desk.house.clock.now_ns() // 1_000_000_000
        return [{"id": name, "object": "model", "created": created, "owned_by": "ostiary"} for name in names]

    async def _permitted(self, caller: Caller) -> list[str]:
        doors = self._desk.doors
        parts = doors.house.decider.parts
        decider = Decider(msgspec.structs.replace(parts, subjects=OneAtATime(caller.once)))
        now_ns = doors.house.clock.now_ns()
        name = make_id("dec", now_ns, random_bytes(RANDOM_BYTES))
        shown = None if caller.request_id is None else printable(caller.request_id.decode("latin-1"))
        receipt = Receipt(name, now_ns, caller.ip, shown)
        asked = request_of(caller, Asked("llm.chat", TYPE, "*", properties=PLAIN))
        call = SearchCall(caller.pep, "resource", asked, caller.presented, Page())
        refuse = partial(self._refused, decider, receipt, call)
        try:
            decided = await doors.crew.do(partial(Searcher(decider).search, receipt, call), refuse)
        except RefusedError as no:
            raise stranger(no) from no
        except OstiaryError as no:
            doors.observer.failed_closed(no.code)
            raise unavailable(no) from no
        return [one["id"] for one in decided.answer.get("results", ())]

    @staticmethod
    def _refused(decider: Decider, receipt: Receipt, call: SearchCall, reason: str, fault: str) -> Any:
        return decider.refuse(receipt, call.pep, reason, call.request, claim=call.claim, fault=fault)
