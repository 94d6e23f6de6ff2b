"""What each group of sources does to a model: how odd the others find it, and whether the model is better without it.

- *Removal effect* (RONI by source): a quick forest is grown without the group; how much more, or less, it then catches
  of a yardstick that the group has no part in: golden attacks where there are some, else the later impostors of the
  other groups.
- *Odd*: the share of the group's own rows that the vote of the other groups takes for an impostor's (``votes``).
- Either is a reason to look, not a proof. Ten groups that collude hide each other from the removal effect, since nine
  remain when one is taken away; the vote finds them as long as fewer than half collude.
"""

from typing import Final

import msgspec
import numpy as np

from ostiary.risk.golden import Frozen
from ostiary.risk.training.fit import FitSettings, Floats, Ints, fit, margins
from ostiary.risk.training.prepare import Examples
from ostiary.risk.training.sources import Cut
from ostiary.risk.training.votes import MONOTONE, Mask, fit_votes
from ostiary.signals.features import NAMES

HELPS: Final = 0.02
"""From which gain on a group is worth a look."""

_RATE: Final = 0.01
_TREES: Final = 80


class Effect(msgspec.Struct, frozen=True):
    """What one group does.

    Attributes:
        group: its number.
        sources: that are in it.
        rows: own rows in the training part.
        odd: which of its sources stand out.
        effect: share of the yardstick that is caught more without it; below zero when the model is worse without it.
        suspicious: whether somebody should look.
    """

    group: int
    sources: tuple[int, ...]
    rows: int
    odd: tuple[int, ...]
    effect: float
    suspicious: bool


class SourceAudit(msgspec.Struct, frozen=True):
    """Every group.

    Attributes:
        yardstick: what is caught or missed: ``golden attacks`` or ``later impostors``.
        caught: share of it by the forest of everything.
        groups: worst first.
    """

    yardstick: str
    caught: float
    groups: tuple[Effect, ...]


def audit(
    examples: Examples, later: Mask, cut: Cut, settings: FitSettings, seed: int, golden: Frozen | None
) -> SourceAudit:
    """Return what each group of sources does to a model.

    Raises:
        FaultyInputError: ``history_too_small``.
    """
    quick = msgspec.structs.replace(settings, most_trees=min(_TREES, settings.most_trees))
    votes = fit_votes(examples, later, cut, settings, seed)
    odd = {one.source for one in votes.odd}
    group = examples.source % cut.groups
    yard = _Yardstick(examples, later, golden)
    early = ~later
    whole = _grown(examples, early, quick, seed)
    found = []
    for number in range(cut.groups):
        mine = group == number
        effect = yard.caught(_grown(examples, early & ~mine, quick, seed), mine) - yard.caught(whole, mine)
        sources = tuple(int(one) for one in np.unique(examples.source[mine]))
        stands = tuple(one for one in sources if one in odd)
        rows = int((mine & early & (examples.label == 0)).sum())
        gain = round(float(effect), 6)
        found.append(Effect(number, sources, rows, stands, gain, bool(stands) or gain >= HELPS))
    worst = sorted(found, key=lambda one: (-len(one.odd), -one.effect, one.group))
    caught = yard.caught(whole, np.zeros(len(later), dtype=np.bool_))
    return SourceAudit("golden attacks" if golden else "later impostors", round(caught, 6), tuple(worst))


class _Yardstick:
    """What a forest should catch, at what a hundredth of the median source's later own rows reach."""

    def __init__(self, examples: Examples, later: Mask, golden: Frozen | None) -> None:
        self._examples, self._later = examples, later
        rows = [golden.row(row) for attack in golden.golden.attacks for row in attack.rows] if golden else []
        self._golden = np.array(rows, dtype=np.float64) if golden else None

    def caught(self, text: str, outside: Mask) -> float:
        """Return the share that is caught; rows that are ``outside`` count neither as own nor as impostors."""
        told, kept = margins(text, self._examples.rows[self._later]), ~outside[self._later]
        label, source = self._examples.label[self._later], self._examples.source[self._later]
        limit = _limit(told, source, (label == 0) & kept)
        yard = told[(label == 1) & kept] if self._golden is None else margins(text, self._golden)
        return float((yard >= limit).mean()) if len(yard) else 0.0


def _limit(told: Floats, source: Ints, own: Mask) -> float:
    found = [np.quantile(told[own & (source == one)], 1 - _RATE) for one in np.unique(source[own])]
    return float(np.median(found)) if found else np.inf


def _grown(examples: Examples, part: Mask, settings: FitSettings, seed: int) -> str:
    return fit(
        examples.rows[part], examples.label[part], names=NAMES, monotone=MONOTONE, settings=settings, seed=seed
    ).text
