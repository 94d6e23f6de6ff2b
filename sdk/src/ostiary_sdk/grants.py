"""Grants that are kept for a moment: only what was allowed, only for the very same question, only while nothing fell.

- The key is a digest of the whole question, token and certificate included: nobody uses another's grant.
- A question with a proof of possession is never kept: the proof is what shows who holds the token now.
- Denials and step-ups are never kept: whatever lifts them must count at once.
- Whether a kept grant still holds is asked of the revocation list each time; nothing needs to be thrown away in time.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from ostiary_sdk.answers import Decision
from ostiary_sdk.questions import Question
from ostiary_sdk.revocation import RevocationList


class _Kept(msgspec.Struct, frozen=True):
    decision: Decision
    names: frozenset[str]
    mark: int
    until: float


class Grants:
    """The grants of one enforcement point; safe for several threads."""

    def __init__(self, fallen: RevocationList, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep at most ``most``, as long as ``fallen`` lets them stand."""
        self._fallen = fallen
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    def find(self, asked: Question) -> Decision | None:
        """Return a grant for this very question that still holds."""
        if not asked.repeatable:
            return None
        key = asked.key()
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            return None
        if self._clock() >= kept.until or not self._fallen.unchanged(kept.names, kept.mark):
            with self._lock:
                if self._kept.get(key) is kept:
                    del self._kept[key]
            return None
        return kept.decision

    def keep(self, asked: Question, decision: Decision, mark: int | None, life_s: float) -> None:
        """Keep a grant whose question was sent after ``mark``."""
        if mark is None or not decision.allowed or not asked.repeatable or life_s <= 0:
            return
        again = msgspec.structs.replace(decision, cached=True)
        kept = _Kept(again, asked.names(), mark, self._clock() + life_s)
        with self._lock:
            self._kept[asked.key()] = kept
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        """Return how many are kept, those that no longer hold included."""
        return len(self._kept)
