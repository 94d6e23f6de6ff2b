"""A model of keystroke timing in plain numpy, for tests and benchmarks that need a real one and no trained file.

Quantiles and histograms of holds and pauses, linear discriminants of the people it is taught with, then the likelihood
ratio of two Gaussians (between people, within a person), normalised against a cohort and calibrated. It is a ``Model``
as any other, but is nowhere shipped.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ostiary.biometrics.calibration import Calibration, fit
from ostiary.biometrics.model import Template
from ostiary.biometrics.norm import s_norm
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import FaultyInputError

LEAST_KEYS: Final = 8
_AT: Final = (5, 15, 30, 50, 70, 85, 95)
_HOLDS: Final = np.log([4, 40, 55, 70, 80, 90, 100, 115, 130, 150, 180, 250, 1_001])
_PAUSES: Final = np.log([4, 40, 60, 80, 100, 125, 150, 180, 220, 280, 400, 700, 3_001])
_WIDTH: Final = 3 * len(_AT) + 11 + len(_HOLDS) + len(_PAUSES) - 2
_WIDEST: Final = 40
_COHORT: Final = 200
_TOP: Final = 50
_ENROLLED: Final = 5


class RhythmModel:
    """The model; taught with windows of many people."""

    modality = Modality.KEYSTROKE
    digest = "sha256:rhythm"

    def __init__(self, people: Sequence[Sequence[Window]]) -> None:
        """Learn from the windows of ``people``, ten a person at least; a fifth of the people calibrate."""
        rows = np.array([[_features(window) for window in windows[:15]] for windows in people])
        learn, rest = rows[: (len(rows) * 4) // 5], rows[(len(rows) * 4) // 5 :]
        flat = learn.reshape(-1, rows.shape[2])
        self._middle, self._wide = flat.mean(axis=0), flat.std(axis=0) + 1e-9
        self._turn, self._between = _discriminants((learn - self._middle) / self._wide)
        cohort = self._rows(learn[:_COHORT])
        self._templates, self._windows = cohort[:, :_ENROLLED].mean(axis=1), cohort[:, -1]
        self.calibration = self._calibrated(self._rows(rest))

    def embed(self, windows: Sequence[Window]) -> Floats:
        """Return one row a window."""
        return np.array([self._rows(_features(window)) for window in windows]).reshape(len(windows), -1)

    def enrol(self, rows: Floats, sessions: int = 0) -> Template:
        """Return the mean of the rows."""
        whole = rows[np.isfinite(rows).all(axis=1)]
        if not len(whole):
            raise FaultyInputError("enrolment_empty", "no row can be used")
        return Template(whole.mean(axis=0)[None, :], len(whole), sessions)

    def scores(self, template: Template, rows: Floats) -> Floats:
        """Return the normalised likelihood ratios."""
        centre = template.centre
        raw, of_template = self._ratios(rows, centre)[:, 0], self._ratios(self._windows, centre)[:, 0]
        return s_norm(raw, of_template, self._ratios(rows, self._templates), min(_TOP, len(self._templates)))

    def llr(self, score: float, enrolled: int, windows: int) -> float:
        """Return the calibrated ratio."""
        return self.calibration.llr(score, enrolled, windows)

    def moved(self, template: Template, row: Floats, share: float) -> Template:
        """Return the centre moved."""
        return Template(template.centre + share * (row[None, :] - template.centre), template.windows, template.sessions)

    def apart(self, one: Template, other: Template) -> float:
        """Return the root mean square over the directions, each in deviations of a person's own windows."""
        return float(np.sqrt(np.mean((one.centre - other.centre) ** 2)))

    def _rows(self, features: Floats) -> Floats:
        turned: Floats = ((features - self._middle) / self._wide) @ self._turn
        return turned

    def _ratios(self, rows: Floats, centres: Floats) -> Floats:
        """Return ln p(row | same) / p(row | anybody) of ``[n]`` rows and ``[k]`` centres, ``[n, k]``."""
        pull = self._between / (self._between + 1.0 / _ENROLLED)
        known, unknown = 1.0 + self._between * (1.0 - pull), 1.0 + self._between
        away = ((rows[:, None, :] - centres[None, :, :] * pull) ** 2 / known).sum(axis=2)
        ratio: Floats = 0.5 * ((rows**2 / unknown).sum(axis=1)[:, None] - away + np.log(unknown / known).sum())
        return ratio

    def _calibrated(self, rows: Floats) -> Calibration:
        own, other = [], []
        for at, person in enumerate(rows):
            template = self.enrol(person[:_ENROLLED])
            own.append(self.scores(template, person[_ENROLLED:]))
            other.append(self.scores(template, np.delete(rows[:, -1], at, axis=0)))
        return fit({(_ENROLLED, 1): (np.concatenate(own), np.concatenate(other))})


def _features(window: Window) -> Floats:
    events = window.content
    if not isinstance(events, np.ndarray) or len(events) < LEAST_KEYS:
        return np.full(_WIDTH, np.nan)
    holds = np.log(np.clip(events[:, 1] - events[:, 0], 5, 1_000))
    pauses, releases = (np.log(np.clip(np.diff(events[:, at]), 5, 3_000)) for at in (0, 1))
    gaps = np.clip(events[1:, 0] - events[:-1, 1], -300, 1_000) / 100
    parts: list[Floats | list[float]] = [
        *(np.percentile(some, _AT) for some in (holds, pauses, releases)),
        [holds.mean(), holds.std(), pauses.mean(), pauses.std(), (gaps < 0).mean(), *np.percentile(gaps, (20, 50))],
        [_together(holds[:-1], holds[1:]), _together(pauses[:-1], pauses[1:])],
        [_together(holds[:-1], pauses), _together(holds[1:], pauses)],
        np.sqrt(np.histogram(holds, _HOLDS)[0] / len(holds)),
        np.sqrt(np.histogram(pauses, _PAUSES)[0] / len(pauses)),
    ]
    return np.concatenate([np.asarray(part, np.float64) for part in parts])


def _together(one: Floats, other: Floats) -> float:
    """Return the correlation, 0 where one of them never changes."""
    if min(float(one.std()), float(other.std())) < 1e-9:  # noqa: PLR2004 - next to nothing
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _discriminants(people: Floats) -> tuple[Floats, Floats]:
    """Return the directions that tell people apart, and the variance between people along each, within being 1."""
    means = people.mean(axis=1)
    inside = np.cov((people - means[:, None, :]).reshape(-1, people.shape[2]).T) + 0.02 * np.eye(people.shape[2])
    white = np.linalg.inv(np.linalg.cholesky(inside))
    sizes, ways = np.linalg.eigh(white @ np.cov(means.T) @ white.T)
    width = min(_WIDEST, len(means) - 1)
    return (white.T @ ways[:, ::-1])[:, :width], np.maximum(sizes[::-1][:width], 1e-3)
