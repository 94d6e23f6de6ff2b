"""Lines on which nothing comes any more, found by asking the server about them on another line.

- A statement may take its time while the server is at it. One that waits longer than half of ``answer_s`` is asked
  after: where the server knows nothing of it, no answer will come (a wire was pulled, a machine between forgot the
  connection, another server took over), and its line is cut at once. Whoever waited hears of a broken line.
- A server that says nothing on fresh lines either is silent altogether: nobody waits longer than twice ``answer_s``.
- Once one line was silent no other is believed until it was heard again: idle ones are thrown away where they would
  be used next, so that each does not cost its own wait.
- What moves is not silent: a large statement that is still on its way there, an answer on its way back (``moving.py``).
- Who gives up leaves nobody behind: the server looks whether we are still there while it is at something, and ends it.
- A process of another server may bear the same number: it counts only where the server began at the same moment.
"""

import asyncio
import logging
import time
from collections.abc import Collection
from typing import Final
from weakref import WeakSet

import asyncpg

from ostiary.storage.postgres.faults import FAULTS, is_gone
from ostiary.storage.postgres.lines import Line, connect, hang_up
from ostiary.storage.postgres.place import PostgresPlace

_log: Final = logging.getLogger(__name__)
_WHO: Final = "SELECT pg_backend_pid(), pg_postmaster_start_time()::text"
_LOOK_FOR_US: Final = "SELECT set_config('client_connection_check_interval', $1, false)"
_AT_WORK: Final = """SELECT pid, pg_postmaster_start_time()::text FROM pg_catalog.pg_stat_activity
WHERE pid = ANY($1::int[]) AND coalesce(state, '') NOT LIKE 'idle%'"""
_LOOKS: Final = 8
"""In the time of an answer."""


class Lines:
    """Opens lines and watches over them; used in the event loop alone."""

    def __init__(self, place: PostgresPlace) -> None:
        """Open none yet."""
        self._place = place
        self._open: WeakSet[Line] = WeakSet()
        self._doubted_at = 0.0
        self._asking: asyncpg.Connection | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Watch from now on."""
        self._watch = asyncio.get_running_loop().create_task(self._look_again_and_again())

    async def stop(self) -> None:
        """Watch no more."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self._leave()

    async def open(self) -> Line:
        """Return a new line.

        Raises:
            UnavailableError: ``schema_refused``.
        """
        connection = await connect(self._place)
        try:
            async with asyncio.timeout(self._place.connect_s):
                await self._be_looked_for(connection)
                line = Line(connection, tuple(await connection.fetchrow(_WHO)))
        except BaseException:
            connection.terminate()
            raise
        self._open.add(line)
        return line

    async def _be_looked_for(self, connection: asyncpg.Connection) -> None:
        try:
            await connection.fetchval(_LOOK_FOR_US, str(int(self._place.answer_s * 500)))
        except asyncpg.InvalidParameterValueError:
            _log.info("the database's system cannot tell it whether we are still there")

    def is_good(self, line: Line) -> bool:
        """Return whether a line is open and was heard since another was silent."""
        return line.is_open and line.heard_at >= self._doubted_at

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._place.answer_s / _LOOKS)
            try:
                await self._look()
            except Exception as fault:  # noqa: BLE001 - told, and looked again: it may tell of the next line
                # The type alone: the driver's words hold values.
                _log.error("lines to the database were not looked at: %s", type(fault).__name__)

    async def _look(self) -> None:
        answer_s = self._place.answer_s
        waiting = self._waiting_for(answer_s / 2)
        if waiting:
            busy = await self._at_work(waiting)
            doubtful = self._waiting_for(2 * answer_s) if busy is None else waiting
            self._cut([one for one, since in doubtful.items() if one not in (busy or ()) and one.asked_at == since])
        elif self._asking is not None:
            await self._leave()

    def _waiting_for(self, wait_s: float) -> dict[Line, float]:
        """Return the lines that wait for an answer for so long, and since when."""
        before = time.monotonic() - wait_s
        asked = {one: one.asked_at for one in self._open if one.asked_at is not None and one.asked_at < before}
        return {one: since for one, since in asked.items() if one.is_open and not one.moves(wait_s)}

    async def _at_work(self, waiting: Collection[Line]) -> Collection[Line] | None:
        """Return those of whom the server says that it is at what they asked; ``None`` where it says nothing at all."""
        try:
            async with asyncio.timeout(self._place.answer_s):
                if self._asking is None:
                    self._asking = await connect(self._place, as_owner=True)
                rows = await self._asking.fetch(_AT_WORK, [one.server[0] for one in waiting])
        except FAULTS as fault:
            if self._asking is not None:
                self._asking.terminate()
                self._asking = None
            # One that lives and has no line for us tells nothing of the others.
            return waiting if isinstance(fault, asyncpg.PostgresError) and not is_gone(fault) else None
        known = {(row[0], row[1]) for row in rows}
        return [one for one in waiting if one.server in known]

    def _cut(self, silent: list[Line]) -> None:
        if silent:
            self._doubted_at = time.monotonic()
        for line in silent:
            line.cut()

    async def _leave(self) -> None:
        if self._asking is not None:
            asking, self._asking = self._asking, None
            await hang_up(asking)
