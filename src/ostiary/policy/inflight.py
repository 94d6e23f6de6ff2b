"""Which evaluations are running, and since when: what a watchdog must know, for OPA cannot be cancelled.

Cheap on the hot path: one dictionary entry a thread, no lock (single dictionary operations are atomic in CPython).

>>> running = InFlight()
>>> running.busy_since() is None
True
>>> with running:
...     running.count, running.busy_since() is not None
(1, True)
"""

import threading
import time


class InFlight:
    """The running evaluations of one engine; at most one a thread. Times are ``time.monotonic_ns``."""

    def __init__(self) -> None:
        """Start with nothing running."""
        self._started: dict[int, int] = {}

    def __enter__(self) -> None:
        """Note that this thread starts an evaluation."""
        self._started[threading.get_ident()] = time.monotonic_ns()

    def __exit__(self, *_: object) -> None:
        """Note that this thread's evaluation ended."""
        self._started.pop(threading.get_ident(), None)

    @property
    def count(self) -> int:
        """How many evaluations are running."""
        return len(self._started)

    def busy_since(self) -> int | None:
        """Return when the oldest running evaluation started, ``None`` when none runs."""
        return min(list(self._started.values()), default=None)
