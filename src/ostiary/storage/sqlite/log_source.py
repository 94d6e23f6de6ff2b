"""A data directory as the verifier's ``LogSource``: read-only, one snapshot, rows as they lie in the file.

It knows nothing of how the log was written: what is not there is reported as gone, what does not open as altered.
"""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ostiary.audit.verifier.ports import Missing
from ostiary.errors import UnavailableError
from ostiary.storage.sqlite.statements import statement

Opener = Callable[[tuple[Any, ...]], bytes | None]
"""Opens a stored record row: salt and payload, ``None`` when erased, ``b""`` when it does not open."""

_WIDTH: Final = 256
_HASH: Final = 32
_LEVEL_SHIFT: Final = 48


class SqliteSource:
    """Reads the log in one database file; close it, or use it as a context manager."""

    def __init__(self, path: Path, keys: list[str], opener: Opener | None = None) -> None:
        """Open ``path`` read-only; ``keys`` are the verifier keys that lie beside it.

        Raises:
            UnavailableError: ``log_unavailable``.
        """
        self.keys = keys
        self.opener = opener
        try:
            self._connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
            self._connection.execute("PRAGMA query_only = ON")
            self._connection.execute("BEGIN")
            self._head = self._connection.execute(statement("head")).fetchone()
        except sqlite3.Error as fault:
            raise UnavailableError("log_unavailable", f"`{path}` holds no log: {fault}") from fault

    def __enter__(self) -> Self:
        """Return the source itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def checkpoint(self) -> bytes:
        """Return the newest checkpoint, the cosigned one when it is of the same size."""
        cosigned = bytes(self._rows("cosigned")[0][0])
        newest = bytes(self._head[3])
        if not newest:
            raise UnavailableError("log_unavailable", "the log has no checkpoint yet")
        same_text = cosigned.partition(b"\n\n")[0] == newest.partition(b"\n\n")[0]
        return cosigned if cosigned and same_text else newest

    def published_keys(self) -> list[str]:
        """Return the verifier keys that lie beside the log."""
        return self.keys

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the hashes of a tile."""
        rows = self._rows("tile", level << _LEVEL_SHIFT | index)
        if not rows:
            raise Missing(f"tile {level}/{index}")
        return bytes(rows[0][0])[: width * _HASH]

    def bundle(self, index: int, width: int) -> list[bytes | None]:
        """Return the entries of a bundle, ``None`` where a row is gone."""
        found = {row[0]: row[6] for row in self._bundle_rows(index, width)}
        return [found.get(number) for number in range(index * _WIDTH, index * _WIDTH + width)]

    def openings(self, index: int, width: int) -> dict[int, bytes | None] | None:
        """Return salt and payload of each entry, when there are keys to open them."""
        opener = self.opener
        if opener is None:
            return None
        return {row[0]: opener(row) for row in self._bundle_rows(index, width)}

    def opened_of(self, tenant: str, kind: str) -> Iterator[bytes]:
        """Yield salt and payload of a tenant's records of one kind that still open, oldest first."""
        values = {"tenant": tenant, "kind": kind, "since": 0, "before": None, "limit": -1}
        try:
            rows = self._connection.execute(statement("select_by_kind"), values)
            opener = self.opener
            yield from (found for row in rows if opener is not None and (found := opener(row)))
        except sqlite3.Error as fault:
            raise UnavailableError("log_unavailable", f"the log cannot be read: {fault}") from fault

    def beyond(self, size: int) -> int:
        """Return how many records lie behind the signed end."""
        return int(self._connection.execute(statement("count_beyond"), (size,)).fetchone()[0])

    def find_key(self, tenant: str, tag: bytes) -> bytes | None:
        """Return a wrapped key: the opener's vault reads through here."""
        rows = self._rows("find_key", tenant, tag)
        return rows[0][0] if rows else None

    def _bundle_rows(self, index: int, width: int) -> list[tuple[Any, ...]]:
        return self._rows("rows", index * _WIDTH, index * _WIDTH + width)

    def _rows(self, name: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement(name), values).fetchall()
        except sqlite3.Error as fault:
            raise UnavailableError("log_unavailable", f"the log cannot be read: {fault}") from fault
