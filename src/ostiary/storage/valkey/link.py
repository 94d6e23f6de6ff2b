"""The way to one Valkey: a few connections, scripts by digest, faults that come out as one error.

- Nothing is asked twice: a script that was sent may have run. Only ``NOSCRIPT``, which says that it did not, is
  followed by the script itself.
- A server that is away costs nobody a wait (``breaker``); ``watch`` tells who wants to know of each change.
- Threads that find no connection free make one, up to ``connections``; past that they are refused at once.
"""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal

import msgspec

from ostiary.errors import UnavailableError
from ostiary.storage.valkey.address import Address
from ostiary.storage.valkey.breaker import Breaker
from ostiary.storage.valkey.replies import ErrorReply, Reply
from ostiary.storage.valkey.scripts import script
from ostiary.storage.valkey.wire import Argument, Wire, away, refused

MOST_SKEW_NS: Final = 30_000_000_000
_US: Final = 1000
Change = Callable[[bool], None]


class Limits(msgspec.Struct, frozen=True):
    """How long is waited, and how many connections there are."""

    connect_s: float = 1.0
    answer_s: float = 0.1
    connections: int = 64


class Link:
    """A Valkey; safe for many threads."""

    def __init__(
        self,
        address: Address,
        tls: ssl.SSLContext | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        *,
        breaker: Breaker | None = None,
        clock: Literal["server", "caller"] = "server",
    ) -> None:
        """Connect when first asked. ``clock="caller"`` is for tests whose time is not the world's."""
        self._address, self._tls, self._limits = address, tls, limits
        self._breaker = breaker or Breaker()
        self._made_up = clock == "caller"
        self._free: list[Wire] = []
        self._open = 0
        self._lock = threading.Lock()
        self._watchers: list[Change] = []
        self.ahead_ns = 0
        self.faults = 0
        self.calls = 0

    @property
    def away(self) -> bool:
        """Whether it counts as away."""
        return self._breaker.away

    @property
    def open_to_others(self) -> bool:
        """Whether the way leads over a network without TLS."""
        return self._tls is None and self._address.host not in {"127.0.0.1", "::1", "localhost"}

    def watch(self, callback: Change) -> None:
        """Call ``callback`` with whether it is there now, each time that changes; it must be quick."""
        self._watchers.append(callback)

    def run(self, name: str, keys: Sequence[bytes], values: Sequence[Argument], now_ns: int) -> Reply:
        """Run the script ``name``; its time is the server's.

        Raises:
            UnavailableError: ``valkey_unavailable``; whether it ran is not known.
        """
        wanted = script(name)
        moment = str(now_ns // _US) if self._made_up else ""

        def send(wire: Wire) -> Reply:
            told = (len(keys), *keys, wire.run, moment, *values)
            reply = wire.ask("EVALSHA", wanted.digest, *told)
            if isinstance(reply, ErrorReply) and reply.code == "NOSCRIPT":
                reply = wire.ask("EVAL", wanted.text, *told)
            return reply

        return self._asked(send)

    def ask(self, *command: Argument) -> Reply:
        """Run one command that changes nothing twice when it is sent twice.

        Raises:
            UnavailableError: ``valkey_unavailable``.
        """
        return self._asked(lambda wire: wire.ask(*command))

    @property
    def skewed(self) -> bool:
        """Whether the clocks differed too much when they were last compared."""
        return abs(self.ahead_ns) > MOST_SKEW_NS

    def probe(self, now_ns: int) -> None:
        """See whether it is there, and how far this machine's clock is ahead of its; a fault is noted, not raised."""
        try:
            told = self.ask("TIME")
        except UnavailableError:
            return
        numbers = (
            [int(one) for one in told if isinstance(one, bytes) and one.isdigit()] if isinstance(told, list) else []
        )
        if len(numbers) == 2 and not self._made_up:  # noqa: PLR2004
            self.ahead_ns = now_ns - numbers[0] * 1_000_000_000 - numbers[1] * _US

    def wire(self) -> Wire:
        """Return a connection of one's own; whoever takes it closes it.

        Raises:
            UnavailableError: ``valkey_unavailable``.
        """
        return Wire(self._address, self._tls, self._limits.connect_s, self._limits.answer_s)

    def close(self) -> None:
        """Close every connection that is free."""
        with self._lock:
            wires, self._free = self._free, []
            self._open -= len(wires)
        for wire in wires:
            wire.close()

    def _asked(self, send: Callable[[Wire], Reply]) -> Reply:
        if not self._breaker.lets(time.monotonic()):
            raise away("it did not answer lately")
        try:
            with self._borrowed() as wire:
                reply = send(wire)
            self.calls += 1
            if isinstance(reply, ErrorReply):
                raise refused(reply)
        except UnavailableError:
            self.faults += 1
            if self._breaker.failed(time.monotonic()):
                self._told(there=False)
            raise
        if self._breaker.worked():
            self._told(there=True)
        return reply

    @contextmanager
    def _borrowed(self) -> Iterator[Wire]:
        wire = self._taken() or self._made()
        try:
            yield wire
        except BaseException:
            wire.close()
            with self._lock:
                self._open -= 1
            self.close()  # the others that are free lead to the same server
            raise
        with self._lock:
            self._free.append(wire)

    def _taken(self) -> Wire | None:
        """Return a connection that is free, or take the place of a new one."""
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._open >= self._limits.connections:
                raise away("all connections to it are busy")
            self._open += 1
            return None

    def _made(self) -> Wire:
        try:
            return self.wire()
        except BaseException:
            with self._lock:
                self._open -= 1
            raise

    def _told(self, *, there: bool) -> None:
        for callback in self._watchers:
            callback(there)
