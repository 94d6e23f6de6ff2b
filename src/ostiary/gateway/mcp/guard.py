"""Judges what passes between an MCP client and a server, message by message.

1. A client's request is a question to the decision (`binding`); a call of a tool also brings the facts of its
   arguments. A method that is unknown is refused; an answer to a request that the server was never let make is dropped.
2. A server's request (sampling, elicitation, roots) is a question too, and its texts are looked at as data.
3. A list of tools keeps those whose definition is the approved one, and whose words try nothing.
4. A result is looked at as data: what injects is withheld, what leaks is redacted, and all of it is remembered, so that
   a later call with words of it is known for what it is.
5. What was seen is recorded before it passes. Whatever fails on the way is a refusal (JSON-RPC -32603).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.gateway.mcp.binding import ASKED_BY_SERVERS, PASSES, Question, question_of
from ostiary.gateway.mcp.memory import Heard, McpMemory
from ostiary.gateway.mcp.message import Kind, Message, of
from ostiary.gateway.mcp.results import changed, holds_media, listed, texts_of, withheld
from ostiary.gateway.tools import Manifest, Reads, read_calls
from ostiary.vocabulary.inspecting import Finding, Inspected, PromptInspector, Verdict, harshest
from ostiary.vocabulary.labels import Channel, Integrity, Label

DENIED: Final = -32001
INVALID_PARAMS: Final = -32602
UNREACHABLE: Final = -32603
INVALID_REQUEST: Final = -32600
MAX_PENDING: Final = 1024
_STOPS: Final = frozenset({Verdict.BLOCK, Verdict.ASK})
_READ_BACK: Final = frozenset({"completion/complete", "prompts/get", "resources/read", "tools/call", "tasks/result"})


class Answered(msgspec.Struct, frozen=True):
    """The decision's answer; without ``allowed`` the rest says why and what would help."""

    allowed: bool
    decision_id: str = ""
    code: str = ""
    message: str = ""
    data: Mapping[str, Any] = {}


class Seen(msgspec.Struct, frozen=True):
    """What was seen in something that passed, for the record; no text of it."""

    method: str
    name: str
    decision_id: str
    verdict: Verdict
    rules: tuple[str, ...]
    withheld: bool
    characters: int


class Redact(Protocol):
    """Returns a text without what must not be told, and what was found in it."""

    def __call__(self, text: str, /) -> tuple[str, Sequence[Finding]]:
        """Redact."""
        ...


class Pins(Protocol):
    """Knows which definition of a tool was approved."""

    def state(self, tenant: str, server: str, tool: Mapping[str, Any], /) -> str:
        """Return ``pinned``, ``changed`` or ``unpinned``."""
        ...

    def kept(self, server: str) -> bool:
        """Return whether a server's definitions are approved one by one."""
        ...


Ask = Callable[[Question], Awaitable[Answered]]
Tell = Callable[[Seen], Awaitable[None]]


class Side(msgspec.Struct, frozen=True):
    """One subject at one server, for the length of one message.

    Attributes:
        tenant, subject, server: who speaks with what; ``subject`` is ``type:id``.
        connection: names the connection, so that answers find their requests.
        now_ns: when.
        ask: puts a question to the decision, its record on disk.
        tell: records what was seen.
    """

    tenant: str
    subject: str
    server: str
    connection: str
    now_ns: int
    ask: Ask
    tell: Tell


class Passage(msgspec.Struct, frozen=True):
    """What becomes of a message: it goes on (as ``forward``), or its sender hears ``reply``; or neither."""

    forward: dict[str, Any] | None = None
    reply: dict[str, Any] | None = None
    decision_id: str = ""


