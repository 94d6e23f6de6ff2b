"""A template that follows its person through a session under the anchor rule, and a session judged window after window.

- A window teaches only when it scores well above what passes (``Keeping.update``), and when the frozen anchor, scored
  beside, would have let it pass too: whoever moves the template away from its anchor moves it out of reach.
- Beyond ``MOST_APART`` from the anchor nothing is learned any more, and that is an alarm.
- ``Runs`` reads windows in a row: somebody who has taken a session over stays for a while. It looks back, never ahead.

>>> runs = Runs()
>>> [round(runs.seen(llr), 1) for llr in (3.0, -2.0, -2.0, -2.0)]
[7.6, 2.6, 0.6, -1.1]
"""

import math
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.model import Template
from ostiary.biometrics.sequence.model import Keeping, SequenceModel
from ostiary.biometrics.window import Floats

MOST_APART: Final = 0.9
BEGINS: Final = 0.01
STAYS: Final = 0.80


class Step(msgspec.Struct, frozen=True):
    """What one window did.

    Attributes:
        score: against the template that follows.
        anchored: against the frozen anchor.
        learned: whether the template took it in.
        alarm: whether the template has gone too far from its anchor to learn more.
    """

    score: float
    anchored: float
    learned: bool
    alarm: bool


class Follower:
    """One person's anchor and the template that follows."""

    def __init__(self, model: SequenceModel, anchor: Template, keeping: Keeping | None = None) -> None:
        """Begin at the anchor."""
        self._model, self._anchor, self._keeping = model, anchor, keeping or model.keeping
        self.template = anchor

    def seen(self, row: Floats) -> Step:
        """Judge one window, and learn from it where the rule lets it."""
        rows = row[None, :]
        score = float(self._model.scores(self.template, rows)[0])
        anchored = float(self._model.scores(self._anchor, rows)[0])
        if not (score >= self._keeping.update and anchored >= self._keeping.accept):
            return Step(score, anchored, learned=False, alarm=False)
        grown = self._model.grown(self.template, row)
        if self._model.apart(grown, self._anchor) > MOST_APART:
            return Step(score, anchored, learned=False, alarm=True)
        self.template = grown
        return Step(score, anchored, learned=True, alarm=False)


class Runs:
    """The chance that the person is still there, window after window, as a log-odds."""

    def __init__(self, begins: float = BEGINS, stays: float = STAYS) -> None:
        """Begin with the person.

        Args:
            begins: chance that another takes over at a window.
            stays: chance that another who is there stays for the next.
        """
        self._begins, self._stays = begins, stays
        self._other = 0.0

    def seen(self, llr: float) -> float:
        """Return ln p(person) / p(another) after a window of this ratio; a window that judges nothing has 0."""
        before = self._other * self._stays + (1.0 - self._other) * self._begins
        odds = math.log1p(-before) - math.log(before) + (llr if math.isfinite(llr) else 0.0)
        self._other = 1.0 / (1.0 + math.exp(odds))
        return odds


def smoothed(llrs: Floats) -> Floats:
    """Return the log-odds of a session's windows in order."""
    runs = Runs()
    return np.array([runs.seen(float(llr)) for llr in llrs])
