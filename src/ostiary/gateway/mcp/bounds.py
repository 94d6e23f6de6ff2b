"""What the guard keeps from one message to the next, each bounded; what was pushed out counts as the worst.

>>> pending = Pending()
>>> pending.add("mail", "c1", 1)
>>> pending.take("other", "c1", 1), pending.take("mail", "c1", "1"), pending.take("mail", "c1", 1)
(False, False, True)
>>> pending.take("mail", "c1", 1)
False
"""

from collections import OrderedDict
from typing import Final

MAX_CONNECTIONS: Final = 16_384
MAX_PENDING: Final = 64
MAX_TOOLS: Final = 1024
Id = str | int | None


class Pending:
    """Requests that servers may make, until they are answered: an answer to any other is dropped."""

    def __init__(self) -> None:
        """Begin with none."""
        self._open: OrderedDict[tuple[str, str], OrderedDict[Id, None]] = OrderedDict()

    def add(self, server: str, connection: str, number: Id) -> None:
        """Remember a request; the oldest of its own connection goes first."""
        of_connection = self._open.setdefault((server, connection), OrderedDict())
        self._open.move_to_end((server, connection))
        of_connection[number] = None
        if len(of_connection) > MAX_PENDING:
            of_connection.popitem(last=False)
        if len(self._open) > MAX_CONNECTIONS:
            self._open.popitem(last=False)

    def take(self, server: str, connection: str, number: Id) -> bool:
        """Return whether this was asked, once."""
        of_connection = self._open.get((server, connection))
        if of_connection is None or number not in of_connection:
            return False
        del of_connection[number]
        if not of_connection:
            del self._open[server, connection]
        return True


class Definitions:
    """How each tool's definition stood when it was listed last, by tenant and server (both are configured, so few)."""

    def __init__(self) -> None:
        """Begin with none."""
        self._states: dict[tuple[str, str], dict[str, str]] = {}
        self._full: set[tuple[str, str]] = set()

    def put(self, tenant: str, server: str, name: str, state: str) -> None:
        """Remember the state of one tool. A server that has more tools than there is room for is believed no more."""
        known = self._states.setdefault((tenant, server), {})
        if name in known or len(known) < MAX_TOOLS:
            known[name] = state
        else:
            self._full.add((tenant, server))

    def get(self, tenant: str, server: str, name: str, unseen: str) -> str:
        """Return a tool's state, ``unseen`` for one that was never listed."""
        worst = "changed" if (tenant, server) in self._full else unseen
        return self._states.get((tenant, server), {}).get(name, worst)
