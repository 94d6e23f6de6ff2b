"""Ends queries that take too long: one thread looks at all of them, for one each would cost more than many a query.

A query is interrupted between its steps, and again at every look until it has ended: one may come before it began.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

LOOK_S: Final = 0.05


class Interruptible(Protocol):
    """What can be told to end what it does."""

    def interrupt(self) -> None:
        """End what is being done."""
        ...


class Watch:
    """Interrupts what is still there after its time; safe for several threads."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._running: dict[int, tuple[float, Interruptible]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def over(self, work: Interruptible, seconds: float) -> Iterator[None]:
        """Interrupt ``work`` when it is still being done after ``seconds``."""
        with self._changed:
            self._running[id(work)] = (time.monotonic() + seconds, work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="duckdb-watch", daemon=True)
                self._thread.start()
            if len(self._running) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            # Under the lock: after this nobody interrupts a database that is being thrown away.
            with self._changed:
                del self._running[id(work)]

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for until, work in self._running.values():
                    if now >= until:
                        work.interrupt()
                self._changed.wait(LOOK_S if self._running else None)
