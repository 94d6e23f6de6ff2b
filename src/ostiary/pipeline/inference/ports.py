"""What the inference door needs from rooms above it."""

from typing import Protocol

from ostiary.sessions import Asked


class Recorder(Protocol):
    """Writes one record down, and returns when it is on disk."""

    def record(self, tenant: str, record_id: str, time_ns: int, payload: bytes, subject_key: str) -> None:
        """Write it.

        Raises:
            UnavailableError: it is not on disk: no answer may leave.
        """
        ...


class Sessions(Protocol):
    """Says whether an access that was permitted still stands."""

    def why_over(self, asked: Asked, now_ns: int) -> str:
        """Return why nothing may be done any more, empty when something may.

        Its own session counts, the one in which its token was exchanged, and all that its subject began: who has no
        session is revoked like anybody else.
        """
        ...
