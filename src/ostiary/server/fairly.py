"""What tenants share, shared fairly: places that one tenant cannot take whole, and turns that go round.

- The last quarter of the places is for tenants that have none: whoever fills the rest keeps nobody out. Until a second
  tenant comes, the first has them all; who comes while it does is refused once, and finds room as soon as one leaves.
- Who waits for a turn waits in the line of its tenant; the lines take turns, however long one of them is.

For one event loop.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.vocabulary.reasons import Reason

_KEPT_FREE: Final = 4


class Places:
    """So many places, by tenant."""

    def __init__(self, most: int) -> None:
        """Have ``most`` places."""
        self._most, self._free = most, max(most // _KEPT_FREE, min(most - 1, 1))
        self._first, self._several = "", False
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, tenant: str, busy: str) -> Iterator[None]:
        """Take a place; ``busy`` is what is said where there is none.

        Raises:
            UnavailableError: ``overloaded``.
        """
        self._first = self._first or tenant
        self._several |= tenant != self._first
        most = self._most - (self._free if self._several and self._taken[tenant] else 0)
        if self._taken.total() >= most:
            raise UnavailableError(Reason.OVERLOADED.value, busy)
        self._taken[tenant] += 1
        try:
            yield
        finally:
            self._taken[tenant] -= 1
            if not self._taken[tenant]:
                del self._taken[tenant]


class Turns:
    """So many at once; who waits has its turn when its tenant's line has."""

    def __init__(self, at_once: int) -> None:
        """Let ``at_once`` go on at a time."""
        self._left = at_once
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it."""
        if self._left:
            self._left -= 1
        else:
            await self._wait(tenant)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, tenant: str) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(tenant, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # the turn came in the same moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._lines:
            tenant, line = self._lines.popitem(last=False)
            first = line.popleft()
            if line:
                self._lines[tenant] = line  # behind all others
            if not first.done():
                first.set_result(None)
                return
        self._left += 1
