"""Quarantined extraction: ``POST /llm/{tenant}/quarantine/extract`` with ``{"model", "schema", "text"}``.

1. Who comes proves himself first; schema and text are checked before anybody is asked.
2. The question is one like any other at this door: its decision, budgets, inspection and record. The text is data in
   it, there are no tools and no history.
3. The answer is checked member by member. What fits is told with its label, untrusted; what does not, with 422 and no
   word of what the model said.
"""

from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, VerificationError
from ostiary.gateway.quarantine.extracting import MAX_ANSWER, MAX_TEXT, Extraction
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import TurnedAway
from ostiary.server.llm.entrance import Slot
from ostiary.server.llm.outgoing import Outgoing
from ostiary.server.llm.room import LlmRoom
from ostiary.server.llm.telling import no_answer, turned_away
from ostiary.server.llm.visit import Visit, Visits
from ostiary.server.wire import Reply, Request, json_reply

PATH: Final = "quarantine/extract"
_LIMITS: Final = BodyLimits(8 * MAX_TEXT, 16)
_MEMBERS: Final = frozenset({"model", "schema", "text"})
_TOKENS: Final = MAX_ANSWER // 4


class Quarantine:
    """Answers at this one path."""

    def __init__(self, desk: FaceDesk, visits: Visits, room: LlmRoom) -> None:
        """Work with what the door has."""
        self._visits, self._room = visits, room
        self._timeout_s = desk.receive_timeout_s

    async def answer(self, request: Request, tenant: str, slot: Slot) -> Reply:
        """Answer one request; what goes wrong on the way is told in OpenAI's words, as everywhere at this door."""
        model = ""
        try:
            caller = await self._visits.keeper.caller(request, tenant)
            if not request.is_json():
                raise FaultyInputError("content_type", "the content type must be application/json")
            told = parse_object(await request.body(_LIMITS.max_bytes, self._timeout_s), _LIMITS)
            model, wanted = _wanted(tenant, told)
            visit = await self._visits.open_as(caller, "chat", msgspec.json.encode(_question(model, wanted)), slot)
            return await self._extracted(visit, wanted)
        except TurnedAway as no:
            return turned_away(no.reply, model)
        except VerificationError as no:
            return json_reply(422, {"code": no.code, "message": no.message})
        except OstiaryError as no:
            return no_answer(no)

    async def _extracted(self, visit: Visit, wanted: Extraction) -> Reply:
        whole = await Outgoing(self._visits, self._room, visit, lambda _: None).whole()
        found = wanted.read(_said(whole), visit.model.name)
        told = {
            "values": found.values,
            "label": msgspec.to_builtins(found.label),
            "model": found.model,
            "decision_id": visit.passed.decision_id,
        }
        return json_reply(200, told, (b"ostiary-decision", visit.passed.decision_id.encode()))


def _wanted(tenant: str, told: dict[str, Any]) -> tuple[str, Extraction]:
    model = told.get("model")
    if set(told) != _MEMBERS or not isinstance(model, str):
        raise FaultyInputError("request_invalid", "the body holds `model`, `schema` and `text`, and nothing else")
    return model, Extraction(tenant, told["schema"], told["text"])


def _question(model: str, wanted: Extraction) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": wanted.instructions},
        {"role": "user", "content": wanted.text, "ostiary": {"channel": "data"}},
    ]
    return {"model": model, "messages": messages, "max_tokens": _TOKENS, "temperature": 0}


def _said(whole: dict[str, Any]) -> str:
    choices: list[dict[str, Any]] = whole.get("choices") or [{}]
    content = choices[0].get("message", {}).get("content")
    return content if isinstance(content, str) else ""
