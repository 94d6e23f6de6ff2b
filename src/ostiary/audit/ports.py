"""What the audit log needs from storage, and what storage promises. This comment is the contract.

- One log, one tree. ``transaction`` excludes every other writer, also those of other processes: whoever holds it reads
  ``head`` inside and sees the truth, so two processes that append in turns can never fork the log.
- A transaction is all or nothing: records, tiles and head appear together or not at all, and when the context
  manager has returned they survive a crash and a power cut.
- Records are only ever added at ``head.size``. Entries and tiles never change (the last tile of a level only grows);
  the sealed part of a record may be erased, once, for ever.
- Reads outside a transaction see committed states only.
- ``epoch`` grows whenever tenants or keys change, so that other processes forget what they remembered of them.
- Faults of the disk come out as ``UnavailableError``: ``disk_full`` or ``storage_unavailable``.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import msgspec


class Head(msgspec.Struct, frozen=True):
    """Where the log stands.

    Attributes:
        origin: the log's name in checkpoints, empty until the first writer gives it one.
        size: number of entries.
        root: root hash of the tree.
        checkpoint: the signed checkpoint over size and root, empty before the first.
        at_ns: the writer's time of the newest entry; entries never go back behind it.
        epoch: changes whenever tenants or keys change.
    """

    origin: str
    size: int
    root: bytes
    checkpoint: bytes
    at_ns: int
    epoch: int


class RecordRow(NamedTuple):
    """One record as stored: the public log entry, and the sealed payload (``None`` once erased)."""

    idx: int
    tenant: str
    kind: str
    record_id: str
    time_ns: int
    tag: bytes
    entry: bytes
    sealed: bytes | None


class TileRow(NamedTuple):
    """One tile's hashes so far."""

    level: int
    idx: int
    hashes: bytes


class TenantRow(msgspec.Struct, frozen=True):
    """A tenant; ``deleted_ns`` stays when everything else of it is gone, so that its id is never used again."""

    tenant: str
    salt: bytes
    created_ns: int
    deleted_ns: int | None = None


class Selection(msgspec.Struct, frozen=True):
    """Which records of a tenant: by kind, by subject tag, by age; ``None`` means any."""

    tenant: str
    kind: str | None = None
    tag: bytes | None = None
    before_ns: int | None = None
    since_index: int = 0


class AuditReader(Protocol):
    """Reading the log."""

    def head(self) -> Head:
        """Return where the log stands."""
        ...

    def cosigned(self) -> bytes:
        """Return the newest checkpoint that witnesses cosigned, empty when there is none."""
        ...

    def tile(self, level: int, index: int) -> bytes:
        """Return the hashes of a tile so far, empty when there is none."""
        ...

    def entries(self, start: int, end: int) -> list[bytes]:
        """Return the log entries from ``start`` to ``end`` in order."""
        ...

    def rows(self, start: int, end: int) -> list[RecordRow]:
        """Return the records from ``start`` to ``end`` in order, of all tenants: for verifying and exporting."""
        ...

    def names(self, start: int, end: int) -> list[tuple[int, str, str]]:
        """Return index, kind and id of the records from ``start`` to ``end`` in order, of all tenants."""
        ...

    def find_record(self, tenant: str, record_id: str) -> RecordRow | None:
        """Return the first record of a tenant with this id."""
        ...

    def select(self, wanted: Selection, limit: int) -> list[RecordRow]:
        """Return at most ``limit`` matching records, oldest first."""
        ...

    def newest(self, wanted: Selection, below: int, limit: int) -> list[RecordRow]:
        """Return at most ``limit`` matching records with an index below ``below``, newest first."""
        ...

    def find_tenant(self, tenant: str) -> TenantRow | None:
        """Return a tenant, deleted ones too."""
        ...

    def tenants(self) -> list[TenantRow]:
        """Return every tenant in the order of their ids, deleted ones too."""
        ...


class AuditTransaction(Protocol):
    """Writing, all or nothing."""

    def head(self) -> Head:
        """Return where the log stands now, with every other writer excluded."""
        ...

    def set_head(self, head: Head) -> None:
        """Replace the head."""
        ...

    def set_cosigned(self, checkpoint: bytes) -> None:
        """Keep a checkpoint that witnesses cosigned."""
        ...

    def add_records(self, rows: Sequence[RecordRow]) -> None:
        """Add records; their indexes follow the head's size without a gap."""
        ...

    def put_tiles(self, rows: Sequence[TileRow]) -> None:
        """Add tiles, or widen those that are partial."""
        ...

    def sealed_indexes(self, wanted: Selection) -> list[int]:
        """Return the indexes of matching records whose sealed part is still there, in order."""
        ...

    def erase_sealed(self, indexes: Sequence[int]) -> None:
        """Erase the sealed part of these records, for ever: overwritten, not only unlinked."""
        ...

    def add_tenant(self, row: TenantRow) -> bool:
        """Add a tenant; return false when its id was ever used."""
        ...

    def end_tenant(self, tenant: str, deleted_ns: int) -> bool:
        """Mark a tenant as deleted and forget its salt; return false when there is no such living tenant."""
        ...


class AuditStore(AuditReader, Protocol):
    """A place for the log: see the contract at the top."""

    def transaction(self) -> AbstractContextManager[AuditTransaction]:
        """Enter a transaction; leaving it commits, an exception rolls it back."""
        ...


def pages(reader: AuditReader, wanted: Selection, page: int = 256) -> Iterator[RecordRow]:
    """Yield every matching record, oldest first, reading a page at a time."""
    while rows := reader.select(wanted, page):
        yield from rows
        wanted = msgspec.structs.replace(wanted, since_index=rows[-1].idx + 1)
