"""Answers of ``/embeddings``: nothing but numbers comes back from the model's server."""

import base64
import binascii
import math
from typing import Any, Final

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.gateway.openai.chat_answer import counted
from ostiary.gateway.openai.events import MALFORMED
from ostiary.gateway.record import inspection_record
from ostiary.gateway.usage import Usage, usage_document, usage_of
from ostiary.server.llm.room import LlmRoom
from ostiary.server.llm.visit import Visit, Visits

_MAX_NUMBERS: Final = 65_536


async def embedded(room: LlmRoom, visits: Visits, visit: Visit) -> dict[str, Any]:
    """Return the embeddings that a visit asks for; its record is on disk.

    Raises:
        OstiaryError: there are none.
    """
    usage, outcome = Usage(visit.estimated), "answered"
    try:
        told = await room.upstream(visit.model).whole(visit.to)
        data = _data(told.get("data"), len(visit.to.body["input"]))
        given = told.get("usage")
        if isinstance(given, dict):
            usage = usage_of(counted(given, ("prompt_tokens", "total_tokens")), visit.estimated, 0)
    except OstiaryError as no:
        outcome = no.code
        raise
    finally:
        cost = visit.model.price.units(usage.tokens_in, 0)
        record = inspection_record(
            visit.turn, visit.model.name, visit.passed.decision_id, outcome, usage=usage, units=cost
        )
        await room.record(visit.caller.tenant, record)
        await visits.settle(visit, usage)
    told = usage_document("embeddings", usage)
    return {"object": "list", "data": data, "model": visit.turn.asked.model, "usage": told}


def _data(told: Any, count: int) -> list[dict[str, Any]]:
    if not isinstance(told, list) or len(told) != count:
        raise _malformed()
    return [{"object": "embedding", "index": number, "embedding": _vector(one)} for number, one in enumerate(told)]


def _vector(one: Any) -> Any:
    vector = one.get("embedding") if isinstance(one, dict) else None
    if isinstance(vector, str):
        try:
            fine = len(base64.b64decode(vector, validate=True)) <= 4 * _MAX_NUMBERS
        except binascii.Error:
            fine = False
    else:
        fine = isinstance(vector, list) and len(vector) <= _MAX_NUMBERS and all(map(_is_number, vector))
    if not fine:
        raise _malformed()
    return vector


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _malformed() -> UnavailableError:
    return UnavailableError(MALFORMED, "the model's server sent no embeddings")
