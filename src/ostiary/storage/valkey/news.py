"""The word that something was stored: replicas hear of it at once, and read it from the store that keeps it.

- What is told is a word and never the thing itself: who forges one makes others look, and no more.
- A word is said after the thing is on disk. One that is lost, with a flush or a cut, costs the time until the others
  look by themselves.
- ``word`` is what was said last of a tenant. Who sees another word than the last time reads the store before it
  decides: what fell anywhere before the question was asked is known to whoever answers it. No word is one, too.
"""

import threading
from collections.abc import Callable
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.keys.hashing import random_bytes
from ostiary.storage.valkey.link import Link
from ostiary.storage.valkey.names import NEWS, key
from ostiary.storage.valkey.wire import AWAY, Wire

_WORD_BYTES: Final = 12
_WAIT_S: Final = 0.25
_PAUSE_S: Final = 0.25
_PING_EVERY: Final = 20
OnFault = Callable[[str, BaseException], None]


class News:
    """Says and reads words; safe for many threads."""

    def __init__(self, link: Link, kind: str, on_fault: OnFault) -> None:
        """Say words about ``kind``; one that cannot be said is a fault to tell of: the thing itself is safe."""
        self._link, self._kind, self._on_fault = link, kind, on_fault

    def say(self, tenant: str) -> None:
        """Say that something of a tenant was stored."""
        told = (random_bytes(_WORD_BYTES).hex(), NEWS, self._kind)
        try:
            self._link.run("told", [key(tenant, "word", self._kind)], told, 0)
        except UnavailableError as fault:
            self._on_fault(AWAY, fault)

    def word(self, tenant: str) -> bytes:
        """Return what was said last of a tenant; empty when nothing is known.

        Raises:
            UnavailableError: ``valkey_unavailable``: look for yourself.
        """
        said = self._link.ask("GET", key(tenant, "word", self._kind))
        return said if isinstance(said, bytes) else b""


class Listener:
    """A thread that calls somebody when a word is said, and whenever words may have been missed."""

    def __init__(self, link: Link, heard: dict[str, Callable[[], object]], on_fault: OnFault) -> None:
        """Take whom to call for each kind of news; a fault of theirs is told, and they are called again next time."""
        self._link, self._heard, self._on_fault = link, heard, on_fault
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._thread = threading.Thread(target=self._listen, name="ostiary-valkey-news", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; the thread is gone when this returns."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _listen(self) -> None:
        while not self._ending.is_set():
            try:
                wire = self._link.wire()
            except UnavailableError:
                self._ending.wait(_PAUSE_S)  # the store is looked through in its own rhythm meanwhile
                continue
            try:
                self._hear(wire)
            except UnavailableError:
                self._ending.wait(_PAUSE_S)
            finally:
                wire.close()

    def _hear(self, wire: Wire) -> None:
        wire.ask("SUBSCRIBE", NEWS)
        for kind in self._heard:  # what was said before we listened
            self._call(kind)
        quiet = 0
        while not self._ending.is_set():
            message = wire.next_message(_WAIT_S)
            quiet = quiet + 1 if message is None else 0
            if quiet >= _PING_EVERY:  # a line that was cut says nothing for ever
                message, quiet = wire.ask("PING"), 0
            if isinstance(message, list) and len(message) == 3 and message[0] == b"message":  # noqa: PLR2004
                told = message[2]
                self._call(told.decode("ascii", "replace") if isinstance(told, bytes) else "")

    def _call(self, kind: str) -> None:
        heard = self._heard.get(kind)
        if heard is None:
            return
        try:
            heard()
        except Exception as fault:  # noqa: BLE001 - told, and called again with the next word
            self._on_fault(f"{kind}_not_reloaded", fault)
