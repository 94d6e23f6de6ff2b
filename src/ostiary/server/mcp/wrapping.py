"""Stands between an MCP client and a server that speak over pipes; every message is judged before it passes.

1. What cannot be judged (the gateway is away, the sign-in is over) is refused: a request is answered with an error, and
   anything else goes nowhere.
2. A response is judged by the request that it answers. A request whose id is still open is refused: the answer to one
   could be taken for that of the other. So is one too many.
3. An answer that comes before its request was judged is no answer to it, and goes nowhere.
4. A line that is no message goes nowhere; one that does not end is the end.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.gateway.mcp.message import Kind, Message, read_message
from ostiary.gateway.mcp.replies import INVALID_REQUEST, UNREACHABLE, error
from ostiary.server.mcp.judging import Judged, Judges

MAX_OPEN: Final = 256
Write = Callable[[bytes], object]


class Wrapper:
    """Passes messages on, judged; one thread a direction."""

    def __init__(self, judge: Judges, to_client: Write, to_server: Write, warn: Callable[[str], None]) -> None:
        """Write to both; each write is one whole message."""
        self._judge = judge
        self._to = {"client": _one_at_a_time(to_client), "server": _one_at_a_time(to_server)}
        self._warn = warn
        self._open: dict[str | int | None, tuple[Message, str | None]] = {}  # no decision yet: it is being judged
        self._lock = threading.Lock()

    @property
    def open(self) -> int:
        """How many requests of the client the server has not answered."""
        return len(self._open)

    def from_client(self, line: bytes) -> None:
        """Take a line of the client."""
        message = self._read("client", line)
        if message is None:
            return
        if message.kind is Kind.REQUEST and not self._opened(message):
            self._write("client", error(message.id, INVALID_REQUEST, "this id is open, or too many are", "id_open"))
            return
        judged = self._judged("client", message)
        if message.kind is Kind.REQUEST:
            self._settle(message, judged)
        self._pass_on("client", "server", judged)

    def from_server(self, line: bytes) -> None:
        """Take a line of the server."""
        message = self._read("server", line)
        if message is None:
            return
        asked, decision_id = (None, "") if message.kind is not Kind.RESPONSE else self._asked(message)
        if message.kind is Kind.RESPONSE and asked is None:
            return
        self._pass_on("server", "client", self._judged("server", message, asked, decision_id))

    def _read(self, sender: str, line: bytes) -> Message | None:
        try:
            return read_message(line)
        except FaultyInputError as fault:
            self._warn(f"the {sender} sent no message: {fault.message}")
            if sender == "client":
                self._write("client", error(None, INVALID_REQUEST, fault.message, fault.code))
            return None

    def _judged(self, sender: str, message: Message, asked: Message | None = None, decision_id: str = "") -> Judged:
        try:
            return self._judge.judge(sender, message.whole, None if asked is None else asked.whole, decision_id)
        except OstiaryError as fault:
            self._warn(f"refused, as it could not be judged: {fault.message}")
            no = error(message.id, UNREACHABLE, fault.message, fault.code)
            if message.kind is Kind.REQUEST:
                return Judged(reply=no)
            return Judged(forward=no if asked is not None else None)

    def _opened(self, message: Message) -> bool:
        with self._lock:
            if message.id in self._open or len(self._open) >= MAX_OPEN:
                return False
            self._open[message.id] = (message, None)
            return True

    def _settle(self, message: Message, judged: Judged) -> None:
        """Keep what is known of a request that goes on, before it does; one that does not is open no more."""
        with self._lock:
            if judged.forward is None:
                del self._open[message.id]
            else:
                self._open[message.id] = (message, judged.decision_id)

    def _asked(self, message: Message) -> tuple[Message | None, str]:
        with self._lock:
            asked, decision_id = self._open.get(message.id, (None, None))
            if asked is None or decision_id is None:  # the server was not asked this, or not yet
                return None, ""
            del self._open[message.id]
            return asked, decision_id

    def _pass_on(self, sender: str, receiver: str, judged: Judged) -> None:
        if judged.reply is not None:
            self._write(sender, judged.reply)
        elif judged.forward is not None:
            self._write(receiver, judged.forward)

    def _write(self, receiver: str, message: dict[str, Any]) -> None:
        self._to[receiver](msgspec.json.encode(message))


def _one_at_a_time(write: Write) -> Callable[[bytes], None]:
    lock = threading.Lock()

    def whole(line: bytes) -> None:
        with lock:
            write(line)

    return whole
