"""The embedded default: SQLite in WAL mode, synchronous=FULL, one group-commit writer.

``open_store(path) -> SqliteStore`` is all that wiring needs:

``open_source(database, keys)`` reads the same file for the independent verifier and writes nothing.

- the store itself implements ``audit.ports.AuditStore`` and ``keys.ports.WrappedKeyStore``;
- ``store.peps`` implements ``identity.ports.PepRegistry`` (plus ``save``, ``delete``, ``of_tenant``);
- ``store.sessions`` implements ``sessions.SessionStore``;
- ``store.devices`` implements ``identity.devices.DeviceRegistry``;
- ``store.snapshots`` keeps opaque bytes by (tenant, kind, name): ``save``, ``load``, ``all``, ``delete``.

A new table: add ``migrations/NNNN_name.sql`` (never edit one that has shipped), its queries to ``queries/*.sql``, and a
small class over ``Database`` like those in ``rooms.py``. Outside a transaction ``Database.write`` makes its own; inside
``with database.transaction():`` everything is all or nothing. A new database has the
tenants ``default`` and ``system``.
"""

from ostiary.storage.sqlite.data_source import open_source
from ostiary.storage.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_source", "open_store"]
