"""The watch over slow drift in a running house: days are taken in after the answer, and policy is told of alarms.

- Beside the answers, in the thread that learns: what it finds holds for the next access.
- The first ``BASELINE_DAYS`` quiet days freeze a subject's baseline by themselves; the audit log remembers which one
  counts. Only a deed that people agreed to puts another in its place.
- A baseline that is missing, changed or older than the log says is an alarm with its own code; nothing is begun anew.
- A step-up that succeeded ends an alarm. The sums begin again; the baseline stays.
- What is kept of a subject is read once and held in memory, the least recently seen goes first.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from ostiary.audit.log import AuditLog
from ostiary.decision.parts import Decided
from ostiary.defence.anchors import BASELINE_DAYS, Baseline, Baselines
from ostiary.defence.drift import RULE, Day, Rule, Watched, proven, step
from ostiary.defence.drift_days import MEASURES, OpenDay, taken
from ostiary.errors import OstiaryError, RefusedError, VerificationError
from ostiary.keys import KeyRing, random_bytes, sha256_hex
from ostiary.server.settings.drift import DriftSection
from ostiary.sessions import SessionChange
from ostiary.sessions.session import ChangeKind
from ostiary.storage.tables import Store
from ostiary.vocabulary.approvals import Deed, QuorumCheck
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.drift import DriftFacts
from ostiary.vocabulary.events import EventOutcome
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.unreadable import UNREADABLE

PURPOSE: Final = "baselines"
BASELINE_KIND: Final = "baseline"
STATE_KIND: Final = "drift"
MOST: Final = 100_000
_WAIT_S: Final = 10.0
OnFault = Callable[[str, BaseException], None]


class Snapshots(Protocol):
    """Keeps opaque bytes by tenant, kind and name."""

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one, replacing what was there."""
        ...

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        ...

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        """Remove one; return whether it was there."""
        ...


class Kept(msgspec.Struct, array_like=True):
    """What is kept of a subject: the day that goes on, its latest quiet days, and how far it has drifted."""

    today: OpenDay | None = None
    quiet: tuple[Day, ...] = ()
    watched: Watched = Watched()


class _State:
    def __init__(self, kept: Kept, baseline: Baseline | None, fault: str) -> None:
        self.kept, self.baseline, self.fault = kept, baseline, fault


class _Shelf:
    """Where baselines lie: a ``BaselineStore`` over snapshots."""

    def __init__(self, store: Snapshots, now_ns: Callable[[], int]) -> None:
        self._store, self._now_ns = store, now_ns

    def load(self, tenant: str, subject: str) -> bytes | None:
        return self._store.load(tenant, BASELINE_KIND, name_of(subject))

    def save(self, tenant: str, subject: str, data: bytes) -> None:
        self._store.save(tenant, BASELINE_KIND, name_of(subject), data, self._now_ns())


class LoggedBaselines:
    """A ``BaselineLedger`` over the audit log: the last one written there is the one that counts."""

    def __init__(self, log: AuditLog, now_ns: Callable[[], int]) -> None:
        """Write to and read from ``log``."""
        self._log, self._now_ns = log, now_ns

    def last(self, tenant: str, subject: str) -> str:
        """Return the digest that was written last, empty when there never was one."""
        found = ""
        for record in self._log.iterate(tenant, BASELINE_KIND, subject_key=subject):
            if record.payload is not None:
                told = msgspec.json.decode(record.payload, type=dict[str, Any])
                found = str(told.get("digest", found)) if told.get("subject") == subject else found
        return found

    def write(self, baseline: Baseline, approval: str) -> None:
        """Write one down; when this returns it is on disk."""
        now = self._now_ns()
        told = {
            "v": 1,
            "type": "baseline.replaced" if approval else "baseline.frozen",
            "subject": baseline.subject,
            "serial": baseline.serial,
            "digest": baseline.digest,
            "approval": approval,
        }
        record_id, payload = make_id("bas", now, random_bytes(RANDOM_BYTES)), msgspec.json.encode(told)
        self._log.append(baseline.tenant, BASELINE_KIND, record_id, now, payload, baseline.subject).result(_WAIT_S)


