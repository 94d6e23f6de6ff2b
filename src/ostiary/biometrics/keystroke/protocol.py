"""The usual protocol of free text (TypeNet), on people that no part of the model has seen.

- A person has fifteen sentences. The first ``G`` of 1, 2, 5, 7, 10 enrol; each of the last five is a genuine probe;
  sentence 12 of everybody else is an impostor probe.
- The same with the mean score over the last five sentences as one probe, of the person and of everybody else.
- People with fewer than fifteen windows are left out.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.keystroke.model import KeystrokeModel
from ostiary.biometrics.measure import Detection, Figures, detection, figures
from ostiary.biometrics.window import Floats, Window

ENROLLED: Final = (1, 2, 5, 7, 10)
SENTENCES: Final = 15
PROBES: Final = 5
IMPOSTOR: Final = 11
Numbers = npt.NDArray[np.int64]


class Line(msgspec.Struct, frozen=True):
    """One line of the report.

    Attributes:
        enrolled: how many sentences enrolled.
        windows: how many sentences a probe has.
        figures: of its trials.
    """

    enrolled: int
    windows: int
    figures: Figures


def typenet(model: KeystrokeModel, people: Sequence[Sequence[Window]]) -> list[Line]:
    """Return the report of a model on people's sentences in the order in which they were typed."""
    rows = _rows(model, people)
    found: list[Line] = []
    for enrolled in ENROLLED:
        scores = _scores(model, rows, enrolled)
        found += [_single(model, scores, enrolled), _several(model, scores, enrolled)]
    return found


def noticed(model: KeystrokeModel, people: Sequence[Sequence[Window]], enrolled: int, rate: float) -> Detection:
    """Return after how many keys somebody else is noticed, where ``rate`` of people's own sittings have an alarm.

    A sitting is the last five sentences, a judgement the mean score of those so far.
    """
    scores = _scores(model, _rows(model, people), enrolled)
    so_far = scores.cumsum(axis=2) / np.arange(1, PROBES + 1)
    own = np.eye(len(scores), dtype=bool)
    keys = [len(window.content) for person in people for window in person[SENTENCES - PROBES : SENTENCES]]
    return detection(list(so_far[own]), list(so_far[~own]), rate, float(np.mean(keys)))


def _rows(model: KeystrokeModel, people: Sequence[Sequence[Window]]) -> Floats:
    """Return ``[people, SENTENCES, size]``."""
    chosen = [person[:SENTENCES] for person in people if len(person) >= SENTENCES]
    rows = model.embed([window for person in chosen for window in person])
    return rows.reshape(len(chosen), SENTENCES, rows.shape[1])


def _scores(model: KeystrokeModel, rows: Floats, enrolled: int) -> Floats:
    """Return ``[people, people, PROBES]``: everybody's last sentences against everybody's first."""
    tried = rows[:, -PROBES:].reshape(-1, rows.shape[2])
    scores = np.array([model.scores(model.enrol(person[:enrolled]), tried) for person in rows])
    return scores.reshape(len(rows), len(rows), PROBES)


def _single(model: KeystrokeModel, scores: Floats, enrolled: int) -> Line:
    own = np.arange(len(scores))
    others = ~np.eye(len(scores), dtype=bool)
    genuine, impostor = scores[own, own], scores[:, :, IMPOSTOR - SENTENCES]
    users = np.concatenate([np.repeat(own, PROBES), np.nonzero(others)[0]])
    return _line(model, genuine.ravel(), impostor[others], users, (enrolled, 1))


def _several(model: KeystrokeModel, scores: Floats, enrolled: int) -> Line:
    means = scores.mean(axis=2)
    own = np.arange(len(means))
    others = ~np.eye(len(means), dtype=bool)
    users = np.concatenate([own, np.nonzero(others)[0]])
    return _line(model, means[own, own], means[others], users, (enrolled, PROBES))


def _line(model: KeystrokeModel, genuine: Floats, impostor: Floats, users: Numbers, cell: tuple[int, int]) -> Line:
    scores = np.concatenate([genuine, impostor])
    same = np.arange(len(scores)) < len(genuine)
    return Line(*cell, figures(scores, same, users, model.llrs(scores, *cell)))
