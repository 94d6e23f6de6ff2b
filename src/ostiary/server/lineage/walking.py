"""Reads records of one kind newest first, in bounded steps: what a list shows, and where the next one begins.

1. Windows of the log are read from its end towards its beginning; one that held little makes the next one wider.
2. A walk looks at so many records and no more. Where it stops, ``next`` says so, and the next call goes on there.
3. Places are indexes of the log, so that what is written meanwhile neither repeats a row nor hides one.
"""

from collections.abc import Callable, Iterator
from itertools import islice, takewhile
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from ostiary.audit.pending import StoredRecord

WIDTH: Final = 512
WIDER: Final = 4
LOOKED: Final = 20_000
"""How many records of the kind one walk opens at most."""
STEPS: Final = 64
"""How many windows one walk opens at most."""


class _Head(Protocol):
    @property
    def size(self) -> int: ...


class WalkedLog(Protocol):
    """The part of the log that a walk reads."""

    def head(self) -> _Head:
        """Return where the log stands."""
        ...

    def iterate(
        self, tenant: str, kind: str | None = None, since_index: int = 0, subject_key: str | None = None
    ) -> Iterator[StoredRecord]:
        """Yield records, oldest first."""
        ...


T = TypeVar("T")


class Walked(msgspec.Struct, Generic[T], frozen=True):
    """What a walk found, newest first.

    Attributes:
        found: at most as many as were asked for.
        next: go on below this index; ``None`` when there is nothing more.
    """

    found: tuple[T, ...]
    next: int | None = None


def newest(
    log: WalkedLog,
    tenant: str,
    kind: str,
    read: Callable[[StoredRecord], T | None],
    *,
    limit: int,
    below: int | None = None,
) -> Walked[T]:
    """Return the newest of what ``read`` makes of records; ``None`` of it is left out.

    Args:
        log: where the records are.
        tenant: whose they are.
        kind: of the records.
        read: makes a row of a record; records that were erased are never given to it.
        limit: how many rows, at least 1.
        below: only what stands below this index of the log.
    """
    size = log.head().size
    upper = size if below is None else min(below, size)
    found: list[tuple[int, T]] = []
    width, looked = WIDTH, 0
    for _ in range(STEPS):
        if upper <= 0 or looked >= LOOKED:
            break
        lower = max(0, upper - width)
        seen = list(islice(_window(log, tenant, kind, lower, upper), LOOKED + 1))
        looked += len(seen)
        if len(seen) > LOOKED:  # wider than a walk may look: the oldest of it are not what was asked for
            width //= WIDER
            looked = 0
            continue
        rows = ((one.index, read(one)) for one in reversed(seen) if one.payload is not None)
        found += [(index, row) for index, row in rows if row is not None]
        if len(found) >= limit:
            return Walked(tuple(row for _, row in found[:limit]), found[limit - 1][0] or None)
        upper, width = lower, width * WIDER if len(seen) * WIDER < WIDTH else width
    return Walked(tuple(row for _, row in found), upper or None)


def _window(log: WalkedLog, tenant: str, kind: str, lower: int, upper: int) -> Iterator[StoredRecord]:
    return takewhile(lambda one: one.index < upper, log.iterate(tenant, kind, lower))
