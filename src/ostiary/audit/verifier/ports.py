"""What the verifier needs from wherever a log is read. Whatever comes out of a source is untrusted."""

from typing import Protocol


class Missing(Exception):  # noqa: N818 - it is an answer, not an error: the thing is not there
    """A source has no such thing."""


class LogSource(Protocol):
    """Reads one log; every answer is one consistent state, or verification will say so."""

    def checkpoint(self) -> bytes:
        """Return the newest checkpoint, a note."""
        ...

    def published_keys(self) -> list[str]:
        """Return the verifier keys that the log itself publishes: only good for a first visit."""
        ...

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the hashes of a tile; may be short. Raises ``Missing``."""
        ...

    def bundle(self, index: int, width: int) -> list[bytes | None]:
        """Return the entries of a bundle, ``None`` where one is gone. Raises ``Missing``."""
        ...

    def openings(self, index: int, width: int) -> dict[int, bytes | None] | None:
        """Return salt and payload for each entry of a bundle, ``None`` for one that is gone; ``None`` = not kept here.

        An entry whose payload was altered so that it cannot be opened gives ``b""``.
        """
        ...

    def beyond(self, size: int) -> int:
        """Return how many entries lie beyond ``size`` without a signature, as far as the source can know."""
        ...
