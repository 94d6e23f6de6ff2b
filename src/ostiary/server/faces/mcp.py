"""The door in front of MCP servers: ``/mcp/{tenant}/{server}`` is streamable HTTP, ``…/guard`` judges for a wrapper.

1. The caller proves who it is on every request; a connection belongs to whoever began it.
2. Each message is judged (``gateway.mcp.guard``) before it goes on, in both directions.
3. A server that is unknown, and one that this tenant does not have, answer alike.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.gateway.mcp.guard import Guard
from ostiary.gateway.mcp.memory import McpMemory
from ostiary.gateway.mcp.message import INVALID, MAX_DEPTH, Kind, Message, of, read_message
from ostiary.gateway.mcp.ports import Side
from ostiary.gateway.mcp.replies import HEADER_MISMATCH, INVALID_REQUEST, UNREACHABLE, error, refusal
from ostiary.identity.strict import NotStrictError, parse_object
from ostiary.inspection.prompt.opening import open_prompt_inspector
from ostiary.inspection.response.leaks import Leaks
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Caller, TurnedAway
from ostiary.server.mcp.asking import Asker, Teller
from ostiary.server.mcp.connections import Connections
from ostiary.server.mcp.exchange import SESSION, Exchange
from ostiary.server.mcp.heads import mismatch, protocol_headers
from ostiary.server.mcp.manifests import manifest_of
from ostiary.server.mcp.marks import Marks
from ostiary.server.mcp.parts import pins_of, redaction
from ostiary.server.mcp.standing import Standing
from ostiary.server.mcp.upstream import Upstream
from ostiary.server.settings.mcp import McpServer
from ostiary.server.wire import Reply, Request, StreamReply, json_reply

PREFIX: Final = "/mcp"
DOOR: Final = "mcp"
GUARD: Final = "guard"
_METHODS: Final = frozenset({"POST", "GET", "DELETE"})
_PARTS: Final = (4, 5)
_FORGET_S: Final = 60.0
_MAX_CONNECTION: Final = 256
_DECISION: Final = re.compile(r"dec_[A-Za-z0-9]{1,64}|")


class McpFace:
    """Answers MCP clients."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk) -> None:
        """Take what the worker has."""
        self._desk = desk
        self._settings = desk.house.settings.mcp
        self._keeper = desk.keeper(DOOR, bound=False)
        self._connections = Connections()
        self._marks = Marks(desk.house.shared.secret("mcp-mark"))
        self._upstreams: dict[str, Upstream] = {}
        self._memory = McpMemory()

    def chores(self) -> Sequence[Chore]:
        """Forget what was read in tenants that are no more, whichever worker deleted them."""
        return (Chore("mcp_not_forgotten", _FORGET_S, self._forget),)

    def _forget(self) -> None:
        self._memory.keep_only({row.tenant for row in self._desk.house.tenants.living()})

    async def close(self) -> None:
        """Close the connections to all servers."""
        for upstream in self._upstreams.values():
            await upstream.close()

    @cached_property
    def _guard(self) -> Guard:
        manifest = manifest_of(self._settings)
        return Guard(manifest, open_prompt_inspector(), redaction(Leaks()), pins_of(self._settings), self._memory)

    async def answer(self, request: Request) -> Reply | StreamReply:
        """Answer one request."""
        parts = request.path.split("/")
        wrapped = len(parts) == max(_PARTS) and parts[-1] == GUARD
        if len(parts) != min(_PARTS) and not wrapped:
            return _unknown()
        if request.method not in ({"POST"} if wrapped else _METHODS):
            return json_reply(405, {"code": "method_not_allowed", "message": "use POST"}, (b"allow", b"POST"))
        try:
            caller = await self._keeper.caller(request, parts[2])
            return await self._served(request, caller, parts[3], wrapped=wrapped)
        except TurnedAway as no:
            return no.reply
        except FaultyInputError as fault:
            return json_reply(400, error(None, INVALID_REQUEST, fault.message, fault.code))
        except OstiaryError as fault:
            return json_reply(502, error(None, UNREACHABLE, fault.message, fault.code))

    async def _served(self, request: Request, caller: Caller, name: str, *, wrapped: bool) -> Reply | StreamReply:
        server = self._settings.servers.get(name)
        if server is None or caller.tenant not in server.tenants:
            return _unknown()
        await asyncio.to_thread(lambda: self._guard)  # its weights are read from disk, once
        return await (
            self._judge(request, caller, name, server) if wrapped else self._proxied(request, caller, name, server)
        )

    async def _proxied(self, request: Request, caller: Caller, name: str, server: McpServer) -> Reply | StreamReply:
        owner = (caller.tenant, _subject(caller), name)
        headers = protocol_headers(request.raw_headers)
        connection = headers.get(SESSION, "")
        if not server.url or (connection and not self._connections.holds(connection, owner)):
            return _unknown()
        side = self._side_of(caller, name, server, connection)
        if not self._resumes(headers, "|".join((*owner, connection))):
            return _unknown()
        over = self._over(caller)
        exchange = Exchange(self._guard, self._upstream(name, server), headers, side, over, self._marks)
        if request.method != "POST":
            return await self._without_message(request.method, exchange, side(), connection, owner)
        message = await self._message(request)
        if wrong := mismatch(headers, message):
            return _mismatched(message, wrong)
        passage = await self._guard.from_client(side(), message)
        if passage.forward is None:
            return Reply(202) if passage.reply is None else json_reply(200, passage.reply)
        began = partial(self._connections.begin, owner=owner) if message.kind is Kind.REQUEST else _nothing
        return await exchange.pass_on("POST", message, passage.decision_id, began)

    def _resumes(self, headers: dict[str, str], whose: str) -> bool:
        """Put the server's own id of an event in the place of the one that we gave; false for somebody else's."""
        if "last-event-id" not in headers:
            return True
        event_id = self._marks.take(whose, headers["last-event-id"])
        headers["last-event-id"] = event_id or ""
        return event_id is not None

    async def _without_message(
        self, method: str, exchange: Exchange, side: Side, connection: str, owner: tuple[str, str, str]
    ) -> Reply | StreamReply:
        """Open the stream of what a server says unasked, or end a connection; either needs one."""
        if not connection:
            return json_reply(405, {"code": "method_not_allowed", "message": "use POST"}, (b"allow", b"POST"))
        if method == "DELETE":
            self._connections.end(connection, owner)
        else:
            answered = await self._guard.listens(side)
            if not answered.allowed:
                return json_reply(403, refusal(None, answered))
        return await exchange.pass_on(method, None, "", _nothing)

    async def _judge(self, request: Request, caller: Caller, name: str, server: McpServer) -> Reply:
        """Judge one message for a wrapper that runs the server itself."""
        if server.url:  # we speak to it ourselves: nobody else says what it said
            return _unknown()
        told = _wrapped(await self._message_bytes(request))
        side = self._side_of(caller, name, server, told.connection)()
        message = of(told.message)
        if told.sender == "client":
            passage = await self._guard.from_client(side, message)
        else:
            asked = None if told.asked is None else of(told.asked)
            passage = await self._guard.from_server(side, message, asked, told.decision_id)
        return json_reply(200, passage)

    def _side_of(self, caller: Caller, name: str, server: McpServer, connection: str) -> Callable[[], Side]:
        house, subject = self._desk.house, _subject(caller)
        ask, tell = Asker(self._keeper, caller, name), Teller(house, caller, name)

        def side() -> Side:
            return Side(
                tenant=caller.tenant,
                subject=subject,
                server=name,
                connection=f"{subject}|{connection}",
                now_ns=house.clock.now_ns(),
                ask=ask,
                tell=tell,
                confidentiality=server.confidentiality,
                vouched=bool(server.url),
            )

        return side

    def _over(self, caller: Caller) -> Callable[[], bool]:
        """Return what tells whether a caller's token or session is over."""
        return Standing(self._desk.house, caller, self._desk.draining)

    def _upstream(self, name: str, server: McpServer) -> Upstream:
        if name not in self._upstreams:
            self._upstreams[name] = Upstream(server.url, server.token_file, self._settings.timeout_s)
        return self._upstreams[name]

    async def _message(self, request: Request) -> Message:
        return read_message(await self._message_bytes(request))

    async def _message_bytes(self, request: Request) -> bytes:
        if not request.is_json():
            raise FaultyInputError("mcp_message_invalid", "a message is sent as application/json")
        return await request.body(self._settings.max_message_bytes, self._desk.receive_timeout_s)


