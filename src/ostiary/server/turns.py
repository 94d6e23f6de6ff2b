"""Places that all tenants share: work is done in turns of tenants, and none takes the last places from the others.

- Of a few places to work in, the one that falls free goes to the next tenant that waits, not to the next in line.
- A tenant may take a place only while it has fewer than are free (dynamic thresholds, Choudhury and Hahne 1998): half
  of all at most, and whoever comes next finds one. While no second tenant has ever come, the first may take all.
- For one event loop; nothing here is for several threads. Tenants' names must be proven: they are remembered.

>>> import asyncio
>>> turns = Turns(running=4, most=4)
>>> for tenant in ("quiet", "loud", "loud"):
...     asyncio.run(turns.take(tenant))
>>> turns.may("loud"), turns.may("new")
(False, True)
"""

import asyncio
from collections import Counter, OrderedDict, deque

from ostiary.errors import UnavailableError
from ostiary.vocabulary.reasons import Reason


class Turns:
    """Places to work in, and to wait in for one."""

    def __init__(self, *, running: int, most: int) -> None:
        """Let ``running`` work at once, and ``most`` work or wait."""
        self._free = running
        self._most = most
        self._known = set[str]()
        self._taken = Counter[str]()
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def may(self, tenant: str) -> bool:
        """Return whether a tenant may take one place more."""
        own, free = self._taken[tenant], self._most - self._taken.total()
        return free > 0 and (own < free or self._known <= {tenant})

    async def take(self, tenant: str) -> None:
        """Wait for a place to work in; ``give`` gives it back.

        Raises:
            UnavailableError: ``overloaded``: too many work and wait, of this tenant or of all.
        """
        self._known.add(tenant)
        if not self.may(tenant):
            raise UnavailableError(Reason.OVERLOADED.value, "too many at once, try again in a moment")
        self._taken[tenant] += 1
        if self._free:
            self._free -= 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._lines.setdefault(tenant, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # its turn came in the very moment in which it left
                self.give(tenant)
            else:
                self._leave(tenant, mine)
            raise

    def give(self, tenant: str) -> None:
        """Give a place back: the next tenant in turn works there."""
        self._forget(tenant)
        while self._lines:
            whose, line = self._lines.popitem(last=False)
            following = line.popleft()
            if line:
                self._lines[whose] = line  # behind all others
            if not following.done():
                following.set_result(None)
                return
        self._free += 1

    def _leave(self, tenant: str, mine: "asyncio.Future[None]") -> None:
        line = self._lines.get(tenant)
        if line is not None and mine in line:
            line.remove(mine)
            if not line:
                del self._lines[tenant]
        self._forget(tenant)

    def _forget(self, tenant: str) -> None:
        self._taken[tenant] -= 1
        if not self._taken[tenant]:
            del self._taken[tenant]
