"""Runs one query in a database that exists for it alone; implements ``pipeline.features.ports.Engine``.

1. The database is made in memory, without files, network, extensions, Python variables or temporary files, and its
   configuration is locked before anybody's SQL is near it.
2. It holds the given tables and no others; one SELECT runs, and then it is thrown away.
3. Time, rows and bytes are limited; beyond them the query is ended.
4. What the engine complains of is told by kind. Its own words are told only for faults of grammar and names, and those
   can only name what was given.

Databases are opened ahead of time, a few of them, because opening takes longer than most queries; none is used twice.
"""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any, Final

import duckdb
import pyarrow as pa

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.pipeline.features.ports import Limits
from ostiary.storage.duckdb.watch import Watch

READY: Final = 2
BATCH_ROWS: Final = 8192
_FIRST: Final = 300
# RowIds of the view's own source and other random names must not make two equal queries differ.
_INTERNAL: Final = re.compile(r"__duckdb_\w+")
_COLUMN: Final = re.compile(
    r'(?:Referenced column |(?:Table|Values list) "[^"]*" does not have a column named |Column )"([^"]{1,80})"'
)


class DuckEngine:
    """Fresh databases for queries; safe for several threads."""

    def __init__(self, memory_mb: int = 512, threads: int = 1, ready: int = READY) -> None:
        """Open the first databases beside whoever calls."""
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
        }
        self._ready: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        self._helpers = ThreadPoolExecutor(1, "duckdb-ready")
        self._closed = False
        self._watch = Watch()
        self._keep = ready
        for _ in range(ready):
            self._helpers.submit(self._prepare)

    def run(self, sql: str, tables: Mapping[str, Any], limits: Limits) -> pa.Table:
        """Return the whole answer.

        Raises:
            FaultyInputError: ``query_unknown_column``, ``query_unknown_table``, ``query_invalid``.
            RefusedError: ``query_not_allowed``, ``query_too_long``, ``query_too_large``.
            UnavailableError: ``engine_unavailable``.
        """
        database = self._take()
        try:
            statement = _single(database, sql)
            for name, table in tables.items():
                database.register(name, table)
            with self._watch.over(database, limits.timeout_s):
                return _read(database.sql(statement), limits)
        except (duckdb.Error, pa.ArrowException, RuntimeError, ValueError, OverflowError) as fault:
            raise told(fault) from None  # the engine's own error holds the query, and parts of the answer
        finally:
            self._discard(database)

    def close(self) -> None:
        """Close what waits; later queries are refused."""
        self._closed = True
        self._helpers.shutdown(wait=True)
        self._watch.close()
        while True:
            try:
                self._ready.get_nowait().close()
            except Empty:
                return

    def _take(self) -> duckdb.DuckDBPyConnection:
        if self._closed:
            raise UnavailableError("engine_unavailable", "the engine for queries is closed")
        try:
            return self._ready.get_nowait()
        except Empty:
            return self._open()

    def _discard(self, database: duckdb.DuckDBPyConnection) -> None:
        try:
            self._helpers.submit(self._replace, database)  # after the answer, not beside the query
        except RuntimeError:  # closed meanwhile
            database.close()

    def _replace(self, database: duckdb.DuckDBPyConnection) -> None:
        database.close()
        self._prepare()

    def _prepare(self) -> None:
        if not self._closed and self._ready.qsize() < self._keep:
            self._ready.put(self._open())

    def _open(self) -> duckdb.DuckDBPyConnection:
        try:
            database = duckdb.connect(":memory:", config=self._config)
            for last in ("enable_external_access = false", "lock_configuration = true"):
                database.execute(f"SET {last}")
        except duckdb.Error as fault:
            raise UnavailableError("engine_unavailable", "the engine for queries cannot be opened") from fault
        return database


def _single(database: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    statements = database.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise RefusedError("query_not_allowed", "exactly one query that reads is allowed")
    return statements[0]


def _read(relation: Any, limits: Limits) -> pa.Table:
    if relation is None:
        raise RefusedError("query_not_allowed", "exactly one query that reads is allowed")
    reader = relation.to_arrow_reader(BATCH_ROWS)
    batches, rows, size = [], 0, 0
    for batch in reader:
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows > limits.max_rows or size > limits.max_bytes:
            raise RefusedError("query_too_large", f"the answer has more than {limits.max_rows} rows, or too many bytes")
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def told(fault: Exception) -> OstiaryError:
    """Return what is said of a fault of the engine: the same for a hidden column as for one that never was."""
    text = str(fault)
    if isinstance(fault, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        return _of_grammar(fault, text)
    if isinstance(fault, duckdb.InterruptException) or "INTERRUPT" in text:
        return RefusedError("query_too_long", "the query took too long and was ended")
    if isinstance(fault, duckdb.OutOfMemoryException):
        return RefusedError("query_too_large", "the query needs more memory than it may use")
    if isinstance(fault, duckdb.PermissionException):
        return RefusedError("query_not_allowed", "the query wants what is outside of the feature set")
    if isinstance(fault, duckdb.FatalException | duckdb.InternalException):
        return UnavailableError("engine_unavailable", "the engine for queries failed")
    return FaultyInputError("query_invalid", "the query cannot run on these values")


def _of_grammar(fault: Exception, text: str) -> OstiaryError:
    column = _COLUMN.search(text)
    if isinstance(fault, duckdb.BinderException) and column is not None:
        return FaultyInputError("query_unknown_column", f"the query needs `{column[1]}`, which you do not have")
    if isinstance(fault, duckdb.CatalogException) and "Table with name" in text:
        return FaultyInputError("query_unknown_table", "the query names a table that is not there")
    first = _INTERNAL.sub("", text.partition("\n")[0])[:_FIRST]
    return FaultyInputError("query_invalid", f"the query cannot run: {first}")
