"""The sequencer: of all replicas one appends what the others hand over, for as long as its lease holds.

- The lease is a row with a holder, a fencing token and an end by the database's own time. This process's clock decides
  only when to ask again.
- The token is checked inside the transaction that moves the log's head. A holder that was paused or cut off while its
  lease went to another finds its token gone and appends nothing: the log cannot fork.
- When a holder dies, the next one to ask after ``ttl_s`` goes on with what waits; nothing is lost, for it is on disk.
- Faults are told and it goes on: a database that was away needs nobody to restart anything.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from ostiary.audit.batch import BatchWriter
from ostiary.audit.sequencing.settings import LOG_LEASE, Sequencing
from ostiary.errors import OstiaryError, RefusedError

MOST: Final = 2_048
_ASKS_A_TTL: Final = 3
_AFTER_FAULT_S: Final = 0.25
OnFault = Callable[[str, BaseException], None]


class Sequencer:
    """One thread that sequences while it may."""

    def __init__(self, batches: BatchWriter, shared: Sequencing, on_fault: OnFault) -> None:
        """Append by ``batches``, which nobody else uses; nothing runs before ``start``."""
        self._batches = batches
        self._shared = shared
        self._on_fault = on_fault
        self._token = 0
        self._ask_at = 0.0
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._ending = False
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="ostiary-sequencer", daemon=True)
        self.sequenced = 0

    @property
    def token(self) -> int:
        """The fencing token, 0 while another replica sequences."""
        return self._token

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def waiting(self) -> float:
        """Return how many records wait for their place; -1 when it cannot be told."""
        try:
            return self._shared.inbox.waiting()
        except OstiaryError:  # a scrape must not fail
            return -1.0

    def wake(self) -> None:
        """Say that something waits."""
        if self._token:
            self._news.set()

    def settle(self) -> bool:
        """Give what waits its place now, whoever holds the lease; return whether anything waited.

        It happens under the log's exclusive transaction, as every record does that is not handed over.

        Raises:
            UnavailableError: the log cannot be written.
        """
        if not self._shared.inbox.waiting():
            return False
        with self._lock:
            self._batches.write([])
        return True

    def turn(self) -> int:
        """Sequence once if this replica may; return how many records that were.

        Raises:
            OstiaryError: the database is away; nothing was sequenced.
        """
        if not self._holds() or not (self._busy or self._shared.inbox.waiting()):
            return 0
        try:
            with self._lock:
                count = self._batches.take_in(self._fence, MOST)
        except RefusedError as fault:
            if fault.code != "lease_lost":
                raise
            self._token = 0  # another goes on where we were; ask again in our turn
            return 0
        self.sequenced += count
        self._busy = count > 0
        return count

    def close(self) -> None:
        """End with nothing of ours waiting; the lease goes to whoever asks next."""
        self._ending = True
        self._news.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self.settle()
            self._shared.leases.give_back(LOG_LEASE, self._shared.replica)
        except OstiaryError as fault:  # then it ends by itself, and what waits is for whoever is next
            self._on_fault(fault.code, fault)

    def _fence(self) -> None:
        if not self._shared.leases.holds(LOG_LEASE, self._shared.replica, self._token):
            raise RefusedError("lease_lost", "another replica sequences the log")

    def _holds(self) -> bool:
        now = time.monotonic()
        if now >= self._ask_at:
            self._ask_at = now + self._shared.ttl_s / _ASKS_A_TTL
            ttl_ms = int(self._shared.ttl_s * 1000)
            self._token = self._shared.leases.take(LOG_LEASE, self._shared.replica, ttl_ms)
        return self._token > 0

    def _run(self) -> None:
        while not self._ending:
            try:
                count, pause_s = self.turn(), self._shared.idle_s
            except Exception as fault:  # noqa: BLE001 - told, and tried again; what waits is on disk
                self._on_fault(getattr(fault, "code", "record_failed"), fault)
                count, pause_s = 0, _AFTER_FAULT_S
            if not count:
                self._news.wait(pause_s if self._token else max(pause_s, self._shared.ttl_s / _ASKS_A_TTL))
                self._news.clear()
