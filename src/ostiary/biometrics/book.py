"""The book of templates: what is kept of how somebody types and moves, sealed under that person's own keys.

1. Nothing is kept of anybody who has not agreed, or who is excused; agreeing and withdrawing are the person's deeds.
2. Keys lie outside the database (``keys.EnvelopeKeys``): a backup of the database opens nothing. ``forget`` destroys
   them, so what was kept is gone from every copy of the database as well.
3. Whoever is *excused* (somebody who cannot type or point, or works with assistive technology) is neither watched nor
   judged; an administrator's deed, of which the reason is never asked and the fact is sealed like everything else.
4. A part is written over what was read and nothing else; whoever withdraws meanwhile is not written about.
5. ``withdraw`` erases all that was made of a person's behaviour, and leaves that it is excused; ``forget`` all of it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.biometrics.ports import STANDING, PartRow, TemplateStore
from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.keys import EnvelopeKeys, Place, random_bytes
from ostiary.vocabulary.unreadable import UNREADABLE

USE: Final = "templates"
_LOCKS: Final = 64
_MOST_KNOWN: Final = 20_000
_KNOWN_NS: Final = 5_000_000_000
_DRAWN: Final = (1 << 24) - 1


class Excused(msgspec.Struct, frozen=True):
    """That somebody is not watched: since when, by which administrator, under which agreement of people."""

    at_ns: int
    by: str
    proposal: str = ""


class Agreed(msgspec.Struct, frozen=True):
    """That somebody agreed to be watched: to which text, and when."""

    text: str
    given_ns: int


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a person stands with being watched."""

    agreed: Agreed | None = None
    excused: Excused | None = None

    @property
    def watched(self) -> bool:
        """Whether anything may be taken of this person."""
        return self.agreed is not None and self.excused is None


class Read(msgspec.Struct, frozen=True):
    """A part as it was read: ``content`` is empty where there is none; the numbers are for writing it back."""

    content: bytes
    generation: int
    standing: int


NOBODY: Final = Standing()


