"""An event loop in a thread of its own, for callers on any other thread."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from ostiary.storage.postgres.faults import told

T = TypeVar("T")


class LoopThread:
    """Runs what it is given, and tells faults of the database in our own words."""

    def __init__(self) -> None:
        """Start."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ostiary-postgres", daemon=True)
        self._thread.start()

    @property
    def runs(self) -> bool:
        """Return whether it was not stopped."""
        return self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, T], within_s: float | None = None) -> T:
        """Do something in the loop's thread, and wait for it, no longer than ``within_s``.

        Raises:
            UnavailableError: ``disk_full``, ``storage_unavailable``.
        """
        wanted = work if within_s is None else _bounded(work, within_s)
        with told():
            return asyncio.run_coroutine_threadsafe(wanted, self._loop).result()

    def stop(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _bounded(work: Coroutine[Any, Any, T], within_s: float) -> T:
    async with asyncio.timeout(within_s):
        return await work
