"""Responses in one process: what sets them off, what carries them out, and what an administrator sees of them.

1. Decisions are looked at after their answer: those that matter wait in a queue for the next turn. The queue may be
   lost; the log is not: up to where decisions were looked at is noted, with a margin, and whoever starts looks again
   from there. A trigger that comes twice has its effects once. Under load something always waits: it is noted up to the
   oldest of it, and what was read in the log is never read there a second time.
2. Everything else hands its triggers in itself (``respond``), durable when that returns.
3. A turn does what is due, within a fraction of a second; letters leave in a turn of their own, so that a slow sink
   delays no effect.
"""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.audit import SYSTEM_TENANT, AuditLog
from ostiary.decision.parts import Decided
from ostiary.errors import OstiaryError, UnavailableError, VerificationError
from ostiary.identity.devices import DeviceChange
from ostiary.keys import sha256_hex
from ostiary.response.approving import Approvals
from ostiary.response.backoff import Backoff
from ostiary.response.blocks import ModelBlocks
from ostiary.response.cases import CaseBook
from ostiary.response.executor import Executor
from ostiary.response.from_decision import bare, concerns, triggers_of
from ostiary.response.journal import Journal
from ostiary.response.obligations import Awaited, Obligations
from ostiary.response.outbox import Outbox
from ostiary.response.ports import PlaybookPhases
from ostiary.response.records import Records
from ostiary.response.shelf import Shelf
from ostiary.response.streams.pump import Pump
from ostiary.response.trigger import RULE, Trigger
from ostiary.server.settings.response import ResponseSection
from ostiary.sessions import SessionChange
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.unreadable import UNREADABLE
from ostiary.vocabulary.verdicts import DecisionRecord

MAX_QUEUED: Final = 2_000  # each is some 2 kB (``bare``); what does not fit is read in the log
BATCH: Final = 500
MARGIN_NS: Final = 30_000_000_000
MOST_MARKS: Final = 1_000
SEEN_KIND: Final = "response_seen"
SEEN: Final = "log"
_NS: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * _NS
ROUNDS: Final = 16
_RULES: Final = ("session_expired", "session_idle", "signal_")
# What a playbook did to a session may set another one off, and what that one did none: they would answer for ever.
_PLAYBOOK: Final = "playbook:"
_CHANGE: Final = "change/"
OnFault = Callable[[str, BaseException], None]


