"""Gathers a shadow report from the true log: one pass over the decisions of some days, with what people said of them.

- For a *control*: what the live model proposed through it, whether or not it was let act. No candidate is needed.
- For a *candidate*: what it answered otherwise; counts are exact, people come from differences that have a record.
- The log is not asked for what it no longer has: erased people are in no report.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.decision.counts import COMPARED, LIVE, MISSED
from ostiary.decision.shadow import HOUR_NS, Side, comparable, enforced
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.shadow.candidates import Started
from ostiary.server.shadow.judged import LoggedVerdicts, Said, outranks
from ostiary.server.shadow.report.figuring import (
    budget_of,
    calibrated,
    counted_steps,
    daily_of,
    patterns_of,
    precision_of,
    steps_of,
)
from ostiary.server.shadow.report.people import most_affected
from ostiary.server.shadow.report.sheet import Moved, Sheet, Would
from ostiary.server.shadow.report.tallying import DAY_NS, Hit, Tally
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import EFFECT_OF_CONTROL, LIVE_FROM, Control, Effect, Phase
from ostiary.vocabulary.rollout import NOWHERE
from ostiary.vocabulary.verdicts import DecisionRecord

MOST_MOVED: Final = 12
MAX_DIFFERENCES: Final = 500_000
_BEFORE_NS: Final = HOUR_NS
Both = tuple[Effect, Side]


class Asked(msgspec.Struct, frozen=True):
    """What a report is asked for.

    Attributes:
        tenant: whose log.
        control: of which control; empty for a candidate.
        candidate: ``model`` or ``bundle``; empty for a control.
        days: how many, up to now.
        budget: interruptions a day that are borne, ``None`` when nobody said.
        verdicts: a table of verdicts instead of the log's own.
        anonymous: whether names are left out.
    """

    tenant: str
    control: str = ""
    candidate: str = ""
    days: float = 14.0
    budget: float | None = None
    verdicts: Path | None = None
    anonymous: bool = False


class _Side(msgspec.Struct):
    would: str
    floor: str
    reach: tuple[Control, ...] = ()
    score: float | None = None


class _Difference(msgspec.Struct):
    decision_id: str
    candidate: str
    before: _Side
    after: _Side


class Gatherer:
    """Makes one report."""

    def __init__(self, house: House, asked: Asked, now_ns: int) -> None:
        """Look up what is asked for.

        Raises:
            FaultyInputError: ``control_unknown``, ``days_invalid``.
            RefusedError: ``candidate_not_running``.
        """
        if not 0 < asked.days <= 3_650:  # noqa: PLR2004 - ten years
            raise FaultyInputError("days_invalid", "a report covers more than none and at most 3650 days")
        self._house, self._asked, self._now_ns = house, asked, now_ns
        self._since_ns = now_ns - int(asked.days * DAY_NS)
        self._control = _control(asked.control) if asked.control else None
        self._started = self._candidate() if asked.candidate else None
        self._tally = Tally(judged_by(house.log, asked.tenant, asked.verdicts))
        scorer = house.scorers.scorer(asked.tenant)
        self._model = scorer.digest if scorer else ""
        self._drift: Any = house.shadow.live.drifting(asked.tenant, self._model) if scorer else None
        self._looser: set[str] = set()
        self._looser_count = 0

    def sheet(self) -> tuple[Sheet, Sheet]:
        """Return the report as it is asked for, and the copy without names that is kept."""
        differences = self._differences() if self._started else {}
        since = max(self._since_ns, self._started.since_ns) if self._started else self._since_ns
        for record in decisions(self._house.log, self._asked.tenant, since, self._now_ns):
            self._count(record, differences)
        told = self._told()
        return told, msgspec.structs.replace(told, people=self._people(anonymous=True), anonymous=True)

    def _count(self, record: DecisionRecord, differences: dict[str, Both]) -> None:
        live = enforced(record)
        if self._control is not None:
            self._tally.access(record, live, interrupted=live.floor >= Effect.STEP_UP)
            if self._drift is not None and live.score is not None and record.risk and record.risk.model == self._model:
                self._drift.add(record.features, live.score)
            if self._control in live.reach:
                self._tally.touch(Hit(record, live, EFFECT_OF_CONTROL[self._control]))
            return
        before, side = differences.get(record.receipt.decision_id, (live.would, live))
        self._tally.access(record, side, interrupted=side.floor >= Effect.STEP_UP)
        if side.would > before:
            self._tally.touch(Hit(record, side, side.would))
        elif side.would < before:
            self._looser.add(record.subject_key)
            self._looser_count += 1

    def _told(self) -> Sheet:
        asked, tally, started = self._asked, self._tally, self._started
        counts = self._counts(started.digest) if started else {}
        hits = tally.by_effect.total()
        return Sheet(
            about=started.digest if started else asked.control,
            what=started.what if started else "control",
            tenant=asked.tenant,
            since_ns=self._since_ns,
            until_ns=self._now_ns,
            days=asked.days,
            model=self._model,
            phase=self._phase().name.lower() if self._control else "",
            decisions=counts.get(COMPARED, 0) if started else tally.decisions,
            scored=None if started else tally.scored,
            would=self._would(),
            budget=budget_of(tally, self._since_ns, self._now_ns, asked.budget),
            precision=precision_of(tally, hits),
            steps=counted_steps(counts, asked.days) if started else steps_of(tally, asked.days),
            reliability=calibrated(tally)[0],
            calibration_error=calibrated(tally)[1],
            patterns=patterns_of(tally),
            people=self._people(anonymous=asked.anonymous),
            drift=self._moved(),
            daily=daily_of(tally, self._since_ns, self._now_ns),
            flips={name[5:]: count for name, count in sorted(counts.items()) if name.startswith("flip_")},
            missed={name: counts[name] for name in MISSED if counts.get(name)},
            stalled_days=self._stalled(),
            anonymous=asked.anonymous,
            notes=tuple(self._notes(counts)),
        )

    def _would(self) -> tuple[Would, ...]:
        tally = self._tally
        found = [
            Would(name, sum(tally.by_effect[effect] for effect in effects), len(_union(tally.users, effects)))
            for name, effects in (
                ("block", (Effect.DENY, Effect.TERMINATE)),
                ("interrupt", (Effect.STEP_UP, Effect.DENY, Effect.TERMINATE)),
                ("reduce", (Effect.REDUCE,)),
            )
        ]
        return (*found, Would("allow", self._looser_count, len(self._looser))) if self._started else tuple(found)

    def _people(self, *, anonymous: bool) -> Any:
        return most_affected(self._tally.people, self._house.shadow.salt(self._asked.tenant), anonymous=anonymous)

    def _moved(self) -> tuple[Moved, ...]:
        if self._drift is None or self._control is None:
            return ()
        return tuple(
            Moved(one.name, one.rows, one.psi, one.missing_before, one.missing_now, one.verdict)
            for one in self._drift.moved()[:MOST_MOVED]
        )

    def _phase(self) -> Phase:
        table = self._house.rollout.phases(self._asked.tenant, NOWHERE)
        return table.phases[self._asked.control]

    def _stalled(self) -> float | None:
        """Return for how many days it has been watched without being let act, when that is too long."""
        if self._started is not None:
            days = self._started.days(self._now_ns)
        elif self._control is not None and self._phase() >= LIVE_FROM[self._control]:
            return None
        else:
            hours = self._now_ns // HOUR_NS + 1
            rows = self._house.shadow.counts.summed(self._asked.tenant, LIVE, COMPARED, 0, hours)
            first = min((row.first_hour for row in rows), default=hours)
            days = max(0, self._now_ns - first * HOUR_NS) / DAY_NS
        return round(days, 1) if days >= self._house.settings.shadow.stalled_days else None

    def _notes(self, counts: dict[str, int]) -> Iterator[str]:
        tally = self._tally
        if not tally.decisions:
            yield "the log has no decision in these days that reached policy"
        if not tally.harmful + tally.honest:
            yield "precision needs verdicts on accesses that would have been hit: judge some, or give a table of them"
        if self._started and (unlogged := counts.get("unlogged", 0)):
            yield f"{unlogged:,} differences have no record of their own: people and patterns are of the others"
        if missed := sum(counts.get(name, 0) for name in MISSED):
            yield f"{missed:,} decisions were not compared: nothing is said of them"
        if self._started:
            yield "drift and users at each threshold are told of the live model only: report on a control"
        elif self._drift is None:
            yield "drift needs a live model that keeps a reference of its training"
        if self._control and tally.scored < tally.decisions:
            yield f"{tally.decisions - tally.scored:,} decisions had no score"

    def _counts(self, digest: str) -> dict[str, int]:
        found: dict[str, int] = {}
        first, last = self._since_ns // HOUR_NS, self._now_ns // HOUR_NS + 1
        for (_, what), count in self._house.shadow.counts.hourly(self._asked.tenant, digest, first, last).items():
            found[what] = found.get(what, 0) + count
        return found

    def _differences(self) -> dict[str, Both]:
        """Return the candidate's answers that differ, by decision."""
        found: dict[str, Both] = {}
        digest, log = self._started.digest if self._started else "", self._house.log
        for stored in log.iterate(self._asked.tenant, "shadow", first_index(log, self._since_ns)):
            if stored.payload is None or len(found) >= MAX_DIFFERENCES:
                continue
            told = msgspec.json.decode(stored.payload, type=_Difference)
            if told.candidate == digest:
                after = told.after
                would, floor = Effect[after.would.upper()], Effect[after.floor.upper()]
                side = Side(would, would, floor, would, after.reach, (), after.score)
                found[told.decision_id] = (Effect[told.before.would.upper()], side)
        return found

    def _candidate(self) -> Started:
        found = self._house.shadow.candidates.find(self._asked.tenant, self._asked.candidate)
        if found is None:
            raise RefusedError("candidate_not_running", f"no candidate {self._asked.candidate} is running")
        return found


