"""What all replicas hear of, told to the outside by one of them.

Every change of a session is heard of by every replica: by the one that made it at once, by the others when they learn
of it. The keeper tells; the others keep what they heard for a while, and whoever becomes the keeper tells that, for the
one before may have died before it did. So a change is told at least once, and twice only around such a moment. A change
of a level stays with the replica that judged it, which tells of it itself.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from ostiary.server.replicas.together import Together
from ostiary.sessions import SessionChange, SessionLedger
from ostiary.sessions.session import ChangeKind

KEEP_S: Final = 15.0
_MOST: Final = 10_000


def told_once(together: Together, ledger: SessionLedger, tell: Callable[[SessionChange], None]) -> None:
    """Have ``tell`` hear of the changes of ``ledger`` that this replica is to tell."""
    telling = ToldOnce(together, tell)
    ledger.listen(telling.on_change)
    together.listen(telling.take_over)


class ToldOnce:
    """Passes changes on where this replica is the one to tell; safe for several threads."""

    def __init__(
        self,
        together: Together,
        tell: Callable[[SessionChange], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Pass to ``tell``."""
        self._together = together
        self._tell = tell
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._heard: deque[tuple[float, SessionChange]] = deque(maxlen=_MOST)

    def on_change(self, change: SessionChange) -> None:
        """Hear of one change."""
        with self._lock:
            if self._together.keeper.leads or change.kind is ChangeKind.LEVEL:
                self._tell(change)
            else:
                self._heard.append((self._monotonic(), change))

    def take_over(self) -> None:
        """Tell what was heard lately: this replica is the keeper now."""
        with self._lock:
            since = self._monotonic() - KEEP_S
            for at, change in self._heard:
                if at >= since:
                    self._tell(change)
            self._heard.clear()
