"""How far the actions of one sitting have come along the stages of an attack, packed into one whole number.

Rules:
- Bits 0 to 9 are the tactics seen so far, 10 to 19 those of the last action that had any, 20 to 27 how often one
  tactic followed another (at most 255), 28 to 43 a bitmap of the error codes met.
- Whoever reads it unpacks it here; an older profile has zero, which is nothing seen.

>>> from ostiary.vocabulary.facts import Mark
>>> from ostiary.vocabulary.events import AccessEvent
>>> event = AccessEvent("e", "default", 0, "ann", "x", "y", "z", marks=(Mark.LISTS,))
>>> seen = advanced(advanced(0, event), AccessEvent("e", "default", 0, "ann", "x", "y", "z", marks=(Mark.BULK,)))
>>> tactics_in(seen), moves_in(seen), errors_in(seen)
(2, 1, 0)
"""

from functools import lru_cache
from typing import Final
from zlib import crc32

from ostiary.signals.tactics import tactics_of
from ostiary.signals.tallies import BAD
from ostiary.vocabulary.events import AccessEvent

_TACTICS: Final = (1 << 10) - 1
_LAST: Final = 10
_MOVES: Final = 20
_MOST_MOVES: Final = 255
_ERRORS: Final = 28
_BUCKETS: Final = 16
_BITMAP: Final = (1 << _BUCKETS) - 1


def advanced(deeds: int, event: AccessEvent) -> int:
    """Return ``deeds`` with one more action."""
    now = tactics_of(event.marks)
    if now:
        last = deeds >> _LAST & _TACTICS
        moves = deeds >> _MOVES & _MOST_MOVES
        moved = last and now & ~last and moves < _MOST_MOVES
        deeds = deeds & ~(_TACTICS << _LAST) | now << _LAST | now
        deeds += 1 << _MOVES if moved else 0
    if event.detail is not None and event.outcome in BAD:
        deeds |= 1 << _ERRORS + _bucket(event.detail)
    return deeds


def joined(one: int, other: int) -> int:
    """Return what two parts of one sitting saw together, whichever came first."""
    last = max(one >> _LAST & _TACTICS, other >> _LAST & _TACTICS)
    moves = min(_MOST_MOVES, moves_in(one) + moves_in(other))
    kept = ~(_TACTICS << _LAST | _MOST_MOVES << _MOVES)
    return (one | other) & kept | last << _LAST | moves << _MOVES


@lru_cache(maxsize=4_096)
def _bucket(code: str) -> int:
    return crc32(code.encode("utf-8", "surrogatepass")) % _BUCKETS


def seen_in(deeds: int) -> int:
    """Return the tactics seen, one bit each."""
    return deeds & _TACTICS


def tactics_in(deeds: int) -> int:
    """Return how many tactics were seen."""
    return (deeds & _TACTICS).bit_count()


def moves_in(deeds: int) -> int:
    """Return how often another tactic followed."""
    return deeds >> _MOVES & _MOST_MOVES


def errors_in(deeds: int) -> int:
    """Return how many different error codes were met, at least: two codes may share a bit."""
    return (deeds >> _ERRORS & _BITMAP).bit_count()