def decisions(log: AuditLog, tenant: str, since_ns: int, until_ns: int) -> Iterator[DecisionRecord]:
    """Yield a tenant's evaluations of a span that reached policy, as the log has them."""
    for stored in log.iterate(tenant, "decision", first_index(log, since_ns)):
        if stored.payload is not None and since_ns <= stored.time_ns < until_ns:
            record = msgspec.json.decode(stored.payload, type=DecisionRecord)
            if comparable(record):
                yield record


def first_index(log: AuditLog, since_ns: int) -> int:
    """Return an index that no record of ``since_ns`` or later lies before: found by halving, an hour to be safe."""
    low, high = 0, log.head().size
    while low < high:
        middle = (low + high) // 2
        rows = log.store.rows(middle, middle + 1)
        if rows and rows[0].time_ns < since_ns - _BEFORE_NS:
            low = middle + 1
        else:
            high = middle
    return low


def judged_by(log: AuditLog, tenant: str, table: Path | None) -> dict[str, bool]:
    """Return what people said of decisions: whether they were harmful.

    Raises:
        FaultyInputError: ``labels_malformed``.
    """
    if table is not None:
        from ostiary.risk.verdicts import read_verdicts  # noqa: PLC0415 - an extra

        return {name: bool(verdict.label) for name, verdict in read_verdicts(table).items()}
    newest: dict[str, Said] = {}
    for one in LoggedVerdicts(log).after(tenant, 0)[0]:
        if outranks(one, newest.get(one.decision_id)):
            newest[one.decision_id] = one
    return {name: one.harmful for name, one in newest.items() if one.harmful is not None}


def _control(name: str) -> Control:
    try:
        return Control(name)
    except ValueError:
        known = ", ".join(control.value for control in Control)
        raise FaultyInputError("control_unknown", f"`{name[:40]}` is no control; there are {known}") from None


def _union(users: dict[Effect, set[str]], effects: tuple[Effect, ...]) -> set[str]:
    return set().union(*(users.get(effect, set()) for effect in effects))
