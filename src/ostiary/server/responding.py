"""Responses in one process: what sets them off, what carries them out, and what an administrator sees of them.

1. Decisions are looked at after their answer: those that matter wait in a queue for the next turn. The queue may be
   lost; the log is not: up to where decisions were looked at is noted, with a margin, and whoever starts looks again
   from there. A trigger that comes twice has its effects once.
2. Everything else hands its triggers in itself (``respond``), durable when that returns.
3. A turn does what is due, within a fraction of a second; letters leave in a turn of their own, so that a slow sink
   delays no effect.
"""

import dataclasses
import queue
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

import msgspec

from ostiary.artifacts.shipped import policies_dir
from ostiary.audit import SYSTEM_TENANT, AuditLog
from ostiary.decision.parts import Decided
from ostiary.errors import RefusedError, UnavailableError, VerificationError
from ostiary.keys import sha256_hex
from ostiary.response.approving import Approvals
from ostiary.response.backoff import Backoff
from ostiary.response.blocks import ModelBlocks
from ostiary.response.cases import CaseBook
from ostiary.response.executor import Executor
from ostiary.response.from_decision import concerns, triggers_of
from ostiary.response.handlers import handlers
from ostiary.response.journal import Journal
from ostiary.response.obligations import Awaited, Obligations
from ostiary.response.outbox import Outbox
from ostiary.response.ports import DeviceControl
from ostiary.response.records import Records
from ostiary.response.shelf import Shelf
from ostiary.response.trigger import RULE, Trigger
from ostiary.server.places import Places
from ostiary.server.scorers import Scorers
from ostiary.server.settings.response import ResponseSection
from ostiary.server.sinks import sinks_of
from ostiary.sessions import SessionChange, SessionLedger
from ostiary.storage.sqlite import SqliteStore
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.verdicts import DecisionRecord

MAX_QUEUED: Final = 10_000
MARGIN_NS: Final = 30_000_000_000
PHASE_KIND: Final = "playbook_phase"
SEEN_KIND: Final = "response_seen"
SEEN: Final = "log"
_NS: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * _NS
_RULES: Final = ("rule:", "session_expired", "session_idle", "signal_")
OnFault = Callable[[str, BaseException], None]


class StoredPhases:
    """Playbooks' phases as administrators set them; implements ``response.ports.PlaybookPhases``."""

    def __init__(self, store: SqliteStore, clock: Clock) -> None:
        """Keep them in ``store``."""
        self._snapshots = store.snapshots
        self._clock = clock

    def phase(self, tenant: str, control: str) -> Phase | None:
        """Return what was set, or ``None``."""
        data = self._snapshots.load(tenant, PHASE_KIND, control)
        return Phase[data.decode()] if data else None

    def set(self, tenant: str, control: str, phase: Phase) -> None:
        """Set one."""
        self._snapshots.save(tenant, PHASE_KIND, control, phase.name.encode(), self._clock.now_ns())


class PepTokens:
    """Switches enforcement points off and on; implements ``response.ports.TokenControl``."""

    def __init__(self, store: SqliteStore, clock: Clock) -> None:
        """Change those in ``store``."""
        self._peps = store.peps
        self._clock = clock

    def disable(self, tenant: str, name: str) -> bool:
        """Make one unknown."""
        return self._turn(tenant, name, disabled=True)

    def enable(self, tenant: str, name: str) -> bool:
        """Make one known again."""
        return self._turn(tenant, name, disabled=False)

    def _turn(self, tenant: str, name: str, *, disabled: bool) -> bool:
        pep = self._peps.find(name)
        if pep is None or pep.tenant != tenant:
            raise RefusedError("pep_unknown", "there is no such enforcement point")
        if pep.disabled is disabled:
            return False
        return self._peps.save(dataclasses.replace(pep, disabled=disabled), self._clock.now_ns())


