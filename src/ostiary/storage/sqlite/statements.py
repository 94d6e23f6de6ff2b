"""The queries of SQLite by their names."""

from ostiary.storage.statements import statements


def statement(name: str) -> str:
    """Return one query."""
    return statements(__package__)[name]
