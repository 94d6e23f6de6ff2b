"""Every way to read a text that is judged: as it is, what was hidden in it, and with encodings undone.

- A reading leads back to the text as it came, through whatever was decoded and through the normaliser.
- Bounded: what was hidden, ``MAX_HIDDEN`` at most, has ``MAX_READINGS`` other readings of its own, once.
"""

from collections.abc import Callable, Iterator

import msgspec

from ostiary.inspection.text import Hidden, Normalised, normalise
from ostiary.inspection.unwrapping import Alternative, alternatives


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
    """Yield the readings of a text, first as it is."""
    yield Reading(plain.text, plain.span)
    for other in alternatives(plain.text):
        yield _decoded(other, plain)
    for one in plain.hidden:
        yield from _hidden(one)


def _hidden(one: Hidden) -> Iterator[Reading]:
    """Yield what a hidden text says, and what it says otherwise: all of it stands where the whole was hidden."""

    def span(_start: int, _end: int) -> tuple[int, int]:
        return one.start, one.end

    inner = normalise(one.text)
    yield Reading(inner.text, span, (one.kind,), (one.start, one.end), hidden=True)
    for other in alternatives(inner.text):
        yield Reading(other.text, span, (one.kind, *other.kinds), (one.start, one.end), hidden=True)


def _decoded(other: Alternative, plain: Normalised) -> Reading:
    """Return a reading with encodings undone; what came out is made plain as well."""
    inner = normalise(other.text)

    def span(start: int, end: int) -> tuple[int, int]:
        return plain.span(*other.span(*inner.span(start, end)))

    decoded = [source for source in other.sources if source[2]]
    place = plain.span(min(source[0] for source in decoded), max(source[1] for source in decoded))
    return Reading(inner.text, span, other.kinds, place)
