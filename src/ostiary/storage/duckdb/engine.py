"""Runs one query in a database that exists for it alone; implements ``pipeline.features.ports.Engine``.

1. Databases live in processes of their own (``child``), which can take a bounded amount of memory and write nothing:
   some functions of the engine take memory that its own account does not see, and are not to be interrupted.
2. A process gets the given tables and no others, runs one SELECT in a fresh database, and throws that away.
3. Whoever does not answer in time is killed, and the next query gets another; so is whoever took too much.
"""

import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.pipeline.features.ports import Limits
from ostiary.storage.duckdb.wire import Asked, ask, hear, in_memory, source_of

READY: Final = 2
START_S: Final = 60.0
GRACE_S: Final = 1.0
_MODULE: Final = "ostiary.storage.duckdb.child"
# Arrow's usual allocator takes a gigabyte of addresses at once, which would count as taken.
_ENVIRON: Final = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "LC_ALL": "C.UTF-8"}


class _Process:
    """One process, and the line to it."""

    def __init__(self, memory_mb: int) -> None:
        """Start it; it is not waited for yet."""
        self.link, theirs = socket.socketpair()
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", _MODULE, str(theirs.fileno()), str(memory_mb)],
                pass_fds=(theirs.fileno(),),
                env={**kept, **_ENVIRON},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
            )
        self._said_ready = False

    def wait_ready(self) -> None:
        """Wait until it can be asked."""
        if not self._said_ready:
            self.link.settimeout(START_S)
            hear(self.link, 0)
            self._said_ready = True

    def lives(self) -> bool:
        """Return whether it has not ended by itself."""
        return self._process.poll() is None

    def end(self) -> None:
        """End it, whatever it does."""
        self.link.close()
        self._process.kill()
        self._process.wait()


class DuckEngine:
    """Processes for queries; safe for several threads."""

    def __init__(self, memory_mb: int = 512, ready: int = READY) -> None:
        """Start ``ready`` processes beside whoever calls; more are started when they are needed."""
        self._memory_mb = memory_mb
        self._closed = False
        self._idle: SimpleQueue[_Process] = SimpleQueue()
        self._handles: dict[int, int] = {}
        self._cpu_ns = 0
        self._lock = threading.Lock()
        for _ in range(ready):
            self._idle.put(_Process(memory_mb))

    def run(self, sql: str, tables: Mapping[str, Any], limits: Limits) -> Any:
        """Return the whole answer.

        Raises:
            FaultyInputError: ``query_unknown_column``, ``query_unknown_table``, ``query_invalid``.
            RefusedError: ``query_not_allowed``, ``query_too_long``, ``query_too_large``.
            UnavailableError: ``engine_unavailable``.
        """
        sources = tuple(source_of(name, table) for name, table in tables.items())
        asked = Asked(sql, limits.timeout_s, limits.max_rows, limits.max_bytes, sources)
        handles = [self._handle(tables[one.name]) for one in sources if not one.schema]
        process = self._take()
        try:
            process.link.settimeout(limits.timeout_s + GRACE_S)
            ask(process.link, asked, handles)
            said, table = hear(process.link, limits.max_bytes)
        except TimeoutError:
            process.end()
            raise RefusedError("query_too_long", "the query took too long and was ended") from None
        except (
            EOFError,
            OSError,
            msgspec.MsgspecError,
            UnicodeDecodeError,
        ):  # it took more than it may, and is no more
            process.end()
            raise RefusedError("query_too_large", "the query needs more memory than it may use") from None
        except BaseException:
            process.end()
            raise
        self._give_back(process)
        with self._lock:
            self._cpu_ns += said.cpu_ns
        said.raise_fault()
        return table

    @property
    def cpu_ns(self) -> int:
        """The processor time of all answers so far, in the processes that gave them."""
        return self._cpu_ns

    def close(self) -> None:
        """End all processes; later queries are refused."""
        self._closed = True
        while True:
            try:
                self._idle.get_nowait().end()
            except Empty:
                return

    def _take(self) -> _Process:
        if self._closed:
            raise UnavailableError("engine_unavailable", "the engine for queries is closed")
        process = self._idle_one()
        try:
            process.wait_ready()
        except (EOFError, OSError) as fault:
            process.end()
            raise UnavailableError("engine_unavailable", "the engine for queries cannot be started") from fault
        return process

    def _idle_one(self) -> _Process:
        """Return one that waits, or another; who ended while nobody asked is nothing that the next query did."""
        while True:
            try:
                process = self._idle.get_nowait()
            except Empty:
                return _Process(self._memory_mb)
            if process.lives():
                return process
            process.end()

    def _give_back(self, process: _Process) -> None:
        if self._closed:
            process.end()
        else:
            self._idle.put(process)

    def _handle(self, table: Any) -> int:
        """Return the memory of a table, made once and for as long as the table is there."""
        with self._lock:
            handle = self._handles.get(id(table))
            if handle is None:
                handle = self._handles[id(table)] = in_memory(table)
                weakref.finalize(table, self._forget, id(table), handle)
            return handle

    def _forget(self, ident: int, handle: int) -> None:
        self._handles.pop(ident, None)
        os.close(handle)
