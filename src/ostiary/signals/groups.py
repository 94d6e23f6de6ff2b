"""Peer groups: who belongs to which, and what its members together have used.

Rules:
- A subject is in one peer group at a time. When it moves, its values move with it (one user more here, one less there),
  so that "how many of your peers use this" counts members and not visits.
- Beside it a subject may be in a *circle* (``circles``), a group that holds only what resources and collections its
  members use.
- ``users`` of a value counts members of today; ``times`` counts what members did while they were here.
"""

from collections.abc import Iterable
from typing import Final

from ostiary.signals.dimensions import CAPS, COUNT, Dim
from ostiary.signals.profiles import Group, Shared, Subject, pruned
from ostiary.signals.tables import Tables
from ostiary.vocabulary.events import AccessEvent

MAX_GROUPS: Final = 2048
CIRCLE_DIMS: Final = (Dim.RESOURCE, Dim.COLLECTION)
_ALL: Final = range(COUNT)
_NONE: Final[Shared] = (0, 0, 0)


def join(tables: Tables, name: str, own: Subject, now: int) -> Group:
    """Return the subject's peer group, called ``name`` from now on; made or changed as that demands."""
    if own.events == 0:
        tables.everyone.members += 1
    group = tables.groups.get(name)
    if group is not None and own.peers == name:
        tables.groups.move_to_end(name)
        return group
    if group is None:
        group = tables.groups[name] = Group(first=now)
    old = tables.groups.get(own.peers)
    if old is not None and old is not group:
        _leave(own, old)
    _enter(own, group)
    own.peers = name
    _shrink(tables)
    return group


def circle_of(tables: Tables, event: AccessEvent, own: Subject) -> Group | None:
    """Return the group of the subject's circle, when it has one and it is remembered."""
    return tables.groups.get(_circle_name(event, own.circle)) if own.circle else None


def change_circle(tables: Tables, event: AccessEvent, own: Subject, label: str, now: int) -> None:
    """Take the subject out of its circle and into the one called ``label``; an empty label is none."""
    if label == own.circle and (not label or circle_of(tables, event, own) is not None):
        return
    old = circle_of(tables, event, own)
    if old is not None:
        _leave(own, old, CIRCLE_DIMS)
    own.circle = label
    if not label:
        return
    name = _circle_name(event, label)
    group = tables.groups.get(name)
    if group is None:
        group = tables.groups[name] = Group(first=now)
    _enter(own, group, CIRCLE_DIMS)
    tables.groups.move_to_end(name)
    _shrink(tables)


def _circle_name(event: AccessEvent, label: str) -> str:
    return f"{event.subject_type}:circle:{label}"


def _shrink(tables: Tables) -> None:
    while len(tables.groups) > MAX_GROUPS:
        tables.groups.popitem(last=False)


def _leave(own: Subject, group: Group, dims: Iterable[int] = _ALL) -> None:
    group.members = max(0, group.members - 1)
    for dim in dims:
        theirs = group.dims[dim]
        for value in own.dims[dim] or ():
            if theirs is not None and value in theirs:
                times, users, last = theirs[value]
                theirs[value] = (times, max(0, users - 1), last)


def _enter(own: Subject, group: Group, dims: Iterable[int] = _ALL) -> None:
    group.members += 1
    for dim in dims:
        mine = own.dims[dim]
        if not mine:
            continue
        theirs = group.dims[dim]
        if theirs is None:
            theirs = group.dims[dim] = {}
        for value in mine:
            times, users, last = theirs.get(value, _NONE)
            theirs[value] = (times, users + 1, last)
        pruned(theirs, CAPS[dim].group)
