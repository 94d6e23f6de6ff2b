"""What access requests need in one process, put together."""

from collections.abc import Callable

import msgspec

from ostiary.keys import KeyRing
from ostiary.server.access.book import AccessBook
from ostiary.server.access.reader import GrantReader
from ostiary.server.agreed import Agreed
from ostiary.server.signed_shelf import ShelfStore


class AccessRoom(msgspec.Struct, frozen=True):
    """Its parts: what was asked and granted, and how that is found while deciding."""

    book: AccessBook
    reader: GrantReader


def open_access(
    store: ShelfStore, ring: KeyRing, agreed: Agreed, on_fault: Callable[[str, BaseException], None]
) -> AccessRoom:
    """Put it together over a store."""
    book = AccessBook(store, ring)
    return AccessRoom(book, GrantReader(book, agreed, on_fault))
