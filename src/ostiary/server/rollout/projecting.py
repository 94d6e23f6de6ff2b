"""What came of requests, beside what would have come of them had one control of the models been live.

- Both are sums of what was counted by the hour as requests were answered (``shadow.live``): nothing is asked again.
- Effects are those of the whole tenant: a scope holds for a part of it, and would change no more than this.
- People are not counted here: whom it would have hit is in the shadow report.
"""

from collections import Counter
from typing import Final

import msgspec

from ostiary.decision.counts import COMPARED, LIVE
from ostiary.decision.shadow import HOUR_NS
from ostiary.errors import RefusedError
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import EFFECT_OF_CONTROL, Control, Effect

MAX_DAYS: Final = 90
_DAY_H: Final = 24


class Projection(msgspec.Struct, frozen=True):
    """What was, and what would have been, in ``[since_ns, until_ns)``; whole hours, those of both ends included.

    Attributes:
        decisions: that were watched.
        disagreements: of those, how many the control would have changed.
        now, projected: decisions by effect.
    """

    control: str
    since_ns: int
    until_ns: int
    decisions: int
    disagreements: int
    now: dict[str, int]
    projected: dict[str, int]


def projection(house: House, tenant: str, control: str, days: int) -> Projection:
    """Return what a control would have changed in the last days.

    Raises:
        RefusedError: ``control_unknown``: it is no control of the models.
        UnavailableError: the counts cannot be read or written now.
    """
    if control not in set(Control):
        raise RefusedError("control_unknown", f"there is no control `{control[:80]}`")
    return projections(house, tenant, days)[control]


def projections(house: House, tenant: str, days: int) -> dict[str, Projection]:
    """Return what each control of the models would have changed in the last days, each alone.

    Raises:
        UnavailableError: the counts cannot be read or written now.
    """
    house.shadow.tallies.flush()
    until = house.clock.now_ns() // HOUR_NS + 1
    since = until - min(max(days, 1), MAX_DAYS) * _DAY_H
    pairs: Counter[tuple[str, int]] = Counter()
    for row in house.shadow.counts.summed(tenant, LIVE, COMPARED, since, until):
        pairs[row.controls, row.before] += row.count
    return {one.value: _alone(one, pairs, since * HOUR_NS, until * HOUR_NS) for one in Control}


def _alone(control: Control, pairs: Counter[tuple[str, int]], since_ns: int, until_ns: int) -> Projection:
    now: Counter[Effect] = Counter()
    projected: Counter[Effect] = Counter()
    changed = 0
    for (controls, was), count in pairs.items():
        before = Effect(was)
        after = max(before, EFFECT_OF_CONTROL[control]) if control.value in controls.split("+") else before
        now[before] += count
        projected[after] += count
        changed += count if after != before else 0
    told = (_named(now), _named(projected))
    return Projection(control.value, since_ns, until_ns, now.total(), changed, *told)


def _named(counts: Counter[Effect]) -> dict[str, int]:
    return {effect.name: counts[effect] for effect in Effect}
