"""The embedded default: SQLite in WAL mode, synchronous=FULL, one group-commit writer."""
