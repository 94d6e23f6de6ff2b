"""What the gateway needs from others: who scans answers, who keeps conversations; and what is said of calls."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from ostiary.vocabulary.inspecting import Finding, Verdict
from ostiary.vocabulary.labels import SessionLabel


class TextScan(Protocol):
    """Scans one text of an answer while it comes; one for each text, in one thread at a time."""

    @property
    def verdict(self) -> Verdict:
        """What is to become of the text, as far as it is known."""
        ...

    @property
    def findings(self) -> Sequence[Finding]:
        """What was found so far."""
        ...

    def feed(self, text: str) -> str:
        """Take more of the text and return what may leave now: nothing that could still be part of a find."""
        ...

    def close(self) -> str:
        """Return the rest, looked at."""
        ...


class KeptMessage(msgspec.Struct, frozen=True):
    """One message of a conversation that is kept."""

    role: str
    content: Any
    label: SessionLabel | None = None
    more: dict[str, Any] = {}


class ConversationKeeper(Protocol):
    """Keeps conversations for their own users; called beside the loop.

    A conversation of somebody else, or of another tenant, is exactly as unknown as one that never was.
    """

    def ident(self, tenant: str, user: str, name: str) -> str:
        """Return the id under which a user's conversation of this name stands, or will; of no name a fresh one."""
        ...

    def read(self, tenant: str, user: str, conversation: str) -> Sequence[KeptMessage]:
        """Return its messages in order.

        Raises:
            RefusedError: ``conversation_unknown``.
        """
        ...

    def append(
        self,
        tenant: str,
        user: str,
        conversation: str,
        messages: Sequence[KeptMessage],
        *,
        decision: str = "",
        ident: str = "",
        after: int | None = None,
    ) -> None:
        """Add messages, all or none; the first ones begin a conversation.

        Args:
            tenant: whose it is.
            user: the owner.
            conversation: its name.
            messages: in order.
            decision: the id of the decision that let it happen.
            ident: its id, as ``ident`` told it.
            after: only if it has so many messages.

        Raises:
            RefusedError: ``conversation_moved_on``, or there is no room.
            UnavailableError: they are not kept.
        """
        ...


class CallAsked(msgspec.Struct, frozen=True):
    """One call of a tool that a model wants made: ``arguments`` is its JSON as it came."""

    id: str
    name: str
    arguments: str


class CallJudged(msgspec.Struct, frozen=True):
    """What is to become of one call: ``effect`` is ``ALLOW``, ``STEP_UP`` or ``DENY``."""

    name: str
    effect: str
    reasons: tuple[str, ...] = ()
    tainted: tuple[str, ...] = ()
