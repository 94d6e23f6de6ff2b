"""The trail of a subject: its last sittings with the risk that each access had, and what that says of this one.

A takeover is a run of accesses, often between the owner's own. One odd access is weak evidence; one that resembles the
odd ones before it, and not the subject's quiet ones, is strong.

Rules:
- Risk is told as a log-likelihood ratio: calibrated log-odds less those of the base rate. It keeps its scale when a
  model is trained anew.
- At most ``MAX_SITTINGS`` sittings a subject are kept, and where values first came in ``MAX_FIRSTS`` a facet; the least
  recently learned subject goes past ``most`` of them.
- Names are kept as checksums. Pure Python, the same bits everywhere; features of an access come from those before it.

>>> trails = Trails()
>>> step = Step("user:ann", "s1", 0, (1, 2, 3, 4, 5))
>>> row = trails.view(step, 0.5)
>>> row[NAMES.index("trail_llr")], row[NAMES.index("trail_llr_before")]
(0.5, nan)
>>> trails.learn(step, 0.5)
>>> trails.view(Step("user:ann", "s2", 7_200, (1, 2, 3, 4, 5)), 2.0)[NAMES.index("trail_llr_before")]
0.5
"""

from collections import OrderedDict
from collections.abc import Iterable
from math import exp, log1p, sqrt
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from ostiary.risk.look import Known
from ostiary.risk.trail_columns import FACETS, NAMES, RISING
from ostiary.signals.dimensions import Dim
from ostiary.signals.tables import subject_key
from ostiary.vocabulary.events import AccessEvent

__all__ = [
    "HIGH",
    "MAX_FIRSTS",
    "MAX_SITTINGS",
    "MAX_SUBJECTS",
    "NAMES",
    "RISING",
    "SITTING_S",
    "Levels",
    "Past",
    "Step",
    "Trail",
    "Trails",
    "step_of",
]

MAX_SITTINGS: Final = 24
MAX_FIRSTS: Final = 96
MAX_SUBJECTS: Final = 100_000
SITTING_S: Final = 1_800
HIGH: Final = 2.5
"""Log-likelihood ratio from which an access counts as odd: about the worst twentieth of own behaviour."""

_DAY: Final = 86_400
_LONGEST_S: Final = 14 * _DAY
_SPANS: Final = (_DAY, 3 * _DAY, 10 * _DAY)
_SLOWEST: Final = 0.03
_LEAST_DEVIATION: Final = 0.3
_LEAST_SITTINGS: Final = 5
_LEAST_WEIGHT: Final = 1e-3
_NAN: Final = float("nan")
_LOW: Final = float("-inf")


class Step(NamedTuple):
    """What a trail needs of an access.

    Attributes:
        subject: ``type:id``.
        session: its session's name, empty for none.
        time: seconds.
        facets: checksums of resource, collection, time zone, network and device; 0 for what is not told.
    """

    subject: str
    session: str
    time: int
    facets: tuple[int, int, int, int, int]


class Past(NamedTuple):
    """A sitting that is over: when it ended, its worst risk, its zone, network and device, the collections touched."""

    end: int
    worst: float
    zone: int
    network: int
    device: int
    collections: frozenset[int]


class Levels(NamedTuple):
    """Fading sums over past sittings for three spans, as of ``at``: weights, risks, oddness."""

    at: int = 0
    weights: tuple[float, float, float] = (0.0, 0.0, 0.0)
    risks: tuple[float, float, float] = (0.0, 0.0, 0.0)
    odd: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Trail(msgspec.Struct, array_like=True):
    """What is kept of one subject: sittings that are over, latest last, and the one that goes on."""

    past: list[Past] = []
    levels: Levels = Levels()
    firsts: list[dict[int, float]] = msgspec.field(default_factory=lambda: [{} for _ in FACETS])
    sittings: int = 0
    mean: float = 0.0
    variance: float = 0.0
    session: str = ""
    end: int = 0
    zone: int = 0
    network: int = 0
    device: int = 0
    worst: float = 0.0
    total: float = 0.0
    accesses: int = 0
    collections: set[int] = set()

    def sound(self) -> bool:
        """Return whether what was read from a snapshot holds together."""
        firsts = len(self.firsts) == len(FACETS) and all(len(one) <= MAX_FIRSTS for one in self.firsts)
        return firsts and len(self.past) <= MAX_SITTINGS and self.variance >= 0


