"""Places in a text where something was found, and how they join to what is taken out together.

>>> [(c.start, c.end, c.spans[0].rule) for c in clusters([Span(8, 12, "b"), Span(0, 4, "a"), Span(2, 6, "c")])]
[(0, 6, 'a'), (8, 12, 'b')]
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Span(NamedTuple):
    """A find, in positions of seen characters; ``end`` is exclusive."""

    start: int
    end: int
    rule: str


class Cluster(NamedTuple):
    """Finds that overlap: they leave or stay together."""

    start: int
    end: int
    spans: tuple[Span, ...]


def clusters(spans: Iterable[Span]) -> list[Cluster]:
    """Return the finds joined where they overlap, in order."""
    joined: list[Cluster] = []
    for span in sorted(spans):
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            joined[-1] = Cluster(last.start, max(last.end, span.end), (*last.spans, span))
        else:
            joined.append(Cluster(span.start, span.end, (span,)))
    return joined


class Watch(Protocol):
    """Looks for one thing in one stream.

    INVARIANT: every find that begins before ``hold`` was returned already, and what is returned depends on the text
        alone,
    not on how it was cut. That is all that streaming-safety needs.
    """

    @property
    def hold(self) -> int:
        """Return the first seen character that may still be part of a find."""
        ...

    def feed(self, start: int, seen: str) -> list[Span]:
        """Look at the next characters; the first of them is number ``start``."""
        ...

    def close(self) -> list[Span]:
        """Nothing more comes: return what is found at the end."""
        ...
