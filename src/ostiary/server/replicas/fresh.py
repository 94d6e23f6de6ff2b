"""What is known of sessions, never older than a bound: so that a session that one replica ended is over at all.

- A decision that finds the last look at the store too old looks again itself, at one number that moves with every
  change. However many decide, the store is asked once in that time.
- Whoever ends a session waits as long before he says so (``settle``): who is told that it is over finds it over at
  every replica, whichever he asks.
- A store that is away makes the decision fail closed, like every fault of its step.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from ostiary.sessions import SessionLedger
from ostiary.sessions.session import StepUpProof
from ostiary.sessions.standing import Asked, Standing

_MS: Final = 1000


class FreshSessions:
    """A ``SessionReader`` over a ledger; safe for several threads."""

    def __init__(self, ledger: SessionLedger, lag_ms: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Let what ``ledger`` knows be ``lag_ms`` old at most."""
        self._ledger = ledger
        self._lag_s = lag_ms / _MS
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._as_of = float("-inf")

    @property
    def skew_ns(self) -> int:
        """By how much clocks may differ."""
        return self._ledger.skew_ns

    def look(self) -> None:
        """Learn what others stored, if the last look is too long ago.

        Raises:
            UnavailableError: the store is away.
        """
        if self._monotonic() - self._as_of < self._lag_s:
            return
        with self._lock:
            began = self._monotonic()
            if began - self._as_of >= self._lag_s:
                self._ledger.reload()
                self._as_of = began

    def whose(self, tenant: str, session_id: str) -> str:
        """Return the subject that a session is known to be of."""
        self.look()
        return self._ledger.whose(tenant, session_id)

    def standing(self, asked: Asked) -> Standing:
        """Return how an access stands with its session."""
        self.look()
        return self._ledger.standing(asked)

    def touch(self, asked: Asked) -> None:
        """Remember a permitted access."""
        self._ledger.touch(asked)

    def prove(self, proof: StepUpProof) -> bool:
        """Believe a sign-in that answers a session's demand."""
        return self._ledger.prove(proof)

    def terminate(self, tenant: str, session_id: str, *, at_ns: int, reason: str, cause: str = "") -> bool:
        """End one session for good."""
        return self._ledger.terminate(tenant, session_id, at_ns=at_ns, reason=reason, cause=cause)
