"""Watching over a response that lasts: it must not outlive the grant that began it. No I/O.

Asked several times a second whether its question must be put again: at once when the feed names its session or
subject, every second while the feed is silent, and now and then in any case. A question with a proof of possession
cannot be put again: then the response ends where another would be asked for again.
"""

import time
from collections.abc import Callable
from typing import Final

from ostiary_sdk.answers import Decision
from ostiary_sdk.questions import Question
from ostiary_sdk.revocation import RevocationList

TICK_S: Final = 0.1
BLIND_S: Final = 1.0


class Watch:
    """Watches over one response."""

    def __init__(
        self,
        asked: Question,
        decision: Decision,
        fallen: RevocationList,
        recheck_s: float,
        clock: Callable[[], float] = time.monotonic,
        mark: int | None = None,
    ) -> None:
        """Begin with the grant; ``mark`` is the list's from before the question was put."""
        self._asked = asked
        self._names = asked.names()
        self._fallen = fallen
        self._recheck_s = recheck_s
        self._clock = clock
        self.renew(decision, mark)

    def renew(self, decision: Decision, mark: int | None) -> None:
        """Note a grant whose question was put after ``mark``."""
        self._mark = mark
        self._asked_at = self._clock()
        life = decision.lifetime_s
        self._until = None if life is None else self._asked_at + life

    def due(self) -> bool:
        """Return whether the question must be put again before anything more is sent."""
        now = self._clock()
        if self._until is not None and now >= self._until:
            return True
        if self._mark is not None and self._fallen.unchanged(self._names, self._mark):
            return self.repeatable and now - self._asked_at >= self._recheck_s
        if self._fallen.mark() is None or self._mark is None:
            return now - self._asked_at >= (BLIND_S if self.repeatable else self._recheck_s)
        return True

    @property
    def repeatable(self) -> bool:
        """Whether the question can be put again."""
        return self._asked.repeatable