NO_TRAIL: Final = Trail()


def step_of(event: AccessEvent, history: Known) -> Step:
    """Return what a trail needs of ``event``."""
    values = history.values
    return Step(
        subject_key(event),
        event.session_id or "",
        history.moment.now,
        (
            _checksum(values[Dim.RESOURCE]),
            _checksum(values[Dim.COLLECTION]),
            _checksum(values[Dim.TIMEZONE]),
            _checksum(values[Dim.NETWORK]),
            _checksum(values[Dim.DEVICE]),
        ),
    )


def _checksum(value: str | None) -> int:
    return 0 if value is None else crc32(value.encode(errors="replace"))


class Trails:
    """Trails of many subjects; bounded. Not safe for threads."""

    def __init__(self, most: int = MAX_SUBJECTS) -> None:
        """Begin with none; ``most`` subjects are kept."""
        self._most = max(1, most)
        self._trails: OrderedDict[str, Trail] = OrderedDict()

    def __len__(self) -> int:
        """Return how many subjects have a trail."""
        return len(self._trails)

    def view(self, step: Step, llr: float) -> list[float]:
        """Return the row of ``NAMES`` for an access with risk ``llr``; changes nothing."""
        return _row(self._trails.get(step.subject, NO_TRAIL), step, llr)

    def learn(self, step: Step, llr: float) -> None:
        """Add an access with its risk to its subject's trail."""
        trail = self._trails.get(step.subject)
        if trail is None:
            trail = self._trails[step.subject] = Trail()
            if len(self._trails) > self._most:
                self._trails.popitem(last=False)
        self._trails.move_to_end(step.subject)
        _learn(trail, step, llr)

    def forget(self, subject: str) -> None:
        """Drop one subject's trail."""
        self._trails.pop(subject, None)

    def kept(self, most: int) -> list[tuple[str, Trail]]:
        """Return the trails of the ``most`` subjects seen last, oldest first."""
        return list(self._trails.items())[-most:]

    def take(self, kept: Iterable[tuple[str, Trail]]) -> None:
        """Begin anew with what was kept."""
        self._trails = OrderedDict(kept)


def _goes_on(trail: Trail, step: Step) -> bool:
    return bool(trail.accesses) and trail.session == step.session and step.time - trail.end <= SITTING_S


def _row(trail: Trail, step: Step, llr: float) -> list[float]:
    past, levels = trail.past, trail.levels
    if _goes_on(trail, step):
        worst, mean = max(trail.worst, llr), (trail.total + llr) / (trail.accesses + 1)
        row = [llr, worst, mean, log1p(trail.accesses)]
    else:
        worst = llr
        row = [llr, llr, llr, 0.0]
        if trail.accesses:
            over = _over(trail)
            past, levels = [*past, over], _risen(levels, over)
    row.append(past[-1].worst if past else _NAN)
    row.append(past[-2].worst if len(past) > 1 else _NAN)
    row.append(log1p(max(0, step.time - past[-1].end) / 60) if past else _NAN)
    row += _told(levels, step.time)
    row += _walk(past, step, odd=worst > HIGH)
    row += [firsts.get(facet, _NAN) for firsts, facet in zip(trail.firsts, step.facets, strict=True)]
    row += _own_scale(trail, llr, worst)
    return row


def _over(trail: Trail) -> Past:
    return Past(trail.end, trail.worst, trail.zone, trail.network, trail.device, frozenset(trail.collections))


def _told(levels: Levels, now: int) -> list[float]:
    """Return the fading mean of risk and the fading sum of oddness of each span; nothing grows for what comes late."""
    left = [exp(min(0, levels.at - now) / span) for span in _SPANS]
    mean = [
        risk / weight if weight * share > _LEAST_WEIGHT else _NAN
        for share, weight, risk in zip(left, levels.weights, levels.risks, strict=True)
    ]
    return mean + [odd * share for share, odd in zip(left, levels.odd, strict=True)]


def _risen(levels: Levels, over: Past) -> Levels:
    """Return ``levels`` with one more sitting."""
    left = [exp(min(0, levels.at - over.end) / span) for span in _SPANS]
    excess = max(0.0, over.worst - HIGH)
    weights = [weight * share + 1.0 for weight, share in zip(levels.weights, left, strict=True)]
    risks = [risk * share + over.worst for risk, share in zip(levels.risks, left, strict=True)]
    odd = [one * share + excess for one, share in zip(levels.odd, left, strict=True)]
    return Levels(max(levels.at, over.end), tuple(weights), tuple(risks), tuple(odd))  # type: ignore[arg-type]


