"""A subject's nearest others: those it keeps meeting at the same resources, and which of them use a thing.

Rules:
- Who used a resource shortly before is met; the twenty met most often are the nearest. A flood of strangers drives out
  strangers, not friends. People meet people, workloads meet workloads.
- A thing remembers who ever used it as one bit of 256 a subject (a Bloom filter of one hash): bounded, without a name,
  and two of them are joined by *or*, whatever the order.
- The share of the nearest who use a thing is set right for the bits that are set by chance: of a thing that everybody
  uses it tells little, and says so by being near nought.

>>> mark = marked(marked(b"", "user:ann"), "user:bob")
>>> using(mark, ((place_of("user:ann"), 3), (place_of("user:eve"), 1)))[1] > 0.7
True
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from zlib import crc32

from ostiary.signals.profiles import MAX_COLLEAGUES, Subject, Thing

BITS: Final = 256
_BYTES: Final = BITS // 8
_NAN: Final = float("nan")


@lru_cache(maxsize=65_536)
def place_of(who: str) -> int:
    """Return the bit of a subject; cached, pure."""
    return crc32(who.encode("utf-8", "surrogatepass")) % BITS


def marked(mark: bytes, who: str) -> bytes:
    """Return ``mark`` with the subject's bit set."""
    return (int.from_bytes(mark, "little") | 1 << place_of(who)).to_bytes(_BYTES, "little")


def meet(own: Subject, thing: Thing | None, subject_type: str, me: str) -> None:
    """Count a meeting with each of the last users of ``thing`` (a full table may have dropped it again at once)."""
    known = own.colleagues
    for who in thing.visitors if thing is not None else ():
        if who != me and who.startswith(f"{subject_type}:"):
            known[who] = known.get(who, 0.0) + 1.0
    if len(known) > 2 * MAX_COLLEAGUES:
        for who, _ in sorted(known.items(), key=lambda item: (item[1], item[0]))[: len(known) - MAX_COLLEAGUES]:
            del known[who]


def nearest(own: Subject) -> tuple[tuple[int, int], ...]:
    """Return bit and meetings of the twenty met most often, in the order of their bits."""
    known = sorted(own.colleagues.items(), key=lambda item: (-item[1], item[0]))[:MAX_COLLEAGUES]
    return tuple(sorted((place_of(who), int(times)) for who, times in known))


def using(mark: bytes, near: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Return which share of ``near`` uses the thing with ``mark``, beyond chance; plain, and weighed by meetings."""
    if not near:
        return _NAN, _NAN
    if not mark:
        return 0.0, 0.0
    found = met = whole = 0
    for place, times in near:
        whole += times
        if mark[place >> 3] >> (place & 7) & 1:
            found += 1
            met += times
    chance = int.from_bytes(mark, "little").bit_count() / BITS
    if chance >= 1.0:
        return 0.0, 0.0
    return max(0.0, (found / len(near) - chance) / (1.0 - chance)), max(0.0, (met / whole - chance) / (1.0 - chance))
