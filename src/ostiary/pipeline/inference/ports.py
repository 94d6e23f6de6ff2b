"""What the inference door needs from rooms above it."""

from typing import Protocol


class Recorder(Protocol):
    """Writes one record down, and returns when it is on disk."""

    def record(self, tenant: str, record_id: str, time_ns: int, payload: bytes, subject_key: str) -> None:
        """Write it.

        Raises:
            UnavailableError: it is not on disk: no answer may leave.
        """
        ...


class Sessions(Protocol):
    """Says whether a session ended."""

    def ended(self, tenant: str, session: str, now_ns: int) -> bool:
        """Return whether nothing may be done in it any more; a session without a name never ends."""
        ...
