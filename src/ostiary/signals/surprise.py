"""How surprising a value is: ``-ln p`` with back-off from the subject to its peers to the tenant.

Rules:
- ``p(x|subject) = (n_x + A p(x|peers)) / (N + A)``, and the same one level up (Freeman et al., NDSS 2016, use this
  smoothing for login features). A subject without history is judged by its peers, a group without by the tenant.
- Hours are smoothed around the clock, so that 09:59 and 10:01 are neighbours and 23:30 is near 00:30.
- Never infinite, never NaN.

>>> at_home, _ = surprise_of((50, 0, 0, 1.0), 50, None, 0, None, 0)
>>> abroad, _ = surprise_of(None, 50, None, 0, None, 0)
>>> at_home < abroad
True
"""

from collections.abc import Sequence
from math import log
from typing import Final

from ostiary.signals.dimensions import TELLING
from ostiary.signals.profiles import Entry, Shared

BACK_OFF: Final = 3.0
WORLD: Final = 2.0
UNSEEN: Final = 0.25
LEAST_ODDS: Final = -1.0
_KERNEL: Final = (0.08, 0.22, 0.40, 0.22, 0.08)
_OTHER_DAYS: Final = 0.25
_DAY: Final = 24
_EVEN: Final = 1.0 / _DAY
_AROUND: Final = tuple(
    tuple((hour + step) % _DAY + half for step in (-2, -1, 0, 1, 2)) for half in (0, _DAY) for hour in range(_DAY)
)


def surprise_of(
    mine: Entry | None,
    my_total: int,
    peers: Shared | None,
    peer_total: int,
    everyone: Shared | None,
    all_total: int,
) -> tuple[float, float]:
    """Return ``-ln p(x|subject)`` and ``ln p(x|tenant) / p(x|subject)``.

    The second is the likelihood ratio of Freeman et al.: how much more the tenant would show this than the subject.
    """
    of_all = ((everyone[0] if everyone else 0) + UNSEEN) / (all_total + WORLD)
    of_peers = ((peers[0] if peers else 0) + BACK_OFF * of_all) / (peer_total + BACK_OFF)
    chance = ((mine[0] if mine else 0) + BACK_OFF * of_peers) / (my_total + BACK_OFF)
    return -log(chance), log(of_all / chance)


def odds(ratios: Sequence[float]) -> float:
    """Return how much likelier the tenant than the subject is to show all the telling values together, in nats.

    The sum of the ratios of ``TELLING``, as if they were independent. What is not told (NaN) says nothing, and what is
    usual excuses little: a stolen session comes with its owner's device.
    """
    total = 0.0
    for dim in TELLING:
        ratio = ratios[dim]
        if ratio > LEAST_ODDS:
            total += ratio
        elif ratio <= LEAST_ODDS:  # not so for NaN
            total += LEAST_ODDS
    return total


def smooth(hours: Sequence[int], hour: int, offset: int = 0) -> float:
    """Return the smoothed count around ``hour`` in the half of the histogram that begins at ``offset``."""
    earliest, before, here, after, latest = _AROUND[hour + offset]
    return (
        _KERNEL[2] * hours[here]
        + _KERNEL[1] * (hours[before] + hours[after])
        + _KERNEL[0] * (hours[earliest] + hours[latest])
    )


def _hour_chance(hours: Sequence[int], hour: int, near: int, back_off: float) -> float:
    """Return ``p(hour)`` of one histogram; days of the other kind (weekend, work day) count a quarter."""
    far = _DAY - near
    workdays = sum(hours[:_DAY])
    rest = sum(hours) - workdays
    total = rest + _OTHER_DAYS * workdays if near else workdays + _OTHER_DAYS * rest
    count = smooth(hours, hour, near) + _OTHER_DAYS * smooth(hours, hour, far)
    return (count + BACK_OFF * back_off) / (total + BACK_OFF)


def hour_chances(
    mine: Sequence[int], peers: Sequence[int], everyone: Sequence[int], hour: int, *, weekend: bool
) -> tuple[float, float, float]:
    """Return ``p(hour|subject)`` backed off to its peers, ``p(hour|peers)`` and ``p(hour|tenant)``."""
    near = _DAY if weekend else 0
    of_peers = _hour_chance(peers, hour, near, _EVEN)
    return _hour_chance(mine, hour, near, of_peers), of_peers, _hour_chance(everyone, hour, near, _EVEN)
