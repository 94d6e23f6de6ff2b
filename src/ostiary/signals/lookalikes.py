"""Whom an access looks like: does it fit another subject of the tenant better than the one whose name it bears?

A stolen session in a colleague's hands, a shared password, a borrowed laptop: the access then carries somebody else's
habits (their resources, hours, place, device) under the wrong name.

Rules:
- Candidates are few and bounded: the last visitors of the resource, those who use it most, and whoever is suspected.
- A candidate and the subject are judged by the same formula, ``ln p(x|who)`` smoothed towards the tenant, over the
  resource (lately), the telling dimensions and the hour. Nobody's chance is ever zero.
- Evidence gathers by candidate, for and against, once a sitting and resource; it fades with a half-life of three days.
- People are compared with people and workloads with workloads of their kind; only profiles in memory are read.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from math import exp, log, log1p
from typing import TYPE_CHECKING, Final

import msgspec

from ostiary.signals.dimensions import Dim
from ostiary.signals.numbers import faded
from ostiary.signals.profiles import Fading, Shared, Subject, Suspect, Thing
from ostiary.signals.surprise import UNSEEN, WORLD, smooth

if TYPE_CHECKING:
    from ostiary.signals.history import Moment
    from ostiary.signals.tables import Tables

MAX_REGULARS: Final = 10
MAX_SUSPECTS: Final = 6
MAX_THINGS: Final = 50_000
_TELLING: Final = (Dim.TIMEZONE, Dim.NETWORK, Dim.DEVICE, Dim.AGENT, Dim.COUNTRY)
_SMOOTH: Final = 2.0
_MOST: Final = 4.0  # nats that one access may add or take
_MOST_GAIN: Final = 30.0
_NEWCOMER: Final = 0.5
_OTHER_DAYS: Final = 0.25
_DAY: Final = 24
_FADE: Final = log(2.0) / (3 * 86_400)
_NAN: Final = float("nan")

_Parts = tuple[float, float, float]


class Lookalike(msgspec.Struct, frozen=True, gc=False):
    """Who fits best, and how much better than the subject, in nats; NaN where there is nobody to compare with.

    Attributes:
        key: the best candidate's key, empty for none.
        gain: how much better it fits than the subject.
        resource, place, hour: the parts of the gain.
        ahead: the gain over that of the next best or of the subject.
        crowd: mean chance under the candidates over the subject's own.
        silence: how much longer than usual the best candidate is silent.
        suspect: evidence for the candidate for whom most was gathered, this access included.
        suspect_gain: how much better this access fits that one than the subject.
        suspect_silence: how much longer than usual that one is silent.
        suspect_times: how many accesses fitted that one better before.
        before: the most evidence that was gathered for anybody, this access left out; 0 for none.
        gains: of every candidate, to learn from.
    """

    key: str = ""
    gain: float = _NAN
    resource: float = _NAN
    place: float = _NAN
    hour: float = _NAN
    ahead: float = _NAN
    crowd: float = _NAN
    silence: float = _NAN
    suspect: float = _NAN
    suspect_gain: float = _NAN
    suspect_silence: float = _NAN
    suspect_times: int = 0
    before: float = 0.0
    gains: Mapping[str, float] = {}


NOBODY: Final = Lookalike()


def lookalike(
    tables: "Tables",
    values: Sequence[str | None],
    own: Subject,
    me: str,
    moment: "Moment",
    of_all: Sequence[Shared | None],
) -> Lookalike:
    """Return whom the access with ``values`` looks like; ``of_all`` is what the tenant knows of each value."""
    others = _candidates(tables, values[Dim.RESOURCE] or "", own, me) if own.events else {}
    if not others:
        return NOBODY
    judge = _Judge(tables.everyone.totals, values, moment, of_all)
    mine = judge.parts(own)
    base = sum(mine)
    parts = {who: judge.parts(other) for who, other in others.items()}
    gains = {who: sum(each) - base for who, each in parts.items()}
    best = max(gains, key=gains.__getitem__)
    first, theirs = gains[best], parts[best]
    second = max([gain for who, gain in gains.items() if who != best], default=0.0)
    crowd = log(sum([exp(min(gain, _MOST_GAIN)) for gain in gains.values()]) / len(gains))
    suspect = _strongest(own, gains, moment.now)
    return Lookalike(
        best,
        first,
        theirs[0] - mine[0],
        theirs[1] - mine[1],
        theirs[2] - mine[2],
        first - max(second, 0.0),
        crowd,
        _silence(others[best], moment.now),
        _level(own.suspects[suspect], moment.now) + _bounded(gains[suspect]) if suspect else _NAN,
        gains[suspect] if suspect else _NAN,
        _silence(others[suspect], moment.now) if suspect else _NAN,
        own.suspects[suspect][2] if suspect else 0,
        max([_level(entry, moment.now) for entry in own.suspects.values()], default=0.0),
        gains,
    )


def learn_lookalike(own: Subject, found: Lookalike, now: int) -> None:
    """Gather the evidence of one access for and against each suspect; begin to suspect the best candidate."""
    suspects = own.suspects
    for who, gain in found.gains.items():
        old = suspects.get(who)
        if old is not None:
            suspects[who] = (_level(old, now) + _bounded(gain), now, old[2] + (gain > 0))
        elif who == found.key and gain > 0:
            suspects[who] = (_bounded(gain), now, 1)
    if len(suspects) > MAX_SUSPECTS:
        del suspects[min(suspects, key=lambda who: (_level(suspects[who], now), who))]


def learn_regular(regulars: OrderedDict[str, dict[str, Fading]], resource: str, me: str, now: int) -> None:
    """Count one more use of ``resource`` by ``me`` among those who use it most; a newcomer takes the rarest's place."""
    table = regulars.get(resource)
    if table is None:
        table = regulars[resource] = {}
        if len(regulars) > MAX_THINGS:
            regulars.popitem(last=False)
    old = table.get(me)
    if old is not None:
        table[me] = (faded(old[0], now - old[1]) + 1.0, now)
        return
    inherited = 0.0
    if len(table) >= MAX_REGULARS:
        least = min(table, key=lambda who: (faded(table[who][0], now - table[who][1]), who))
        weight, last = table.pop(least)
        inherited = _NEWCOMER * faded(weight, now - last)
    table[me] = (inherited + 1.0, now)


