"""The live model watched by its own would-have answers: what each control would have done, were it live.

- Every decision that reached policy is counted; nothing is asked of anybody, for the record says it all: what was
  proposed, and what was let act (``DecisionRecord.outcome``).
- After the answer, in a thread of its own behind a bounded queue; what finds no room is counted as ``dropped``.
- By the day: how many different subjects and resources were active, how many of them had a score, and how far the
  model's columns moved since its training. Names are kept as salted tags.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

import msgspec

from ostiary.decision.counts import LIVE, score_place
from ostiary.decision.shadow import HOUR_NS, cell_of, comparable, enforced
from ostiary.errors import UnavailableError
from ostiary.keys import random_bytes
from ostiary.server.shadow.distinct import Distinct, tag_of
from ostiary.server.shadow.tallies import Tallies
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import DecisionRecord

MAX_WAITING: Final = 10_000
SEEN_KIND: Final = "shadow_seen"
DRIFT_KIND: Final = "shadow_drift"
DAY_NS: Final = 24 * HOUR_NS
WHATS: Final = ("subjects", "subjects_scored", "resources", "resources_scored")
OnFault = Callable[[str, BaseException], None]


class SeenDay(msgspec.Struct, frozen=True):
    """What one process saw of one day: tags of different names, and the columns of one model."""

    day: int
    distinct: dict[str, bytes]


class _Day(NamedTuple):
    distinct: dict[str, Distinct]
    drift: dict[str, Any]


class LiveWatch:
    """Counts every decision of this process."""

    def __init__(
        self,
        tallies: Tallies,
        shelf: Any,
        salt: Callable[[str], bytes],
        drifting: Callable[[str, str], Any],
        on_fault: OnFault,
    ) -> None:
        """Take where counts and days go, a tenant's salt, and what counts a model's drift (``None`` for nothing)."""
        self._tallies, self._shelf = tallies, shelf
        self._salt, self.drifting, self._on_fault = salt, drifting, on_fault
        self._queue: queue.Queue[DecisionRecord | None] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._days: dict[tuple[str, int], _Day] = {}
        self._run_id = random_bytes(6).hex()
        self._thread: threading.Thread | None = None

    def offer(self, record: DecisionRecord) -> None:
        """Take one decision, or count that there was no room; quick."""
        if self._thread is None:
            self._start()
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            self._tallies.count(record.tenant, LIVE, "dropped", record.receipt.received_ns)

    def idle(self) -> bool:
        """Return whether nothing waits."""
        return self._queue.unfinished_tasks == 0

    def keep_only(self, tenants: AbstractSet[str]) -> None:
        """Forget the days of tenants that are gone."""
        with self._lock:
            self._days = {place: day for place, day in self._days.items() if place[0] in tenants}

    def save(self, now_ns: int) -> None:
        """Write down the days so far.

        Raises:
            UnavailableError: they could not be written; they stay.
        """
        with self._lock:
            days = list(self._days.items())
        for (tenant, day), seen in days:
            name = f"{day:06d}/{self._run_id}"
            with self._lock:
                told = SeenDay(day, {what: one.encode() for what, one in seen.distinct.items()})
                drifts = {model: one.encode() for model, one in seen.drift.items() if one is not None}
            self._shelf.save(tenant, SEEN_KIND, name, msgspec.msgpack.encode(told), now_ns)
            for model, columns in drifts.items():
                self._shelf.save(tenant, DRIFT_KIND, f"{name}/{model}", columns, now_ns)
        with self._lock:
            over = now_ns // DAY_NS - 1
            self._days = {place: one for place, one in self._days.items() if place[1] >= over}

    def distinct(self, tenant: str, since_ns: int, until_ns: int) -> dict[str, int]:
        """Return how many different names the days from ``since_ns`` on had, this process's own included."""
        found = {what: Distinct() for what in WHATS}
        with self._lock:
            own = [seen.distinct for (one, day), seen in self._days.items() if one == tenant and _in(day, since_ns)]
            for seen in own:
                for what, tags in seen.items():
                    found[what].join(tags)
        for told in self._kept(tenant, since_ns, until_ns):
            for what, data in told.distinct.items():
                if what in found:
                    found[what].join(Distinct.decode(data))
        return {what: tags.count for what, tags in found.items()}

    def moved(self, tenant: str, model: str, since_ns: int, until_ns: int) -> list[Any]:
        """Return how far a model's columns moved over the days that were saved; nothing without a reference."""
        counter = self.drifting(tenant, model)
        if counter is None:
            return []
        for one in self._shelf.all(tenant, DRIFT_KIND):
            day, _, rest = one.name.partition("/")
            if rest.endswith(f"/{model}") and _in(int(day), since_ns) and int(day) * DAY_NS < until_ns:
                counter.join(one.data)
        found: list[Any] = counter.moved()
        return found

    def close(self) -> None:
        """Count what waits, then end."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()

    def _kept(self, tenant: str, since_ns: int, until_ns: int) -> Iterator[SeenDay]:
        for one in self._shelf.all(tenant, SEEN_KIND):
            told = msgspec.msgpack.decode(one.data, type=SeenDay)
            if _in(told.day, since_ns) and told.day * DAY_NS < until_ns:
                yield told

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shadow-live", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (record := self._queue.get()) is not None:
            try:
                self._watch(record)
            except UnavailableError as away:
                self._on_fault(away.code, away)
            except Exception as fault:  # noqa: BLE001 - one odd record must not end the watch
                self._on_fault("shadow_not_watched", fault)
            finally:
                self._queue.task_done()

    def _watch(self, record: DecisionRecord) -> None:
        if not comparable(record):
            return
        at_ns, tenant = record.receipt.received_ns, record.tenant
        side = enforced(record)
        self._tallies.compared(tenant, LIVE, cell_of(record, record.outcome.effect, side), at_ns)
        scored = record.risk is not None and record.risk.available
        self._tallies.count(tenant, LIVE, "scored" if scored else "unscored", at_ns)
        if side.score is not None and side.floor < Effect.STEP_UP:  # as a candidate's are, so that both can be compared
            self._tallies.count(tenant, LIVE, score_place(side.score), at_ns)
        salt = self._salt(tenant)
        event = record.event
        resource = f"{event.resource_type}:{event.resource_id}" if event else ""
        with self._lock:
            day = self._days.setdefault((tenant, at_ns // DAY_NS), _Day({what: Distinct() for what in WHATS}, {}))
            for what, name in (("subjects", record.subject_key), ("resources", resource)):
                tag = tag_of(salt, name)
                day.distinct[what].add(tag)
                if scored:
                    day.distinct[f"{what}_scored"].add(tag)
            if record.risk is not None and scored:
                self._drift(day, record, record.risk)

    def _drift(self, day: _Day, record: DecisionRecord, risk: RiskScore) -> None:
        if risk.model not in day.drift and len(day.drift) < len(WHATS):
            day.drift[risk.model] = self.drifting(record.tenant, risk.model)
        counter = day.drift.get(risk.model)
        if counter is not None and risk.score is not None:
            counter.add(record.features, risk.score)


def _in(day: int, since_ns: int) -> bool:
    return (day + 1) * DAY_NS > since_ns
