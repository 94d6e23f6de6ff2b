"""The mark of a row that was handed over: what replicas can make, and nobody who has the database alone.

A row that waits is not signed yet, and whoever sequences signs what it finds. So each row begins its sealed part with a
mark over all of it, made with a key of the vault; a row without its own is nobody's record.
"""

from typing import Final

import msgspec

from ostiary.audit.sequencing.ports import Handed
from ostiary.keys import SubjectVault, keyed_hash
from ostiary.keys.hashing import equal

_PURPOSE: Final = "audit inbox"
_BYTES: Final = 32


class Marks:
    """Makes and checks marks."""

    def __init__(self, vault: SubjectVault) -> None:
        """Use a key of ``vault``, which every replica has."""
        self._key = vault.derived(_PURPOSE)

    def marked(self, row: Handed) -> Handed:
        """Return a row as it waits."""
        return row._replace(sealed=self._mark(row) + row.sealed)

    def bare(self, row: Handed) -> Handed | None:
        """Return a row as it was before it waited; ``None`` when it bears no mark of its own."""
        found = row._replace(sealed=row.sealed[_BYTES:])
        return found if equal(row.sealed[:_BYTES], self._mark(found)) else None

    def _mark(self, row: Handed) -> bytes:
        return keyed_hash(self._key, msgspec.msgpack.encode(row))
