"""How a change of a session is settled: on disk first, then told to whoever listens.

1. Whoever writes holds ``lock``: writes and what is told of them come in one order.
2. What could not be written is owed: ``pay`` writes it and tells of it, for nobody will do it a second time.
3. A listener that fails disturbs nobody, and undoes nothing.
"""

import threading
from collections.abc import Callable, Iterable

from ostiary.sessions.ports import SessionStore
from ostiary.sessions.session import SessionChange

OnFault = Callable[[str, BaseException], None]
Write = Callable[[SessionStore], None]


class Settling:
    """Writes changes to a store, if there is one, and tells of them; safe for several threads."""

    def __init__(self, store: SessionStore | None, on_fault: OnFault) -> None:
        """Take where it is written, and whom to tell of a listener that fails."""
        self.lock = threading.RLock()
        self._store = store
        self._on_fault = on_fault
        self._listeners: list[Callable[[SessionChange], None]] = []
        self._owed: list[tuple[Write, tuple[SessionChange, ...]]] = []

    def listen(self, callback: Callable[[SessionChange], None]) -> None:
        """Tell ``callback`` of every change from now on; it must be quick."""
        self._listeners.append(callback)

    def settle(self, write: Write, changes: tuple[SessionChange, ...]) -> None:
        """Put a fall on disk and tell of it.

        Raises:
            UnavailableError: it holds here, and is owed to the disk.
        """
        with self.lock:
            if self._store:
                try:
                    write(self._store)
                except Exception:
                    self._owed.append((write, changes))
                    raise
            self.tell(changes)

    def pay(self) -> None:
        """Write what is owed, and tell of it."""
        with self.lock:
            while self._owed and self._store:
                write, changes = self._owed[0]
                write(self._store)
                del self._owed[0]
                self.tell(changes)

    def tell(self, changes: Iterable[SessionChange]) -> None:
        """Tell every listener of ``changes``, in their order."""
        for change in changes:
            for listener in self._listeners:
                try:
                    listener(change)
                except Exception as fault:  # noqa: BLE001 - one listener's fault is not another's
                    self._on_fault("session_listener_failed", fault)
