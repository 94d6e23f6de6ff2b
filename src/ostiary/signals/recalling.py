"""What subject, peers and tenant remember of each value of an event, and how surprising that makes it."""

from collections.abc import Sequence
from math import log
from typing import NamedTuple

from ostiary.signals.profiles import Entry, Group, Shared, Subject
from ostiary.signals.surprise import BACK_OFF, UNSEEN, WORLD

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
    count = len(values)
    mine: list[Entry | None] = [None] * count
    peers: list[Shared | None] = [None] * count
    everyone: list[Shared | None] = [None] * count
    surprises, ratios = [_NAN] * count, [_NAN] * count
    my_tables, my_totals = own.dims, own.totals
    peer_tables, peer_totals = group.dims, group.totals
    all_tables, all_totals = tenant.dims, tenant.totals
    for dim, value in enumerate(values):
        if value is None:
            continue
        my = peer = its = None
        if table := my_tables[dim]:
            my = mine[dim] = table.get(value)
        if shared := peer_tables[dim]:
            peer = peers[dim] = shared.get(value)
        if shared := all_tables[dim]:
            its = everyone[dim] = shared.get(value)
        # surprise.surprise_of, written out: thirty calls an event are felt
        of_all = ((its[0] if its else 0) + UNSEEN) / (all_totals[dim] + WORLD)
        of_peers = ((peer[0] if peer else 0) + BACK_OFF * of_all) / (peer_totals[dim] + BACK_OFF)
        chance = ((my[0] if my else 0) + BACK_OFF * of_peers) / (my_totals[dim] + BACK_OFF)
        surprises[dim], ratios[dim] = -log(chance), log(of_all / chance)
    return Recalled(mine, peers, everyone, surprises, ratios)
