"""What replicas share through Valkey, over the store that is the truth of it (ADR-0069).

- What people use once (challenges, sign-ins) is rare, and remembered in the store: no flush forgets it.
- What programs use once (proofs of possession) is frequent, and remembered in Valkey; after a flush, proofs that are
  older than its memory are refused.
- Budgets are counted in the store and handed out of Valkey. Ends of sessions are in the store; Valkey tells of them.
"""

from collections.abc import Callable

from ostiary.defence.rates import RateStore
from ostiary.identity.ports import ReplayMemory
from ostiary.identity.settings import DpopSettings
from ostiary.keys import keyed_hash, sha256
from ostiary.server.chores import Chore
from ostiary.server.settings.valkey import ValkeySection
from ostiary.server.shared.kinds import Kind
from ostiary.server.shared.ledger import FreshLedger
from ostiary.server.shared.ports import CLOCK_SKEWED, VALKEY_AWAY, Remark
from ostiary.server.telemetry.metrics import Metrics
from ostiary.sessions import SessionLedger, SessionSettings
from ostiary.storage.tables import Store
from ostiary.storage.valkey.breaker import FALLS
from ostiary.storage.valkey.budgets import PooledBudgets
from ostiary.storage.valkey.link import Link
from ostiary.storage.valkey.news import Listener, News
from ostiary.storage.valkey.rates import SharedRates
from ostiary.storage.valkey.sessions import ToldSessions
from ostiary.storage.valkey.used import SharedReplay
from ostiary.vocabulary.clock import Clock

SESSIONS = "sessions"
PROBE_S = 1.0
_NS = 1_000_000_000
OnFault = Callable[[str, BaseException], None]


class Replicated:
    """Implements ``Shared`` over a link to Valkey."""

    def __init__(self, link: Link, settings: ValkeySection, store: Store, clock: Clock, on_fault: OnFault) -> None:
        """Take the link, the settings with the secret of all replicas, and the store that they share."""
        self._share = settings.share
        self._link, self._store, self._clock, self._on_fault = link, store, clock, on_fault
        self._secret = sha256(b"ostiary/shared/v1\0" + settings.secret.get_secret_value().encode())
        self._news = News(link, SESSIONS, on_fault)
        self._listener: Listener | None = None

    @property
    def several(self) -> bool:
        """Return True."""
        return True

    def secret(self, purpose: str) -> bytes:
        """Return the replicas' bytes for a purpose."""
        return keyed_hash(self._secret, purpose.encode())

    def once(self, kind: str, most: int) -> ReplayMemory:  # noqa: ARG002 - the store has a bound of its own
        """Return the store's memory, in which each kind is apart."""
        return Kind(kind, self._store.used_tokens)

    def proofs(self, settings: DpopSettings) -> ReplayMemory:
        """Return Valkey's memory."""
        life_s = settings.max_age_s + settings.clock_skew_s
        return SharedReplay(self._link, "dpop", life_s, settings.clock_skew_s, settings.max_remembered)

    def over(self, store: Store) -> None:
        """Pool the store's budgets, and tell of its sessions."""
        store.budgets = PooledBudgets(self._link, store.budgets)
        store.sessions = ToldSessions(store.sessions, self._news)

    def ledger(self, store: Store, settings: SessionSettings, on_fault: OnFault) -> SessionLedger:
        """Return a ledger that catches up with each question."""
        return FreshLedger(store.sessions, settings, on_fault, self._news)

    def rates(self) -> RateStore:
        """Return buckets in Valkey, and a part of them here."""
        return SharedRates(self._link, self._share)

    def degraded(self) -> tuple[str, ...]:
        """Return what is away now."""
        found = ((VALKEY_AWAY, self._link.away), (CLOCK_SKEWED, self._link.skewed))
        return tuple(code for code, holds in found if holds)

    def remarks(self) -> list[Remark]:
        """Return whether it answers, how its clock goes, and whether the way to it is open to others."""
        for _ in range(FALLS):
            self.look()
        found: list[Remark] = []
        if self._link.away:
            text = "Valkey does not answer: high-impact actions and proofs of possession are refused"
            found.append(Remark(text, bad=True, mend="start it, or mend valkey.url and its user's rights"))
        else:
            found.append(Remark(f"Valkey answers; our clock is ahead of its by {self._link.ahead_ns / _NS:.3f} s"))
        if self._link.skewed:
            found.append(
                Remark("the clocks of this machine and Valkey differ too much", bad=True, mend="set both (NTP)")
            )
        if self._link.open_to_others:
            text = "the way to Valkey is not encrypted: whoever reads it learns who is active, whoever writes it spends"
            found.append(Remark(text, bad=False, mend="valkey.url = valkeys://…"))
        return found

    def serve(self, ledger: SessionLedger) -> None:
        """Listen to the other replicas."""
        self._listener = Listener(self._link, {SESSIONS: ledger.reload}, self._on_fault)
        self._listener.start()

    def chores(self) -> list[Chore]:
        """Return the look at Valkey and at its clock, which brings it back when it is there again."""
        return [Chore(VALKEY_AWAY, PROBE_S, self.look)]

    def look(self) -> None:
        """Look whether Valkey is there, and how its clock goes."""
        self._link.probe(self._clock.now_ns())

    def gauges(self, metrics: Metrics) -> None:
        """Add what can be measured."""
        link = self._link
        metrics.gauge("ostiary_valkey_away", "whether Valkey counts as away", lambda: float(link.away))
        metrics.gauge("ostiary_valkey_calls", "questions that Valkey answered", lambda: link.calls)
        metrics.gauge("ostiary_valkey_faults", "questions that Valkey did not answer", lambda: link.faults)
        metrics.gauge("ostiary_valkey_clock_ahead_seconds", "how far our clock is ahead", lambda: link.ahead_ns / 1e9)

    def close(self) -> None:
        """Stop listening and close all connections."""
        if self._listener is not None:
            self._listener.stop()
        self._link.close()
