"""How good what is told of accesses is: completeness by field and source, gaps, clocks, doubles, coverage.

- One pass, bounded memory: sources, doubles and hours are counted up to a limit, and a report says what it counted.
- A criterion passes or fails with one sentence. What cannot be told fails: a phase must not rest on it.
- Nobody's name and nothing of an event's text is in a report, but the names of sources.

>>> Quality(Rules(), frozenset(), frozenset()).report().passed
False
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

MAX_SOURCES: Final = 64
MAX_IDS: Final = 2_000_000
MAX_NAMES: Final = 1_000_000
OTHERS: Final = "(others)"
SKEW_NS: Final = 60_000_000_000
LATE_NS: Final = 300_000_000_000
_HOUR_NS: Final = 3_600_000_000_000
_DAY_NS: Final = 24 * _HOUR_NS

FIELDS: Final[dict[str, Callable[[AccessEvent], bool]]] = {
    "subject": lambda e: bool(e.subject_id),
    "action": lambda e: bool(e.action),
    "resource": lambda e: bool(e.resource_type and e.resource_id),
    "outcome": lambda e: e.outcome != EventOutcome.UNKNOWN,
    "action_class": lambda e: e.action_class != ActionClass.OTHER,
    "origin": lambda e: e.ip is not None or e.device_id is not None,
    "ip": lambda e: e.ip is not None,
    "device": lambda e: e.device_id is not None,
    "session": lambda e: e.session_id is not None,
    "user_agent": lambda e: e.user_agent is not None or e.ua_family is not None,
    "country": lambda e: e.country is not None,
    "auth_method": lambda e: e.auth_method is not None,
    "mfa": lambda e: e.mfa is not None,
    "sensitivity": lambda e: e.sensitivity is not None,
}
NEEDED: Final = ("subject", "action", "resource", "outcome", "origin")


class Rules(msgspec.Struct, frozen=True):
    """What must hold.

    Attributes:
        events, days: how much must have been told, at least.
        complete: share of a source's events that must tell each needed field.
        gap_hours: longest silence of a source between two of its events.
        out_of_order, duplicates: shares, at most.
        subjects_share, resources_share: of those in the catalogue, how many must have been seen.
    """

    events: int = 1000
    days: float = 7
    complete: float = 0.95
    gap_hours: float = 72
    out_of_order: float = 0.01
    duplicates: float = 0.001
    subjects_share: float = 0.5
    resources_share: float = 0.3


class Criterion(msgspec.Struct, frozen=True):
    """One condition and how it ended."""

    name: str
    passed: bool
    text: str


class SourceQuality(msgspec.Struct, frozen=True):
    """One source. ``fields``: share of its events that tell each; times in seconds since 1970."""

    source: str
    events: int
    first: float
    last: float
    longest_gap_hours: float
    out_of_order: float
    in_the_future: int
    fields: dict[str, float]


class QualityReport(msgspec.Struct, frozen=True):
    """The whole report; ``failed`` are the sentences of the criteria that did not pass."""

    passed: bool
    failed: tuple[str, ...]
    events: int
    days: float
    duplicates: float
    subjects_seen: int
    resources_seen: int
    criteria: tuple[Criterion, ...]
    sources: tuple[SourceQuality, ...]


class _Source:
    """What is counted of one source."""

    __slots__ = ("events", "first", "future", "gap", "last", "told", "unordered")

    def __init__(self) -> None:
        self.events = self.future = self.unordered = self.gap = 0
        self.first = self.last = 0
        self.told = [0] * len(FIELDS)

    def take(self, event: AccessEvent, now_ns: int) -> None:
        at = event.time_ns
        if not self.events:
            self.first = self.last = at
        self.gap = max(self.gap, at - self.last)
        self.unordered += at < self.last - LATE_NS
        self.future += at > now_ns + SKEW_NS
        self.first, self.last = min(self.first, at), max(self.last, at)
        self.events += 1
        for place, tells in enumerate(FIELDS.values()):
            self.told[place] += tells(event)


class Quality:
    """Counts events; ``report`` judges them."""

    def __init__(self, rules: Rules, subjects: Iterable[tuple[str, str]], resources: Iterable[tuple[str, str]]) -> None:
        """Take what must hold, and the catalogue's subjects and resources as ``(type, id)``."""
        self._rules = rules
        self._subjects, self._resources = frozenset(subjects), frozenset(resources)
        self._sources: dict[str, _Source] = {}
        self._ids: set[int] = set()
        self._doubles = self._checked = 0
        self._seen_subjects: set[tuple[str, str]] = set()
        self._seen_resources: set[tuple[str, str]] = set()

    def take(self, event: AccessEvent, now_ns: int) -> None:
        """Count one event, in the order in which it was told."""
        name = event.source or "ostiary"
        if name not in self._sources and len(self._sources) >= MAX_SOURCES:
            name = OTHERS
        self._sources.setdefault(name, _Source()).take(event, now_ns)
        if len(self._ids) < MAX_IDS:
            self._checked += 1
            known, before = hash((event.source, event.event_id)), len(self._ids)
            self._ids.add(known)
            self._doubles += len(self._ids) == before
        if len(self._seen_subjects) < MAX_NAMES:
            self._seen_subjects.add((event.subject_type, event.subject_id))
        if len(self._seen_resources) < MAX_NAMES:
            self._seen_resources.add((event.resource_type, event.resource_id))

    def report(self) -> QualityReport:
        """Return what was found."""
        sources = tuple(_shown(name, one) for name, one in sorted(self._sources.items()))
        criteria = tuple(self._criteria(sources))
        return QualityReport(
            passed=all(one.passed for one in criteria),
            failed=tuple(one.text for one in criteria if not one.passed),
            events=self._events,
            days=self._days,
            duplicates=self._doubles / max(1, self._checked),
            subjects_seen=len(self._seen_subjects),
            resources_seen=len(self._seen_resources),
            criteria=criteria,
            sources=sources,
        )

    @property
    def _events(self) -> int:
        return sum(one.events for one in self._sources.values())

    @property
    def _days(self) -> float:
        kept = self._sources.values()
        return (max(one.last for one in kept) - min(one.first for one in kept)) / _DAY_NS if kept else 0.0

    def _criteria(self, sources: tuple[SourceQuality, ...]) -> Iterator[Criterion]:
        rules, events, days = self._rules, self._events, self._days
        text = f"{events:,} events of {days:.1f} days; at least {rules.events:,} of {rules.days:g} days are needed"
        yield Criterion("amount", events >= rules.events and days >= rules.days, text)
        yield from self._complete(sources)
        gap = max(sources, key=lambda one: one.longest_gap_hours, default=None)
        hours = 0.0 if gap is None else gap.longest_gap_hours
        text = f"the longest silence of a source is {hours:.1f} hours; at most {rules.gap_hours:g} are allowed"
        yield Criterion(
            "gaps", bool(events) and hours <= rules.gap_hours, text if gap is None else f"{text} ({gap.source})"
        )
        future = sum(one.in_the_future for one in sources)
        yield Criterion("clock_ahead", bool(events) and not future, f"{future:,} events lie in the future")
        late = max((one.out_of_order for one in sources), default=0.0)
        text = f"{late:.2%} of a source came more than five minutes late; at most {rules.out_of_order:.2%} may"
        yield Criterion("clock_order", bool(events) and late <= rules.out_of_order, text)
        doubles = self._doubles / max(1, self._checked)
        text = f"{doubles:.3%} of {self._checked:,} events are doubles; at most {rules.duplicates:.3%} may be"
        yield Criterion("duplicates", bool(events) and doubles <= rules.duplicates, text)
        yield _covered("subjects", self._subjects, self._seen_subjects, rules.subjects_share)
        yield _covered("resources", self._resources, self._seen_resources, rules.resources_share)

    def _complete(self, sources: tuple[SourceQuality, ...]) -> Iterator[Criterion]:
        for field in NEEDED:
            worst = min(sources, key=lambda one: one.fields[field], default=None)
            share = 0.0 if worst is None else worst.fields[field]
            where = "" if worst is None else f" of `{worst.source}`"
            text = f"{share:.1%}{where} tell {field}; at least {self._rules.complete:.1%} must"
            yield Criterion(f"complete_{field}", share >= self._rules.complete, text)


def _covered(name: str, wanted: frozenset[tuple[str, str]], seen: set[tuple[str, str]], least: float) -> Criterion:
    if not wanted:
        return Criterion(
            name, passed=False, text=f"the catalogue names no {name} that could be compared with what was seen"
        )
    share = len(wanted & seen) / len(wanted)
    text = f"{share:.0%} of the catalogue's {len(wanted):,} {name} were seen; at least {least:.0%} must be"
    return Criterion(name, share >= least, text)


def _shown(name: str, one: _Source) -> SourceQuality:
    return SourceQuality(
        source=name,
        events=one.events,
        first=one.first / 1e9,
        last=one.last / 1e9,
        longest_gap_hours=round(one.gap / _HOUR_NS, 2),
        out_of_order=one.unordered / max(1, one.events),
        in_the_future=one.future,
        fields={field: told / max(1, one.events) for field, told in zip(FIELDS, one.told, strict=True)},
    )