class Responding:
    """A ``Responder`` and everything behind it."""

    def __init__(
        self,
        store: SqliteStore,
        log: AuditLog,
        settings: ResponseSection,
        clock: Clock,
        *,
        shelf: Shelf,
        outbox: Outbox,
        make_handlers: Callable[["Responding"], list[Any]],
        on_fault: OnFault,
    ) -> None:
        """Put the parts together; nothing runs before the first turn."""
        self._store = store
        self._log = log
        self._settings = settings
        self._clock = clock
        self._on_fault = on_fault
        self._queue: queue.SimpleQueue[DecisionRecord] = queue.SimpleQueue()
        self._marks: list[tuple[int, int]] = []
        self._caught_up = False
        self.shelf = shelf
        self.outbox = outbox
        self.phases = StoredPhases(store, clock)
        self.cases = CaseBook(store.cards)
        self.blocks = ModelBlocks(store.cards)
        self.journal = Journal(store.cards, settings.approval_s * _NS)
        self.records = Records(log)
        found = make_handlers(self)
        self.executor = Executor(
            self.journal,
            self.records,
            found,
            playbooks=shelf.playbooks,
            phases=self.phases,
            clock=clock,
            on_fault=on_fault,
            backoff=_backoff(),
        )
        self.approvals = Approvals(self.journal, self.records, found, clock)
        self.obligations = Obligations(
            store.cards,
            self.find_decision,
            self,
            clock,
            deadline_s=settings.receipt_deadline_s,
            on_receipt=self._record_receipt,
        )

    # What sets a response off.

    def respond(self, trigger: Trigger) -> None:
        """Take one trigger; it is durable when the call returns.

        Raises:
            UnavailableError: it could not be written; hand it in again.
        """
        self.executor.respond(trigger)

    def decided(self, decided: Decided) -> None:
        """Look at one decision, quickly; what matters waits for the next turn."""
        record = decided.record
        if not record.obligations and not concerns(record):
            return
        if self._queue.qsize() < MAX_QUEUED:
            self._queue.put(record)
        else:
            self._caught_up = False  # too many at once: the log has them all

    def changed(self, change: SessionChange) -> None:
        """Hear of a session's change; only what a playbook answers is written down."""
        by = {"by": RULE} if change.reason.startswith(_RULES) or change.cause.startswith("adm_") else {}
        self.respond(
            Trigger(
                id=f"{change.session_id or change.subject}/{change.kind}/{change.at_ns}",
                tenant=change.tenant,
                kind=f"session:{change.kind}",
                subject=change.subject,
                session_id=change.session_id,
                device_id="",
                facts={"reason": change.reason, "cause": change.cause, "level": change.level, **by},
                at_ns=change.at_ns,
            )
        )

    def tampered(self, tenant: str, source: Path, fault: VerificationError, signed: str = "") -> None:
        """Hear of a model that does not verify; the same fault of the same place is one happening.

        ``signed`` is its version, only where a trusted signature names it: a forged file must not get a true one
        blocked.
        """
        facts = {"by": RULE, "code": fault.code, "place": source.name, "model": signed}
        name = sha256_hex(f"{source}/{fault.code}/{fault.message}".encode())[:32]
        self.respond(Trigger(name, tenant, "model:tampered", "", "", "", facts, self._clock.now_ns()))

    # Turns.

    def turn(self) -> None:
        """Look at the decisions that wait, and do every step that is due."""
        if not self._caught_up:
            self.catch_up()
        for _ in range(self._queue.qsize()):
            self._look_at(self._queue.get())
        while self.executor.work():
            continue

    def watch(self) -> None:
        """Give up on receipts that did not come, and note how far the log was looked at."""
        self.obligations.watch()
        now, size = self._clock.now_ns(), self._log.head().size
        self._marks.append((now, size))
        old = [mark for mark in self._marks if mark[0] <= now - MARGIN_NS]
        if old and self._caught_up and self._queue.empty():
            self._marks = self._marks[self._marks.index(old[-1]) :]
            self._store.snapshots.save(SYSTEM_TENANT, SEEN_KIND, SEEN, str(old[-1][1]).encode(), now)

    def tidy(self) -> None:
        """Forget what is over and old."""
        before = self._clock.now_ns() - self._settings.keep_days * _DAY_NS
        self.journal.prune(before)
        self.outbox.prune(before)
        self.obligations.prune(before)

    def catch_up(self) -> None:
        """Look at the decisions that the log has had since they were last looked at."""
        self._caught_up = True  # first: what cannot be looked at now says otherwise
        seen = self._store.snapshots.load(SYSTEM_TENANT, SEEN_KIND, SEEN)
        if seen is None:  # nobody has ever looked: what is older than the first look is history
            size = str(self._log.head().size).encode()
            self._store.snapshots.save(SYSTEM_TENANT, SEEN_KIND, SEEN, size, self._clock.now_ns())
        else:
            for row in self._store.tenants():
                if row.deleted_ns is None:
                    self._catch_up(row.tenant, int(seen))

    def _catch_up(self, tenant: str, since: int) -> None:
        for stored in self._log.iterate(tenant, "decision", since):
            if stored.payload is not None:
                self._look_at(msgspec.json.decode(stored.payload, type=DecisionRecord))

    def _look_at(self, record: DecisionRecord) -> None:
        try:
            for trigger in triggers_of(record):
                self.respond(trigger)
            if record.obligations and self._answers(record):
                self.obligations.expect(record)
        except UnavailableError as away:
            self._caught_up = False  # the log knows it: it is looked at again
            self._on_fault(away.code, away)
        except Exception as fault:  # noqa: BLE001 - one odd record must not keep the others from being looked at
            self._on_fault("response_failed", fault)

    def _answers(self, record: DecisionRecord) -> bool:
        pep = self._store.peps.find(record.pep)
        return pep is not None and pep.receipts and pep.tenant == record.tenant

    # What others ask.

    def find_decision(self, tenant: str, decision_id: str) -> DecisionRecord | None:
        """Return a tenant's decision record."""
        stored = self._log.get(tenant, decision_id)
        if stored is None or stored.kind != "decision" or stored.payload is None:
            return None
        return msgspec.json.decode(stored.payload, type=DecisionRecord)

    def _record_receipt(self, awaited: Awaited) -> None:
        told = {
            "decision_id": awaited.decision_id,
            "obligation": awaited.obligation_id,
            "pep": awaited.pep,
            "status": awaited.standing,
            "detail": awaited.detail,
        }
        seed = f"{awaited.decision_id}/{awaited.obligation_id}/{awaited.standing}"
        self.records.write("receipt", awaited.tenant, awaited.subject, seed, self._clock.now_ns(), told)


