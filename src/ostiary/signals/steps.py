"""How likely the next action is after the last one: ``-ln p(a|b)`` for the subject, backed off to peers and tenant.

The chance of an action after another is counted over the subject's own pairs; with few of those its peers' count, and
with none of theirs how common the action is in the tenant at all. Never infinite; NaN before a second action.
"""

from math import log
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.profiles import Group, Subject
from ostiary.signals.surprise import BACK_OFF, UNSEEN, WORLD

_NAN: Final = float("nan")


def next_action(own: Subject, group: Group, tenant: Group, action: str, move: str | None) -> tuple[float, float]:
    """Return ``-ln p`` of ``action`` after the subject's last one: for the subject, and for its peers."""
    before = own.previous_action
    if before is None or move is None:
        return _NAN, _NAN
    everywhere = tenant.dims[Dim.ACTION]
    common = everywhere.get(action) if everywhere else None
    chance = ((common[0] if common else 0) + UNSEEN) / (tenant.totals[Dim.ACTION] + WORLD)
    chances = []
    for holder in (group, own):
        pairs, actions = holder.dims[Dim.MOVE], holder.dims[Dim.ACTION]
        pair = pairs.get(move) if pairs else None
        last = actions.get(before) if actions else None
        times = pair[0] if pair else 0
        chance = (times + BACK_OFF * chance) / (max(last[0] if last else 0, times) + BACK_OFF)
        chances.append(-log(chance))
    return chances[1], chances[0]
