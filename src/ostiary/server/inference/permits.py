"""Permits of programs that run their model themselves: between being permitted and telling what the model said.

- A permit is good once, for the enforcement point that got it, and for a bounded time; one that nobody uses is recorded
  as such, so that each permission is in the log with what came of it.
- They are kept in memory: after a restart none is good, and the program that holds one gives no answer.
"""

import threading
from typing import Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.keys import random_bytes
from ostiary.pipeline.inference.serving import Permit

MAX_OPEN: Final = 4096
EXPIRED: Final = "permit_expired"
_ID_BYTES: Final = 24
_NS: Final = 1_000_000_000


class _Open(msgspec.Struct, frozen=True):
    permit: Permit
    pep: str
    until_ns: int


class Permits:
    """Open permits; safe for many threads."""

    def __init__(self, life_s: float, most: int = MAX_OPEN) -> None:
        """Keep at most ``most``, each for ``life_s``."""
        self._life_ns = int(life_s * _NS)
        self._most = most
        self._open: dict[str, _Open] = {}
        self._lock = threading.Lock()

    def give(self, permit: Permit, pep: str, now_ns: int) -> str:
        """Keep a permit and return the name under which ``pep`` can use it.

        Raises:
            UnavailableError: ``overloaded``.
        """
        name = "prm_" + random_bytes(_ID_BYTES).hex()
        with self._lock:
            if len(self._open) >= self._most:
                raise UnavailableError("overloaded", "too many permits are open")
            self._open[name] = _Open(permit, pep, now_ns + self._life_ns)
        return name

    def use(self, tenant: str, endpoint: str, pep: str, name: str, now_ns: int) -> Permit:
        """Return a permit, once.

        Raises:
            RefusedError: ``permit_unknown``, also for one that is another's.
        """
        with self._lock:
            found = self._open.get(name)
            if found is not None and (found.pep, found.permit.asked.tenant, found.permit.asked.endpoint) == (
                pep,
                tenant,
                endpoint,
            ):
                del self._open[name]
                if now_ns < found.until_ns:
                    return found.permit
                self._open[name] = found  # for the sweep, which records it
        raise RefusedError("permit_unknown", "there is no such permit, or it was used, or its time is over")

    def expired(self, now_ns: int) -> list[Permit]:
        """Take out and return those whose time is over."""
        with self._lock:
            gone = {name: one for name, one in self._open.items() if one.until_ns <= now_ns}
            for name in gone:
                del self._open[name]
        return [one.permit for one in gone.values()]
