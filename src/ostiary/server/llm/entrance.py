"""How many requests are at work behind the door, and how many of one tenant: no tenant takes all of the room.

A place is taken only by whoever has proved himself, and not while a body is still on its way: strangers and slow
senders hold none. Safe for threads; a place that was left before it was taken stays free.

>>> entrance = Entrance(most=2)
>>> first, second = entrance.slot("acme"), entrance.slot("acme")
>>> first.take()
>>> second.take()
Traceback (most recent call last):
    ...
ostiary.errors.UnavailableError: too many questions at once
>>> first.leave(), len(entrance)
(None, 0)
"""

import threading
from collections import Counter
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.vocabulary.reasons import Reason

_SHARE: Final = 2


class Slot:
    """One request's place, before it is taken, while it is held, and after."""

    __slots__ = ("_entrance", "_left", "_taken", "_tenant")

    def __init__(self, entrance: "Entrance", tenant: str) -> None:
        """Take nothing yet."""
        self._entrance = entrance
        self._tenant = tenant
        self._taken = self._left = False

    def take(self) -> None:
        """Go in; whoever has left already does not come back.

        Raises:
            UnavailableError: ``overloaded``: there is no room, for this tenant or for anybody.
        """
        with self._entrance.lock:
            if self._taken or self._left:
                return
            if not self._entrance.has_room(self._tenant):
                raise UnavailableError(Reason.OVERLOADED.value, "too many questions at once")
            self._entrance.inside[self._tenant] += 1
            self._taken = True

    def leave(self) -> None:
        """Go out; a second time does nothing."""
        with self._entrance.lock:
            if self._taken and not self._left:
                self._entrance.inside[self._tenant] -= 1
                if not self._entrance.inside[self._tenant]:
                    del self._entrance.inside[self._tenant]
            self._left = True


class Entrance:
    """Counts who is inside."""

    def __init__(self, most: int) -> None:
        """Let in ``most`` at once, half of them of one tenant."""
        self._most = most
        self.inside: Counter[str] = Counter()
        self.lock = threading.Lock()

    def slot(self, tenant: str) -> Slot:
        """Return a place that is not taken yet."""
        return Slot(self, tenant)

    def has_room(self, tenant: str) -> bool:
        """Return whether one more of a tenant may come in; asked under the lock."""
        return self.inside.total() < self._most and self.inside[tenant] < max(1, self._most // _SHARE)

    def __len__(self) -> int:
        """Return how many are inside."""
        return self.inside.total()
