"""Secrets in memory for at most some minutes: bounded, timed, overwritten when they go, never shown.

What is handed out is a copy of its own: overwriting here never changes a key that somebody is sealing with.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

from typing_extensions import override

from ostiary.keys.envelope import wipe
from ostiary.vocabulary.clock import Clock

_SECOND_NS = 1_000_000_000


class _Held(NamedTuple):
    secret: bytearray
    until_ns: int


class SecretCache:
    """Secrets by name; safe for several threads."""

    def __init__(self, clock: Clock, keep_s: float, most: int) -> None:
        """Keep each for ``keep_s`` seconds, and at most so many."""
        self._clock = clock
        self._keep_ns = int(keep_s * _SECOND_NS)
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, _Held] = OrderedDict()
        self._generation = 0

    @override
    def __repr__(self) -> str:
        """Tell how many."""
        return f"SecretCache({len(self._held)} held)"

    def get(self, name: Hashable, fetch: Callable[[], bytes]) -> bytearray:
        """Return a copy of a secret, fetched when it is not held or its time is over."""
        with self._lock:
            now, generation = self._clock.now_ns(), self._generation
            self._expire(now)
            held = self._held.get(name)
            if held is not None:
                return bytearray(held.secret)
        fetched = bytearray(fetch())
        with self._lock:
            if generation == self._generation and self._keep_ns:  # else somebody shredded, perhaps this very secret
                self._drop(name)
                self._held[name] = _Held(bytearray(fetched), now + self._keep_ns)
            while len(self._held) > self._most:
                wipe(self._held.popitem(last=False)[1].secret)
        return fetched

    def drop(self, matches: Callable[[Hashable], bool] = lambda _: True) -> None:
        """Forget the secrets whose names match, and what is being fetched now."""
        with self._lock:
            self._generation += 1
            for name in [name for name in self._held if matches(name)]:
                self._drop(name)

    def _drop(self, name: Hashable) -> None:
        held = self._held.pop(name, None)
        if held is not None:
            wipe(held.secret)

    def _expire(self, now_ns: int) -> None:
        # All live equally long, so the oldest come first.
        while self._held:
            name, held = next(iter(self._held.items()))
            if held.until_ns > now_ns:
                return
            self._drop(name)
