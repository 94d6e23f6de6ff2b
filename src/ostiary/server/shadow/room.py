"""The shadow of one process: which candidates run beside the live ones, and who hears of a decision after its answer.

1. ``decided`` is told of every answer that was recorded; it hands the record on and returns. Whatever a candidate does
   then, hang, crash, fill its memory, answer milder, the answer is out, and neither the live engine nor learning waits.
2. ``tend`` looks every few seconds which candidates are started, opens and closes their lanes, and writes the counts.
3. Files that change under a running candidate end it: only what was started runs, until it is started anew.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.decision.parts import Decided
from ostiary.decision.shadow import HOUR_NS, comparable
from ostiary.errors import OstiaryError, UnavailableError, VerificationError
from ostiary.keys import sha256
from ostiary.policy.bundle import Bundle
from ostiary.server.settings.shadow import ShadowSection
from ostiary.server.shadow.candidates import Candidates, Started, print_of
from ostiary.server.shadow.lane import MOST_WAITING_IN_LOG, Lane
from ostiary.server.shadow.live import DAY_NS, DRIFT_KIND, SEEN_KIND, LiveWatch
from ostiary.server.shadow.orders import Key, Order
from ostiary.server.shadow.runner import Runner
from ostiary.server.shadow.tallies import Tallies
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

SAVE_NS: Final = 60 * 10**9
_MIB: Final = 1 << 20
OnFault = Callable[[str, BaseException], None]
Place = tuple[str, str]


class ShadowRoom:
    """Candidates and the live watch; safe for several threads."""

    def __init__(
        self,
        candidates: Candidates,
        store: Store,
        log: AuditLog,
        settings: ShadowSection,
        clock: Clock,
        *,
        live_bundle: Callable[[str], Path],
        reference: Callable[[str, str], Any],
        on_fault: OnFault,
    ) -> None:
        """Put the parts together; no thread runs before the first decision.

        Args:
            candidates: what is started.
            store: counts, marks, tenants.
            log: where differences are recorded.
            settings: what candidates may cost.
            clock: the only source of time.
            live_bundle: where a tenant's live bundle lies.
            reference: makes what counts the drift of a tenant's live model, or ``None``.
            on_fault: told of faults.
        """
        self.candidates = candidates
        self.tallies = Tallies(store.shadow)
        self.counts = store.shadow
        self.settings = settings
        self._store, self._log, self._clock, self._on_fault = store, log, clock, on_fault
        self._live_bundle = live_bundle
        self._lock = threading.Lock()
        self._lanes: dict[Place, Lane] = {}
        self._prints: dict[Place, object] = {}
        self._refused: dict[Place, Started] = {}
        self._of: dict[str, tuple[Lane, ...]] = {}
        self._salts: dict[str, bytes] = {}
        self._saved_ns = self._forgot_ns = 0
        self.live = LiveWatch(self.tallies, store.snapshots, self.salt, reference, on_fault)

    def decided(self, decided: Decided) -> None:
        """Hear of an answer; quick."""
        record = decided.record
        if not comparable(record):
            return
        self.live.offer(record)
        for lane in self.lanes(record.tenant):
            lane.offer(record)

    def tend(self) -> None:
        """Open and close lanes as candidates are started and stopped, and write the counts.

        Raises:
            UnavailableError: counts could not be written; they stay for the next turn.
        """
        with self._lock:
            self._look()
        self.flush()
        now = self._clock.now_ns()
        if now - self._forgot_ns >= DAY_NS:
            self._forget(now)
            self._forgot_ns = now

    def flush(self) -> None:
        """Write the counts, and now and then the days."""
        self.tallies.flush()
        now = self._clock.now_ns()
        if now - self._saved_ns >= SAVE_NS:
            self.live.save(now)
            self._saved_ns = now

    def settle(self) -> None:
        """Write the counts and the days at once, for whoever reads them now."""
        self.tallies.flush()
        self.live.save(self._clock.now_ns())

    def idle(self) -> bool:
        """Return whether nothing waits to be compared."""
        return self.live.idle() and all(lane.idle() for lane in self._lanes.values())

    def lanes(self, tenant: str) -> tuple[Lane, ...]:
        """Return a tenant's candidates as they run in this process."""
        return self._of.get(tenant, ())

    def salt(self, tenant: str) -> bytes:
        """Return what makes a tenant's names tags; it goes with the tenant."""
        if tenant not in self._salts:
            row = next((row for row in self._store.tenants() if row.tenant == tenant), None)
            self._salts[tenant] = sha256(b"ostiary/shadow/v1" + (row.salt if row else b""))
        return self._salts[tenant]

    def close(self) -> None:
        """End every candidate and write what was counted."""
        with self._lock:
            for place in list(self._lanes):
                self._end(place)
        self.live.close()
        try:
            self.settle()
        except UnavailableError as away:  # the log still has every decision
            self._on_fault(away.code, away)

    def _look(self) -> None:
        living = {row.tenant for row in self._store.tenants() if row.deleted_ns is None}
        self.live.keep_only(living)
        self.tallies.keep_only(living)
        wanted = {(tenant, started.what): started for tenant in living for started in self.candidates.all(tenant)}
        for place, lane in list(self._lanes.items()):
            if wanted.get(place) != lane.started or self._changed(place):
                self._end(place)
        for place, started in wanted.items():
            if place not in self._lanes and self._refused.get(place) != started:
                self._begin(place, started)
        lanes: dict[str, list[Lane]] = {}
        for (tenant, _), lane in self._lanes.items():
            lanes.setdefault(tenant, []).append(lane)
        self._of = {tenant: tuple(found) for tenant, found in lanes.items()}

    def _changed(self, place: Place) -> bool:
        """Return whether other files lie there than those that were started."""
        tenant, what = place
        seen = print_of(self.candidates.place(tenant, what))
        if seen == self._prints.get(place):
            return False
        self._prints[place] = seen
        started = self._lanes[place].started
        if self.candidates.on_disk(tenant, what) == started.digest:
            return False
        self._refuse(place, started, VerificationError("candidate_changed", f"the candidate {what} was changed"))
        return True

    def _begin(self, place: Place, started: Started) -> None:
        tenant, what = place
        self._prints[place] = print_of(self.candidates.place(tenant, what))
        if self.candidates.on_disk(tenant, what) != started.digest:
            fault = VerificationError("candidate_changed", f"the candidate {what} is not the one that was started")
            self._refuse(place, started, fault)
            return
        self._lanes[place] = Lane(
            tenant,
            started,
            self.settings,
            self.tallies,
            self._log,
            open_runner=lambda bundle: self._runner(tenant, started, bundle),
            busy=lambda: self._log.stats.waiting > MOST_WAITING_IN_LOG,
            note=lambda state, fault: self._note(place, state, fault),
        )

    def _refuse(self, place: Place, started: Started, fault: VerificationError) -> None:
        self._refused[place] = started
        self._note(place, "refused", fault.code)
        self._on_fault(fault.code, fault)

    def _end(self, place: Place) -> None:
        lane = self._lanes.pop(place)
        self._of = {**self._of, place[0]: tuple(one for one in self._of.get(place[0], ()) if one is not lane)}
        lane.close()

    def _note(self, place: Place, state: str, fault: str) -> None:
        try:
            self.candidates.note(*place, state, fault)
        except UnavailableError as away:  # how it is can be told at the next change
            self._on_fault(away.code, away)

    def _runner(self, tenant: str, started: Started, live: str) -> Runner:
        """Return a process for decisions under the live bundle of the digest ``live``."""
        order = Order({}, "", memory_bytes=self.settings.memory_mb * _MIB)
        if started.what == "bundle":
            bundle = self.candidates.bundle(tenant, started)
        else:
            bundle = Bundle.load(self._live_bundle(tenant))
            if bundle.digest != live:
                raise UnavailableError("candidate_stale", "the live bundle on disk is not the one that decides")
            keys = tuple(Key(key.kid, key.pem()) for key in self.candidates.keys(tenant))
            place = str(self.candidates.place(tenant, "model"))
            order = msgspec.structs.replace(order, model=place, pinned=started.digest, keys=keys)
        files = dict(bundle.files)
        return Runner(
            msgspec.structs.replace(order, files=files, bundle=bundle.digest), self.settings.deadline_ms / 1000
        )

    def _forget(self, now_ns: int) -> None:
        """Erase counts and days that are too old."""
        before = now_ns - self.settings.keep_days * DAY_NS
        for row in self._store.tenants():
            try:
                self._store.shadow.forget(row.tenant, before // HOUR_NS)
                for kind in (SEEN_KIND, DRIFT_KIND):
                    for one in self._store.snapshots.all(row.tenant, kind):
                        if one.name < f"{before // DAY_NS:06d}":
                            self._store.snapshots.delete(row.tenant, kind, one.name)
            except OstiaryError as fault:
                self._on_fault(fault.code, fault)
