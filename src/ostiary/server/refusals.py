"""Callers that proved nothing: counted for operators, and kept in the log by its meter.

The meter says which refusals get a record of their own; the others become exact counts in a signed aggregate. Neither
says who called: nobody proved to be anybody.
"""

from collections.abc import Callable

import msgspec

from ostiary.audit import SYSTEM_TENANT, AuditLog
from ostiary.audit.refusals import RefusalMeter
from ostiary.decision.combine import refused
from ostiary.decision.decide import RECORD_VERSION
from ostiary.keys import random_bytes
from ostiary.server.telemetry.metrics import Metrics
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.verdicts import DecisionRecord


class Refusals:
    """A ``RefusalSink``; safe for several threads, quick, and it never raises."""

    def __init__(
        self,
        log: AuditLog,
        clock: Clock,
        metrics: Metrics,
        on_fault: Callable[[str, BaseException], None],
        meter: RefusalMeter | None = None,
    ) -> None:
        """Take the log and whom to tell."""
        self._log = log
        self._clock = clock
        self._metrics = metrics
        self._on_fault = on_fault
        self.meter = meter or RefusalMeter(log, clock)

    def count(self, reason: str, peer: str | None) -> None:
        """Take note of one refusal; ``peer`` is for the caller's own logs and is not kept."""
        del peer
        self._metrics.refused(reason)
        try:
            if self.meter.note(reason):
                self._record(reason)
        except Exception as fault:  # noqa: BLE001 - the caller is refused whatever happens here
            self._on_fault("refusal_not_recorded", fault)

    def flush(self) -> None:
        """Write the counts that wait."""
        try:
            self.meter.flush()
        except Exception as fault:  # noqa: BLE001 - the meter keeps the counts for the next time
            self._on_fault("refusal_not_recorded", fault)

    def _record(self, reason: str) -> None:
        now = self._clock.now_ns()
        receipt = Receipt(make_id("dec", now, random_bytes(RANDOM_BYTES)), now)
        record = DecisionRecord(
            v=RECORD_VERSION,
            tenant=SYSTEM_TENANT,
            receipt=receipt,
            pep="",
            subject_key="",
            outcome=refused(reason),
            kind="caller",
            refusal=reason,
        )
        payload = msgspec.json.encode(record)
        future = self._log.append(SYSTEM_TENANT, "decision", receipt.decision_id, now, payload, "")
        future.add_done_callback(lambda done: self._lost(reason, done.exception()))

    def _lost(self, reason: str, fault: BaseException | None) -> None:
        if fault is not None:
            self._on_fault(f"refusal_not_recorded:{reason}", fault)
