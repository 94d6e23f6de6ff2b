"""What break-glass needs in one process, put together."""

from collections.abc import Callable

import msgspec

from ostiary.keys import KeyRing
from ostiary.server.agreed import Agreed
from ostiary.server.break_glass.book import GlassBook
from ostiary.server.break_glass.check import GlassCheck
from ostiary.server.break_glass.codes import CodeShelf
from ostiary.storage.tables import Store


class GlassRoom(msgspec.Struct, frozen=True):
    """Its parts: what was opened, how it is found while deciding, and the sealed codes."""

    book: GlassBook
    check: GlassCheck
    codes: CodeShelf

    def living(self, tenant: str, now_ns: int) -> int:
        """Return how many are open for a tenant at a moment."""
        return sum(one.terms.from_ns <= now_ns < one.terms.until_ns for one in self.book.living(tenant))


def open_glass(
    store: Store, ring: KeyRing, agreed: Agreed, on_fault: Callable[[str, BaseException], None]
) -> GlassRoom:
    """Put it together over a store."""
    book = GlassBook(store.snapshots, ring)
    return GlassRoom(book, GlassCheck(book, agreed, on_fault), CodeShelf(store.snapshots, store.used_tokens, ring))
