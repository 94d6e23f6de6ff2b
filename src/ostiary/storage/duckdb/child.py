"""A process that runs other people's queries, one after the other, each in a database of its own.

    python -m ostiary.storage.duckdb.child SOCKET MEMORY_MB

- It can take no more memory than it was given, write no file, and leave no core: what the engine's own account misses
  ends this process, not the server.
- A database is made in memory, without files, network, extensions, Python variables or temporary files, and its
  configuration is locked before anybody's SQL is near it. It holds the given tables, and one SELECT is its end.
- The next one is opened after an answer was sent, beside nobody's question. While nobody asks it touches some memory:
  the engine gives all of it back to the system with each database, and a query that sorts would wait for each page.
"""

import resource
import select
import socket
import sys
import time
from typing import Any, Final

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.dataset

from ostiary.errors import OstiaryError, RefusedError
from ostiary.storage.duckdb.faults import told
from ostiary.storage.duckdb.watch import Watch
from ostiary.storage.duckdb.wire import Asked, Given, Said, receive, send

BATCH_ROWS: Final = 8192
_MIB: Final = 1 << 20
OWN_MB: Final = 640  # the interpreter, the libraries, and an answer beside the engine's own memory
# Touches some ten megabytes of the engine's memory with letters of ours, and leaves them to the query that comes.
_TOUCH: Final = "SELECT length(string_agg(repeat('x', 100000), '')) FROM range(least(30, $memory_mb // 4))"
_SETTINGS: Final = {
    "temp_directory": "",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}


def confine(memory_mb: int) -> None:
    """Take what this process will never need."""
    most = (memory_mb + OWN_MB) * _MIB
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def open_database(memory_mb: int) -> duckdb.DuckDBPyConnection:
    """Return a fresh database that nobody can open further."""
    database = duckdb.connect(":memory:", config={**_SETTINGS, "memory_limit": f"{memory_mb}MB", "threads": 1})
    for last in ("enable_external_access = false", "lock_configuration = true"):
        database.execute(f"SET {last}")
    return database


def answer(database: duckdb.DuckDBPyConnection, watch: Watch, asked: Asked, given: list[Given]) -> tuple[Said, Any]:
    """Run one query; return what is said, and the table if there is one."""
    try:
        statement = _single(database, asked.sql)
        for one in given:
            database.register(one.name, one.open())
        with watch.over(database, asked.timeout_s):
            return Said(), _read(database.sql(statement), asked)
    except OstiaryError as fault:
        return Said.of(fault), None
    except ImportError:  # what is imported late fails first where there is no memory left
        return Said.of(told(MemoryError())), None
    except (duckdb.Error, pa.ArrowException, RuntimeError, ValueError, OverflowError, MemoryError) as fault:
        return Said.of(told(fault)), None


def serve(link: socket.socket, memory_mb: int) -> None:
    """Answer until nobody asks any more."""
    watch, database = Watch(), open_database(memory_mb)
    send(link, Said(), None)
    touch_memory(link, database, memory_mb)
    while (question := receive(link)) is not None:
        start_ns = time.process_time_ns()
        said, table = answer(database, watch, *question)
        send(link, msgspec.structs.replace(said, cpu_ns=time.process_time_ns() - start_ns), table)
        question = table = None
        database.close()
        database = open_database(memory_mb)
        touch_memory(link, database, memory_mb)


def touch_memory(link: socket.socket, database: duckdb.DuckDBPyConnection, memory_mb: int) -> None:
    """Make memory ready for the next query, unless it is already here."""
    look = select.poll()  # `select` itself knows no handle beyond 1023, and a busy server has more open
    look.register(link, select.POLLIN)
    if not look.poll(0):
        database.execute(_TOUCH, {"memory_mb": memory_mb}).fetchall()


def _single(database: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    statements = database.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise RefusedError("query_not_allowed", "exactly one query that reads is allowed")
    return statements[0]


def _read(relation: Any, asked: Asked) -> pa.Table:
    if relation is None:
        raise RefusedError("query_not_allowed", "exactly one query that reads is allowed")
    reader = relation.to_arrow_reader(BATCH_ROWS)
    batches, rows, size = [], 0, 0
    for batch in reader:
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows > asked.max_rows or size > asked.max_bytes:
            raise RefusedError("query_too_large", f"the answer has more than {asked.max_rows} rows, or too many bytes")
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


if __name__ == "__main__":
    confine(int(sys.argv[2]))
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
