"""What was said of texts before, by their digest: a document is judged once, however often it is retrieved.

- Bounded by ``entries``; the one not asked for longest goes first. Safe for several threads.

>>> known = Remembered(entries=1)
>>> known.put("a", 1); known.put("b", 2)
>>> known.get("a"), known.get("b")
(None, 2)
"""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """A bounded memory."""

    def __init__(self, entries: int) -> None:
        """Remember at most ``entries``."""
        self._entries, self._lock = entries, threading.Lock()
        self._known: OrderedDict[str, T] = OrderedDict()

    def get(self, key: str) -> T | None:
        """Return what was put under ``key``, if it is still there."""
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
            return found

    def put(self, key: str, value: T) -> None:
        """Remember ``value``."""
        with self._lock:
            self._known[key] = value
            self._known.move_to_end(key)
            while len(self._known) > self._entries:
                self._known.popitem(last=False)
