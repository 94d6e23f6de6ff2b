"""Streams that are open, judged again while they run: whoever's session falls, ends or is revoked hears no more.

- Every ``LOOK_S`` each stream's standing is asked anew, as for an access: the ledger knows what other processes wrote
  within ``RELOAD_S`` more. Together that is well below a second.
- A token that expires, a tenant that goes, and a session that must step up or was reduced since end a stream as well.
- In doubt a stream ends: a ledger that cannot be asked is no permission.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.decision.decide import why_over
from ostiary.errors import OstiaryError
from ostiary.gateway.upstreams.ports import Stop
from ostiary.server.wiring import House
from ostiary.sessions import Asked, SessionState, Standing

LOOK_S: Final = 0.2
EXPIRED: Final = "token_expired"
STEP_UP: Final = "session_step_up"
REDUCED: Final = "session_reduced"
GONE: Final = "tenant_gone"
DRAINING: Final = "server_draining"


class Stream(msgspec.Struct, frozen=True, eq=False):
    """One open stream: whose it is, what it began with, how it is ended."""

    asked: Asked
    expires_ns: int
    before: Standing
    stop: Stop
    loop: asyncio.AbstractEventLoop


class Streams:
    """All open streams of one worker; safe for several threads."""

    def __init__(self, house: House, most_s: float) -> None:
        """Ask the house's ledger; no stream is open longer than ``most_s``."""
        self._house = house
        self._most_ns = int(most_s * 1e9)
        self._lock = threading.Lock()
        self._open: dict[int, Stream] = {}

    def enter(self, asked: Asked, expires_ns: int, stop: Stop) -> Callable[[], None]:
        """Begin to watch a stream, in its loop; call what comes back when it has ended."""
        before = self._house.ledger.standing(asked)
        ends = min(expires_ns, asked.now_ns + self._most_ns)
        stream = Stream(asked, ends, before, stop, asyncio.get_running_loop())
        with self._lock:
            self._open[id(stream)] = stream
        return lambda: self._leave(stream)

    def look(self) -> None:
        """Judge all streams again, and end those that are over."""
        with self._lock:
            streams = list(self._open.values())
        now_ns = self._house.clock.now_ns()
        for stream in streams:
            if reason := self._why(stream, now_ns):
                stream.loop.call_soon_threadsafe(stream.stop.now, reason)

    def drain(self) -> None:
        """End all streams: the server is about to go."""
        with self._lock:
            streams = list(self._open.values())
        for stream in streams:
            stream.loop.call_soon_threadsafe(stream.stop.now, DRAINING)

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def _why(self, stream: Stream, now_ns: int) -> str:
        if stream.expires_ns <= now_ns:
            return EXPIRED
        try:
            if self._house.tenants.find(stream.asked.tenant) is None:
                return GONE
            now = self._house.ledger.standing(msgspec.structs.replace(stream.asked, now_ns=now_ns))
        except OstiaryError as fault:
            return fault.code
        if (over := why_over(now)) is not None:
            return over.value
        if now.state is SessionState.STEP_UP and stream.before.state is not SessionState.STEP_UP:
            return STEP_UP
        was = stream.before.session is not None and stream.before.session.is_reduced
        return REDUCED if now.session is not None and now.session.is_reduced and not was else ""

    def _leave(self, stream: Stream) -> None:
        with self._lock:
            self._open.pop(id(stream), None)
