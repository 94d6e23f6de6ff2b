"""Puts the questions of the MCP proxy to the decision, and what was seen into the log."""

import asyncio
from typing import Any, Final

import msgspec

from ostiary.gateway.mcp.binding import Question
from ostiary.gateway.mcp.ports import Answered, Seen
from ostiary.keys import random_bytes
from ostiary.server.doors import Asked, Caller, Keeper, TurnedAway
from ostiary.server.wire import Reply
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

KIND: Final = "inspection"
RECORD_WAIT_S: Final = 5.0
_UNREACHABLE: Final = 503


class Asker:
    """Asks for one caller at one server."""

    def __init__(self, keeper: Keeper, caller: Caller, server: str) -> None:
        """Ask as the door's keeper does."""
        self._keeper = keeper
        self._caller = caller
        self._server = server

    async def __call__(self, question: Question) -> Answered:
        """Return the decision's answer; its record is on disk."""
        asked = Asked(
            action=question.action,
            resource_type=question.resource_type,
            resource_id=question.resource_id,
            properties=question.properties,
            resource_properties={"server": self._server},
        )
        try:
            passed = await self._keeper.ask(self._caller, asked)
        except TurnedAway as no:
            return _refused(no.reply)
        return Answered(allowed=True, decision_id=passed.decision_id)


class Teller:
    """Records what was seen for one caller at one server; a record that cannot be written lets nothing pass."""

    def __init__(self, house: House, caller: Caller, server: str) -> None:
        """Record in ``house``'s log."""
        self._house = house
        self._caller = caller
        self._server = server

    async def __call__(self, seen: Seen) -> None:
        """Record.

        Raises:
            UnavailableError: the log takes nothing.
        """
        house, caller = self._house, self._caller
        now_ns = house.clock.now_ns()
        number = make_id("ins", now_ns, random_bytes(RANDOM_BYTES))
        subject = f"{caller.identity.subject_type}:{caller.identity.subject_id}"
        told = {"v": 1, "door": "mcp", "server": self._server, "subject": subject, **msgspec.to_builtins(seen)}
        payload = msgspec.json.encode(told)
        durable = house.log.append(caller.tenant, KIND, number, now_ns, payload, subject)
        await asyncio.to_thread(durable.result, RECORD_WAIT_S)


def _refused(reply: Reply) -> Answered:
    told: dict[str, Any] = msgspec.json.decode(reply.body or b"{}")
    data: dict[str, Any] = {"reasons": told.get("reasons", [])}
    if reply.status >= _UNREACHABLE:
        data["unreachable"] = True
    challenge = next((value.decode("latin-1") for name, value in reply.headers if name == b"www-authenticate"), "")
    if challenge:
        data["www_authenticate"] = challenge
    return Answered(
        allowed=False,
        decision_id=str(told.get("decision_id", "")),
        code=str(told.get("code", "access_denied")),
        message=str(told.get("message", "")),
        data=data,
    )
