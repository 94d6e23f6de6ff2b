"""What has fallen, as the feed tells it: whether a grant that was made earlier may still be used. No I/O.

1. It only takes away. Nothing here allows anything; a grant that is taken away is asked for anew.
2. ``mark`` is a moment. A grant belongs to the mark that was taken *before* its question was sent, and holds while
   nothing that concerns it has fallen since: an answer that overtakes a revocation, or that one overtakes, is not used.
3. In doubt it says that it does not know: before the first snapshot, when the connection is lost, after ``max_stale_s``
   without a sign of life, when signs of life come later and later, while catching up. Then no mark can be had.
   Signs of life are a connection's first moment and beats, which tell when they were sent; a change tells no time, so
   one that was held back on its way proves nothing about now.
4. A new snapshot means that something may have been missed: everything earlier is taken away. A gap in the numbers, or
   anything that is not understood, ends the connection, and the next one begins with a snapshot.
5. What is remembered is bounded; what is forgotten counts as fallen.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ostiary_sdk.questions import EVERYTHING, tails
from ostiary_sdk.sse import SseEvent

MAX_NAMES: Final = 100_000
_RISES: Final = "proven"


class FeedError(Exception):
    """The feed cannot be followed any further; its text says why."""


class _Change(msgspec.Struct, frozen=True):
    kind: str
    session: str = ""
    subject: str = ""


class _Over(msgspec.Struct, frozen=True):
    session: str


class _Revoked(msgspec.Struct, frozen=True):
    subject: str


class _Snapshot(msgspec.Struct, frozen=True):
    epoch: str
    seq: int
    ended: tuple[_Over, ...] = ()
    complete: bool = False


class _Resumed(msgspec.Struct, frozen=True):
    epoch: str
    seq: int
    newest: int


class _Beat(msgspec.Struct, frozen=True):
    seq: int
    clock_ms: int


class RevocationList:
    """What one feed has told; safe for several threads."""

    def __init__(self, max_stale_s: float, clock: Callable[[], float] = time.monotonic, most: int = MAX_NAMES) -> None:
        """Know nothing yet."""
        self._max_stale_s = max_stale_s
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._moment = 0
        self._floor = 0
        self._fell: OrderedDict[str, int] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._epoch = ""
        self._seq = 0
        self._goal = 0
        self._following = False
        self._alive = 0.0
        self._least_lag: float | None = None
        self._late = False

    # What an enforcement point asks.

    def fresh(self) -> bool:
        """Return whether it knows what has fallen up to about now."""
        with self._lock:
            return self._is_fresh()

    def mark(self) -> int | None:
        """Return this moment, or ``None`` when it is not known what has fallen."""
        with self._lock:
            return self._moment if self._is_fresh() else None

    def unchanged(self, names: Iterable[str], mark: int) -> bool:
        """Return whether it is known that nothing under ``names`` has fallen since ``mark``."""
        with self._lock:
            if not self._is_fresh() or mark < self._floor:
                return False
            return all(self._fell.get(name, 0) <= mark for name in names)

    def ended(self, session_id: str) -> bool | None:
        """Return whether the feed named this session as ended; ``None`` when it is not known what has fallen.

        A ``False`` allows nothing: a session may have ended before what a snapshot holds.
        """
        with self._lock:
            return f"session:{session_id}" in self._ended if self._is_fresh() else None

    @property
    def place(self) -> str:
        """Where to go on (``Last-Event-ID``), or an empty string."""
        with self._lock:
            return f"{self._epoch}-{self._seq}" if self._epoch else ""

    # What the reader of the feed tells.

    def begin(self) -> None:
        """Note that a connection was made; it knows nothing before its first event."""
        with self._lock:
            self._following = False
            self._least_lag, self._late = None, False

    def lost(self, *, forget: bool = False) -> None:
        """Note that the connection is gone; with ``forget`` the next one must begin with a snapshot."""
        with self._lock:
            self._following = False
            if forget:
                self._epoch = ""

    def apply(self, event: SseEvent) -> None:
        """Take one event.

        Raises:
            FeedError: the connection must be ended; after ``lost(forget=True)`` unless it says ``bye``.
        """
        try:
            with self._lock:
                self._apply(event)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise FeedError("the feed said something that is not understood") from None

    def _apply(self, event: SseEvent) -> None:
        if event.name == "change":
            self._change(event)
        elif event.name == "beat":
            self._beat(msgspec.json.decode(event.data, type=_Beat))
        elif event.name == "snapshot":
            self._snapshot(msgspec.json.decode(event.data, type=_Snapshot))
        elif event.name == "resumed":
            self._resumed(msgspec.json.decode(event.data, type=_Resumed))
        elif event.name in {"bye", "over", "resync"}:
            raise FeedError(event.name)

    def _snapshot(self, told: _Snapshot) -> None:
        self._moment += 1
        self._floor = self._moment
        self._fell.clear()
        self._ended.clear()
        for one in told.ended:
            self._end(one.session)
        self._epoch, self._seq, self._goal, self._following = told.epoch, told.seq, told.seq, True
        self._alive = self._clock()

    def _resumed(self, told: _Resumed) -> None:
        if (told.epoch, told.seq) != (self._epoch, self._seq) or told.newest < told.seq:
            raise FeedError("the feed went on elsewhere")
        self._goal, self._following = told.newest, True
        self._alive = self._clock()

    def _change(self, event: SseEvent) -> None:
        change = msgspec.json.decode(event.data, type=_Change)
        if not self._following or event.id != f"{self._epoch}-{self._seq + 1}":
            raise FeedError("the feed has a gap")
        self._seq += 1
        if change.kind == _RISES:
            return
        self._moment += 1
        names = [f"session:{part}" for part in tails(change.session, "\n")] if change.session else []
        names += [f"subject:{part}" for part in tails(change.subject, ":")] if change.subject else []
        if not names or any(name.endswith(f":{EVERYTHING}") for name in names):
            names = [EVERYTHING]  # whom it concerns cannot be told apart: everybody
        for name in names:
            self._fall(name)
        if change.kind == "terminated":
            self._end(change.session)

    def _beat(self, told: _Beat) -> None:
        if not self._following or told.seq != self._seq:
            raise FeedError("the feed has a gap")
        now = self._clock()
        if self._least_lag is None and now - self._alive > self._max_stale_s:
            raise FeedError("the feed's first sign of life is late")  # how late the next ones are could not be told
        self._alive = now
        lag = now - told.clock_ms / 1000
        self._least_lag = lag if self._least_lag is None else min(lag, self._least_lag)
        self._late = lag - self._least_lag > self._max_stale_s

    def _fall(self, name: str) -> None:
        self._fell[name] = self._moment
        self._fell.move_to_end(name)
        if len(self._fell) > self._most:
            _, moment = self._fell.popitem(last=False)
            self._floor = max(self._floor, moment)

    def _end(self, session: str) -> None:
        self._ended[f"session:{session}"] = None
        if len(self._ended) > self._most:
            self._ended.popitem(last=False)

    def _is_fresh(self) -> bool:
        if not self._following or self._late or self._seq < self._goal:
            return False
        return 0 <= self._clock() - self._alive <= self._max_stale_s