def _walk(past: list[Past], step: Step, *, odd: bool) -> list[float]:  # noqa: C901, PLR0912 - one pass, unrolled: this is the hot loop
    """Return what the sittings of the last two weeks say, latest first."""
    _, collection, zone, network, device = step.facets
    now, nothing = step.time, [_LOW, 0.0, 0]
    by_collection, by_zone, by_network, by_device = nothing[:], nothing[:], nothing[:], nothing[:]
    day = three = ten = _LOW
    odd_3d = odd_10d = all_3d = all_10d = switches = others = alike = 0
    since = others_gap = _NAN
    others_total = alike_total = 0.0
    for end, risk, its_zone, its_network, its_device, collections in reversed(past):
        age = now - end
        if age > _LONGEST_S:
            break
        is_odd = risk > HIGH
        switches += is_odd is not odd
        odd = is_odd
        shared, same_zone = collection in collections, zone == its_zone
        if shared:
            _add(by_collection, risk)
        if same_zone and zone:
            _add(by_zone, risk)
        if network and network == its_network:
            _add(by_network, risk)
        if device and device == its_device:
            _add(by_device, risk)
        if shared and same_zone and network == its_network:
            alike, alike_total = alike + 1, alike_total + risk
        else:
            if not others:
                others_gap = log1p(max(0, age) / 60)
            others, others_total = others + 1, others_total + risk
        if is_odd and since != since:  # noqa: PLR0124 - true for NaN only
            since = log1p(max(0, age) / 3_600)
        if age <= _SPANS[2]:
            ten, all_10d, odd_10d = max(ten, risk), all_10d + 1, odd_10d + is_odd
            if age <= _SPANS[1]:
                three, all_3d, odd_3d = max(three, risk), all_3d + 1, odd_3d + is_odd
                if age <= _DAY:
                    day = max(day, risk)
    row = [one if one > _LOW else _NAN for one in (day, three, ten)]
    row += odd_3d, odd_10d, all_3d, all_10d
    for high, total, count in (by_collection, by_zone, by_network, by_device):
        row += (high, total / count) if count else (_NAN, _NAN)
    row += (alike_total / alike if alike else _NAN, alike, others_total / others if others else _NAN, others)
    return [*row, others_gap, since, switches]


def _add(holder: list[float], risk: float) -> None:
    holder[0] = max(holder[0], risk)
    holder[1] += risk
    holder[2] += 1


def _own_scale(trail: Trail, llr: float, worst: float) -> list[float]:
    """Return the risk against what is usual for the subject: some people always look a little odd."""
    if trail.sittings < _LEAST_SITTINGS:
        return [_NAN] * 4
    deviation = sqrt(trail.variance) + _LEAST_DEVIATION
    return [(llr - trail.mean) / deviation, (worst - trail.mean) / deviation, trail.mean, deviation]


def _learn(trail: Trail, step: Step, llr: float) -> None:
    if not _goes_on(trail, step):
        if trail.accesses:
            _fold(trail)
        _, _, trail.zone, trail.network, trail.device = step.facets
        trail.session, trail.worst, trail.total, trail.accesses, trail.collections = step.session, llr, 0.0, 0, set()
    trail.end = max(trail.end, step.time)
    trail.worst = max(trail.worst, llr)
    trail.total += llr
    trail.accesses += 1
    if len(trail.collections) < MAX_FIRSTS:
        trail.collections.add(step.facets[1])
    for firsts, facet in zip(trail.firsts, step.facets, strict=True):
        if facet and facet not in firsts:
            firsts[facet] = llr
            if len(firsts) > MAX_FIRSTS:
                del firsts[next(iter(firsts))]


def _fold(trail: Trail) -> None:
    """Let the sitting that is over join the past and the subject's own scale."""
    over = _over(trail)
    trail.levels = _risen(trail.levels, over)
    trail.past.append(over)
    if len(trail.past) > MAX_SITTINGS:
        del trail.past[0]
    trail.sittings += 1
    share = max(1.0 / trail.sittings, _SLOWEST)
    away = trail.worst - trail.mean
    trail.mean += share * away
    trail.variance = (1.0 - share) * (trail.variance + share * away * away)
