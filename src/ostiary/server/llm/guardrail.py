"""LiteLLM's generic guardrail API: its proxy asks before a call and after it, and we look at the texts.

    POST /llm/{tenant}/guardrail[/beta/litellm_basic_guardrail_api]
    {"texts": […], "structured_messages": […], "images": […], "input_type": "request" | "response", …}
    → {"action": "NONE" | "BLOCKED" | "GUARDRAIL_INTERVENED", "blocked_reason", "texts"}

- The proxy is an enforcement point and proves itself as one (``headers: {Authorization: Bearer …}`` in its settings).
- Of a request each text is looked at as a user's, unless the messages tell its role; texts of tools are data. So is
  whatever the messages say that stands in no text. What cannot be looked into (images) is told as ``BLOCKED``.
- Of an answer each text is scanned, and told back without what must not leave; calls of tools with such are blocked.
- No identity comes with it, so nothing is decided on here: use the gateway's own faces where policy is to decide. What
  was thought of the texts is a record all the same, on disk before the answer.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.gateway.inspectors import Turn, look
from ostiary.gateway.openai.asked import LlmAsked, Piece
from ostiary.gateway.openai.collecting import Collector
from ostiary.gateway.openai.limits import AskLimits
from ostiary.gateway.record import inspection_record
from ostiary.identity.types import PepIdentity
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.callers import identify, stranger
from ostiary.server.desk import FaceDesk
from ostiary.server.llm.room import LlmRoom
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.vocabulary.inspecting import Verdict
from ostiary.vocabulary.labels import Channel, Integrity, Label, SessionLabel
from ostiary.vocabulary.reasons import Reason

TAIL: Final = "beta/litellm_basic_guardrail_api"
_MAX_TEXTS: Final = 1024
_HARD: Final = frozenset({Verdict.ASK, Verdict.BLOCK})
_WORD: Final = 32
_SEEN: Final = frozenset(
    {"input_text", "output_text", "reasoning_text", "refusal", "summary_text", "text", "thinking", "tool_result",
     "tool_use"}
)  # fmt: skip
_UNSEEN: Final = frozenset({"audio", "file", "image", "image_url", "input_audio", "input_image", "source", "video_url"})
_CHANNELS: Final = {"system": Channel.OPERATOR, "developer": Channel.OPERATOR, "tool": Channel.TOOL}


class Guardrail:
    """Answers LiteLLM's proxy."""

    def __init__(self, desk: FaceDesk, room: LlmRoom, threads: ThreadPoolExecutor) -> None:
        """Look with the room's inspectors."""
        self._desk, self._room, self._threads = desk, room, threads
        self._limits = BodyLimits(room.settings.max_body_bytes, 32)

    async def answer(self, request: Request, tenant: str) -> Reply:
        """Answer one question."""
        if request.method != "POST":
            return json_reply(405, {"code": "method_not_allowed", "message": "use POST"}, (b"allow", b"POST"))
        try:
            pep = await asyncio.to_thread(self._pep, request, tenant)
        except RefusedError as no:
            return stranger(self._desk, request, no)
        except UnavailableError as away:
            return json_reply(503, {"code": away.code, "message": "nobody can tell who is calling"})
        raw = await request.body(self._limits.max_bytes, self._desk.receive_timeout_s)
        try:
            told = parse_object(raw, self._limits)
            loop = asyncio.get_running_loop()
            body, turn = await loop.run_in_executor(self._threads, partial(self._looked, pep, told))
            await self._room.record(tenant, inspection_record(turn, "litellm", "", str(body["action"]).lower()))
        except FaultyInputError as fault:
            return json_reply(400, {"code": fault.code, "message": fault.message})
        except OstiaryError as away:
            self._desk.faults(away.code, away)
            return json_reply(503, {"code": away.code, "message": "nothing can be looked at now"})
        return json_reply(200, body)

    def _pep(self, request: Request, tenant: str) -> PepIdentity:
        pep = identify(self._desk, request)
        if pep.tenant != tenant:  # exactly what a stranger hears
            raise RefusedError(Reason.PEP_UNAUTHENTICATED.value, "the enforcement point is another tenant's")
        return pep

    def _looked(self, pep: PepIdentity, told: dict[str, Any]) -> tuple[dict[str, Any], Turn]:
        texts = _texts(told.get("texts"))
        asked = LlmAsked(face="chat", model="litellm", body={"messages": [{}]})
        turn = Turn(tenant=pep.tenant, subject=f"pep:{pep.pep_id}", asked=asked, label=SessionLabel(pep.tenant))
        if told.get("input_type") == "response":
            return self._answered(texts, told.get("tool_calls"), turn), turn
        messages = _messages(told.get("structured_messages"))
        if told.get("images") or any(_hides(one.get("content")) for one in messages):
            return {"action": "BLOCKED", "blocked_reason": "images cannot be looked into"}, turn
        spoken = [*messages, {"role": "user", "tool_calls": told.get("tool_calls")}]
        elsewhere = _elsewhere(spoken, set(texts), turn, self._room.settings.limits())
        asked.pieces = (*_pieces(texts, messages, turn), *elsewhere)
        verdict = look(self._room.inspectors[:2], turn)
        if not turn.available:
            return {"action": "BLOCKED", "blocked_reason": "nobody can look at prompts now"}, turn
        if verdict in _HARD:
            return {"action": "BLOCKED", "blocked_reason": ", ".join(turn.rules) or verdict.value}, turn
        return {"action": "NONE"}, turn

    def _answered(self, texts: list[str], calls: Any, turn: Turn) -> dict[str, Any]:
        out: list[str] = []
        called = Collector(self._room.settings.limits())
        called.all(calls, _label(Channel.USER, turn), "tool_calls")
        for one in called.pieces:
            scan = self._room.scan("")
            if scan.feed(one.text) + scan.close() != one.text or scan.verdict in _HARD:
                turn.verdict = Verdict.BLOCK
                return {"action": "BLOCKED", "blocked_reason": "a call of a tool says what must not leave"}
        for text in texts:
            scan = self._room.scan("")
            out.append(scan.feed(text) + scan.close())
            if scan.verdict in _HARD:
                turn.verdict = scan.verdict
                rules = sorted({finding.rule for finding in scan.findings})
                return {"action": "BLOCKED", "blocked_reason": ", ".join(rules)}
        if out == texts:
            return {"action": "NONE"}
        turn.verdict = Verdict.REDACT
        return {"action": "GUARDRAIL_INTERVENED", "texts": out}


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > _MAX_TEXTS or not all(isinstance(one, str) for one in value):
        raise FaultyInputError(Reason.REQUEST_INVALID.value, f"`texts` is a list of at most {_MAX_TEXTS} texts")
    return value


