"""Judges what passes between an MCP client and a server, message by message.

1. A client's request is a question to the decision (`binding`), with what its subject has read so far; a call of a tool
   also brings the facts of its arguments. A method that is unknown is refused; an answer to a request that the server
   was never let make is dropped, and so is a notification that is none of the protocol's.
2. A server's request (sampling, elicitation, roots) is a question too, and its texts are looked at as data.
3. A list keeps those entries whose words try nothing, and of tools those whose definition is the approved one.
4. Whatever else a server says, notifications and errors among it, is looked at as data: what injects is withheld, what
   leaks is redacted, and it is remembered, so that a later call with words of it is known for what it is.
5. What was seen is recorded before it passes. Whatever fails on the way is a refusal (JSON-RPC -32603).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.gateway.mcp.binding import ASKED_BY_SERVERS, PING, TOLD_BY_CLIENTS, Question, question_of
from ostiary.gateway.mcp.bounds import Definitions, Pending
from ostiary.gateway.mcp.lists import ENTRIES, Lists
from ostiary.gateway.mcp.looking import STOPS, Looking, seen_in, size, with_findings
from ostiary.gateway.mcp.memory import Heard, McpMemory, Remembered
from ostiary.gateway.mcp.message import Kind, Message, of
from ostiary.gateway.mcp.ports import Answered, Passage, Pins, Redact, Side
from ostiary.gateway.mcp.replies import DENIED, INVALID_PARAMS, UNREACHABLE, error, refusal
from ostiary.gateway.mcp.results import holds_media, texts_of, withheld
from ostiary.gateway.tools import Manifest, Reads, read_calls
from ostiary.vocabulary.inspecting import Inspected, PromptInspector, Verdict
from ostiary.vocabulary.labels import Channel, Integrity, Label

MAX_INPUTS: Final = 16
_ATTACKS: Final = "what the server asks looks like an attack"
_HOLDS: Final = "what the server answered was withheld: it holds instructions for the model"
# What says how to speak with each other; everything else that comes back is content.
_ABOUT: Final = frozenset({"initialize", "logging/setLevel", "server/discover", "subscriptions/listen"})


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
        self._looking = Looking(inspector, redact)
        self._pins = pins
        self._memory = memory or McpMemory()
        self._pending = Pending()
        self._definitions = Definitions()
        self._lists = Lists(self._looking, pins, self._definitions)

    async def from_client(self, side: Side, message: Message) -> Passage:
        """Judge what a client sends."""
        if message.kind is Kind.NOTIFICATION:
            return Passage(forward=message.whole if message.method in TOLD_BY_CLIENTS else None)
        if message.kind is Kind.RESPONSE:
            allowed = self._pending.take(side.server, _connection(side), message.id)
            return Passage(forward=message.whole if allowed else None)
        return await self._request(side, message, from_server=False)

    async def from_server(self, side: Side, message: Message, asked: Message | None, decision_id: str = "") -> Passage:
        """Judge what a server sends.

        Args:
            side: whose connection it is.
            message: what came.
            asked: the request that a response answers, or that is still open.
            decision_id: of that request's permission.
        """
        if message.kind is Kind.NOTIFICATION:
            return await self._told_by_server(side, message, asked)
        if message.kind is Kind.REQUEST:
            return await self._asked_by_server(side, message)
        if asked is None or asked.id != message.id:
            return Passage()
        return await self._answer(side, message, asked, decision_id)

    async def listens(self, side: Side) -> Answered:
        """Return whether a client may listen to what a server says unasked."""
        return await self._asked(side, Question("mcp.use", "mcp_server", side.server, {"method": "listen"}))

    # Requests of either side.

    async def _request(self, side: Side, message: Message, *, from_server: bool) -> Passage:
        if message.method == PING:  # who is asked whether it is there is we
            return Passage(reply={"jsonrpc": "2.0", "id": message.id, "result": {}})
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

    async def _asked(self, side: Side, question: Question) -> Answered:
        known = self._memory.of(side.tenant, side.subject, side.now_ns)
        available = known.available and await self._looking.available()
        facts = {
            "labels": _labels(known),
            "inspection": {"available": available, "verdict": known.verdict.value, "rules": []},
            **question.properties,
        }
        try:
            return await side.ask(msgspec.structs.replace(question, properties=facts))
        except OstiaryError as fault:
            return Answered(allowed=False, code=fault.code, message=fault.message, data={"unreachable": True})

    def _call(self, side: Side, message: Message, question: Question) -> Question:
        """Return the question of a tool's call, with the facts of its arguments."""
        known = self._memory.of(side.tenant, side.subject, side.now_ns)
        name = question.resource_id
        given = message.params.get("arguments")
        arguments = msgspec.json.encode({} if given is None else given).decode()
        call = {"id": "call", "type": "function", "function": {"name": name, "arguments": arguments}}
        messages = [*known.messages(), {"role": "assistant", "content": None, "tool_calls": [call]}]
        # A definition that nobody has listed here yet was not compared: where that is asked for, it counts as changed.
        unseen = "changed" if self._pins.kept(side.server) else "unpinned"
        facts = read_calls(
            self._manifest,
            messages,
            tenant=side.tenant,
            before=known.label,
            labels=known.labels(),
            pins={name: self._definitions.get(side.tenant, side.server, name, unseen)},
        )[0]
        return msgspec.structs.replace(question, properties={**question.properties, **facts.properties()})

    async def _asked_by_server(self, side: Side, message: Message, *, inner: bool = False) -> Passage:
        seen = await self._looking.at(message.params)
        if message.method != PING and seen.verdict in STOPS:
            await side.tell(seen_in(message.method, "", "", seen, withheld=True))
            return Passage(reply=error(message.id, DENIED, _ATTACKS, "injection"))
        passage = await self._request(side, message, from_server=True)
        if passage.forward is None:
            return passage
        told, found = await self._looking.told(message.params)
        looked = with_findings(seen, found)
        await side.tell(seen_in(message.method, "", passage.decision_id, looked, withheld=False, characters=size(told)))
        self._hear(side, message.method, told, looked, trusted=False)
        if not inner:
            self._pending.add(side.server, _connection(side), message.id)
        forward = {"jsonrpc": "2.0", "id": message.id, "method": message.method, "params": told}
        return msgspec.structs.replace(passage, forward=forward)

    async def _inputs(self, side: Side, asked: Message, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return the questions that a result holds (protocol 2026-07-28), each judged.

        Raises:
            _NotAskedError: one may not be asked, and so none of them.
        """
        given = result["inputRequests"]
        if not isinstance(given, dict) or len(given) > MAX_INPUTS:
            raise _NotAskedError(error(asked.id, UNREACHABLE, "the server asks in no form", "mcp_message_invalid"))
        judged: dict[str, Any] = {}
        for number, (name, one) in enumerate(given.items()):
            told = one if isinstance(one, dict) else {}
            whole = {"jsonrpc": "2.0", "id": number, "method": told.get("method", ""), "params": told.get("params", {})}
            try:
                passage = await self._asked_by_server(side, of(whole), inner=True)
            except FaultyInputError as fault:
                raise _NotAskedError(error(asked.id, UNREACHABLE, fault.message, fault.code)) from fault
            if passage.forward is None:
                raise _NotAskedError({**(passage.reply or {}), "id": asked.id})
            judged[name] = {"method": passage.forward["method"], "params": passage.forward["params"]}
        return judged

    # What comes back.

    async def _answer(self, side: Side, message: Message, asked: Message, decision_id: str) -> Passage:
        result = message.result
        try:
            if result is None:
                return await self._looked_at(side, asked, "error", message.whole["error"], decision_id)
            if "inputRequests" in result:
                inputs = await self._inputs(side, asked, result)
                rest = {name: one for name, one in result.items() if name != "inputRequests"}
                passage = await self._looked_at(side, asked, "result", rest, decision_id)
                return _with_inputs(passage, inputs)
            if asked.method in ENTRIES:
                listed = await self._lists.judged(side, asked.method, result, decision_id)
                return Passage(forward={"jsonrpc": "2.0", "id": asked.id, "result": listed})
        except _NotAskedError as no:
            return Passage(forward=no.reply)
        except FaultyInputError as fault:
            return Passage(forward=error(asked.id, UNREACHABLE, fault.message, fault.code))
        return await self._looked_at(side, asked, "result", result, decision_id)

    async def _looked_at(
        self, side: Side, asked: Message, member: str, said: dict[str, Any], decision_id: str
    ) -> Passage:
        name = str(asked.params.get("name") or asked.params.get("uri") or "")
        seen = await self._looking.at(said)
        about = asked.method in _ABOUT or asked.method in ENTRIES
        blocked = seen.verdict is Verdict.BLOCK or (about and seen.verdict in STOPS)
        told, found = (said, ()) if blocked else await self._looking.told(said)
        looked = with_findings(seen, found)
        if not blocked and not (about and member == "result"):
            trusted = asked.method == "tools/call" and self._trusted(side, name)
            self._hear(side, name, told, looked, trusted=trusted)
        if not about or blocked or found:
            await side.tell(seen_in(asked.method, name, decision_id, looked, withheld=blocked, characters=size(said)))
        if not blocked:
            return Passage(forward={"jsonrpc": "2.0", "id": asked.id, member: told})
        instead = withheld(asked.method, said if member == "result" else {}, "injection", _HOLDS)
        if instead is None:
            return Passage(forward=error(asked.id, DENIED, _HOLDS, "injection"))
        return Passage(forward={"jsonrpc": "2.0", "id": asked.id, "result": instead})

    async def _told_by_server(self, side: Side, message: Message, asked: Message | None) -> Passage:
        seen = await self._looking.at([message.method, message.params])
        told, found = ({}, ()) if seen.verdict in STOPS else await self._looking.told(message.params)
        looked = with_findings(seen, found)
        if seen.verdict in STOPS or found:
            await side.tell(seen_in(message.method, "", "", looked, withheld=seen.verdict in STOPS))
        if seen.verdict in STOPS:
            return Passage()
        if {"data", "message"} & told.keys():  # words for a person, or for a model
            name = str(asked.params.get("name", "")) if asked is not None and asked.method == "tools/call" else ""
            self._hear(side, name, told, looked, trusted=bool(name) and self._trusted(side, name))
        forward = {"jsonrpc": "2.0", "method": message.method}
        return Passage(forward={**forward, "params": told} if "params" in message.whole else forward)

    def _trusted(self, side: Side, name: str) -> bool:
        return side.vouched and self._manifest.find(f"{side.server}/{name}").reads is Reads.TRUSTED

    def _hear(self, side: Side, name: str, said: dict[str, Any], seen: Inspected, *, trusted: bool) -> None:
        tool = f"{side.server}/{name}"
        label = Label(
            Channel.TOOL,
            side.tenant,
            tool=tool,
            integrity=Integrity.TRUSTED if trusted else Integrity.UNTRUSTED,
            confidentiality=side.confidentiality,
            uninspected=holds_media(said),
        )
        heard = Heard(tool, "\n".join(texts_of(said)), label, seen.verdict, seen.available)
        self._memory.hear(side.tenant, side.subject, (heard,), side.now_ns)


class _NotAskedError(Exception):
    """A question of the server that is not put to the client."""

    def __init__(self, reply: dict[str, Any]) -> None:
        """Keep what the client hears instead."""
        super().__init__("not asked")
        self.reply = reply


def _with_inputs(passage: Passage, inputs: dict[str, Any]) -> Passage:
    forward = passage.forward or {}
    result = forward.get("result")
    if not isinstance(result, dict) or result.get("isError") is True:
        return passage
    return msgspec.structs.replace(passage, forward={**forward, "result": {**result, "inputRequests": inputs}})


def _connection(side: Side) -> str:
    return f"{side.tenant}|{side.connection}"


def _labels(known: Remembered) -> dict[str, Any]:
    label = known.label
    return {
        "untrusted": label.untrusted,
        "confidentiality": label.confidentiality,
        "uninspected": label.uninspected,
        "foreign": label.foreign,
    }
