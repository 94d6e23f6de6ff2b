"""What a command prints: kept up to a bound, drained to the end so that a command that talks much is not held up."""

import threading
from collections.abc import Callable
from typing import IO, Final

_READ: Final = 65_536


class Said:
    """Collects what a command prints; ``on_bytes`` is told of each piece that is kept."""

    def __init__(self, keep: int, on_bytes: Callable[[bytes], None] = lambda _data: None) -> None:
        """Keep the first ``keep`` bytes."""
        self._keep = keep
        self._on_bytes = on_bytes
        self._kept = bytearray()
        self._thread: threading.Thread | None = None
        self.dropped = 0

    @property
    def kept(self) -> bytes:
        """What was kept so far."""
        return bytes(self._kept)

    def listen(self, source: IO[bytes] | None) -> None:
        """Read ``source`` to its end, beside whoever waits for the command."""
        if source is not None:
            self._thread = threading.Thread(target=self._drain, args=(source,), name="training-said", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait for the end."""
        if self._thread is not None:
            self._thread.join()

    def _drain(self, source: IO[bytes]) -> None:
        with source:
            while data := source.read1(_READ):  # type: ignore[attr-defined]
                part = data[: self._keep - len(self._kept)]
                self.dropped += len(data) - len(part)
                self._kept += part
                if part:
                    self._on_bytes(part)
