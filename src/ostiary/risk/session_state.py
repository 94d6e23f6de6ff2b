"""What one session has shown so far: learned access by access, told as one row of ``session_columns``.

Rules:
- Pure Python, no clock, no dice: the same accesses in the same order give the same row, live or replayed.
- Bounded: ``MOST_THINGS`` resources and collections, ``MOST_SEEN`` values a facet; names are kept as checksums.
- Odd values (NaN, infinities, negative or huge amounts, a clock that goes back) count as not told, or as a bound.
- A step-up that succeeded is visible in itself and in what came since it; it wipes nothing else.
"""

from collections.abc import Sequence
from math import isnan, log, log1p
from typing import Final
from zlib import crc32

import msgspec

from ostiary.risk.look import Known
from ostiary.risk.session_columns import FACETS
from ostiary.risk.trail import HIGH
from ostiary.signals.dimensions import Dim
from ostiary.signals.measures import within
from ostiary.signals.postures import faults_of
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

MOST_THINGS: Final = 96
MOST_SEEN: Final = 8
MOST: Final = 1e15

_NAN: Final = float("nan")
_NATS: Final = 50.0
_RISK_HALF_S: Final = 3_600.0
_PACE_HALF_S: Final = 120.0
_LONGEST_S: Final = 1e9
_WORTH: Final = (0.1, 0.3, 1.0, 3.0, 10.0)
_UNTOLD_WORTH: Final = 1.0
_SENSITIVE: Final = 3
_SAME_S: Final = 2.0
_TAKES: Final = frozenset({ActionClass.EXPORT, ActionClass.DELETE, ActionClass.ADMIN})
_BAD: Final = frozenset({EventOutcome.DENIED, EventOutcome.FAILURE})
_COUNTRY: Final = FACETS.index("country")
_HANDS: Final = tuple(FACETS.index(name) for name in ("network", "device", "key"))
_DEVICE: Final = FACETS.index("device")


