"""A store that lives in memory and keeps the same promises as the real ones, but for surviving a crash.

>>> store = MemoryStore()
>>> store.head().size, [row.tenant for row in store.tenants()]
(0, ['default', 'system'])
"""

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from ostiary.audit.ports import Head, RecordRow, Selection, TenantRow, TileRow
from ostiary.audit.tlog.merkle import EMPTY_ROOT
from ostiary.keys import random_bytes

_SALT_BYTES = 32


class _State:
    """All that is stored; a transaction works on it and puts a copy back when it fails."""

    def __init__(self) -> None:
        self.head = Head("", 0, EMPTY_ROOT, b"", 0, 1)
        self.cosigned = b""
        self.records: list[RecordRow] = []
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.keys: dict[tuple[str, bytes], bytes] = {}
        self.tenants = {name: TenantRow(name, random_bytes(_SALT_BYTES), 0) for name in ("default", "system")}
        self.models: Mapping[tuple[str, ...], Any] = {}  # replaced as a whole by every write, so it needs no copy


class MemoryTransaction:
    """Writing, all or nothing."""

    def __init__(self, store: "MemoryStore") -> None:
        """Write to ``store``, whose lock is held."""
        self._store = store

    def head(self) -> Head:
        """Return where the log stands now."""
        return self._store.state.head

    def set_head(self, head: Head) -> None:
        """Replace the head."""
        self._store.state.head = head

    def set_cosigned(self, checkpoint: bytes) -> None:
        """Keep a cosigned checkpoint."""
        self._store.state.cosigned = checkpoint

    def add_records(self, rows: Sequence[RecordRow]) -> None:
        """Add records."""
        for row in rows:
            if row.idx != len(self._store.state.records):
                msg = "records follow each other without a gap"
                raise RuntimeError(msg)
            self._store.state.records.append(row)

    def put_tiles(self, rows: Sequence[TileRow]) -> None:
        """Add or widen tiles."""
        self._store.state.tiles.update({(row.level, row.idx): row.hashes for row in rows})

    def sealed_indexes(self, wanted: Selection) -> list[int]:
        """Return the indexes of matching records that still have a sealed part."""
        return [row.idx for row in self._store.state.records if row.sealed is not None and _matches(row, wanted)]

    def erase_sealed(self, indexes: Sequence[int]) -> None:
        """Erase the sealed part of these records."""
        records = self._store.state.records
        for index in indexes:
            records[index] = records[index]._replace(sealed=None)

    def add_tenant(self, row: TenantRow) -> bool:
        """Add a tenant whose id was never used."""
        self._store.next_epoch()
        return self._store.state.tenants.setdefault(row.tenant, row) is row

    def end_tenant(self, tenant: str, deleted_ns: int) -> bool:
        """Mark a tenant as deleted and forget its salt."""
        self._store.next_epoch()
        row = self._store.state.tenants.get(tenant)
        if row is None or row.deleted_ns is not None:
            return False
        self._store.state.tenants[tenant] = msgspec.structs.replace(row, salt=b"", deleted_ns=deleted_ns)
        return True


class MemoryStore:
    """Implements ``audit.ports.AuditStore`` and ``keys.ports.WrappedKeyStore``."""

    def __init__(self) -> None:
        """Start with an empty log and the tenants ``default`` and ``system``."""
        self.state = _State()
        self._lock = threading.RLock()
        self._depth = 0

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        """Enter a transaction; entered again by the same thread it joins the outer one."""
        with self._lock:
            before = copy.copy(self.state) if self._depth == 0 else None
            if before is not None:
                before.records, before.tiles = list(before.records), dict(before.tiles)
                before.keys, before.tenants = dict(before.keys), dict(before.tenants)
            self._depth += 1
            try:
                yield MemoryTransaction(self)
            except BaseException:
                if before is not None:
                    self.state = before
                raise
            finally:
                self._depth -= 1

    def next_epoch(self) -> None:
        """Say that tenants or keys changed."""
        self.state.head = msgspec.structs.replace(self.state.head, epoch=self.state.head.epoch + 1)

    def head(self) -> Head:
        """Return where the log stands."""
        with self._lock:
            return self.state.head

    def cosigned(self) -> bytes:
        """Return the newest cosigned checkpoint."""
        return self.state.cosigned

    def tile(self, level: int, index: int) -> bytes:
        """Return a tile's hashes so far."""
        with self._lock:
            return self.state.tiles.get((level, index), b"")

    def entries(self, start: int, end: int) -> list[bytes]:
        """Return log entries in order."""
        return [row.entry for row in self.rows(start, end)]

    def rows(self, start: int, end: int) -> list[RecordRow]:
        """Return records in order, of all tenants."""
        with self._lock:
            return self.state.records[start:end]

    def names(self, start: int, end: int) -> list[tuple[int, str, str]]:
        """Return index, kind and id of the records in order, of all tenants."""
        return [(row.idx, row.kind, row.record_id) for row in self.rows(start, end)]

    def find_record(self, tenant: str, record_id: str) -> RecordRow | None:
        """Return the first record of a tenant with this id."""
        wanted = (tenant, record_id)
        return next((row for row in self.rows(0, self.head().size) if (row.tenant, row.record_id) == wanted), None)

    def select(self, wanted: Selection, limit: int) -> list[RecordRow]:
        """Return matching records, oldest first."""
        return [row for row in self.rows(0, self.head().size) if _matches(row, wanted)][:limit]

    def newest(self, wanted: Selection, below: int, limit: int) -> list[RecordRow]:
        """Return matching records below an index, newest first."""
        return [row for row in reversed(self.rows(0, max(0, below))) if _matches(row, wanted)][:limit]

    def find_tenant(self, tenant: str) -> TenantRow | None:
        """Return a tenant, deleted ones too."""
        return self.state.tenants.get(tenant)

    def tenants(self) -> list[TenantRow]:
        """Return every tenant, deleted ones too."""
        return [self.state.tenants[name] for name in sorted(self.state.tenants)]

    def find_key(self, tenant: str, tag: bytes) -> bytes | None:
        """Return a subject's wrapped key."""
        return self.state.keys.get((tenant, tag))

    def put_key(self, tenant: str, tag: bytes, wrapped: bytes) -> bytes:
        """Store a wrapped key unless there is one; return the one that is stored."""
        with self.transaction():
            return self.state.keys.setdefault((tenant, tag), wrapped)

    def delete_key(self, tenant: str, tag: bytes) -> bool:
        """Remove a wrapped key for ever."""
        with self.transaction():
            self.next_epoch()
            return self.state.keys.pop((tenant, tag), None) is not None

    def delete_keys(self, tenant: str) -> int:
        """Remove every wrapped key of a tenant for ever."""
        with self.transaction():
            self.next_epoch()
            gone = [name for name in self.state.keys if name[0] == tenant]
            for name in gone:
                del self.state.keys[name]
            return len(gone)


def _matches(row: RecordRow, wanted: Selection) -> bool:
    return (
        row.tenant == wanted.tenant
        and row.idx >= wanted.since_index
        and (wanted.kind is None or row.kind == wanted.kind)
        and (wanted.tag is None or row.tag == wanted.tag)
        and (wanted.before_ns is None or row.time_ns < wanted.before_ns)
    )
