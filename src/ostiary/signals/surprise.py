"""How surprising a value is: ``-ln p`` with back-off from the subject to its peers to the tenant.

Rules:
- ``p(x|subject) = (n_x + A p(x|peers)) / (N + A)``, and the same one level up (Freeman et al., NDSS 2016, use this
  smoothing for login features). A subject without history is judged by its peers, a group without by the tenant.
- Hours are smoothed around the clock, so that 09:59 and 10:01 are neighbours and 23:30 is near 00:30.
- Never infinite, never NaN.

>>> at_home = log_chance((50, 0, 0, 1.0), 50, None, 0, None, 0)
>>> abroad = log_chance(None, 50, None, 0, None, 0)
>>> -at_home < -abroad
True
"""

from collections.abc import Sequence
from math import log
from typing import Final

from ostiary.signals.profiles import Entry, Shared

BACK_OFF: Final = 3.0
WORLD: Final = 2.0
UNSEEN: Final = 0.25
LEAST_ODDS: Final = -1.0
_KERNEL: Final = (0.08, 0.22, 0.40, 0.22, 0.08)
_OTHER_DAYS: Final = 0.25
_DAY: Final = 24
_EVEN: Final = 1.0 / _DAY


def log_chance(
    mine: Entry | None,
    my_total: int,
    peers: Shared | None,
    peer_total: int,
    everyone: Shared | None,
    all_total: int,
) -> float:
    """Return ``ln p(x|subject)``, backed off to the peers and the tenant."""
    chance = ((everyone[0] if everyone else 0) + UNSEEN) / (all_total + WORLD)
    chance = ((peers[0] if peers else 0) + BACK_OFF * chance) / (peer_total + BACK_OFF)
    return log(((mine[0] if mine else 0) + BACK_OFF * chance) / (my_total + BACK_OFF))


Totals = Sequence[int]


def odds(
    dims: Sequence[int],
    values: Sequence[str | None],
    mine: tuple[Sequence[Entry | None], Totals],
    peers: tuple[Sequence[Shared | None], Totals],
    everyone: tuple[Sequence[Shared | None], Totals],
) -> float:
    """Return how much likelier the tenant than the subject is to show these values together, in nats.

    The sum over ``dims`` of ``ln p(x|tenant) / p(x|subject)``: the likelihood ratio of a login as if its parts were
    independent (Freeman et al., NDSS 2016). Values not told say nothing, and what is usual excuses little: a stolen
    session comes with its owner's device.
    """
    total = 0.0
    for dim in dims:
        if values[dim] is not None:
            own, group, its = mine[0][dim], peers[0][dim], everyone[0][dim]
            of_all = ((its[0] if its else 0) + UNSEEN) / (everyone[1][dim] + WORLD)
            chance = ((group[0] if group else 0) + BACK_OFF * of_all) / (peers[1][dim] + BACK_OFF)
            chance = ((own[0] if own else 0) + BACK_OFF * chance) / (mine[1][dim] + BACK_OFF)
            total += max(LEAST_ODDS, log(of_all / chance))
    return total


def smooth(hours: Sequence[int], hour: int, offset: int) -> float:
    """Return the smoothed count around ``hour`` in the half of the histogram that begins at ``offset``."""
    before, after = (hour - 1) % _DAY, (hour + 1) % _DAY
    return (
        _KERNEL[2] * hours[offset + hour]
        + _KERNEL[1] * (hours[offset + before] + hours[offset + after])
        + _KERNEL[0] * (hours[offset + (hour - 2) % _DAY] + hours[offset + (hour + 2) % _DAY])
    )


def hour_count(hours: Sequence[int], hour: int, *, weekend: bool) -> float:
    """Return the smoothed count of accesses around ``hour``, days of the other kind counting a quarter."""
    near, far = (_DAY, 0) if weekend else (0, _DAY)
    return smooth(hours, hour, near) + _OTHER_DAYS * smooth(hours, hour, far)


def hour_chances(hours: Sequence[int], peers: Sequence[int], hour: int, *, weekend: bool) -> tuple[float, float]:
    """Return ``p(hour|subject)``, backed off to the peers, and ``p(hour|peers)``."""
    of_peers = (hour_count(peers, hour, weekend=weekend) + BACK_OFF * _EVEN) / (_effective(peers, weekend) + BACK_OFF)
    mine = (hour_count(hours, hour, weekend=weekend) + BACK_OFF * of_peers) / (_effective(hours, weekend) + BACK_OFF)
    return mine, of_peers


def _effective(hours: Sequence[int], weekend: bool) -> float:  # noqa: FBT001 - private, named at both calls
    total, workdays = sum(hours), sum(hours[:_DAY])
    near = total - workdays if weekend else workdays
    return near + _OTHER_DAYS * (total - near)
