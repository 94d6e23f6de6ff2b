"""What a stream of events must know of its reader: whether it is still there, and whether it may still look."""

from collections.abc import Awaitable, Callable

import msgspec


class Watching(msgspec.Struct, frozen=True):
    """One reader of a stream.

    Attributes:
        again: asks the decision anew, with a record.
        ended: whether its session has been ended, from what is in memory.
        draining: whether this server is about to end.
        gone: returns when the reader has left.
        abort: cuts a reader off that takes nothing.
        after: where it left off, ``Last-Event-ID``; empty when it begins.
    """

    again: Callable[[], Awaitable[bool]]
    ended: Callable[[], bool]
    draining: Callable[[], bool]
    gone: Callable[[], Awaitable[None]]
    abort: Callable[[], None]
    after: str = ""