class Responding:
    """A ``Responder`` and everything behind it."""

    def __init__(
        self,
        store: Store,
        log: AuditLog,
        settings: ResponseSection,
        clock: Clock,
        *,
        shelf: Shelf,
        outbox: Outbox,
        make_handlers: Callable[["Responding"], list[Any]],
        phases: PlaybookPhases,
        on_fault: OnFault,
        backoff: Backoff,
        streams: Sequence[Pump] = (),
    ) -> None:
        """Put the parts together; nothing runs before the first turn."""
        self._store = store
        self._log = log
        self._settings = settings
        self._clock = clock
        self._on_fault = on_fault
        self._queue: deque[DecisionRecord] = deque()
        self._owed: deque[Trigger] = deque()
        self._marks: deque[tuple[int, int]] = deque(maxlen=MOST_MARKS)
        self._noted = -1
        self._caught_up = False
        self._reading = False
        self._looking_at_ns: int | None = None
        self._failed = 0
        self.shelf = shelf
        self.outbox = outbox
        self.streams = streams
        self.phases = phases
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
            backoff=backoff,
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

    @property
    def waiting(self) -> int:
        """How many decisions were not looked at yet."""
        return len(self._queue)

    def decided(self, decided: Decided) -> None:
        """Look at one decision, quickly; what matters waits for the next turn."""
        record = decided.record
        if not record.obligations and not concerns(record):
            return
        if len(self._queue) < MAX_QUEUED:
            self._queue.append(bare(record))
        else:
            self._caught_up = False  # too many at once: the log has them all

    def changed(self, change: SessionChange) -> None:
        """Hear of a session's change; only what a playbook answers is written down, and no echo of an answer is."""
        kind = f"session:{change.kind}"
        if change.reason.startswith(_PLAYBOOK) and change.cause.startswith(_CHANGE):
            return
        if not self.executor.wants(change.tenant, kind):
            return
        # A reason may name a rule that a model's proposal made act: only what certainly was no model says so.
        by = {"by": RULE} if change.reason.startswith(_RULES) or change.cause.startswith("adm_") else {}
        self._respond_or_owe(
            Trigger(
                id=f"{_CHANGE}{change.session_id or change.subject}/{change.kind}/{change.at_ns}",
                tenant=change.tenant,
                kind=kind,
                subject=change.subject,
                session_id=change.session_id,
                device_id="",
                facts={"reason": change.reason, "cause": change.cause, "level": change.level, **by},
                at_ns=change.at_ns,
            )
        )

    def _respond_or_owe(self, trigger: Trigger) -> None:
        """Take a trigger that nobody hands in again: what cannot be written now is written at a later turn."""
        try:
            self.respond(trigger)
        except UnavailableError as away:
            if len(self._owed) >= MAX_QUEUED:
                raise
            self._owed.append(trigger)
            self._on_fault(away.code, away)

    def _pay(self) -> None:
        while self._owed:
            self.respond(self._owed[0])
            self._owed.popleft()

    def device_changed(self, change: DeviceChange) -> None:
        """Hear of a device's change of standing, such as ``device:not-compliant``; told twice is told once."""
        kind = f"device:{change.current}".replace("_", "-")
        facts = {"by": RULE, "reason": change.reason, "cause": change.cause, "previous": str(change.previous)}
        name = f"{change.device_id}/{change.current}/{change.cause or change.at_ns}/{change.subject}"
        self.respond(Trigger(name, change.tenant, kind, change.subject, "", change.device_id, facts, change.at_ns))

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
        try:
            if not self._caught_up:
                self.catch_up()
            self._looking_at_ns = self._oldest_ns()  # before it is taken out: it is not looked at yet
            self._look_at([self._queue.popleft() for _ in range(len(self._queue))])
        except BaseException:
            self._caught_up = False  # whatever broke: what was not looked at is in the log, and is not forgotten
            raise
        self._looking_at_ns = None
        self._pay()
        for _ in range(ROUNDS):  # a storm must not keep this process from ending: the rest waits for the next turn
            if self.executor.work() == 0:
                break

    def watch(self) -> None:
        """Give up on receipts that did not come, and note how far the log was looked at."""
        for _ in range(ROUNDS):  # one silent enforcement point must not put off the alarms of all others
            if self.obligations.watch() == 0:
                break
        now, size = self._clock.now_ns(), self._log.head().size
        self._marks.append((now, size))
        caught_up = self._caught_up and not self._reading  # first: what breaks off later leaves its oldest behind
        waits = [one for one in (self._looking_at_ns, self._oldest_ns(), now) if one is not None]
        old = [mark for mark in self._marks if mark[0] <= min(waits) - MARGIN_NS]
        if old and caught_up:
            while self._marks[0] != old[-1]:
                self._marks.popleft()
            self._note(old[-1][1])

    def _oldest_ns(self) -> int | None:
        """Return when the decision was received that waits longest, ``None`` when none does."""
        try:
            return self._queue[0].receipt.received_ns
        except IndexError:
            return None

    def _note(self, size: int) -> None:
        """Note that all that the log had at that size was looked at; never less than was noted before."""
        if size > self._noted:
            self._store.snapshots.save(SYSTEM_TENANT, SEEN_KIND, SEEN, str(size).encode(), self._clock.now_ns())
            self._noted = size

    def tidy(self) -> None:
        """Forget what is over and old."""
        before = self._clock.now_ns() - self._settings.keep_days * _DAY_NS
        self.journal.prune(before)
        self.outbox.prune(before)
        self.obligations.prune(before)

    def look_again(self) -> None:
        """Look at the next turn at all that was decided since it was last noted: whoever did that may have died."""
        self._caught_up = False

    def catch_up(self) -> None:
        """Look at the decisions that the log has had since they were last looked at."""
        self._reading = self._caught_up = True  # first: what cannot be looked at now says otherwise
        seen = self._store.snapshots.load(SYSTEM_TENANT, SEEN_KIND, SEEN)
        failed, size = self._failed, self._log.head().size
        # Nobody has ever looked: what is older than the first look is history.
        for row in self._store.tenants() if seen is not None else ():
            if row.deleted_ns is None:
                self._catch_up_with(row.tenant, int(seen or 0))
        if failed == self._failed:  # or the next time would read all of it again, and more each time
            self._note(size)
        self._reading = False

    def _catch_up_with(self, tenant: str, since: int) -> None:
        try:
            self._catch_up(tenant, since)
        except Exception as fault:  # noqa: BLE001 - one tenant's log must not keep the others' from being looked at
            self._again(fault)

    def _catch_up(self, tenant: str, since: int) -> None:
        found: list[DecisionRecord] = []
        for stored in self._log.iterate(tenant, "decision", since):
            found += [bare(one) for one in self._read(stored.payload) if one.obligations or concerns(one)]
            if len(found) >= BATCH:
                self._look_at(found)
                found = []
        self._look_at(found)

    def _read(self, payload: bytes | None) -> list[DecisionRecord]:
        try:
            return [msgspec.json.decode(payload, type=DecisionRecord)] if payload is not None else []
        except UNREADABLE as fault:  # it never gets better, and must not hide those behind it
            self._on_fault("response_failed", fault)
            return []

    def _look_at(self, records: Sequence[DecisionRecord]) -> None:
        for record in records:
            self._look_at_one(record)
        try:
            self.obligations.expect(self._answered(records))
        except UnavailableError as away:
            self._again(away)

    def _again(self, fault: Exception) -> None:
        self._caught_up, self._failed = False, self._failed + 1  # the log knows what could not be looked at
        self._on_fault(fault.code if isinstance(fault, OstiaryError) else "response_failed", fault)

    def _look_at_one(self, record: DecisionRecord) -> None:
        try:
            for trigger in triggers_of(record):
                self.respond(trigger)
        except UnavailableError as away:
            self._again(away)
        except Exception as fault:  # noqa: BLE001 - one odd record must not keep the others from being looked at
            self._on_fault("response_failed", fault)

    def _answered(self, records: Sequence[DecisionRecord]) -> list[DecisionRecord]:
        """Return those whose obligations somebody answers for; each enforcement point is asked for once.

        Asked for with every record, a store some milliseconds away let the queue fill up (measured under load).
        """
        obliged = [record for record in records if record.obligations]
        peps = {name: self._store.peps.find(name) for name in {record.pep for record in obliged}}
        answering = {(pep.pep_id, pep.tenant) for pep in peps.values() if pep is not None and pep.receipts}
        return [record for record in obliged if (record.pep, record.tenant) in answering]

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
