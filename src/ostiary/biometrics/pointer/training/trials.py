"""Trials of held-out people: everybody's later windows against everybody's template, by how many of either."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.calibration import Calibration, fit
from ostiary.biometrics.model import Template
from ostiary.biometrics.pointer.model import PointerModel, usable
from ostiary.biometrics.pointer.training.people import Held, windows_of
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import FaultyInputError

ENROLLED: Final = (5, 10, 20, 40)
JUDGED: Final = (1, 3, 5, 10)
CAP: Final = 4.0
_UNTOLD: Final = Calibration([1], [1], [[1.0]], [[0.0]], CAP)


class Rows(msgspec.Struct, frozen=True):
    """What held-out people did, as rows of a model: to enrol, and to be judged by session."""

    enrol: Sequence[Floats]
    probes: Sequence[Sequence[Floats]]


class Trials(msgspec.Struct, frozen=True):
    """Scores, whether the person was the same, and whose template it was."""

    scores: Floats
    same: npt.NDArray[np.bool_]
    users: npt.NDArray[np.int64]

    @property
    def kinds(self) -> tuple[Floats, Floats]:
        """The scores of the same and of other people."""
        return self.scores[self.same], self.scores[~self.same]


def rows_of(model: PointerModel, held: Held, length: int) -> Rows:
    """Return the rows of the held-out people, cut into windows; who has none on either side is left out."""
    enrol, probes = [], []
    for first, later in zip(held.enrol, held.probes, strict=True):
        known = np.concatenate([embedded(model, session, length) for session in first.sessions])
        asked = [rows for rows in (embedded(model, session, length) for session in later.sessions) if len(rows)]
        if len(known) and asked:
            enrol.append(known)
            probes.append(asked)
    return Rows(enrol, probes)


def embedded(model: PointerModel, session: Floats, length: int) -> Floats:
    """Return the usable rows of a session's windows."""
    rows = model.embed([Window(Modality.POINTER, part) for part in windows_of(session, length)])
    return rows[usable(rows)]


def trials(model: PointerModel, rows: Rows, enrolled: int, judged: int) -> Trials:
    """Return the trials of means over ``judged`` windows in a row, against templates of the first ``enrolled``."""
    found = [_against(model, model.enrol(one[:enrolled]), rows, judged, at) for at, one in enumerate(rows.enrol)]
    return Trials(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _against(
    model: PointerModel, template: Template, rows: Rows, judged: int, user: int
) -> tuple[Floats, npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    scores, same = [], []
    for person, sessions in enumerate(rows.probes):
        flat = model.scores(template, np.concatenate(sessions))
        ends = np.concatenate([[0], np.cumsum([len(one) for one in sessions])])
        means = [running(flat[low:high], judged) for low, high in pairwise(ends)]
        scores += means
        same.append(np.full(sum(len(one) for one in means), person == user))
    together = np.concatenate(scores)
    return together, np.concatenate(same), np.full(len(together), user)


def running(scores: Floats, count: int) -> Floats:
    """Return the means of ``count`` scores in a row; of all of them where there are fewer."""
    count = min(count, len(scores))
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    means: Floats = (sums[count:] - sums[:-count]) / count
    return means


def calibrated(model: PointerModel, rows: Rows) -> Calibration:
    """Return the calibration that the trials teach; one that says nothing where there are too few of them."""
    if len(rows.enrol) < 2:  # noqa: PLR2004 - nobody is somebody else
        return _UNTOLD
    most = int(np.median([len(one) for one in rows.enrol]))
    longest = int(np.median([max(map(len, sessions)) for sessions in rows.probes]))
    enrolled = [count for count in ENROLLED if count <= most] or [1]
    judged = [count for count in JUDGED if count <= longest] or [1]
    table = {(few, many): trials(model, rows, few, many).kinds for few in enrolled for many in judged}
    try:
        return fit(table, CAP)
    except FaultyInputError:
        return _UNTOLD