class Guard:
    """Guards all servers of one worker."""

    def __init__(
        self,
        manifest: Manifest,
        inspector: PromptInspector,
        redact: Redact,
        pins: Pins,
        memory: McpMemory | None = None,
    ) -> None:
        """Judge calls by ``manifest``, whose tools are named ``server/tool``."""
        self._manifest = manifest
        self._inspector = inspector
        self._redact = redact
        self._pins = pins
        self._memory = memory or McpMemory()
        self._pending: OrderedDict[tuple[str, str, str | int | None], str] = OrderedDict()
        self._states: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    async def from_client(self, side: Side, message: Message) -> Passage:
        """Judge what a client sends."""
        if message.kind is Kind.NOTIFICATION:
            return Passage(forward=message.whole)
        if message.kind is Kind.RESPONSE:
            allowed = self._pending.pop((side.tenant, side.connection, message.id), "")
            return Passage(forward=message.whole if allowed else None)
        return await self._request(side, message, from_server=False)

    async def from_server(self, side: Side, message: Message, asked: Message | None, decision_id: str = "") -> Passage:
        """Judge what a server sends.

        Args:
            side: whose connection it is.
            message: what came.
            asked: the request that a response answers.
            decision_id: of that request's permission.
        """
        if message.kind is Kind.NOTIFICATION:
            return Passage(forward=message.whole)
        if message.kind is Kind.REQUEST:
            return await self._asked_by_server(side, message)
        if asked is None or asked.id != message.id:
            return Passage()
        return await self._answer(side, message, asked, decision_id)

    async def _answer(self, side: Side, message: Message, asked: Message, decision_id: str) -> Passage:
        result = message.result
        if result is None:
            return await self._looked_at(side, asked, message, {"error": message.whole["error"]}, decision_id)
        if asked.method == "tools/list":
            return Passage(forward={**message.whole, "result": await self._listed(side, result, decision_id)})
        if isinstance(result.get("inputRequests"), dict):
            return await self._input_required(side, asked, message, result)
        if asked.method in _READ_BACK:
            return await self._looked_at(side, asked, message, {"result": result}, decision_id)
        return Passage(forward=message.whole)

    # Requests of either side.

    async def _request(self, side: Side, message: Message, *, from_server: bool) -> Passage:
        if message.method in PASSES:
            return Passage(forward=message.whole)
        try:
            question = question_of(message.method, message.params, side.server)
            if question is None or (message.method in ASKED_BY_SERVERS) != from_server:
                return Passage(reply=error(message.id, DENIED, "the method is unknown here", "mcp_method_unknown"))
            if message.method == "tools/call":
                question = self._call(side, message, question)
        except FaultyInputError as fault:
            return Passage(reply=error(message.id, INVALID_PARAMS, fault.message, fault.code))
        answered = await self._asked(side, question)
        if answered.allowed:
            return Passage(forward=message.whole, decision_id=answered.decision_id)
        return Passage(reply=refusal(message.id, answered))

    @staticmethod
    async def _asked(side: Side, question: Question) -> Answered:
        try:
            return await side.ask(question)
        except OstiaryError as fault:
            return Answered(allowed=False, code=fault.code, message=fault.message, data={"unreachable": True})

    def _call(self, side: Side, message: Message, question: Question) -> Question:
        """Return the question of a tool's call, with the facts of its arguments."""
        known = self._memory.of(side.tenant, side.subject, side.now_ns)
        name = question.resource_id
        arguments = msgspec.json.encode(message.params.get("arguments") or {}).decode()
        call = {"id": "call", "type": "function", "function": {"name": name, "arguments": arguments}}
        messages = [*known.messages(), {"role": "assistant", "content": None, "tool_calls": [call]}]
        # A definition that nobody has listed here yet was not compared: where that is asked for, it counts as changed.
        unseen = "changed" if self._pins.kept(side.server) else "unpinned"
        pins = {name: self._states.get((side.tenant, side.server, name), unseen)}
        facts = read_calls(self._manifest, messages, tenant=side.tenant, before=known.label, pins=pins)[0]
        return msgspec.structs.replace(question, properties={**question.properties, **facts.properties()})

    async def _asked_by_server(self, side: Side, message: Message) -> Passage:
        seen = await self._inspect(message.params)
        if seen.verdict in _STOPS:
            await side.tell(_seen(message.method, "", "", seen, withheld=True))
            return Passage(reply=error(message.id, DENIED, "what the server asks looks like an attack", "injection"))
        passage = await self._request(side, message, from_server=True)
        if passage.forward is not None:
            self._pending[side.tenant, side.connection, message.id] = message.method
            while len(self._pending) > MAX_PENDING:
                self._pending.popitem(last=False)
        return passage

    async def _input_required(self, side: Side, asked: Message, message: Message, result: dict[str, Any]) -> Passage:
        """Judge the questions that a result holds (protocol 2026-07-28): one that may not be asked refuses them all."""
        for number, inner in enumerate(result["inputRequests"].values()):
            told = inner if isinstance(inner, dict) else {}
            try:
                request = of(
                    {"jsonrpc": "2.0", "id": number, "method": told.get("method"), "params": told.get("params", {})}
                )
            except FaultyInputError as fault:
                return Passage(forward=error(asked.id, UNREACHABLE, fault.message, fault.code))
            passage = await self._asked_by_server(side, request)
            if passage.forward is None:
                return Passage(forward={**(passage.reply or {}), "id": asked.id})
        return Passage(forward=message.whole)

    # What comes back.

    async def _listed(self, side: Side, result: Mapping[str, Any], decision_id: str) -> dict[str, Any]:
        dropped: list[Inspected] = []
        tools = [one for one in result.get("tools") or () if isinstance(one, dict)]
        looks = [await self._inspect(one) for one in tools]
        kept: set[int] = set()
        for tool, seen in zip(tools, looks, strict=True):
            state = self._pins.state(side.tenant, side.server, tool)
            self._remember_state(side, str(tool.get("name", "")), state)
            if state == "changed" or seen.verdict in _STOPS:
                dropped.append(seen)
            else:
                kept.add(id(tool))
        if dropped:
            verdict = harshest(one.verdict for one in dropped)
            findings = tuple(finding for one in dropped for finding in one.findings)
            await side.tell(_seen("tools/list", "", decision_id, Inspected(verdict, findings=findings), withheld=True))
        return listed(result, lambda tool: id(tool) in kept)

    def _remember_state(self, side: Side, name: str, state: str) -> None:
        self._states[side.tenant, side.server, f"{side.server}/{name}"] = state
        while len(self._states) > MAX_PENDING * 8:
            self._states.popitem(last=False)

    async def _looked_at(
        self, side: Side, asked: Message, message: Message, said: dict[str, Any], decision_id: str
    ) -> Passage:
        name = str(asked.params.get("name") or asked.params.get("uri") or "")
        seen = await self._inspect(said)
        blocked = seen.verdict is Verdict.BLOCK
        told, found = (said, []) if blocked else await asyncio.to_thread(self._redacted, said)
        if not blocked:
            self._hear(side, asked, name, told)
        rules = Inspected(
            harshest((seen.verdict, *([Verdict.REDACT] if found else []))), findings=(*seen.findings, *found)
        )
        await side.tell(_seen(asked.method, name, decision_id, rules, withheld=blocked, characters=_size(said)))
        if not blocked:
            return Passage(forward={**message.whole, **told})
        text = "what the server answered was withheld: it holds instructions for the model"
        instead = withheld(asked.method, said.get("result", {}), "injection", text)
        if instead is None:
            return Passage(forward=error(asked.id, DENIED, text, "injection"))
        return Passage(forward={"jsonrpc": "2.0", "id": asked.id, "result": instead})

    def _redacted(self, said: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
        found: list[Finding] = []

        def change(text: str) -> str:
            released, findings = self._redact(text)
            found.extend(findings)
            return released

        return changed(said, change), found

    def _hear(self, side: Side, asked: Message, name: str, said: dict[str, Any]) -> None:
        tool = f"{side.server}/{name}"
        trusted = asked.method == "tools/call" and self._manifest.find(tool).reads is Reads.TRUSTED
        label = Label(
            Channel.TOOL,
            side.tenant,
            tool=tool,
            integrity=Integrity.TRUSTED if trusted else Integrity.UNTRUSTED,
            uninspected=holds_media(said),
        )
        text = "\n".join(texts_of(said))
        self._memory.hear(side.tenant, side.subject, (Heard(tool, text, label),), side.now_ns)

    async def _inspect(self, said: Any) -> Inspected:
        """Look at every text, beside the loop; a detector that is away is no reason to let anything pass unseen."""
        try:
            text = "\n".join(texts_of(said))
            return await asyncio.to_thread(self._inspector.inspect, text, Channel.DATA)
        except UnavailableError as fault:
            finding = Finding(f"inspection.{fault.code}", 0, 0)
            return Inspected(Verdict.FLAG, findings=(finding,))
        except FaultyInputError as fault:
            return Inspected(Verdict.BLOCK, 1.0, (Finding(f"inspection.{fault.code}", 0, 0),))


def error(number: str | int | None, code: int, message: str, word: str, **data: Any) -> dict[str, Any]:
    """Return a JSON-RPC error."""
    told = {"code": code, "message": message, "data": {"code": word, **data}}
    return {"jsonrpc": "2.0", "id": number, "error": told}


def refusal(number: str | int | None, answered: Answered) -> dict[str, Any]:
    """Return the JSON-RPC error of a decision that does not permit."""
    data = {name: value for name, value in answered.data.items() if name != "unreachable"}
    code = UNREACHABLE if answered.data.get("unreachable") else DENIED
    if answered.decision_id:
        data["decision_id"] = answered.decision_id
    return error(
        number, code, answered.message or "policy does not permit this", answered.code or "access_denied", **data
    )


def _seen(method: str, name: str, decision_id: str, seen: Inspected, *, withheld: bool, characters: int = 0) -> Seen:
    rules = tuple(sorted({finding.rule for finding in seen.findings}))[:32]
    return Seen(method, name[:256], decision_id, seen.verdict, rules, withheld, characters)


def _size(said: Any) -> int:
    return sum(map(len, texts_of(said)))
