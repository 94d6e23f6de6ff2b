"""Trials among held-out people: the first windows enrol, means over later ones are judged against everybody.

The last windows of a person are probes, never enrolled; where a person has few, enrolment leaves at least one. The grid
of (enrolled, probe windows) is what calibration is fitted on.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.keystroke.model import KeystrokeModel
from ostiary.biometrics.keystroke.training.bank import Numbers
from ostiary.biometrics.measure import Figures, figures
from ostiary.biometrics.measure.rates import Flags
from ostiary.biometrics.window import Floats

ENROLLED: Final = (1, 2, 5, 10)
WINDOWS: Final = (1, 5)
_MOST_PROBES: Final = 10
_MOST_IMPOSTORS: Final = 2


class Trials(msgspec.Struct, frozen=True):
    """Trials of one cell of the grid.

    Attributes:
        scores: one a trial.
        same: whether of the person themselves.
        users: number of the person whose template was tried.
    """

    scores: Floats
    same: Flags
    users: Numbers

    def kinds(self) -> tuple[Floats, Floats]:
        """Return scores of genuine and of impostor trials."""
        return self.scores[self.same], self.scores[~self.same]

    def figures(self, llrs: Floats) -> Figures:
        """Return what these trials say, their scores calibrated to ``llrs``."""
        return figures(self.scores, self.same, self.users, llrs)

    def with_more(self, other: "Trials") -> "Trials":
        """Return both together."""
        return Trials(
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.same, other.same]),
            np.concatenate([self.users, other.users]),
        )


def cells(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Return the grid that people with so many windows each allow: enrolled and probe windows fit into most of them."""
    usual = int(np.median(counts))
    windows = [count for count in WINDOWS if count == 1 or usual >= 2 * count]
    most = max(1, usual - windows[-1])
    return [(enrolled, count) for enrolled in ENROLLED if enrolled <= most for count in windows]


def trials(model: KeystrokeModel, rows: Floats, people: Numbers, enrolled: int, windows: int) -> Trials:
    """Return the trials of one cell, ``rows`` being in each person's order."""
    everybody = [np.flatnonzero(people == person) for person in np.unique(people)]
    fitting = [one for one in everybody if len(one) >= enrolled + windows]
    probes = [one[enrolled:][-_MOST_PROBES:] for one in fitting]
    probes = [one[len(one) % windows :] for one in probes]
    impostors = [one[: _MOST_IMPOSTORS * windows] for one in probes]
    scores: list[Floats] = []
    same: list[Flags] = []
    users: list[Numbers] = []
    for place, one in enumerate(fitting):
        template = model.enrol(rows[one[:enrolled]])
        tried = np.concatenate([probes[place], *(other for at, other in enumerate(impostors) if at != place)])
        found = model.scores(template, rows[tried]).reshape(-1, windows).mean(axis=1)
        scores.append(found)
        same.append(np.arange(len(found)) < len(probes[place]) // windows)
        users.append(np.full(len(found), people[one[0]]))
    if not scores:
        return Trials(np.zeros(0), np.zeros(0, bool), np.zeros(0, np.int64))
    return Trials(np.concatenate(scores), np.concatenate(same), np.concatenate(users))