class SoFar(msgspec.Struct, array_like=True):
    """One session; NaN for what it never told. Facets are checksums in the order of ``FACETS``, 0 for never told."""

    begun: int
    seen: int
    accesses: int = 0
    idle: float = 0.0
    risk_worst: float = -_NATS
    risk_decayed: float = 0.0
    risk_since: float = -_NATS
    first: list[int] = msgspec.field(default_factory=lambda: [0] * len(FACETS))
    last: list[int] = msgspec.field(default_factory=lambda: [0] * len(FACETS))
    known: list[list[int]] = msgspec.field(default_factory=lambda: [[] for _ in FACETS])
    changes: list[int] = msgspec.field(default_factory=lambda: [0] * len(FACETS))
    at_once: int = 0
    quickest: float = 0.0
    returns: int = 0
    changes_since: int = 0
    silent: int = 0
    faults: float = _NAN
    faults_first: float = _NAN
    faults_worst: float = _NAN
    posture_age: float = _NAN
    patch_age: float = _NAN
    managed: bool = False
    unmanaged: float = _NAN
    hour: float = 0.0
    hour_worst: float = 0.0
    weight: float = 0.0
    count: float = _NAN
    bytes: float = _NAN
    sensitive: int = 0
    takes: int = 0
    pace: float = 0.0
    llr: float = _NAN
    llr_worst: float = _NAN
    llr_cusum: float = _NAN
    llr_mean: float = _NAN
    llr_shift: float = _NAN
    llr_told: int = 0
    replayed: float = _NAN
    failures: int = 0
    streak: int = 0
    streak_worst: int = 0
    step_ups: float = _NAN
    step_ups_failed: float = _NAN
    ignored: float = _NAN
    proofs: float = _NAN
    proven_age: float = _NAN
    proven_at: float = -1.0
    is_open: bool = False
    resources: set[int] = msgspec.field(default_factory=set)
    collections: set[int] = msgspec.field(default_factory=set)
    resources_new: int = 0
    collections_new: int = 0
    peers: float = 0.0
    peerless: int = 0

    def learn(self, event: AccessEvent, history: Known, llr: float) -> None:
        """Take in one more access, whose own risk is ``llr`` in nats."""
        now = history.moment.now
        pause = float(min(max(0, now - self.seen), _LONGEST_S))
        self.seen = max(self.seen, now)
        self.idle = pause if self.accesses else 0.0
        self.accesses += 1
        self._step_ups(event)
        self._risk(min(max(llr, -_NATS), _NATS) if llr == llr else _NATS, pause)  # noqa: PLR0124 - NaN is not itself
        self.silent = self._change(event, history, pause)
        self.silent += self._posture(event) + self._behaviour(event)
        self._volume(event, history, pause)
        self._breadth(history)

    def _step_ups(self, event: AccessEvent) -> None:
        facts = event.session
        if facts is None:
            self.ignored += not isnan(self.ignored) and self.ignored > 0
            return
        self.begun = min(self.begun, self.seen - int(min(kept(facts.age_s, 0.0), _LONGEST_S)))
        self.step_ups_failed = kept(facts.step_ups_failed, self.step_ups_failed)
        proofs, age = kept(facts.proofs, self.proofs), kept(facts.proven_age_s, _NAN)
        fresh = proofs > or_none(self.proofs)
        if not isnan(age):  # a ledger may tell when, and not how often
            proven_at = self.seen - age
            again = proven_at > self.proven_at + _SAME_S
            proofs = max(or_none(proofs), or_none(self.proofs) + again)
            self.proven_age, self.proven_at, fresh = age, max(self.proven_at, proven_at), fresh or again
        self.proofs = proofs
        if fresh:
            self.risk_since, self.changes_since, self.ignored = -_NATS, 0, 0.0
        if facts.step_up_open is not None:
            asked = or_none(self.step_ups) + (facts.step_up_open and not self.is_open)
            self.is_open, self.ignored = facts.step_up_open, or_none(self.ignored) + facts.step_up_open
            self.step_ups = asked if facts.step_ups is None else self.step_ups
        self.step_ups = kept(facts.step_ups, self.step_ups)

    def _risk(self, llr: float, pause: float) -> None:
        self.risk_worst = max(self.risk_worst, llr)
        self.risk_since = max(self.risk_since, llr)
        self.risk_decayed = self.risk_decayed * 0.5 ** (pause / _RISK_HALF_S) + max(0.0, llr - HIGH)

    def _change(self, event: AccessEvent, history: Known, pause: float) -> int:
        """Look for what is another than before; return how many things are not told any more."""
        changed = hands = silent = 0
        for place, value in enumerate(facets_of(event, history)):
            last = self.last[place]
            if not value:
                silent += bool(last) and place != _COUNTRY  # a private network has no country
                continue
            if not last:
                self.first[place] = value
            elif value != last:
                changed += 1
                self.changes[place] += 1
                if place in _HANDS:
                    hands += 1
                    self.returns += value in self.known[place]
            self.last[place] = value
            if value not in self.known[place]:
                self.known[place] = [*self.known[place][1 - MOST_SEEN :], value]
        self.at_once = max(self.at_once, changed)
        self.changes_since += changed
        if hands:
            self.quickest = max(self.quickest, 1.0 / (1.0 + pause / 60.0))
        return silent

    def _posture(self, event: AccessEvent) -> int:
        """Take in the device's state; return whether it is not told any more."""
        if event.device_managed is not None:
            self.managed |= event.device_managed
            self.unmanaged = float(self.managed and not event.device_managed)
        posture = event.posture
        if posture is None:
            return not isnan(self.faults)
        self.faults = float(faults_of(posture).bit_count())
        if isnan(self.faults_first):
            self.faults_first = self.faults_worst = self.faults
        self.faults_worst = max(self.faults_worst, self.faults)
        self.posture_age = kept(posture.report_age_s, self.posture_age)
        self.patch_age = kept(posture.patch_age_s, self.patch_age)
        return 0

    def _behaviour(self, event: AccessEvent) -> int:
        """Take in how the subject types and moves; return whether it is not told any more."""
        facts = event.behaviour
        llr = _NAN if facts is None else within(facts.llr, -_NATS, _NATS)
        if facts is None or isnan(llr):
            return self.llr_told > 0
        sure = within(facts.confidence, 0.0, 1.0)
        weighed = llr * (float(llr > 0) if isnan(sure) else sure)  # of unknown confidence: believed against, never for
        before = weighed if isnan(self.llr_mean) else self.llr_mean
        self.llr, self.llr_shift = weighed, weighed - before
        self.llr_worst = weighed if isnan(self.llr_worst) else max(self.llr_worst, weighed)
        self.llr_cusum = max(0.0, (0.0 if isnan(self.llr_cusum) else self.llr_cusum) + weighed)
        self.llr_told += 1
        self.llr_mean = before + (weighed - before) / self.llr_told
        live = within(facts.liveness, 0.0, 1.0)
        self.replayed = self.replayed if isnan(live) else 1.0 - live
        return 0

    def _volume(self, event: AccessEvent, history: Known, pause: float) -> None:
        amount, size = kept(event.count, _NAN), kept(event.bytes, _NAN)
        worth = _UNTOLD_WORTH if event.sensitivity is None else _WORTH[min(max(event.sensitivity, 0), 4)]
        self.weight += worth * (1.0 + (0.0 if isnan(amount) else log1p(amount)))
        self.count, self.bytes = added(self.count, amount), added(self.bytes, size)
        self.sensitive += event.sensitivity is not None and event.sensitivity >= _SENSITIVE
        self.takes += event.action_class in _TAKES
        self.pace = self.pace * 0.5 ** (pause / _PACE_HALF_S) + 1.0
        self.hour = -log(max(history.hours[0], 1e-9))
        self.hour_worst = max(self.hour_worst, self.hour)
        if event.outcome in _BAD:
            self.failures += 1
            self.streak += 1
            self.streak_worst = max(self.streak_worst, self.streak)
        elif event.outcome is EventOutcome.SUCCESS:
            self.streak = 0

    def _breadth(self, history: Known) -> None:
        self.resources_new += self._met(self.resources, history, Dim.RESOURCE)
        self.collections_new += self._met(self.collections, history, Dim.COLLECTION)
        peer = history.peers[Dim.COLLECTION]
        used, total = (peer[0] if peer else 0), history.peer_totals[Dim.COLLECTION]
        rarity = -log((used + 0.5) / (total + 1.0))
        self.peers += (rarity - self.peers) / self.accesses
        self.peerless += not used

    def _met(self, things: set[int], history: Known, dim: Dim) -> bool:
        """Remember a thing; return whether it is one that the subject never used before."""
        value = history.values[dim]
        if value is None or len(things) >= MOST_THINGS or (name := checksum(value)) in things:
            return False
        things.add(name)
        return history.mine[dim] is None


