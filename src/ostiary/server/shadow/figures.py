"""What is known of a control from its own would-have answers: the figures that a gate is shown (ADR-0044).

- Cheap enough to be asked every few seconds: sums of hourly counts, verdicts read on from the last look; no scan.
- An hour is the grain. A span that this process saw whole, of two hours at most, is counted by the minute.
- The false-positive rate is of honest accesses: the share of wrong ones among those judged, applied to everything that
  the control would have hit, over all that was watched less what was harmful. Without a verdict it is not known.
- Whatever cannot be told is ``None``; a report that does not verify is no report.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from ostiary.audit import AuditLog
from ostiary.decision.counts import COMPARED, LIVE
from ostiary.decision.impact import DIRECTIONS
from ostiary.decision.shadow import HOUR_NS
from ostiary.errors import OstiaryError
from ostiary.server.policies import Policies
from ostiary.server.reports import Report, Reports
from ostiary.server.scorers import Scorers
from ostiary.server.shadow.judged import Judged, JudgedBook, LoggedVerdicts, calibration_error
from ostiary.server.shadow.live import DAY_NS
from ostiary.server.shadow.room import ShadowRoom
from ostiary.server.shadow.tallies import MAX_MINUTES, MINUTE_NS
from ostiary.vocabulary.effects import EFFECT_OF_CONTROL, Control, Effect
from ostiary.vocabulary.rollout import GateFigures
from ostiary.vocabulary.unreadable import UNREADABLE

FRESH_NS: Final = 10**9


class Watched(NamedTuple):
    """What was watched in a span: pairs by the controls that would act, and from when to when."""

    pairs: dict[str, int]
    first_ns: int
    last_ns: int

    @property
    def decisions(self) -> int:
        """How many decisions."""
        return sum(self.pairs.values())

    def hits(self, control: Control) -> int:
        """How many of them the control would have changed."""
        return sum(count for controls, count in self.pairs.items() if control.value in controls.split("+"))


class _Flips(msgspec.Struct):
    direction: str = ""
    count: int = 0


class _Told(msgspec.Struct):
    flips: tuple[_Flips, ...] | None = None
    passed: bool | None = None

    @property
    def new_allows(self) -> int | None:
        """Flips from refused to allowed, ``None`` when no flips are told."""
        if self.flips is None:
            return None
        return sum(one.count for one in self.flips if one.direction == DIRECTIONS[0])


class LiveFigures:
    """Implements ``vocabulary.rollout.FiguresSource``; safe for several threads."""

    def __init__(
        self, shadow: ShadowRoom, log: AuditLog, reports: Reports, scorers: Scorers, policies: Policies
    ) -> None:
        """Take the counts, the log with its verdicts, the reports, and what is live."""
        self._shadow, self._reports = shadow, reports
        self._scorers, self._policies = scorers, policies
        self._book = JudgedBook(log, LoggedVerdicts(log), shadow.settings.figures_max_verdicts)
        self._lock = threading.Lock()
        self._last: dict[tuple[str, int], tuple[int, Watched]] = {}
        self._days: dict[str, tuple[int, dict[str, int]]] = {}
        self._drifts: dict[tuple[str, int], tuple[int, float | None]] = {}

    def figures(self, tenant: str, control: str, since_ns: int, now_ns: int) -> GateFigures:
        """Return what is known of ``control`` in ``[since_ns, now_ns)``.

        Raises:
            UnavailableError: the counts cannot be read now.
        """
        if control not in {one.value for one in Control}:
            return GateFigures()
        one = Control(control)
        with self._lock:
            watched = self._watched(tenant, since_ns, now_ns)
            judged = self._book.within(tenant, since_ns, now_ns)
            found = GateFigures() if not watched.decisions else self._measured(tenant, one, watched, since_ns, now_ns)
        flagged = [each for each in judged if one in each.reach]
        told = self._told(tenant, control)
        return msgspec.structs.replace(
            found,
            false_positive_rate=false_positive_rate(watched.decisions, watched.hits(one), flagged),
            judged=len(flagged),
            calibration_error=calibration_error(judged),
            **told,
        )

    def _measured(self, tenant: str, control: Control, watched: Watched, since_ns: int, now_ns: int) -> GateFigures:
        begin, end = max(since_ns, watched.first_ns), min(now_ns, watched.last_ns)
        days = max(0, end - begin) / DAY_NS
        names = self._names(tenant, since_ns, now_ns)
        effect, hits = EFFECT_OF_CONTROL[control], watched.hits(control)
        return GateFigures(
            days=days,
            decisions=watched.decisions,
            subjects_share=_share(names["subjects_scored"], names["subjects"]),
            resources_share=_share(names["resources_scored"], names["resources"]),
            would_interrupt_a_day=(hits if effect >= Effect.STEP_UP else 0) / max(1.0, days),
            would_block=hits if effect >= Effect.DENY else 0,
            drift=self._drift(tenant, since_ns, now_ns),
        )

    def _watched(self, tenant: str, since_ns: int, now_ns: int) -> Watched:
        known = self._last.get((tenant, since_ns))
        if known is not None and 0 <= now_ns - known[0] < FRESH_NS:
            return known[1]
        found = self._by_minute(tenant, since_ns, now_ns) or self._by_hour(tenant, since_ns, now_ns)
        if len(self._last) > MAX_MINUTES:
            self._last.clear()
        self._last[tenant, since_ns] = (now_ns, found)
        return found

    def _by_minute(self, tenant: str, since_ns: int, now_ns: int) -> Watched | None:
        """Return the span by the minute, when this process saw all of it."""
        tallies = self._shadow.tallies
        began = tallies.since_ns.get(tenant)
        if began is None or began > since_ns or now_ns - since_ns >= MAX_MINUTES * MINUTE_NS:
            return None
        pairs: dict[str, int] = {}
        for cell, count in tallies.minutes(tenant, since_ns, now_ns).items():
            pairs[cell.controls] = pairs.get(cell.controls, 0) + count
        return Watched(pairs, since_ns, now_ns)

    def _by_hour(self, tenant: str, since_ns: int, now_ns: int) -> Watched:
        self._shadow.tallies.flush()
        rows = self._shadow.counts.summed(tenant, LIVE, COMPARED, since_ns // HOUR_NS, now_ns // HOUR_NS + 1)
        pairs: dict[str, int] = {}
        for row in rows:
            pairs[row.controls] = pairs.get(row.controls, 0) + row.count
        first = min((row.first_hour for row in rows), default=0)
        last = max((row.last_hour for row in rows), default=0)
        return Watched(pairs, first * HOUR_NS, (last + 1) * HOUR_NS)

    def _names(self, tenant: str, since_ns: int, now_ns: int) -> dict[str, int]:
        known = self._days.get(tenant)
        if known is None or not 0 <= now_ns - known[0] < MINUTE_NS:
            known = self._days[tenant] = (now_ns, self._shadow.live.distinct(tenant, since_ns, now_ns))
        return known[1]

    def _drift(self, tenant: str, since_ns: int, now_ns: int) -> float | None:
        place = (tenant, since_ns)
        known = self._drifts.get(place)
        if known is None or not 0 <= now_ns - known[0] < MINUTE_NS:
            if len(self._drifts) > MAX_MINUTES:
                self._drifts.clear()
            known = self._drifts[place] = (now_ns, self._drifted(tenant, since_ns, now_ns))
        return known[1]

    def _drifted(self, tenant: str, since_ns: int, now_ns: int) -> float | None:
        scorer, live = self._scorers.scorer(tenant), self._shadow.live
        if scorer is None:
            return None
        live.save(now_ns)
        moved = live.moved(tenant, scorer.digest, since_ns, now_ns)
        return max((one.psi for one in moved if one.psi is not None and one.verdict != "too few rows"), default=None)

    def _told(self, tenant: str, control: str) -> dict[str, object]:
        """Return what the newest reports say of what is live and of what runs beside it."""
        abouts = [control, *self._abouts(tenant)]
        impact, redteam = (self._newest(tenant, kind, abouts) for kind in ("impact", "redteam"))
        return {
            "impact": impact.digest if impact else "",
            "new_allows": _read(impact).new_allows,
            "redteam": redteam.digest if redteam else "",
            "redteam_passed": _read(redteam).passed,
        }

    def _abouts(self, tenant: str) -> Iterator[str]:
        yield from (started.digest for started in self._shadow.candidates.all(tenant))
        if (scorer := self._scorers.scorer(tenant)) is not None:
            yield scorer.digest
        try:
            yield self._policies.status(tenant).digest
        except OstiaryError:  # no policy is in force: then no report is about it
            return

    def _newest(self, tenant: str, kind: str, abouts: Sequence[str]) -> Report | None:
        found: list[Report] = []
        for about in abouts:
            try:
                report = self._reports.newest(tenant, kind, about)
            except OstiaryError:  # what does not verify is no report, and a gate takes none for a bad one
                continue
            found += [] if report is None else [report]
        return max(found, key=lambda one: one.at_ns, default=None)


def false_positive_rate(decisions: int, hits: int, flagged: Sequence[Judged]) -> float | None:
    """Return the share of honest accesses that a control would have hit wrongly.

    Args:
        decisions: how many were watched.
        hits: how many the control would have changed.
        flagged: those of them that people judged.

    >>> false_positive_rate(1_000, 20, []) is None
    True
    """
    if not flagged or not decisions:
        return None
    wrong = sum(not one.harmful for one in flagged) / len(flagged)
    honest = decisions - hits * (1 - wrong)
    return min(1.0, hits * wrong / honest) if honest > 0 else 0.0


def _share(part: int, whole: int) -> float | None:
    return min(1.0, part / whole) if whole else None


def _read(report: Report | None) -> _Told:
    if report is None:
        return _Told()
    try:
        return msgspec.json.decode(report.body, type=_Told)
    except UNREADABLE:  # its figures are not told then, which no gate takes for good
        return _Told()
