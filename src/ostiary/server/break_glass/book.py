"""What was opened and how it ended, kept signed.

1. An opening is written once and never changed. Its ending is a value of its own, so that whoever closes it can be
   overwritten by nobody: of opening and closing at one moment, the closing holds.
2. The first one to see that its time is over writes the ending down; a clock that goes back then opens nothing again.
3. What ended goes from the list of the open to that of the past; the ending stays.
4. The latest time that was seen is kept while anything is open. Time before it, with a minute's grace for threads that
   wait, means a clock that went back: whatever is open then has ended.
"""

from typing import Final

import msgspec

from ostiary.approvals.glass import SECOND_NS, Ending, Opening
from ostiary.errors import RefusedError
from ostiary.keys import KeyRing
from ostiary.server.signed_shelf import ShelfStore, SignedShelf

PURPOSE: Final = "break-glass"
MAX_OPEN: Final = 8
GRACE_NS: Final = 60 * SECOND_NS
TIME: Final = "time"
_SEEN: Final = "latest"


class Seen(msgspec.Struct, frozen=True):
    """The latest time that was seen while something was open."""

    at_ns: int


class Past(msgspec.Struct, frozen=True):
    """An opening with how it ended; ``ending`` is ``None`` while it is open."""

    opening: Opening
    ending: Ending | None = None


class GlassBook:
    """Openings by tenant; safe for several threads and processes."""

    def __init__(self, store: ShelfStore, ring: KeyRing) -> None:
        """Keep them in ``store``, signed with the tenant's key."""
        self._open = SignedShelf(store, ring, "break_glass_open", Opening, PURPOSE)
        self._past = SignedShelf(store, ring, "break_glass_past", Opening, PURPOSE)
        self._endings = SignedShelf(store, ring, "break_glass_ending", Ending, PURPOSE)
        self._seen = SignedShelf(store, ring, "break_glass_seen", Seen, PURPOSE)

    def open(self, opening: Opening, now_ns: int) -> None:
        """Keep one that may be opened.

        Raises:
            RefusedError: ``break_glass_too_many``.
        """
        if len(self.living(opening.tenant)) >= MAX_OPEN:
            raise RefusedError("break_glass_too_many", f"{MAX_OPEN} are open already: close one first")
        self._open.save(opening.tenant, opening.id, opening, now_ns)
        self._seen.save(opening.tenant, _SEEN, Seen(now_ns), now_ns)

    def living(self, tenant: str) -> list[Opening]:
        """Return those that nobody has closed; time is for ``covers`` to look at."""
        return [one for one in self._open.all(tenant) if self.ending(tenant, one.id) is None]

    def find(self, tenant: str, name: str) -> Past:
        """Return one, open or past.

        Raises:
            RefusedError: ``break_glass_unknown``.
        """
        found = self._open.load(tenant, name) or self._past.load(tenant, name)
        if found is None:
            raise RefusedError("break_glass_unknown", "there is no such break-glass")
        return Past(found, self.ending(tenant, name))

    def ending(self, tenant: str, name: str) -> Ending | None:
        """Return how one ended, or ``None``."""
        return self._endings.load(tenant, name)

    def listed(self, tenant: str) -> list[Past]:
        """Return all, the newest first."""
        found = {one.id: one for one in (*self._past.all(tenant), *self._open.all(tenant))}
        return [Past(found[name], self.ending(tenant, name)) for name in sorted(found, reverse=True)]

    def end(self, tenant: str, name: str, ending: Ending) -> None:
        """End one for good; an ending that is there stays."""
        self._endings.add(tenant, name, ending, ending.at_ns)
        opening = self._open.load(tenant, name)
        if opening is not None:
            self._past.save(tenant, name, opening, ending.at_ns)
            self._open.delete(tenant, name)

    def forget_subject(self, tenant: str, subject: str, now_ns: int) -> None:
        """End what lets a subject in, and erase all that names it."""
        for past in self.listed(tenant):
            if subject in past.opening.terms.subjects:
                self.end(tenant, past.opening.id, Ending(now_ns, TIME, "a subject was erased"))
                self._past.delete(tenant, past.opening.id)

    def overdue(self, tenant: str, now_ns: int) -> list[tuple[Opening, Ending]]:
        """Return those whose time is over, or whose clock went back, with the ending that is to be written."""
        if self.went_back(tenant, now_ns):
            why = "the clock went back"
            return [(one, Ending(now_ns, TIME, why)) for one in self.living(tenant)]
        return [(one, Ending(now_ns, TIME)) for one in self.living(tenant) if now_ns >= one.terms.until_ns]

    def went_back(self, tenant: str, now_ns: int) -> bool:
        """Return whether the clock shows less than it has shown."""
        seen = self._seen.load(tenant, _SEEN)
        return seen is not None and now_ns < seen.at_ns - GRACE_NS

    def saw(self, tenant: str, now_ns: int) -> None:
        """Note the time, while something is open."""
        seen = self._seen.load(tenant, _SEEN)
        if seen is None or now_ns > seen.at_ns:
            self._seen.save(tenant, _SEEN, Seen(now_ns), now_ns)
