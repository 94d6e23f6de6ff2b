"""What shared signals need from the world, as Protocols that storage, testing and wiring fill.

The store's promises: what is written is durable when the call returns; another tenant's stream is as unknown as one
that never was; of two writers that change one stream from the same state, one wins.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import msgspec

from ostiary.identity.secevent import SetPayload
from ostiary.response.ssf.streams import Stream, StreamLife


class Outgoing(msgspec.Struct, frozen=True):
    """One signed event token that waits for its receiver; ``always``: also while the stream is not enabled."""

    tenant: str
    stream_id: str
    jti: str
    token: str
    made_ns: int
    always: bool = False


class StreamStore(Protocol):
    """Keeps streams, the subjects they name, and what waits to be delivered. Safe for several threads."""

    def add_stream(self, stream: Stream, *, of_owner: int, of_tenant: int) -> bool:
        """Keep a new stream; return false when its owner or its tenant has that many already."""
        ...

    def replace_stream(self, before: Stream, after: Stream) -> bool:
        """Put ``after`` where ``before`` is; return false when somebody else changed it meanwhile."""
        ...

    def delete_stream(self, tenant: str, stream_id: str) -> bool:
        """Forget a stream, its subjects and what waits for it; return whether there was one."""
        ...

    def find_stream(self, tenant: str, stream_id: str) -> Stream | None:
        """Return one stream."""
        ...

    def streams(self, tenant: str) -> list[Stream]:
        """Return a tenant's streams, oldest first."""
        ...

    def all_streams(self) -> list[Stream]:
        """Return the streams of every tenant."""
        ...

    def life(self, tenant: str, stream_id: str) -> StreamLife:
        """Return what changed in a stream by itself."""
        ...

    def hear(self, tenant: str, stream_id: str, now_ns: int) -> None:
        """Remember that the receiver was heard of."""
        ...

    def may_verify(self, tenant: str, stream_id: str, now_ns: int, not_after_ns: int) -> bool:
        """Remember that a verification was asked for now, if the last one was not after ``not_after_ns``."""
        ...

    def add_subject(self, tenant: str, stream_id: str, subject: str, limit: int) -> bool:
        """List a subject with a stream; return false when ``limit`` are listed already."""
        ...

    def remove_subject(self, tenant: str, stream_id: str, subject: str) -> None:
        """Take a subject off a stream's list."""
        ...

    def subjects(self, tenant: str, stream_id: str) -> list[str]:
        """Return the listed subjects, in canonical JSON."""
        ...

    def put_out(self, rows: Sequence[Outgoing], limit: int) -> None:
        """Keep event tokens until they are delivered; beyond ``limit`` the oldest of a stream go and are counted."""
        ...

    def waiting(self, tenant: str, stream_id: str, limit: int, *, only_always: bool = False) -> list[Outgoing]:
        """Return what waits for a stream, oldest first."""
        ...

    def count_waiting(self, tenant: str, stream_id: str) -> int:
        """Return how many event tokens wait for a stream."""
        ...

    def count_all_waiting(self) -> int:
        """Return how many event tokens of all tenants wait."""
        ...

    def delivered(self, tenant: str, stream_id: str, jtis: Sequence[str]) -> int:
        """Forget event tokens that their receiver has; return how many of them waited here."""
        ...

    def clear(self, tenant: str, stream_id: str) -> None:
        """Forget all that waits for a stream, but what is to be said always."""
        ...


class MarkStore(Protocol):
    """Remembers which event tokens and states a receiver has met. Safe for several threads.

    INVARIANT: what was marked is met until its time is over, across restarts.
    """

    def is_marked(self, tenant: str, receiver: str, kind: str, digest: bytes, now_ns: int) -> bool:
        """Return whether this was marked and its time is not over."""
        ...

    def mark(self, tenant: str, receiver: str, kind: str, digest: bytes, expires_ns: int, limit: int) -> None:
        """Remember until ``expires_ns``.

        Raises:
            UnavailableError: ``signals_memory_full``: more than ``limit`` are remembered.
        """
        ...

    def unmark(self, tenant: str, receiver: str, kind: str, digest: bytes) -> bool:
        """Forget one; return whether it was there."""
        ...

    def forget_marks(self, before_ns: int) -> int:
        """Forget what is over; return how many there were."""
        ...


class SignalStore(StreamStore, MarkStore, Protocol):
    """Both."""


class Secrets(Protocol):
    """Seals what must not lie in the clear; ``keys.SubjectVault`` is one."""

    def encrypt(self, tenant: str, subject_key: str, plaintext: bytes, aad: bytes = b"") -> bytes:
        """Seal."""
        ...

    def decrypt(self, tenant: str, subject_key: str, sealed: bytes, aad: bytes = b"") -> bytes:
        """Open what was sealed."""
        ...


class Sessions(Protocol):
    """What of ``sessions.SessionLedger`` incoming signals use."""

    def terminate(self, tenant: str, session_id: str, *, at_ns: int, reason: str, cause: str = "") -> bool:
        """End one session."""
        ...

    def revoke_subject(self, tenant: str, subject: str, *, at_ns: int, reason: str, cause: str = "") -> tuple[str, ...]:
        """End all sessions of a subject."""
        ...

    def find(self, tenant: str, session_id: str) -> Any | None:
        """Return what is known of a session, with ``subject``, or ``None``."""
        ...

    def of_subject(self, tenant: str, subject: str) -> Iterable[Any]:
        """Return the sessions of a subject, each with ``session_id``."""
        ...


class Recorder(Protocol):
    """Writes to the audit log; what it is told is on disk when the call returns."""

    def __call__(self, tenant: str, record_id: str, payload: dict[str, Any], subject: str) -> None:
        """Record one signal.

        Raises:
            UnavailableError: it cannot be written; what it tells of must not count.
        """
        ...


Sign = Callable[[SetPayload], str]
"""Signs an event token with the deployment's key."""
OnFault = Callable[[str, BaseException], None]
MakeId = Callable[[str], str]
"""Makes a fresh id with a prefix."""