class TemplateBook:
    """Parts by tenant, person (``type:id``) and name; safe for threads."""

    def __init__(self, store: TemplateStore, keys: EnvelopeKeys, now_ns: Callable[[], int]) -> None:
        """Take where ciphertexts lie, who has the keys, and the clock."""
        self._store, self._keys, self._now_ns = store, keys, now_ns
        self._locks = tuple(threading.RLock() for _ in range(_LOCKS))
        self._known: OrderedDict[tuple[str, str], tuple[Standing, int, int]] = OrderedDict()
        self._guard = threading.Lock()

    def standing(self, tenant: str, subject: str) -> Standing:
        """Return how a person stands; what another process changed is seen within seconds."""
        return self._standing(tenant, subject)[0]

    def agree(self, tenant: str, subject: str, agreed: Agreed) -> None:
        """Keep an agreement.

        Raises:
            RefusedError: ``biometrics_excused``: this person is not watched, whatever anybody agrees to.
        """
        with self._lock(tenant, subject):
            before, generation = self._fresh(tenant, subject)
            if before.excused is not None:
                raise RefusedError("biometrics_excused", "this person is not watched")
            self._write(tenant, subject, msgspec.structs.replace(before, agreed=agreed), generation)

    def withdraw(self, tenant: str, subject: str) -> bool:
        """Erase an agreement and all that was made under it; return whether there was one."""
        with self._lock(tenant, subject):
            before, _ = self._fresh(tenant, subject)
            self._erase(tenant, subject)
            if before.excused is not None:
                self._write(tenant, subject, Standing(excused=before.excused), 0)
            return before.agreed is not None

    def excuse(self, tenant: str, subject: str, excused: Excused | None) -> None:
        """Excuse somebody, and erase all that was made of that person's behaviour; or let it agree again."""
        with self._lock(tenant, subject):
            self._erase(tenant, subject)
            if excused is not None:
                self._write(tenant, subject, Standing(excused=excused), 0)

    def forget(self, tenant: str, subject: str) -> int:
        """Erase all of a person; return how many parts there were."""
        with self._lock(tenant, subject):
            return self._erase(tenant, subject)

    def read(self, tenant: str, subject: str, part: str) -> Read | None:
        """Return a part for changing it; ``None`` when the person is not watched.

        Raises:
            VerificationError: ``sealed_data_refused``: it was altered, or put here from elsewhere.
        """
        standing, generation = self._standing(tenant, subject)
        if not standing.watched:
            return None
        row = self._store.find(tenant, self.owner(tenant, subject), part)
        return Read(b"", 0, generation) if row is None else Read(self._open(tenant, row), row.generation, generation)

    def write(self, tenant: str, subject: str, part: str, read: Read, content: bytes) -> bool:
        """Write a part in the place of what was read; return false when somebody else wrote, or it may not be."""
        return self.change(tenant, subject, part, read, content)()

    def change(self, tenant: str, subject: str, part: str, read: Read, content: bytes) -> Callable[[], bool]:
        """Return what writes a part, sealed already: it takes no lock, so that it may run inside a transaction.

        None is needed: what is sealed here counts only in the place of what was read, under the standing that was read.
        """
        row = self._sealed(tenant, subject, part, read.generation, content)
        return lambda: self._store.put(tenant, row, read.generation, read.standing)

    def parts(self, tenant: str, subject: str) -> dict[str, bytes]:
        """Return all that is kept of a person, opened, by part: for that person."""
        rows = self._store.of_owner(tenant, self.owner(tenant, subject))
        return {row.part: self._open(tenant, row) for row in rows}

    def counts(self, tenant: str) -> dict[str, int]:
        """Return of how many people there is each part."""
        return self._store.counts(tenant)

    def owner(self, tenant: str, subject: str) -> str:
        """Return the keyed hash under which a person is known."""
        return self._keys.owner(tenant, subject)

    def forget_tenant(self, tenant: str) -> None:
        """Destroy the keys of a tenant that is gone; its rows go with the store's."""
        self._keys.shred_tenant(tenant)

    def _standing(self, tenant: str, subject: str) -> tuple[Standing, int]:
        with self._guard:
            known = self._known.get((tenant, subject))
        if known is not None and self._now_ns() - known[2] < _KNOWN_NS:
            return known[0], known[1]
        return self._fresh(tenant, subject)

    def _fresh(self, tenant: str, subject: str) -> tuple[Standing, int]:
        row = self._store.find(tenant, self.owner(tenant, subject), STANDING)
        found = (NOBODY, 0) if row is None else (_standing_of(self._open(tenant, row)), row.generation)
        with self._guard:
            self._known[tenant, subject] = (*found, self._now_ns())
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return found

    def _write(self, tenant: str, subject: str, standing: Standing, before: int) -> None:
        row = self._sealed(tenant, subject, STANDING, before, msgspec.json.encode(standing))
        written = self._store.put(tenant, row, before, 0)
        self._forget(tenant, subject)
        if not written:
            raise UnavailableError("biometrics_busy", "somebody else changed this meanwhile, try again")

    def _erase(self, tenant: str, subject: str) -> int:
        owner = self.owner(tenant, subject)
        gone = self._store.delete(tenant, owner)
        # After the rows: whoever is between reading and writing has no standing to write under.
        floor = max((*self._keys.epochs(tenant, owner), self._keys.floor(tenant, owner))) + 1
        if gone or floor > 1:
            self._keys.shred_user(tenant, owner, floor, [USE])
        self._forget(tenant, subject)
        return gone

    def _forget(self, tenant: str, subject: str) -> None:
        with self._guard:
            self._known.pop((tenant, subject), None)

    def _sealed(self, tenant: str, subject: str, part: str, before: int, content: bytes) -> PartRow:
        owner, now = self.owner(tenant, subject), self._now_ns()
        # Never used again, not even after an erasure in the same moment.
        drawn = (now & ~_DRAWN) | (int.from_bytes(random_bytes(3)) & _DRAWN)
        generation = max(before + 1, drawn)
        epoch = max(1, self._keys.floor(tenant, owner))
        place = _place(tenant, owner, part, generation, epoch)
        with self._keys.open(place, sealing=True, fresh=True) as key:
            return PartRow(owner, part, generation, epoch, key.seal(place, content), now)

    def _open(self, tenant: str, row: PartRow) -> bytes:
        place = _place(tenant, row.owner, row.part, row.generation, row.epoch)
        with self._keys.open(place) as key:
            return key.open(place, row.sealed)

    def _lock(self, tenant: str, subject: str) -> threading.RLock:
        return self._locks[hash((tenant, subject)) % _LOCKS]


def _place(tenant: str, owner: str, part: str, generation: int, epoch: int) -> Place:
    return Place(tenant, owner, USE, generation, epoch, use=f"biometrics/{part}")


def _standing_of(content: bytes) -> Standing:
    try:
        return msgspec.json.decode(content, type=Standing)
    except UNREADABLE as fault:
        raise UnavailableError("biometrics_damaged", "what is kept of an agreement cannot be read") from fault


def told_or(book: TemplateBook, tenant: str, subject: str) -> Standing:
    """Return how a person stands, or that nobody may be watched where that cannot be told."""
    try:
        return book.standing(tenant, subject)
    except OstiaryError:
        return NOBODY
