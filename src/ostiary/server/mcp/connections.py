"""Which connection (``Mcp-Session-Id``) is whose: an id that leaks opens nothing for somebody else.

Bounded; a connection that was forgotten is over, and the client begins a new one, as the protocol has it (404).
"""

import threading
from collections import OrderedDict
from typing import Final

MAX_CONNECTIONS: Final = 65_536
MAX_ID: Final = 1024
Owner = tuple[str, str, str]


class Connections:
    """Remembers tenant, subject and server of each connection; safe for several threads."""

    def __init__(self) -> None:
        """Remember none."""
        self._owners: OrderedDict[tuple[str, str], Owner] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, connection: str, owner: Owner) -> None:
        """Remember whose a new connection is; one that is somebody's stays his, and a name too long is nobody's."""
        if len(connection) > MAX_ID:
            return
        with self._lock:
            self._owners.setdefault((owner[2], connection), owner)
            while len(self._owners) > MAX_CONNECTIONS:
                self._owners.popitem(last=False)

    def holds(self, connection: str, owner: Owner) -> bool:
        """Return whether a connection is this one's."""
        with self._lock:
            return self._owners.get((owner[2], connection)) == owner

    def end(self, connection: str, owner: Owner) -> None:
        """Forget a connection that is over."""
        with self._lock:
            if self._owners.get((owner[2], connection)) == owner:
                del self._owners[owner[2], connection]
