"""The door in front of MCP servers: ``/mcp/{tenant}/{server}`` is streamable HTTP, ``…/guard`` judges for a wrapper.

1. The caller proves who it is on every request; a connection belongs to whoever began it.
2. Each message is judged (``gateway.mcp.guard``) before it goes on, in both directions.
3. A server that is unknown, and one that this tenant does not have, answer alike.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.gateway.mcp.guard import INVALID_REQUEST, UNREACHABLE, Guard, Side, error
from ostiary.gateway.mcp.message import INVALID, MAX_DEPTH, Kind, Message, of, read_message
from ostiary.identity.strict import NotStrictError, parse_object
from ostiary.inspection.prompt.opening import open_prompt_inspector
from ostiary.inspection.response.leaks import Leaks
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Caller, TurnedAway
from ostiary.server.mcp.asking import Asker, Teller
from ostiary.server.mcp.connections import Connections
from ostiary.server.mcp.exchange import SESSION, Exchange
from ostiary.server.mcp.parts import manifest_of, pins_of, redaction
from ostiary.server.mcp.standing import Standing
from ostiary.server.mcp.upstream import Upstream
from ostiary.server.settings.mcp import McpServer
from ostiary.server.wire import Reply, Request, StreamReply, json_reply

PREFIX: Final = "/mcp"
DOOR: Final = "mcp"
GUARD: Final = "guard"
_METHODS: Final = frozenset({"POST", "GET", "DELETE"})
_PARTS: Final = (4, 5)


class McpFace:
    """Answers MCP clients."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk) -> None:
        """Take what the worker has."""
        self._desk = desk
        self._settings = desk.house.settings.mcp
        self._keeper = desk.keeper(DOOR, bound=False)
        self._connections = Connections()
        self._upstreams: dict[str, Upstream] = {}

    def chores(self) -> Sequence[Chore]:
        """Nothing is to be done beside the answers."""
        return ()

    async def close(self) -> None:
        """Close the connections to all servers."""
        for upstream in self._upstreams.values():
            await upstream.close()

    @cached_property
    def _guard(self) -> Guard:
        manifest = manifest_of(self._settings)
        return Guard(manifest, open_prompt_inspector(), redaction(Leaks()), pins_of(self._settings))

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
        return await (self._judge(request, caller, name) if wrapped else self._proxied(request, caller, name, server))

    async def _proxied(self, request: Request, caller: Caller, name: str, server: McpServer) -> Reply | StreamReply:
        owner = (caller.tenant, _subject(caller), name)
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in request.raw_headers}
        connection = headers.get(SESSION, "")
        if not server.url or (connection and not self._connections.holds(connection, owner)):
            return _unknown()
        side = self._side_of(caller, name, connection)
        exchange = Exchange(self._guard, self._upstream(name, server), headers, side, self._over(caller))
        if request.method == "DELETE":
            self._connections.end(connection, owner)
        if request.method != "POST":
            return await exchange.pass_on(request.method, None, "", _nothing)
        message = await self._message(request)
        passage = await self._guard.from_client(side(), message)
        if passage.reply is not None:
            return json_reply(200, passage.reply)
        if passage.forward is None:
            return Reply(202)
        began = partial(self._connections.begin, owner=owner) if message.kind is Kind.REQUEST else _nothing
        return await exchange.pass_on("POST", message, passage.decision_id, began)

    async def _judge(self, request: Request, caller: Caller, name: str) -> Reply:
        """Judge one message for a wrapper that runs the server itself."""
        told = _wrapped(await self._message_bytes(request))
        side = self._side_of(caller, name, told.connection)()
        message = of(told.message)
        if told.sender == "client":
            passage = await self._guard.from_client(side, message)
        else:
            asked = None if told.asked is None else of(told.asked)
            passage = await self._guard.from_server(side, message, asked, told.decision_id)
        return json_reply(200, passage)

    def _side_of(self, caller: Caller, server: str, connection: str) -> Callable[[], Side]:
        house = self._desk.house
        ask, tell = Asker(self._keeper, caller, server), Teller(house, caller, server)
        subject = _subject(caller)

        def side() -> Side:
            return Side(caller.tenant, subject, server, f"{subject}|{connection}", house.clock.now_ns(), ask, tell)

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
        return msgspec.convert(parse_object(raw, MAX_DEPTH), type=_Wrapped)
    except (NotStrictError, msgspec.ValidationError) as fault:
        raise FaultyInputError(INVALID, "this is no message to be judged") from fault


def _nothing(_connection: str) -> None:
    """Begin no connection: only a request can."""


def _subject(caller: Caller) -> str:
    return f"{caller.identity.subject_type}:{caller.identity.subject_id}"


def _unknown() -> Reply:
    """Return the answer for what is not there: a server, a connection that is over, or somebody else's."""
    return json_reply(404, error(None, INVALID_REQUEST, "there is nothing here", "not_found"))


def face(desk: FaceDesk) -> McpFace | None:
    """Return the face, where a server is configured."""
    return McpFace(desk) if desk.house.settings.mcp.servers else None
