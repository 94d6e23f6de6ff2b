"""Looks into the body of a request by the inspectors of the gateway, before policy is asked.

1. Where a route says that bodies are inspected, what cannot be looked into whole is refused: a body that the proxy did
   not send or cut, one in another encoding than none, one that is no strict JSON or nests too deep.
2. ``json`` looks at every string of a document as the asker's words; ``chat``, ``responses`` and ``embeddings`` read it
   as the gateway does, with roles, tools and what nobody can look into.
3. What the inspectors block is refused here. A doubt goes to policy as ``action.properties.inspection``. Without
   inspectors the answer is no: a detector that is starved must not be one that is off.
"""

from typing import Any, Final

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.gateway.inspectors import Inspector, Turn, look
from ostiary.gateway.openai.asked import LlmAsked
from ostiary.gateway.openai.limits import AskLimits
from ostiary.gateway.openai.reader import Reader
from ostiary.gateway.openai.reading import read
from ostiary.keys.hashing import sha256_hex
from ostiary.server.body import BodyLimits, parse_json, parse_object
from ostiary.server.edge.asked import EdgeAsked
from ostiary.server.edge.routes import Inspects
from ostiary.server.llm.labels import label_document
from ostiary.vocabulary.inspecting import Verdict
from ostiary.vocabulary.labels import SessionLabel

BLOCKED: Final = "edge_body_blocked"
UNSEEN: Final = "edge_body_not_seen"
NO_JSON: Final = "edge_body_no_json"
AWAY: Final = "detector_unavailable"


class Bodies:
    """Looks into bodies; safe for several threads."""

    def __init__(self, inspectors: tuple[Inspector, ...], limits: BodyLimits, asks: AskLimits) -> None:
        """Look with ``inspectors``, at bodies and texts within the limits."""
        self._inspectors, self._limits, self._asks = inspectors, limits, asks

    def looked(self, how: Inspects, asked: EdgeAsked, tenant: str, subject: str) -> dict[str, Any]:
        """Return what policy is told of a body.

        Raises:
            FaultyInputError: it cannot be looked into.
            RefusedError: ``edge_body_blocked``.
            UnavailableError: ``detector_unavailable``.
        """
        body = _whole(asked)
        turn = self._turn(how, body, tenant, subject)
        verdict = look(self._inspectors, turn)
        if not turn.available:
            raise UnavailableError(AWAY, "nobody can look into bodies now")
        told = {
            "inspection": {"available": True, "verdict": verdict.value, "rules": turn.rules},
            "body_sha256": sha256_hex(body),
            "body_bytes": len(body),
        }
        if verdict is Verdict.BLOCK:
            raise RefusedError(BLOCKED, "the body looks like an attack", [f"rule:{rule}" for rule in turn.rules])
        return told if how == "json" else {**told, "labels": label_document(turn.label), "tools": len(turn.asked.tools)}

    def _turn(self, how: Inspects, body: bytes, tenant: str, subject: str) -> Turn:
        reader = Reader(tenant, subject, limits=self._asks)
        if how == "" or how == "json":  # noqa: PLR1714 - so that types know what is left
            reader.collector.all(parse_json(body, self._limits), reader.asker, "document.body")
            asked = LlmAsked(face="chat", model="", body={}, pieces=tuple(reader.collector.pieces))
        else:
            asked = read(how, parse_object(body, self._limits), reader)
        return Turn(tenant=tenant, subject=subject, asked=asked, label=SessionLabel(tenant))


def _whole(asked: EdgeAsked) -> bytes:
    """Return a body that is there, whole, and JSON by its own word."""
    if asked.body is None or asked.partial or not asked.body:
        raise FaultyInputError(UNSEEN, "the proxy did not send the whole body, and this route is inspected")
    if asked.content_encoding.lower() not in {"", "identity"}:
        raise FaultyInputError(UNSEEN, "an encoded body cannot be looked into")
    kind = asked.content_type.partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise FaultyInputError(NO_JSON, "this route takes JSON")
    return asked.body
