"""One request to a language model as OpenTelemetry's GenAI conventions name it: the only file that knows those names.

The conventions are in development (open-telemetry/semantic-conventions-genai): when a name moves, it moves here.

1. What is told comes from the request's record, which holds digests and no text. There is no option that adds content:
   whoever may read a conversation reads it where reading is decided on and recorded.
2. Who asked is not told, nor a name that a caller made up: a model that is not served is `unknown`.
"""

from typing import Any, Final

import msgspec

from ostiary.gateway.models import LanguageModel
from ostiary.gateway.record import InspectionRecord

_INSIDE: Final = "ostiary"
_UNKNOWN: Final = "unknown"
_OPERATIONS: Final = {"chat": "chat", "responses": "chat", "embeddings": "embeddings"}
_MS: Final = 1_000_000
_ANSWERED: Final = "answered"


class Spoken(msgspec.Struct, frozen=True):
    """A span to be made: its name, when it began and ended (UTC nanoseconds), attributes, and events by name."""

    name: str
    begun_ns: int
    ended_ns: int
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    failed: bool


def spoken(tenant: str, record: InspectionRecord, model: LanguageModel | None, now_ns: int) -> Spoken:
    """Return the span of a request that ended at ``now_ns``.

    Args:
        tenant: whose request it was.
        record: what was written down of it.
        model: the served model, ``None`` when the name that was asked for stands for none.
        now_ns: when it ended.
    """
    operation = _OPERATIONS.get(record.face, record.face)
    name = model.name if model is not None else _UNKNOWN
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": (model.upstream or _INSIDE) if model is not None else _UNKNOWN,
        "gen_ai.request.model": name,
        "ostiary.decision.id": record.decision_id,
        "ostiary.llm.face": record.face,
        "ostiary.llm.outcome": record.outcome,
        "ostiary.llm.tool_calls": len(record.calls),
        "ostiary.tenant": tenant,
    }
    if record.usage is not None:
        attributes["gen_ai.usage.input_tokens"] = record.usage.tokens_in
        attributes["gen_ai.usage.output_tokens"] = record.usage.tokens_out
    if record.outcome == _ANSWERED and model is not None:
        attributes["gen_ai.response.model"] = model.target or model.name
    failed = record.outcome != _ANSWERED
    if failed:
        attributes["error.type"] = record.outcome
    first_ms, whole_ms = record.ms
    if first_ms:
        attributes["gen_ai.response.time_to_first_chunk"] = first_ms / 1_000
    begun_ns = now_ns - round(whole_ms * _MS)
    events = [_judged("ostiary.prompt", record.prompt.value), _judged("ostiary.answer", record.release.value)]
    return Spoken(f"{operation} {name}", begun_ns, now_ns, attributes, events, failed)


def _judged(what: str, verdict: str) -> tuple[str, dict[str, Any]]:
    return "gen_ai.evaluation.result", {"gen_ai.evaluation.name": what, "gen_ai.evaluation.score.label": verdict}
