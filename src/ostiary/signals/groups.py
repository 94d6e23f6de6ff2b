"""Peer groups: who belongs to which, and what its members together have used.

Rules:
- A subject is in one peer group at a time. When it moves, its values move with it (one user more here, one less there),
  so that "how many of your peers use this" counts members and not visits.
- ``users`` of a value counts members of today; ``times`` counts what members did while they were here.
"""

from typing import Final

from ostiary.signals.dimensions import CAPS
from ostiary.signals.profiles import Group, Shared, Subject, pruned
from ostiary.signals.tables import Tables

MAX_GROUPS: Final = 2048
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
    while len(tables.groups) > MAX_GROUPS:
        tables.groups.popitem(last=False)
    return group


def _leave(own: Subject, group: Group) -> None:
    group.members = max(0, group.members - 1)
    for mine, theirs in zip(own.dims, group.dims, strict=True):
        for value in mine or ():
            if theirs is not None and value in theirs:
                times, users, last = theirs[value]
                theirs[value] = (times, max(0, users - 1), last)


def _enter(own: Subject, group: Group) -> None:
    group.members += 1
    for place, (mine, caps) in enumerate(zip(own.dims, CAPS, strict=True)):
        if not mine:
            continue
        theirs = group.dims[place]
        if theirs is None:
            theirs = group.dims[place] = {}
        for value in mine:
            times, users, last = theirs.get(value, _NONE)
            theirs[value] = (times, users + 1, last)
        pruned(theirs, caps.group)
