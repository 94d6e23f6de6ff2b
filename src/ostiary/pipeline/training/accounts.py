"""What a run may send and how often it may call, counted exactly, and the log of every connection.

INVARIANT: bytes are taken from the budget before they are sent, under one lock. Two connections at once cannot send
more than the budget holds, and nothing is sent that was not counted.
"""

import threading
from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.keys.hashing import sha256_hex

_MAX_TEXT: Final = 255


class EgressLimits(msgspec.Struct, frozen=True):
    """How much may leave, and how.

    Attributes:
        bytes_up: bytes that a run may send in all, TLS and all other heads counted.
        connections: connections in all, refused ones counted.
        at_once: connections at one time.
        idle_s: a connection on which nothing moves for so long is closed.
        head_s: how long a request and a hello may take to arrive.
        connect_s: how long a call may take to be answered.
    """

    bytes_up: int = 64 << 20
    connections: int = 4096
    at_once: int = 64
    idle_s: float = 120.0
    head_s: float = 10.0
    connect_s: float = 10.0


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One connection as the log keeps it; ``verdict`` is ``allowed`` or the code of its refusal."""

    at_ns: int
    verdict: str
    host: str = ""
    port: int = 0
    sni: str = ""
    address: str = ""
    bytes_up: int = 0
    bytes_down: int = 0
    duration_ms: int = 0
    probe: bool = False


class Budget:
    """Bytes that may still leave."""

    def __init__(self, allowed: int) -> None:
        """Hold ``allowed`` bytes."""
        self._left = allowed
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How many may still leave."""
        return self._left

    def take(self, wanted: int) -> int:
        """Take up to ``wanted`` bytes; return how many are granted, ``0`` when nothing is left."""
        with self._lock:
            granted = min(wanted, self._left)
            self._left -= granted
            return granted

    def give_back(self, count: int) -> None:
        """Return what was taken and not sent."""
        with self._lock:
            self._left += count


class ConnectionLog:
    """Every connection of a run, in the order of their ends."""

    def __init__(
        self, limits: EgressLimits, on_entry: Callable[[Connection], None] = lambda _entry: None, *, keep: bool = True
    ) -> None:
        """Count by ``limits``; ``on_entry`` is told of each, and with ``keep`` they are kept."""
        self._keep = keep
        self._limits = limits
        self._entries: list[Connection] = []
        self._lock = threading.Lock()
        self._begun = 0
        self._now = 0
        self._turned_away = 0
        self._on_entry = on_entry
        self.probing = True

    def begin(self) -> bool:
        """Count one more connection; return whether it may be."""
        with self._lock:
            if not self.probing:
                self._begun += 1
            if self._begun > self._limits.connections or self._now >= self._limits.at_once:
                self._turned_away += 1
                return False
            self._now += 1
            return True

    def end(self, entry: Connection) -> None:
        """Keep the entry of a connection that has ended."""
        kept = msgspec.structs.replace(entry, host=entry.host[:_MAX_TEXT], sni=entry.sni[:_MAX_TEXT])
        with self._lock:
            self._now -= 1
            if self._keep:
                self._entries.append(kept)
        self._on_entry(kept)

    @property
    def turned_away(self) -> int:
        """Connections beyond the limits; they were closed unheard."""
        return self._turned_away

    @property
    def entries(self) -> tuple[Connection, ...]:
        """All entries so far, those of probes left out."""
        with self._lock:
            return tuple(entry for entry in self._entries if not entry.probe)

    def digest(self) -> str:
        """Return ``sha256:…`` of the log as JSON lines."""
        return "sha256:" + sha256_hex(self.lines())

    def lines(self) -> bytes:
        """Return the log as JSON lines."""
        return b"".join(msgspec.json.encode(entry, order="sorted") + b"\n" for entry in self.entries)