class _Wrapped(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """What a wrapper sends to be judged."""

    sender: str
    message: dict[str, Any]
    connection: str = ""
    asked: dict[str, Any] | None = None
    decision_id: str = ""


def _wrapped(raw: bytes) -> _Wrapped:
    try:
        told = msgspec.convert(parse_object(raw, MAX_DEPTH), type=_Wrapped)
    except (NotStrictError, msgspec.ValidationError) as fault:
        raise FaultyInputError(INVALID, "this is no message to be judged") from fault
    plain = len(told.connection) <= _MAX_CONNECTION and told.connection.isprintable()
    if not plain or told.sender not in {"client", "server"} or not _DECISION.fullmatch(told.decision_id):
        raise FaultyInputError(INVALID, "this is no message to be judged")
    return told


def _nothing(_connection: str) -> None:
    """Begin no connection: only a request can."""


def _subject(caller: Caller) -> str:
    return f"{caller.identity.subject_type}:{caller.identity.subject_id}"


def _unknown() -> Reply:
    """Return the answer for what is not there: a server, a connection that is over, or somebody else's."""
    return json_reply(404, error(None, INVALID_REQUEST, "there is nothing here", "not_found"))


def _mismatched(message: Message, wrong: str) -> Reply:
    text = f"the header `{wrong}` says something else than the message"
    return json_reply(400, error(message.id, HEADER_MISMATCH, text, "mcp_header_mismatch"))


def face(desk: FaceDesk) -> McpFace | None:
    """Return the face, where a server is configured."""
    return McpFace(desk) if desk.house.settings.mcp.servers else None
