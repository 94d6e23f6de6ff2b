"""What the gateway needs from others: who scans answers, who keeps conversations, who judges calls of tools."""

from collections.abc import Mapping, Sequence
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


class ScanRequest(msgspec.Struct, frozen=True):
    """For whom an answer is scanned, and what it must not tell.

    Attributes:
        tenant, subject: the asker, ``type:id``.
        canaries: texts that no answer ever holds.
        texts: what the asker sent: to say it back tells nobody anything new.
        release: from the decision's obligations: what becomes of which kind of find, such as ``{"pii": "redact"}``.
        label: the label of all that the model was given.
    """

    tenant: str
    subject: str
    canaries: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    release: Mapping[str, str] = {}
    label: SessionLabel | None = None


class Leaks(Protocol):
    """Opens scans."""

    def scan(self, wanted: ScanRequest) -> TextScan:
        """Return a scan for one text of an answer."""
        ...


class KeptMessage(msgspec.Struct, frozen=True):
    """One message of a conversation that is kept."""

    role: str
    content: Any
    label: SessionLabel | None = None


class ConversationKeeper(Protocol):
    """Keeps conversations for their own users; called beside the loop.

    A conversation of somebody else, or of another tenant, is exactly as unknown as one that never was.
    """

    def read(self, tenant: str, user: str, conversation: str) -> Sequence[KeptMessage]:
        """Return its messages in order.

        Raises:
            RefusedError: ``conversation_unknown``.
        """
        ...

    def append(self, tenant: str, user: str, conversation: str, messages: Sequence[KeptMessage]) -> None:
        """Add messages; the first ones begin a conversation.

        Raises:
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


class ToolJudge(Protocol):
    """Judges the calls that a model wants made, by labels and by where their arguments come from."""

    def judge(
        self,
        tenant: str,
        subject: str,
        messages: Sequence[Mapping[str, Any]],
        label: SessionLabel,
        calls: Sequence[CallAsked],
    ) -> Sequence[CallJudged]:
        """Return a judgement for each call, in order."""
        ...
