"""Whom an access looks like: does it fit another subject of the tenant better than the one whose name it bears?

A stolen session in a colleague's hands, a shared password, a borrowed laptop: the access then carries somebody else's
habits (their resources, hours, place, device) under the wrong name.

Rules:
- Candidates are few and bounded: the last visitors of the resource, those who use it most, and whoever is suspected.
- A candidate and the subject are judged by the same formula, ``ln p(x|who)`` smoothed towards the tenant, over the
  resource (lately), the telling dimensions and the hour. Nobody's chance is ever zero.
- Evidence gathers by candidate, for and against, once a sitting and resource; it fades with a half-life of three days.
- People are compared with people and workloads with workloads of their kind. Their profiles are read wherever they
  lie, or what a process has spilled would change what it says.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from math import exp, log, log1p
from typing import TYPE_CHECKING, Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.faces import TELLING, Face, favourite
from ostiary.signals.likeness import Lookalike
from ostiary.signals.numbers import FADE, faded
from ostiary.signals.profiles import Entry, Fading, Regular, Shared, Subject, Suspect, Thing
from ostiary.signals.surprise import UNSEEN, WORLD

if TYPE_CHECKING:
    from ostiary.signals.history import Moment
    from ostiary.signals.tables import Tables

MAX_REGULARS: Final = 4
MAX_SUSPECTS: Final = 3
MAX_THINGS: Final = 50_000
_SMOOTH: Final = 2.0
_MOST: Final = 4.0  # nats that one access may add or take
_MOST_GAIN: Final = 30.0
_MOST_CHANCE: Final = exp(_MOST_GAIN)
_VISITORS: Final = 2
_NEWCOMER: Final = 0.5
_DAY: Final = 24
_FADE: Final = log(2.0) / (3 * 86_400)

_Parts = tuple[float, float, float]


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
    regulars = tables.regulars.get(values[Dim.RESOURCE] or "", {})
    everybody = [(own, _own_use(own, values)), *_with_use(others, regulars, values)]
    mine, *rest = _fits(everybody, tables.everyone.totals, values, moment, of_all)
    base = mine[0] + mine[1] + mine[2]
    parts = dict(zip(others, rest, strict=True))
    gains = {who: resource + place + hour - base for who, (resource, place, hour) in parts.items()}
    best = max(gains, key=gains.__getitem__)
    first, theirs = gains[best], parts[best]
    second = max([gain for who, gain in gains.items() if who != best], default=0.0)
    crowd = log(sum([exp(gain) if gain < _MOST_GAIN else _MOST_CHANCE for gain in gains.values()]) / len(gains))
    found = (best, first, theirs[0] - mine[0], theirs[1] - mine[1], theirs[2] - mine[2], first - max(second, 0.0))
    silence = _silence(others[best], moment.now)
    if not own.suspects:
        return Lookalike(*found, crowd, silence, gains=gains)
    levels = {who: _level(entry, moment.now) for who, entry in own.suspects.items()}
    before = max(levels.values())
    suspect = max(
        [who for who in levels if who in gains], key=lambda who: levels[who] + _bounded(gains[who]), default=""
    )
    if not suspect:
        return Lookalike(*found, crowd, silence, before=before, gains=gains)
    return Lookalike(
        *found,
        crowd,
        silence,
        levels[suspect] + _bounded(gains[suspect]),
        gains[suspect],
        _silence(others[suspect], moment.now),
        own.suspects[suspect][2],
        before,
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


def learn_regular(
    regulars: OrderedDict[str, dict[str, Regular]], resource: str, me: str, used: Entry | None, now: int
) -> None:
    """Count one more use of ``resource`` by ``me`` among those who use it most; a newcomer takes the rarest's place.

    ``used`` is the subject's own entry of it ahead of this use.
    """
    table = regulars.get(resource)
    if table is None:
        table = regulars[resource] = {}
        if len(regulars) > MAX_THINGS:
            regulars.popitem(last=False)
    mine = 1.0 if used is None else faded(used[3], now - used[2]) + 1.0
    old = table.get(me)
    if old is not None:
        table[me] = (faded(old[0], now - old[1]) + 1.0, now, mine)
        return
    inherited = 0.0
    if len(table) >= MAX_REGULARS:
        least = min(table, key=lambda who: (faded(table[who][0], now - table[who][1]), who))
        weight, last, _ = table.pop(least)
        inherited = _NEWCOMER * faded(weight, now - last)
    table[me] = (inherited + 1.0, now, mine)


def _candidates(tables: "Tables", resource: str, own: Subject, me: str) -> dict[str, Subject | Face]:
    thing: Thing | None = tables.resources.get(resource)
    names = {*tables.regulars.get(resource, ()), *own.suspects, *(thing.visitors[-_VISITORS:] if thing else ())}
    names.discard(me)
    kind, face = me.partition(":")[0] + ":", tables.subjects.face
    found: dict[str, Subject | Face] = {}
    for who in sorted(names):  # a set has no order of its own, and sums of floats depend on it
        if who.startswith(kind) and (other := face(who)) is not None:
            found[who] = other
    return found


def _level(entry: Suspect, now: int) -> float:
    weight, last, _ = entry
    return weight * exp(-_FADE * (now - last)) if now > last else weight


def _bounded(gain: float) -> float:
    return max(-_MOST, min(_MOST, gain))


def _silence(who: Subject | Face, now: int) -> float:
    return log1p(max(0, now - who.last)) - who.gap[1]


def _own_use(own: Subject, values: Sequence[str | None]) -> Fading | None:
    entry = (own.dims[Dim.RESOURCE] or {}).get(values[Dim.RESOURCE] or "")
    return None if entry is None else (entry[3], entry[2])


def _with_use(
    others: Mapping[str, Subject | Face], regulars: Mapping[str, Regular], values: Sequence[str | None]
) -> list[tuple[Subject | Face, Fading | None]]:
    """Return each of ``others`` with its use of the resource: as the resource knows it, else among its favourites."""
    resource, found = values[Dim.RESOURCE] or "", []
    for who, other in others.items():
        known = regulars.get(who)
        use = favourite(other, resource) if known is None else (known[2], known[1])
        found.append((other, use))
    return found


def _fits(
    everybody: Sequence[tuple[Subject | Face, Fading | None]],
    totals: Sequence[int],
    values: Sequence[str | None],
    moment: "Moment",
    of_all: Sequence[Shared | None],
) -> list[_Parts]:
    """Return how well one access fits one subject after another: ``ln p`` of resource, place and hour."""
    now = moment.now
    floor = _SMOOTH * _chance_of_all(of_all[Dim.RESOURCE], totals[Dim.RESOURCE])
    places = [
        (place, dim, value, _SMOOTH * _chance_of_all(of_all[dim], totals[dim]))
        for place, dim in enumerate(TELLING)
        if (value := values[dim]) is not None
    ]
    hour = moment.utc_hour
    before, after, even = hour - 1, (hour + 1) % _DAY, _SMOOTH / _DAY
    found = []
    for who, use in everybody:
        quiet = who.last - now
        pace = who.pace * exp(FADE * quiet) if quiet < 0 else who.pace
        weight = 0.0
        if use is not None:
            weight, then = use
            weight = weight * exp(FADE * (then - now)) if then < now else weight
        spot = 0.0
        if isinstance(who, Face):
            times, totals_of = who.times, who.totals
            for place, _, value, least in places:
                spot += log((times[place].get(value, 0) + least) / (totals_of[place] + _SMOOTH))
        else:
            dims, uses = who.dims, who.totals
            for _, dim, value, least in places:
                entry = its.get(value) if (its := dims[dim]) else None
                spot += log((entry[0] + least if entry else least) / (uses[dim] + _SMOOTH))
        hours = who.utc_hours
        near = 0.5 * hours[hour] + 0.25 * (hours[before] + hours[after])
        found.append((log((weight + floor) / (pace + _SMOOTH)), spot, log((near + even) / (sum(hours) + _SMOOTH))))
    return found


def _chance_of_all(shared: Shared | None, total: int) -> float:
    return ((shared[0] if shared else 0) + UNSEEN) / (total + WORLD)
