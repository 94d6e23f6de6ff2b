"""When a Valkey counts as away, and when as back: pure, with the time handed in.

- ``falls`` faults in a row, and it is away. Then nobody waits for it: one question in ``probe_s`` is let through.
- ``rises`` good answers in a row, and it is back: a server that comes and goes is not believed at its first word.

>>> breaker = Breaker(falls=2, rises=2, probe_s=1.0)
>>> breaker.failed(0.0), breaker.failed(0.0), breaker.away
(False, True, True)
>>> breaker.lets(0.5), breaker.lets(1.0), breaker.lets(1.1)
(False, True, False)
>>> breaker.worked(), breaker.away, breaker.worked(), breaker.away
(False, True, True, False)
"""

import threading
from typing import Final

FALLS: Final = 3
RISES: Final = 3
PROBE_S: Final = 0.25


class Breaker:
    """Counts faults and good answers; safe for several threads."""

    def __init__(self, falls: int = FALLS, rises: int = RISES, probe_s: float = PROBE_S) -> None:
        """Begin with a server that is there."""
        self._falls, self._rises, self._probe_s = falls, rises, probe_s
        self._lock = threading.Lock()
        self._faults = self._good = 0
        self._next = 0.0
        self.away = False
        self.changes = 0

    def lets(self, now: float) -> bool:
        """Return whether to ask; away, one is let through now and then to see."""
        if not self.away:
            return True
        with self._lock:
            if now < self._next:
                return False
            self._next = now + self._probe_s
            return True

    def failed(self, now: float) -> bool:
        """Note a fault; return whether the server has become away by it."""
        with self._lock:
            self._faults, self._good = self._faults + 1, 0
            if self.away or self._faults < self._falls:
                return False
            self.away, self._next = True, now + self._probe_s
            self.changes += 1
            return True

    def worked(self) -> bool:
        """Note a good answer; return whether the server has come back by it."""
        if not self.away and not self._faults:
            return False
        with self._lock:
            self._faults, self._good = 0, self._good + 1
            if not self.away or self._good < self._rises:
                return False
            self.away = False
            self.changes += 1
            return True
