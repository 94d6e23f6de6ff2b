"""Sealed codes in the database: sets by tenant, what was tried, and what was used.

1. A try is counted before it is looked at, by whom it came from and over the whole tenant; a good one is taken off.
   So neither a restart nor a crash gives anybody more tries. Each is a row of its own, written before the rows are
   counted: of tries in two processes at once none is lost, and the later sees the earlier.
2. Codes are used up in a table where, of two uses in two processes even, one is the first. A set that is used up or
   called back is good for nothing, whatever the table says.
"""

from typing import Final

import msgspec

from ostiary.approvals.glass import SECOND_NS
from ostiary.approvals.sealed_codes import CodeSet, Redeemed, wrong_codes
from ostiary.errors import RefusedError
from ostiary.identity.ports import ReplayMemory
from ostiary.keys import KeyRing, random_bytes, sha256
from ostiary.server.break_glass.book import PURPOSE
from ostiary.server.signed_shelf import ShelfStore, SignedShelf

WINDOW_NS: Final = 900 * SECOND_NS
TRIES_OF_ONE: Final = 5
TRIES_OF_ALL: Final = 30
MAX_SETS: Final = 16
_FOREVER_NS: Final = 1 << 62
_NAME_BYTES: Final = 16


class Try(msgspec.Struct, array_like=True, frozen=True):
    """One wrong try: whose, and when; the name is its own."""

    by: str
    at_ns: int
    name: str


class CalledBack(msgspec.Struct, frozen=True):
    """A set that is good for nothing any more."""

    at_ns: int
    by: str


class CodeShelf:
    """Sets of sealed codes; safe for several threads."""

    def __init__(self, store: ShelfStore, used: ReplayMemory, ring: KeyRing) -> None:
        """Keep sets in ``store`` and used codes in ``used``."""
        self._sets = SignedShelf(store, ring, "break_glass_codes", CodeSet, PURPOSE)
        self._called_back = SignedShelf(store, ring, "break_glass_codes_back", CalledBack, PURPOSE)
        self._tries = SignedShelf(store, ring, "break_glass_try", Try, PURPOSE)
        self._used = used

    def keep(self, codes: CodeSet) -> None:
        """Keep a fresh set.

        Raises:
            RefusedError: ``break_glass_codes_full``.
        """
        if len(self.living(codes.tenant)) >= MAX_SETS:
            raise RefusedError("break_glass_codes_full", f"{MAX_SETS} sets are kept: call one back first")
        self._sets.save(codes.tenant, codes.id, codes, codes.made_ns)

    def living(self, tenant: str) -> list[CodeSet]:
        """Return the sets that were not called back."""
        return [one for one in self._sets.all(tenant) if self._called_back.load(tenant, one.id) is None]

    def find(self, tenant: str, name: str) -> CodeSet:
        """Return a set that was not called back.

        Raises:
            RefusedError: ``break_glass_codes_unknown``.
        """
        found = self._sets.load(tenant, name)
        if found is None or self._called_back.load(tenant, name) is not None:
            raise RefusedError("break_glass_codes_unknown", "there is no such set of codes")
        return found

    def call_back(self, tenant: str, name: str, by: str, now_ns: int) -> None:
        """Make a set good for nothing, for ever; raises as ``find``."""
        self.find(tenant, name)
        self._called_back.save(tenant, name, CalledBack(now_ns, by), now_ns)
        self._sets.delete(tenant, name)

    def count_try(self, tenant: str, by: str, now_ns: int) -> Try:
        """Count one try before it is looked at.

        Raises:
            RefusedError: ``break_glass_codes_limited``: too many were wrong in the last quarter of an hour.
        """
        made = Try(by, now_ns, random_bytes(_NAME_BYTES).hex())
        self._tries.add(tenant, made.name, made, now_ns)
        recent = self._recent(tenant, now_ns)
        if len(recent) > TRIES_OF_ALL or sum(one.by == by for one in recent) > TRIES_OF_ONE:
            self._tries.delete(tenant, made.name)
            raise RefusedError("break_glass_codes_limited", "too many wrong codes: wait a quarter of an hour")
        return made

    def was_good(self, tenant: str, made: Try) -> None:
        """Take a try that was right off the count."""
        self._tries.delete(tenant, made.name)

    def use_up(self, tenant: str, found: Redeemed, now_ns: int) -> None:
        """Use codes up.

        Raises:
            RefusedError: ``break_glass_codes_wrong`` when one of them was used before; the others are used up with it.
        """
        fresh = [self.spend(tenant, f"{found.codes.id}.{number}", now_ns) for number in found.numbers]
        if not all(fresh):
            raise wrong_codes()

    def spend(self, tenant: str, what: str, now_ns: int) -> bool:
        """Return whether ``what`` is spent for the first time; in two processes even, one is the first."""
        return self._used.remember(tenant, sha256(f"break-glass\0{what}".encode()), _FOREVER_NS, now_ns)

    def _recent(self, tenant: str, now_ns: int) -> list[Try]:
        """Return those that count; one from the future counts, too: a clock that went back frees nobody."""
        kept = self._tries.all(tenant)
        for over in [one for one in kept if one.at_ns <= now_ns - WINDOW_NS]:
            self._tries.delete(tenant, over.name)
        return [one for one in kept if one.at_ns > now_ns - WINDOW_NS]
