"""History played through a profile book exactly as it happened: one look, then one lesson, for each event in turn.

>>> from ostiary.signals.book import ProfileBook
>>> from ostiary.vocabulary.events import AccessEvent
>>> events = [AccessEvent(str(i), "default", i * 10**9, "ann", "read", "bucket", "b") for i in range(3)]
>>> len(list(replay(events, ProfileBook("default"))))
3
"""

from collections.abc import Iterable, Iterator

from ostiary.signals.book import ProfileBook
from ostiary.signals.features import extract
from ostiary.vocabulary.events import AccessEvent


def replay(events: Iterable[AccessEvent], book: ProfileBook) -> Iterator[tuple[AccessEvent, list[float]]]:
    """Yield each event with its features; bit-identical with what an online look at that moment gives."""
    for event in events:
        row = extract(event, book.view(event))
        book.learn(event)
        yield event, row
