"""What a worker does beside answering: each chore in its own rhythm and in a thread, so that none delays another.

A chore that fails is told and comes again at its next turn; the loop and the answers never notice.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec


class Chore(msgspec.Struct, frozen=True):
    """One thing to do every so many seconds; ``name`` is the reason under which its faults are told.

    With ``once`` it is done for all replicas together, by the one that keeps them; it bears two at it for a while.
    """

    name: str
    every_s: float
    run: Callable[[], object]
    once: bool = False


class Chores:
    """Runs chores in the loop's background until told to stop."""

    def __init__(
        self,
        chores: Sequence[Chore],
        on_fault: Callable[[str, BaseException], None],
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take what is to be done, whom to tell of faults, and whether this process does what is done once."""
        self._chores = tuple(chores)
        self._leads = leads
        self._on_fault = on_fault
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; the first turn of each comes after its time."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._repeat(chore)) for chore in self._chores]

    async def stop(self) -> None:
        """End; what is running in a thread is waited for."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, chore: Chore) -> None:
        while True:
            await asyncio.sleep(chore.every_s)
            if chore.once and not self._leads():
                continue
            work = asyncio.ensure_future(asyncio.to_thread(chore.run))
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                await asyncio.wait([work])  # a thread cannot be cancelled, and what it uses is about to be closed
                raise
            except Exception as fault:  # noqa: BLE001 - told, and tried again
                self._on_fault(chore.name, fault)
