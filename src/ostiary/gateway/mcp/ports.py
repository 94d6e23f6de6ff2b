"""What the guard of MCP needs of others, and what it tells them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from ostiary.gateway.mcp.binding import Question
from ostiary.vocabulary.inspecting import Finding, Verdict


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
    available: bool = True


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
        confidentiality: of what the server says, 0 public … 4 crown jewels.
        vouched: whether the server's words came to us from the server itself; what a wrapper on somebody's machine
            hands in may be anybody's.
    """

    tenant: str
    subject: str
    server: str
    connection: str
    now_ns: int
    ask: Ask
    tell: Tell
    confidentiality: int = 0
    vouched: bool = True


class Passage(msgspec.Struct, frozen=True):
    """What becomes of a message: it goes on (as ``forward``), or its sender hears ``reply``; or neither."""

    forward: dict[str, Any] | None = None
    reply: dict[str, Any] | None = None
    decision_id: str = ""
