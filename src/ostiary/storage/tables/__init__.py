"""Every room's tables, over any database that keeps the contract of ``tables/database.py``.

- A ``Store`` itself implements ``audit.ports.AuditStore`` and ``keys.ports.WrappedKeyStore``;
- ``store.peps`` implements ``identity.ports.PepRegistry`` (plus ``save``, ``delete``, ``of_tenant``);
- ``store.sessions`` implements ``sessions.SessionStore``;
- ``store.devices`` implements ``identity.devices.DeviceRegistry``;
- ``store.snapshots`` keeps opaque bytes by (tenant, kind, name): ``save``, ``load``, ``all``, ``delete``.

A new table: a numbered migration and the queries in each backend, and a small class over ``Database`` here, like those
in ``rooms.py``. Outside a transaction ``Database.write`` makes its own; inside ``with database.transaction():``
everything is all or nothing. A new database has the tenants ``default`` and ``system``.
"""

from ostiary.storage.tables.store import Store

__all__ = ["Store"]
