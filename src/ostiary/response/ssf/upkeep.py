"""Looks after streams now and then: pauses those whose receiver is silent, and forgets what need not be remembered.

A receiver that never comes back would otherwise have its events kept for ever (SSF 1.0 §8.1.1 `inactivity_timeout`).
"""

from collections.abc import Callable
from typing import Final

from ostiary.response.ssf.desk import Caller
from ostiary.response.ssf.limits import StreamRules
from ostiary.response.ssf.ports import SignalStore
from ostiary.response.ssf.streams import ENABLED, PAUSED
from ostiary.vocabulary.clock import Clock

_SECOND_NS: Final = 1_000_000_000
_BY: Final = "transmitter"
SILENT: Final = "the receiver was not heard of"


class Upkeep:
    """One chore."""

    def __init__(
        self, store: SignalStore, clock: Clock, pause: Callable[[Caller, str, str, str], object], rules: StreamRules
    ) -> None:
        """Take the store and what pauses a stream."""
        self._store = store
        self._clock = clock
        self._pause = pause
        self._rules = rules

    def turn(self) -> int:
        """Do it; return how many streams were paused."""
        now_ns = self._clock.now_ns()
        self._store.forget_marks(now_ns)
        if not self._rules.inactivity_s:
            return 0
        before_ns = now_ns - self._rules.inactivity_s * _SECOND_NS
        silent = [
            stream
            for stream in self._store.all_streams()
            if stream.status == ENABLED and self._store.life(stream.tenant, stream.stream_id).heard_ns <= before_ns
        ]
        for stream in silent:
            self._pause(Caller(stream.tenant, _BY), stream.stream_id, PAUSED, SILENT)
        return len(silent)
