"""What subject, peers and tenant remember of each value of an event, and how surprising that makes it."""

from collections.abc import Sequence
from typing import NamedTuple

from ostiary.signals.profiles import Entry, Group, Shared, Subject
from ostiary.signals.surprise import surprise_of

_NAN = float("nan")


class Recalled(NamedTuple):
    """One place per dimension in each list; a value that is not told has ``None`` and NaN."""

    mine: list[Entry | None]
    peers: list[Shared | None]
    everyone: list[Shared | None]
    surprise: list[float]
    ratio: list[float]


def recall(values: Sequence[str | None], own: Subject, group: Group, tenant: Group) -> Recalled:
    """Return what is remembered; reads, changes nothing."""
    mine: list[Entry | None] = []
    peers: list[Shared | None] = []
    everyone: list[Shared | None] = []
    surprises: list[float] = []
    ratios: list[float] = []
    tables = zip(values, own.dims, own.totals, group.dims, group.totals, tenant.dims, tenant.totals, strict=True)
    for value, my_table, my_total, peer_table, peer_total, all_table, all_total in tables:
        if value is None:
            my = peer = its = None
            surprise = ratio = _NAN
        else:
            my = my_table.get(value) if my_table else None
            peer = peer_table.get(value) if peer_table else None
            its = all_table.get(value) if all_table else None
            surprise, ratio = surprise_of(my, my_total, peer, peer_total, its, all_total)
        mine.append(my)
        peers.append(peer)
        everyone.append(its)
        surprises.append(surprise)
        ratios.append(ratio)
    return Recalled(mine, peers, everyone, surprises, ratios)
