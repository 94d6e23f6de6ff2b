"""From scores that jump to a level that does not flap.

1. A level rises at once.
2. It falls one step only after ``hold_s`` without reaching it again.
3. A step-up answers a level: for ``grace_s`` after it that level does not rise again; a higher one does.

>>> rule = Hysteresis(hold_s=60, grace_s=60)
>>> [state.level for state in rule.path([(0, "low"), (1, "high"), (2, "low"), (61, "medium"), (62, "low")])]
['low', 'high', 'high', 'medium', 'medium']
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

_NS: Final = 1_000_000_000
LEVELS: Final = ("unknown", "low", "medium", "high")
_RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}
_MOST_QUIET: Final = _RANK["low"]


class Held(msgspec.Struct, frozen=True):
    """A level, when it was last reached, and what a step-up has answered."""

    level: str = "unknown"
    at_ns: int = 0
    proven_ns: int = 0
    answered: str = "unknown"


class Hysteresis(msgspec.Struct, frozen=True):
    """How long a level is held, and how long a step-up answers it, in seconds."""

    hold_s: float = 900.0
    grace_s: float = 900.0

    def next(self, held: Held, level: str, now_ns: int) -> Held:
        """Return what is held after a score of ``level`` at ``now_ns``; an unknown level changes nothing."""
        rank = _RANK.get(level, 0)
        if not rank:
            return held
        if self._answered(held, rank, now_ns):
            rank = _MOST_QUIET
        before = _RANK.get(held.level, 0)
        if rank >= before:
            return msgspec.structs.replace(held, level=LEVELS[rank], at_ns=max(held.at_ns, now_ns))
        if now_ns - held.at_ns < self.hold_s * _NS:
            return held
        return msgspec.structs.replace(held, level=LEVELS[max(rank, before - 1)], at_ns=now_ns)

    def path(self, levels: Iterable[tuple[float, str]], held: Held | None = None) -> Iterator[Held]:
        """Yield what is held after each of ``levels``, given with their time in seconds."""
        now = held or Held()
        for at_s, level in levels:
            now = self.next(now, level, int(at_s * _NS))
            yield now

    def _answered(self, held: Held, rank: int, now_ns: int) -> bool:
        if not held.proven_ns or now_ns - held.proven_ns >= self.grace_s * _NS:
            return False
        return rank <= _RANK.get(held.answered, 0)
