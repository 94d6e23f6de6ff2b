"""What the collector's endpoints need: who agreed to be watched, and who takes the windows.

1. Nothing is taken of anybody who has not agreed; agreeing is the subject's own deed, with its own token.
2. A window lives in memory alone. ``take`` embeds it and forgets it: it is never stored, logged or queued on a disk.
3. ``erase`` forgets all that was made of a subject's behaviour, whatever it is; it is idempotent. ``withdraw`` as well,
   but for the numbers of sessions against which something speaks: a thief may withdraw too.
4. Implementations are called by several threads at once, never by the loop.

``House.behaviour`` is the room that fills these; where it is ``None`` there are no endpoints.
"""

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:  # it brings numpy along, which those who only decide need not wait for
    from ostiary.biometrics.window import Window


class Consent(msgspec.Struct, frozen=True):
    """One subject's agreement to be watched.

    Attributes:
        subject: ``type:id``.
        text: name of the text that was agreed to, as the application told it (such as ``typing-2026-11``).
        given_ns: when.
    """

    tenant: str
    subject: str
    text: str
    given_ns: int


class SeenWindow(msgspec.Struct, frozen=True):
    """One window whose origin is proved: what it is, whose it is, and between which moments of ours it came to be.

    Attributes:
        subject: ``type:id``.
        session: the session's first name in the ledger, as ``decision.event.sessions_of`` gives it.
        key: thumbprint of the key that signed it, the one that the session's token is bound to.
        stream: of which page; one page is one stream, its windows come in order.
        sequence: its number in the stream, strictly rising.
        missed: how many numbers of the stream were left out just before it.
        window: what was done.
        untrusted: how many of its events no person's hand caused (``isTrusted`` was false).
        began_ns, ended_ns: earliest begin and latest end by the server's clock.
        authenticated_ns: when the subject signed in by its token, ``None`` when not told.
    """

    tenant: str
    subject: str
    session: str
    key: str
    stream: str
    sequence: int
    missed: int
    window: "Window"
    untrusted: int
    began_ns: int
    ended_ns: int
    authenticated_ns: int | None = None


class Consents(Protocol):
    """Keeps who agreed; every write is durable when the call returns."""

    def find(self, tenant: str, subject: str) -> Consent | None:
        """Return the agreement that holds, or ``None``; quick, it is asked for every window."""
        ...

    def give(self, consent: Consent) -> None:
        """Keep an agreement; it replaces the subject's earlier one."""
        ...

    def withdraw(self, tenant: str, subject: str) -> bool:
        """Forget an agreement; return whether there was one."""
        ...


class WindowSink(Protocol):
    """Takes windows and makes something of them that is not the windows."""

    def take(self, seen: SeenWindow) -> None:
        """Embed one window and forget it.

        Raises:
            UnavailableError: not now; the window is lost.
        """
        ...

    def erase(self, tenant: str, subject: str) -> None:
        """Erase all that was made of a subject's behaviour: templates, evidence, what waits.

        Raises:
            UnavailableError: it is not all erased.
        """
        ...

    def withdraw(self, tenant: str, subject: str) -> None:
        """Erase as well, at the word of whoever sits in one of the subject's sessions: it does not acquit that session.

        Raises:
            UnavailableError: it is not all erased.
        """
        ...


class BehaviourRoom(Protocol):
    """The room that judges behaviour, as far as the collector knows it."""

    @property
    def consents(self) -> Consents:
        """Who agreed."""
        ...

    @property
    def sink(self) -> WindowSink:
        """Who takes the windows."""
        ...
