"""Resources, devices and networks as all subjects of a tenant use them, and which resources keep company.

Rules:
- The least recently used thing goes when a table is full.
- ``crowd`` rises when a thing changes hands to someone not among its last eight visitors; it fades by half an hour's
  half-life times two: many people at one address within the hour is what spraying looks like.
- Company is counted once per subject and pair, when the subject first uses a resource, against its favourites only.
"""

from collections import OrderedDict
from collections.abc import Sequence
from math import exp, log
from typing import Final

import msgspec

from ostiary.signals.dimensions import Dim
from ostiary.signals.neighbours import marked
from ostiary.signals.profiles import MAX_NEIGHBOURS, MAX_VISITORS, Entry, Subject, Thing
from ostiary.signals.tables import Tables

MAX_THINGS: Final = 50_000
_FADE: Final = log(2.0) / 3_600


def fading(weight: float, seconds: int) -> float:
    """Return what is left of ``weight`` after ``seconds`` at a half-life of one hour."""
    return weight * exp(-_FADE * seconds) if seconds > 0 and weight else weight


def touch(table: OrderedDict[str, Thing], name: str, who: str, now: int, *, new_user: bool, failed: bool) -> None:
    """Count one use of the thing called ``name`` by ``who``."""
    old = table.get(name)
    if old is None:
        table[name] = Thing(1, 1, now, now, 1.0, float(failed), (who,), marked(b"", who))
        if len(table) > MAX_THINGS:
            table.popitem(last=False)
        return
    table.move_to_end(name)
    later = max(now, old.last)
    stranger = who not in old.visitors
    crowd = fading(old.crowd, later - old.last) + stranger
    failures = fading(old.failures, later - old.last) + failed
    visitors = (*old.visitors[1 - MAX_VISITORS :], who) if stranger else old.visitors
    mark = marked(old.users_mark, who) if new_user else old.users_mark
    table[name] = Thing(old.events + 1, old.users + new_user, old.first, later, crowd, failures, visitors, mark)


def learn_things(
    tables: Tables, values: Sequence[str | None], before: Sequence[Entry | None], who: str, now: int, *, failed: bool
) -> None:
    """Count the use of the event's resource, device and network; ``before`` says what the subject used earlier."""
    pairs = ((Dim.RESOURCE, tables.resources), (Dim.DEVICE, tables.devices), (Dim.NETWORK, tables.networks))
    for dim, table in pairs:
        name = values[dim]
        if name is not None:
            touch(table, name, who, now, new_user=before[dim] is None, failed=failed)


def scrub(tables: Tables, who: str) -> None:
    """Remove a subject's name from the things it used."""
    for table in (tables.resources, tables.devices, tables.networks):
        for name, thing in table.items():
            if who in thing.visitors:
                visitors = tuple(each for each in thing.visitors if each != who)
                table[name] = msgspec.structs.replace(thing, visitors=visitors)
    tables.circles.forget(who)


def learn_company(tables: Tables, resource: str, own: Subject) -> None:
    """Count once that a subject who uses its favourites uses ``resource`` too."""
    for other in own.favourites:
        if other != resource:
            _meet(tables.company, resource, other)
            _meet(tables.company, other, resource)


def _meet(company: OrderedDict[str, dict[str, int]], one: str, other: str) -> None:
    near = company.get(one)
    if near is None:
        near = company[one] = {}
        if len(company) > MAX_THINGS:
            company.popitem(last=False)
    near[other] = near.get(other, 0) + 1
    if len(near) > 2 * MAX_NEIGHBOURS:
        for name, _ in sorted(near.items(), key=lambda item: (item[1], item[0]))[: len(near) - MAX_NEIGHBOURS]:
            del near[name]
