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
    count = len(values)
    mine: list[Entry | None] = [None] * count
    peers: list[Shared | None] = [None] * count
    everyone: list[Shared | None] = [None] * count
    surprises, ratios = [_NAN] * count, [_NAN] * count
    my_tables, peer_tables, all_tables = own.dims, group.dims, tenant.dims
    for dim, value in enumerate(values):
        if value is None:
            continue
        if table := my_tables[dim]:
            mine[dim] = table.get(value)
        if shared := peer_tables[dim]:
            peers[dim] = shared.get(value)
        if shared := all_tables[dim]:
            everyone[dim] = shared.get(value)
        surprises[dim], ratios[dim] = surprise_of(
            mine[dim], own.totals[dim], peers[dim], group.totals[dim], everyone[dim], tenant.totals[dim]
        )
    return Recalled(mine, peers, everyone, surprises, ratios)