class DriftWatch:
    """Watches every subject of a house. Safe for threads."""

    def __init__(
        self,
        store: Snapshots,
        log: AuditLog,
        ring: KeyRing,
        now_ns: Callable[[], int],
        on_fault: OnFault,
        *,
        quorum: QuorumCheck | None = None,
        rule: Rule = RULE,
        most: int = MOST,
    ) -> None:
        """Take where things lie, who signs, who tells of agreements, and how much is let pass."""
        self._store, self._ring, self._now_ns, self._on_fault = store, ring, now_ns, on_fault
        self._baselines = Baselines(_Shelf(store, now_ns), LoggedBaselines(log, now_ns), quorum)
        self._rule, self._most = rule, max(1, most)
        self._lock = threading.RLock()
        self._states: OrderedDict[tuple[str, str], _State] = OrderedDict()

    def drift(self, tenant: str, subject: str) -> DriftFacts | None:
        """Return where a subject (``type:id``) stands, or ``None`` while it has no baseline."""
        with self._lock:
            state = self._state(tenant, subject)
            if state.fault:
                return DriftFacts(alarm=True, fault=state.fault, days=state.kept.watched.days)
            if state.baseline is None:
                return None
            watched = state.kept.watched
            told = tuple(_in_words(one) for one in watched.alarms)
            return DriftFacts(alarm=bool(told), measures=told, days=watched.days)

    def observe(self, decided: Decided, *, quiet: bool) -> None:
        """Take in what was done with a permission; what was refused is no part of how somebody works.

        Args:
            decided: the decision.
            quiet: whether profiles may learn from it (``learnable``): else its day is no part of a baseline.
        """
        try:
            self._observe(decided, quiet=quiet)
        except Exception as fault:  # noqa: BLE001 - the day is not counted, and learning goes on
            self._on_fault("drift_not_watched", fault)

    def _observe(self, decided: Decided, *, quiet: bool) -> None:
        event, record = decided.event, decided.record
        if event is None or event.outcome is not EventOutcome.SUCCESS:
            return
        with self._lock:
            subject = f"{event.subject_type}:{event.subject_id}"
            state = self._state(record.tenant, subject)
            state.kept.today, over = taken(state.kept.today, event)
            if over is not None:
                self._close(record.tenant, subject, state, over, quiet=quiet)

    def _close(self, tenant: str, subject: str, state: _State, day: Day, *, quiet: bool) -> None:
        kept = state.kept
        if quiet and not kept.watched.alarms and not state.fault:
            kept.quiet = (*kept.quiet[1 - BASELINE_DAYS :], day)
        if state.baseline is not None:
            kept.watched = step(kept.watched, state.baseline.anchor, day, self._rule)
        elif not state.fault and len(kept.quiet) >= BASELINE_DAYS:
            self._freeze(tenant, subject, state)
        self._save(tenant, subject, state)

    def _freeze(self, tenant: str, subject: str, state: _State) -> None:
        key = self._ring.active(tenant, PURPOSE)
        try:
            state.baseline = self._baselines.freeze(tenant, subject, state.kept.quiet, key, self._now_ns())
        except RefusedError as no:  # days that tell too little: it is tried again with the next one
            self._on_fault(no.code, no)

    def changed(self, change: SessionChange) -> None:
        """Listen to sessions: whoever proved to be the subject ends the alarm."""
        if change.kind is not ChangeKind.PROVEN or not change.subject:
            return
        with self._lock:
            state = self._state(change.tenant, change.subject)
            if state.kept.watched.alarms:
                state.kept.watched = proven(state.kept.watched)
                self._save(change.tenant, change.subject, state)

    def replacement(self, tenant: str, subject: str, now_ns: int) -> Deed:
        """Return the deed that people must agree to before a subject's latest quiet days become its baseline.

        Raises:
            RefusedError: ``baseline_unknown``, ``baseline_too_few_days``.
        """
        with self._lock:
            state = self._state(tenant, subject)
            return self._baselines.deed(_frozen(state), state.kept.quiet, now_ns)

    def replace(self, tenant: str, subject: str, frozen_ns: int, proposal_id: str) -> Baseline:
        """Put the latest quiet days in the baseline's place, if people agreed to exactly that deed.

        Raises:
            RefusedError: ``approval_…``, ``baseline_unknown``, ``baseline_stale``.
        """
        with self._lock:
            state, key = self._state(tenant, subject), self._ring.active(tenant, PURPOSE)
            days, now = state.kept.quiet, self._now_ns()
            state.baseline = self._baselines.replace(_frozen(state), days, frozen_ns, proposal_id, key, now)
            state.kept.watched = Watched(last=state.kept.watched.last)
            self._save(tenant, subject, state)
            return state.baseline

    def forget(self, tenant: str, subject: str) -> None:
        """Drop what is kept of a subject whose records are erased."""
        with self._lock:
            self._states.pop((tenant, subject), None)
            for kind in (STATE_KIND, BASELINE_KIND):
                self._store.delete(tenant, kind, name_of(subject))

    def _state(self, tenant: str, subject: str) -> _State:
        key = (tenant, subject)
        found = self._states.get(key)
        if found is None:
            found = self._states[key] = self._read(tenant, subject)
            if len(self._states) > self._most:
                self._states.popitem(last=False)
        self._states.move_to_end(key)
        return found

    def _read(self, tenant: str, subject: str) -> _State:
        try:
            baseline = self._baselines.find(tenant, subject, self._ring.all_public(tenant, PURPOSE))
        except VerificationError as fault:
            self._on_fault(fault.code, fault)
            return _State(Kept(), None, fault.code)
        except OstiaryError as fault:  # a tenant or subject that is gone has none
            self._on_fault(fault.code, fault)
            return _State(Kept(), None, "")
        data = self._store.load(tenant, STATE_KIND, name_of(subject))
        try:
            kept = Kept() if data is None else msgspec.msgpack.decode(data, type=Kept)
        except UNREADABLE as fault:
            self._on_fault("drift_state_malformed", fault)
            return _State(Kept(), baseline, "drift_state_malformed")
        return _State(kept, baseline, "")

    def _save(self, tenant: str, subject: str, state: _State) -> None:
        self._store.save(tenant, STATE_KIND, name_of(subject), msgspec.msgpack.encode(state.kept), self._now_ns())


def name_of(subject: str) -> str:
    """Return the name under which a subject's state lies: no person's name is in it."""
    return sha256_hex(subject.encode("utf-8", "surrogatepass"))[:40]


def _in_words(alarm: str) -> str:
    place, _, way = alarm.partition(":")
    return f"{MEASURES[int(place)]}:{way}" if place.isdigit() and int(place) < len(MEASURES) else alarm


def _frozen(state: _State) -> Baseline:
    if state.baseline is None:
        raise RefusedError("baseline_unknown", "there is no frozen baseline")
    return state.baseline


def open_drift(
    settings: DriftSection,
    store: Store,
    log: AuditLog,
    ring: KeyRing,
    clock: Clock,
    on_fault: OnFault,
    quorum: QuorumCheck,
) -> DriftWatch:
    """Put the watch together."""
    rule = Rule(settings.slack, settings.height, settings.budget)
    return DriftWatch(store.snapshots, log, ring, clock.now_ns, on_fault, quorum=quorum, rule=rule)
