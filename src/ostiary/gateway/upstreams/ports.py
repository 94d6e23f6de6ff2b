"""What an upstream is to the gateway: it is asked with a body, and answers whole or in events."""

from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol

import msgspec

from ostiary.gateway.openai.asked import Face


class Stop:
    """Ends one question from outside: why, and what cuts it off."""

    __slots__ = ("_hook", "reason")

    def __init__(self) -> None:
        """Start with nothing to stop for."""
        self.reason = ""
        self._hook: Callable[[], None] | None = None

    def on(self, hook: Callable[[], None]) -> None:
        """Call ``hook`` when it is to end."""
        self._hook = hook
        if self.reason:
            hook()

    def now(self, reason: str) -> None:
        """End it; the first reason counts."""
        if not self.reason:
            self.reason = reason
            if self._hook is not None:
                self._hook()


class ToUpstream(msgspec.Struct, frozen=True):
    """One question.

    Attributes:
        face: which of the paths.
        body: what goes on, with the model's own name at its server.
        decision_id: the decision that let it happen; it may be told.
        stop: ends the question from outside.
    """

    face: Face
    body: dict[str, Any]
    decision_id: str
    stop: Stop = msgspec.field(default_factory=Stop)


class LlmUpstream(Protocol):
    """One upstream; used in the loop of one worker."""

    async def whole(self, asked: ToUpstream) -> dict[str, Any]:
        """Return the whole answer.

        Raises:
            UpstreamSaidNoError: the server refused the question.
            UnavailableError: it does not answer properly.
        """
        ...

    def events(self, asked: ToUpstream) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the events of an answer; closing the iterator ends the question at the server.

        Raises:
            UpstreamSaidNoError: the server refused the question.
            UnavailableError: it does not answer properly, or breaks off.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
