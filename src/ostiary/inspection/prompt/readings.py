"""Every way to read a text that is judged: as it is, what was hidden in it, and with encodings undone.

- What was decoded is read again, once: base64 in base64, tag characters in base64.
- A reading leads back to the text as it came, through whatever was decoded and through the normaliser.
- At most ``MAX_READINGS`` besides the text itself.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from ostiary.inspection.text import Hidden, Normalised, normalise
from ostiary.inspection.unwrapping import Alternative, alternatives

MAX_READINGS: Final = 12
DEPTH: Final = 2


class Reading(msgspec.Struct, frozen=True):
    """One way to read a text.

    Attributes:
        text: what it says, normalised.
        span: from a place in it to where that stands in the text as it came.
        kinds: how it was written, empty as it is.
        place: where what was so written stands in the text as it came.
        hidden: it was not to be seen at all.
    """

    text: str
    span: Callable[[int, int], tuple[int, int]]
    kinds: tuple[str, ...] = ()
    place: tuple[int, int] = (0, 0)
    hidden: bool = False


def readings(plain: Normalised) -> Iterator[Reading]:
    """Yield the readings of a text, first as it is, then those of depth one, then those of depth two."""
    yield Reading(plain.text, plain.span)
    level: list[tuple[Reading | None, Normalised]] = [(None, plain)]
    left = MAX_READINGS
    for _ in range(DEPTH):
        level = [found for of, text in level for found in _others(of, text)][:left]
        left -= len(level)
        yield from (reading for reading, _ in level if reading is not None)


def _others(of: Reading | None, plain: Normalised) -> Iterator[tuple[Reading | None, Normalised]]:
    """Yield the other readings of a reading's text, with the text so made plain."""
    span, kinds, hidden = (of.span, of.kinds, of.hidden) if of else (plain.span, (), False)
    for one in plain.hidden:
        inner = normalise(one.text)
        place = span(*_inside(plain, one)) if of else (one.start, one.end)
        yield Reading(inner.text, _fixed(place), (*kinds, one.kind), place, hidden=True), inner
    for other in alternatives(plain.text):
        inner = normalise(other.text)
        decoded = [source for source in other.sources if source[2]]
        place = span(min(source[0] for source in decoded), max(source[1] for source in decoded))
        way = _fixed(place) if hidden else _back(span, other, inner)
        yield Reading(inner.text, way, (*kinds, *other.kinds), place, hidden=hidden), inner


def _inside(plain: Normalised, one: Hidden) -> tuple[int, int]:
    """Return a place of the plain text near what was hidden in the text before it was made plain."""
    origins = plain.origins or ()
    at = min(bisect_left(origins, one.start), max(len(plain.text) - 1, 0))
    return at, at


def _fixed(place: tuple[int, int]) -> Callable[[int, int], tuple[int, int]]:
    return lambda _start, _end: place


def _back(
    span: Callable[[int, int], tuple[int, int]], other: Alternative, inner: Normalised
) -> Callable[[int, int], tuple[int, int]]:
    return lambda start, end: span(*other.span(*inner.span(start, end)))
