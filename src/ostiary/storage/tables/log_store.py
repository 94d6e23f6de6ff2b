"""The audit log and the wrapped keys over one database: see ``audit.ports`` for the contract."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from ostiary.audit.ports import Head, RecordRow, Selection, TenantRow, TileRow
from ostiary.storage.tables.database import Database

_LEVEL_SHIFT: Final = 48


class LogTransaction:
    """Writing inside one transaction of the database."""

    def __init__(self, database: Database) -> None:
        """Write to ``database``, whose transaction is open."""
        self._database = database

    def head(self) -> Head:
        """Return where the log stands now."""
        return Head(*self._database.read_inside("head")[0])

    def set_head(self, head: Head) -> None:
        """Replace the head."""
        self._database.write("set_head", *msgspec.structs.astuple(head))

    def set_cosigned(self, checkpoint: bytes) -> None:
        """Keep a cosigned checkpoint."""
        self._database.write("set_cosigned", checkpoint)

    def add_records(self, rows: Sequence[RecordRow]) -> None:
        """Add records."""
        self._database.write_many("add_record", rows)

    def put_tiles(self, rows: Sequence[TileRow]) -> None:
        """Add or widen tiles."""
        self._database.write_many("put_tile", [(_tile_id(row.level, row.idx), row.hashes) for row in rows])

    def sealed_indexes(self, wanted: Selection) -> list[int]:
        """Return the indexes of matching records that still have a sealed part."""
        return [row[0] for row in self._database.read_inside_named("sealed_indexes", _values(wanted))]

    def erase_sealed(self, indexes: Sequence[int]) -> None:
        """Erase the sealed part of these records."""
        self._database.erase("erase_sealed", [(index,) for index in indexes])

    def add_tenant(self, row: TenantRow) -> bool:
        """Add a tenant whose id was never used."""
        self._database.write("next_epoch")
        return self._database.write("add_tenant", row.tenant, row.salt, row.created_ns) == 1

    def end_tenant(self, tenant: str, deleted_ns: int) -> bool:
        """Mark a tenant as deleted and forget its salt."""
        self._database.write("next_epoch")
        return self._database.erase("end_tenant", [(deleted_ns, tenant)]) == 1


class LogStore:
    """Implements ``AuditStore`` and ``WrappedKeyStore``."""

    def __init__(self, database: Database) -> None:
        """Keep everything in ``database``."""
        self._database = database

    @contextmanager
    def transaction(self) -> Iterator[LogTransaction]:
        """Enter a transaction that excludes every other writer."""
        with self._database.transaction() as database:
            yield LogTransaction(database)

    def head(self) -> Head:
        """Return where the log stands."""
        return Head(*self._database.read("head")[0])

    def cosigned(self) -> bytes:
        """Return the newest cosigned checkpoint."""
        return bytes(self._database.read("cosigned")[0][0])

    def tile(self, level: int, index: int) -> bytes:
        """Return a tile's hashes so far."""
        rows = self._database.read("tile", _tile_id(level, index))
        return rows[0][0] if rows else b""

    def entries(self, start: int, end: int) -> list[bytes]:
        """Return log entries in order."""
        return [row[0] for row in self._database.read("entries", start, end)]

    def rows(self, start: int, end: int) -> list[RecordRow]:
        """Return records in order, of all tenants."""
        return [RecordRow(*row) for row in self._database.read("rows", start, end)]

    def names(self, start: int, end: int) -> list[tuple[int, str, str]]:
        """Return index, kind and id of the records in order, of all tenants."""
        return [(idx, kind, name) for idx, kind, name in self._database.read("names", start, end)]

    def find_record(self, tenant: str, record_id: str) -> RecordRow | None:
        """Return the first record of a tenant with this id."""
        rows = self._database.read("find_record", tenant, record_id)
        return RecordRow(*rows[0]) if rows else None

    def select(self, wanted: Selection, limit: int) -> list[RecordRow]:
        """Return matching records, oldest first."""
        rare = wanted.kind not in {None, "decision"}
        name = "select_by_tag" if wanted.tag is not None else "select_by_kind" if rare else "select_any"
        values = _values(wanted) | {"limit": limit}
        return [RecordRow(*row) for row in self._database.read_named(name, values)]

    def newest(self, wanted: Selection, below: int, limit: int) -> list[RecordRow]:
        """Return matching records below an index, newest first."""
        rare = wanted.kind not in {None, "decision"}
        name = "newest_by_tag" if wanted.tag is not None else "newest_by_kind" if rare else "newest_any"
        values = _values(wanted) | {"below": below, "limit": limit}
        return [RecordRow(*row) for row in self._database.read_named(name, values)]

    def find_tenant(self, tenant: str) -> TenantRow | None:
        """Return a tenant, deleted ones too."""
        rows = self._database.read("find_tenant", tenant)
        return TenantRow(*rows[0]) if rows else None

    def tenants(self) -> list[TenantRow]:
        """Return every tenant, deleted ones too."""
        return [TenantRow(*row) for row in self._database.read("tenants")]

    def find_key(self, tenant: str, tag: bytes) -> bytes | None:
        """Return a subject's wrapped key; inside a transaction it sees what that has written."""
        read = self._database.read_inside if self._database.inside() else self._database.read
        rows = read("find_key", tenant, tag)
        return rows[0][0] if rows else None

    def put_key(self, tenant: str, tag: bytes, wrapped: bytes) -> bytes:
        """Store a wrapped key unless there is one; return the one that is stored."""
        with self._database.transaction() as database:
            database.write("put_key", tenant, tag, wrapped)
            return bytes(database.read_inside("find_key", tenant, tag)[0][0])

    def delete_key(self, tenant: str, tag: bytes) -> bool:
        """Remove a wrapped key for ever."""
        with self._database.transaction() as database:
            database.write("next_epoch")
            return database.erase("delete_key", [(tenant, tag)]) == 1

    def delete_keys(self, tenant: str) -> int:
        """Remove every wrapped key of a tenant for ever."""
        with self._database.transaction() as database:
            database.write("next_epoch")
            return database.erase("delete_keys", [(tenant,)])


def _tile_id(level: int, index: int) -> int:
    return level << _LEVEL_SHIFT | index


def _values(wanted: Selection) -> dict[str, object]:
    return {
        "tenant": wanted.tenant,
        "kind": wanted.kind,
        "tag": wanted.tag,
        "before": wanted.before_ns,
        "since": wanted.since_index,
    }
