"""The embedded default: SQLite in WAL mode, synchronous=FULL, one group-commit writer.

``open_store(path) -> FileStore`` is all that wiring needs; ``storage/tables`` says what a store holds.

``open_source(database, keys)`` reads the same file for the independent verifier and writes nothing.
``copy_database(source, target)`` copies one state of a file that is written to; ``check_database`` looks at a copy.

A new table: add ``migrations/NNNN_name.sql`` (never edit one that has shipped) and its queries to ``queries/*.sql``.
"""

from ostiary.storage.sqlite.log_source import open_source
from ostiary.storage.sqlite.snapshot import check_database, copy_database
from ostiary.storage.sqlite.store import FileStore, open_store

__all__ = ["FileStore", "check_database", "copy_database", "open_source", "open_store"]