def _candidates(tables: "Tables", resource: str, own: Subject, me: str) -> dict[str, Subject]:
    thing: Thing | None = tables.resources.get(resource)
    names = dict.fromkeys(thing.visitors if thing is not None else ())
    names.update(dict.fromkeys(tables.regulars.get(resource, ())))
    names.update(dict.fromkeys(own.suspects))
    kind, shelf = me.partition(":")[0] + ":", tables.subjects
    found = ((who, shelf.peek(who)) for who in names if who != me and who.startswith(kind))
    return {who: other for who, other in found if other is not None}


def _strongest(own: Subject, gains: Mapping[str, float], now: int) -> str:
    """Return the suspect for whom most speaks, this access included, or an empty text."""
    levels = {who: _level(entry, now) + _bounded(gains[who]) for who, entry in own.suspects.items() if who in gains}
    return max(levels, key=levels.__getitem__, default="")


def _level(entry: Suspect, now: int) -> float:
    weight, last, _ = entry
    return weight * exp(-_FADE * (now - last)) if now > last else weight


def _bounded(gain: float) -> float:
    return max(-_MOST, min(_MOST, gain))


def _silence(who: Subject, now: int) -> float:
    return log1p(max(0, now - who.last)) - who.gap[1]


class _Judge:
    """One access, ready to be judged under one profile after another."""

    __slots__ = ("_dims", "_even", "_half", "_hour", "_now", "_of_all", "_values")

    def __init__(
        self, totals: Sequence[int], values: Sequence[str | None], moment: "Moment", of_all: Sequence[Shared | None]
    ) -> None:
        self._values = values
        self._now = moment.now
        self._hour, self._half = moment.hour, _DAY if moment.weekend else 0
        self._dims = [dim for dim in _TELLING if values[dim] is not None]
        self._of_all: dict[int, float] = {
            dim: _chance_of_all(of_all[dim], totals[dim]) for dim in (Dim.RESOURCE, *self._dims)
        }

    def parts(self, who: Subject) -> _Parts:
        """Return ``ln p`` of resource, place and hour under the profile ``who``."""
        return self._resource(who), sum([self._place(who, dim) for dim in self._dims]), self._hours(who)

    def _resource(self, who: Subject) -> float:
        table = who.dims[Dim.RESOURCE]
        entry = table.get(self._values[Dim.RESOURCE] or "") if table else None
        uses = faded(entry[3], self._now - entry[2]) if entry else 0.0
        pace = faded(who.pace, self._now - who.last)
        return log((uses + _SMOOTH * self._of_all[Dim.RESOURCE]) / (pace + _SMOOTH))

    def _place(self, who: Subject, dim: int) -> float:
        table = who.dims[dim]
        entry = table.get(self._values[dim] or "") if table else None
        return log(((entry[0] if entry else 0) + _SMOOTH * self._of_all[dim]) / (who.totals[dim] + _SMOOTH))

    def _hours(self, who: Subject) -> float:
        hours, half = who.hours, self._half
        uses = smooth(hours, self._hour, half) + _OTHER_DAYS * smooth(hours, self._hour, _DAY - half)
        near = sum(hours[half : half + _DAY])
        total = near + _OTHER_DAYS * (sum(hours) - near)
        return log((uses + _SMOOTH / _DAY) / (total + _SMOOTH))


def _chance_of_all(shared: Shared | None, total: int) -> float:
    return ((shared[0] if shared else 0) + UNSEEN) / (total + WORLD)
