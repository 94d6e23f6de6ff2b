"""What replicas share without Valkey: everything in the store that they have in common (ADR-0070).

- Secrets are made from the vault's master key, which all replicas have and nobody else.
- What is used once is remembered in the store, proofs of possession too: dearer than in Valkey, and just as sure.
- What is known of sessions is never older than a bound. A decision that finds it older reads one number in the store,
  which moves with every change; however many decide, that happens once in that time. Whoever ends a session and is
  about to say so waits as long (``Together.settle``): who is told that it is over finds it over at every replica.
- Rates are each replica's own: of several, together they grant a multiple. That is told (``remarks``).
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from ostiary.identity.ports import ReplayMemory
from ostiary.identity.settings import DpopSettings
from ostiary.keys import SubjectVault
from ostiary.server.shared.alone import Alone
from ostiary.server.shared.kinds import Kind
from ostiary.server.shared.ports import Remark
from ostiary.sessions import SessionLedger, SessionSettings, SessionStore
from ostiary.sessions.standing import Asked, Standing
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

_MS: Final = 1000
OnFault = Callable[[str, BaseException], None]


class BoundedLedger(SessionLedger):
    """A ``SessionLedger`` whose answers to decisions are never older than a bound; safe for several threads."""

    def __init__(
        self,
        store: SessionStore,
        settings: SessionSettings,
        on_fault: OnFault,
        lag_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Let what is known be ``lag_s`` old at most."""
        super().__init__(store, settings, on_fault)
        self._lag_s = lag_s
        self._monotonic = monotonic
        self._looking = threading.Lock()
        self._as_of = float("-inf")

    @override
    def standing(self, asked: Asked) -> Standing:
        self.look()
        return super().standing(asked)

    def look(self) -> None:
        """Learn what others stored, if the last look is too long ago.

        Raises:
            UnavailableError: the store is away: nothing may be decided.
        """
        if self._monotonic() - self._as_of < self._lag_s:
            return
        with self._looking:
            began = self._monotonic()
            if began - self._as_of >= self._lag_s:
                self.reload()
                self._as_of = began


class OverStore(Alone):
    """Implements ``Shared`` for several replicas that have nothing but their store."""

    def __init__(self, store: Store, vault: SubjectVault, clock: Clock, lag_ms: int) -> None:
        """Share what is in ``store`` and made from the keys of ``vault``."""
        super().__init__(clock)
        self._store, self._vault, self._lag_s = store, vault, lag_ms / _MS

    @property
    @override
    def several(self) -> bool:
        return True

    @override
    def secret(self, purpose: str) -> bytes:
        return self._vault.derived(f"shared/{purpose}")

    @override
    def once(self, kind: str, most: int) -> ReplayMemory:
        return Kind(kind, self._store.used_tokens)

    @override
    def proofs(self, settings: DpopSettings) -> ReplayMemory:
        return Kind("dpop", self._store.used_tokens)

    @override
    def remarks(self) -> list[Remark]:
        text = "each replica grants every rate limit by itself: together they grant a multiple of it"
        return [Remark(text, bad=False, mend="valkey.url, or rates divided by the number of replicas")]

    @override
    def ledger(self, store: Store, settings: SessionSettings, on_fault: OnFault) -> SessionLedger:
        return BoundedLedger(store.sessions, settings, on_fault, self._lag_s)