def open_responding(
    places: Places,
    settings: ResponseSection,
    store: SqliteStore,
    log: AuditLog,
    ledger: SessionLedger,
    scorers: Scorers,
    clock: Clock,
    on_fault: OnFault,
    *,
    signed: Callable[[str, Path], str],
    devices: DeviceControl | None = None,
) -> Responding:
    """Put responses together and make them listen; without a book of devices nobody quarantines one.

    ``signed`` returns the version that trusted keys signed in a model's folder, or nothing.

    Raises:
        OstiaryError: a sink's settings or secret cannot be used.
    """
    outbox = Outbox(store.cards, sinks_of(settings), clock, on_fault, _backoff())

    def make_handlers(responding: Responding) -> list[Any]:
        return handlers(
            sessions=ledger,
            devices=devices,
            tokens=PepTokens(store, clock),
            blocks=responding.blocks,
            on_block=scorers.reload,
            cases=responding.cases,
            outbox=outbox,
        )

    responding = Responding(
        store,
        log,
        settings,
        clock,
        shelf=Shelf(_shipped(), places.playbooks, clock.now_ns, on_fault),
        outbox=outbox,
        make_handlers=make_handlers,
        on_fault=on_fault,
    )
    ledger.listen(responding.changed)
    scorers.tell_tampered(
        lambda tenant, source, fault: responding.tampered(tenant, source, fault, signed(tenant, source))
    )
    return responding


def _backoff() -> Backoff:
    return Backoff(jitter=SystemRandom().random)


def _shipped() -> Path:
    return policies_dir() / "playbooks"