def row_of(state: SoFar, usual: tuple[float, float]) -> list[float]:
    """Return the row of ``session_columns.NAMES``.

    Args:
        state: the session, this access in it.
        usual: mean and deviation of ``ln(1 + weight)`` over the subject's sessions, NaN while there are few.
    """
    mean, deviation = usual
    weight = log1p(state.weight)
    row = [
        log1p(max(0, state.seen - state.begun) / 60),
        log1p(state.idle / 60),
        log1p(state.accesses),
        state.risk_worst,
        state.risk_decayed,
        state.risk_since,
    ]
    for first, last, changes in zip(state.first, state.last, state.changes, strict=True):
        row += (float(first != last), log1p(changes)) if last else (_NAN, _NAN)
    row += state.at_once, state.quickest, log1p(state.returns), log1p(state.changes_since), state.silent
    row += state.faults, state.faults_worst, state.faults - state.faults_first
    row += log1p(state.posture_age / 3_600), log1p(state.patch_age / 86_400), state.unmanaged
    row += state.hour, state.hour_worst, weight, (weight - mean) / deviation
    row += log1p(state.count), log1p(state.bytes)
    row += log1p(state.sensitive), log1p(state.takes), log1p(state.pace)
    row += state.llr, state.llr_worst, state.llr_cusum, state.llr_shift, state.replayed
    row += log1p(state.failures), float(state.streak), float(state.streak_worst)
    row += log1p(state.step_ups), log1p(state.step_ups_failed), log1p(state.ignored)
    row += log1p(state.proofs), log1p(state.proven_age / 60)
    row += log1p(len(state.resources)), log1p(len(state.collections))
    row += log1p(state.resources_new), log1p(state.collections_new), state.peers, log1p(state.peerless)
    return row


def facets_of(event: AccessEvent, history: Known) -> Sequence[int]:
    """Return checksums of network, country, device, client and key; 0 for what is not told."""
    values = history.values
    agent = values[Dim.AGENT] or event.user_agent
    key = event.session.key if event.session else None
    told = (values[Dim.NETWORK], values[Dim.COUNTRY], values[Dim.DEVICE], agent, key)
    return [0 if value is None else checksum(value) for value in told]


def checksum(value: str) -> int:
    """Return a small number for a name, never 0."""
    return crc32(value.encode(errors="replace")) or 1


def kept(value: float | None, before: float) -> float:
    """Return a told amount within bounds, or what was told before."""
    told = MOST if value is not None and value > MOST else within(value, 0.0, MOST)
    return before if isnan(told) else told


def or_none(amount: float) -> float:
    """Return ``amount``, or 0 for what was never told."""
    return 0.0 if isnan(amount) else amount


def added(total: float, more: float) -> float:
    """Return a sum in which NaN is nothing, and NaN when nothing was ever told."""
    if isnan(more):
        return total
    return more if isnan(total) else min(total + more, MOST)