def _messages(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise FaultyInputError(Reason.REQUEST_INVALID.value, "`structured_messages` is a list of messages")
    return value


def _hides(content: Any) -> bool:
    """Return whether a part of a content is of a kind that nobody can look into, or that nobody here knows."""
    return isinstance(content, list) and any(
        isinstance(part, dict)
        and (part.get("type", "text") not in _SEEN or bool(_UNSEEN & part.keys()) or _hides(part.get("content")))
        for part in content
    )


def _elsewhere(messages: list[dict[str, Any]], texts: set[str], turn: Turn, limits: AskLimits) -> list[Piece]:
    """Return what messages say that is none of the texts; single words are names."""
    collector = Collector(limits)
    for number, one in enumerate(messages):
        label = _label(_CHANNELS.get(str(one.get("role")), Channel.USER), turn)
        collector.all(one, label, f"structured_messages[{number}]", but=("role",))
    return [one for one in collector.pieces if one.text not in texts and not _is_word(one.text)]


def _is_word(text: str) -> bool:
    return len(text) <= _WORD and text.isascii() and text.isidentifier()


def _label(channel: Channel, turn: Turn) -> Label:
    trust = {Channel.OPERATOR: Integrity.TRUSTED, Channel.USER: Integrity.ASKER}
    return Label(channel, turn.tenant, integrity=trust.get(channel, Integrity.UNTRUSTED))


def _pieces(texts: list[str], messages: list[dict[str, Any]], turn: Turn) -> list[Piece]:
    """Return all texts; one that stands in a message of a role that is known has that role's channel."""
    roles: dict[str, Channel] = {}
    for one in messages:
        if isinstance(one.get("content"), str):
            channel = _CHANNELS.get(str(one.get("role")), Channel.USER)
            # The same words in two roles: they are judged, whoever else says them.
            known = roles.get(one["content"], channel)
            roles[one["content"]] = channel if known is Channel.OPERATOR else known
    return [
        Piece(text, _label(roles.get(text, Channel.USER), turn), f"texts[{number}] content")
        for number, text in enumerate(texts)
    ]
