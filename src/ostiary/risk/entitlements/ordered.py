"""Ordered target statistics: each row is told by the rows before it in a random order, never by its own answer.

- A statistic over all rows would tell the trees the answer of each rare id, and they would believe it.
- Several orders give several, differently noisy, tables; the model is the mean over them (Prokhorenkova et al. 2018).

>>> import numpy as np
>>> ordered_share(np.array([0, 0, 0]), np.array([1.0, 0.0, 0.0]), np.array([0, 1, 2]), strength=1.0).round(3).tolist()
[0.333, 0.667, 0.444]
"""

from typing import Final

import numpy as np

from ostiary.risk.entitlements.coding import Floats, Ints

STRENGTH: Final = 3.0  # how many rows the overall share counts for


def ordered_share(slots: Ints, refused: Floats, order: Ints, *, strength: float = STRENGTH) -> Floats:
    """Return each row's smoothed share of refusals among the rows of its slot before it in ``order``."""
    prior = float(refused.mean()) if len(refused) else 0.0
    by_slot = order[np.argsort(slots[order], kind="stable")]
    mine, answers = slots[by_slot], refused[by_slot]
    place = np.arange(len(mine))
    begins = np.concatenate(([True], mine[1:] != mine[:-1])) if len(mine) else np.zeros(0, bool)
    first = np.maximum.accumulate(np.where(begins, place, 0)) if len(mine) else place
    before = np.cumsum(answers) - answers
    share = (before - before[first] + strength * prior) / (place - first + strength)
    answer = np.empty(len(mine))
    answer[by_slot] = share
    return answer


def full_share(slots: Ints, refused: Floats, counts: Floats, prior: float, *, strength: float = STRENGTH) -> Floats:
    """Return the smoothed share for rows that are not among those counted; an unseen slot (-1) gives ``prior``."""
    known = slots >= 0
    at = np.where(known, slots, 0)
    denied = np.where(known, refused[at], 0.0) if len(refused) else np.zeros(len(slots))
    seen = np.where(known, counts[at], 0.0) if len(counts) else np.zeros(len(slots))
    answer: Floats = (denied + strength * prior) / (seen + strength)
    return answer
