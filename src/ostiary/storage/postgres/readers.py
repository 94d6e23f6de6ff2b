"""A few lines for reading: made when needed, shared by all threads, not believed once one of them was silent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from ostiary.storage.postgres.faults import FAULTS, is_gone
from ostiary.storage.postgres.lines import Line, hang_up
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.silence import Lines
from ostiary.storage.postgres.statements import Statement


class Readers:
    """Lines for reading; used in the event loop alone."""

    def __init__(self, place: PostgresPlace, lines: Lines) -> None:
        """Open none yet."""
        self._place = place
        self._lines = lines
        self._free = asyncio.Semaphore(place.readers)
        self._idle: list[Line] = []

    async def fetch(self, statement: Statement, values: Sequence[object]) -> list[Any]:
        """Return the rows of a query; after a restart or a silence of the server, at the second try."""
        try:
            async with self._one() as line:
                return await line.fetch(statement, values)
        except FAULTS as fault:
            if not is_gone(fault):
                raise
            self._drop()  # the others were cut with it
        async with self._one() as line:
            return await line.fetch(statement, values)

    async def close(self) -> None:
        """Close all that wait."""
        while self._idle:
            await hang_up(self._idle.pop().connection)

    def _drop(self) -> None:
        while self._idle:
            self._idle.pop().cut()

    async def _good(self) -> Line:
        while self._idle:
            line = self._idle.pop()
            if self._lines.is_good(line):
                return line
            line.cut()
        return await self._lines.open()

    @asynccontextmanager
    async def _one(self) -> AsyncIterator[Line]:
        async with asyncio.timeout(self._place.lock_s):
            await self._free.acquire()
        try:
            line = await self._good()
            try:
                yield line
            except BaseException as fault:
                if is_gone(fault) or not isinstance(fault, asyncpg.PostgresError):
                    line.cut()  # an answer may still be on its way
                raise
            finally:
                if line.is_open:
                    self._idle.append(line)
        finally:
            self._free.release()
