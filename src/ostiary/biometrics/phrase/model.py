"""The model of phrases: the person's own deviations, and trees beside them for the phrase it was trained on.

A score is a log-likelihood ratio of one repetition, so that scores of both ways, and of all people, can be
compared. Repetitions of another length than the template's may speak against a person, never for them.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.model import Template
from ostiary.biometrics.phrase import comparison, person
from ostiary.biometrics.phrase.person import Person
from ostiary.biometrics.phrase.population import Population
from ostiary.biometrics.phrase.timings import ROW, pace, row_of, shape_of, timings
from ostiary.biometrics.phrase.trees import Trees
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import FaultyInputError

_LEAST: Final = 2
_WEIGHT: Final = 0.6  # of each of two ways that look at the same repetition


class Expert(msgspec.Struct, frozen=True):
    """What is known of the phrase that the model was trained on.

    Attributes:
        people: how the training people type it.
        trees: over ``comparison.compared``.
        shape: checksum of the classes of its keys (``timings``); 0 when they are unknown.
        strangest: a person stranger than this to ``people`` (another device, another phrase of as many keys) is judged
            as if the phrase were unknown.
    """

    people: Population
    trees: Trees
    shape: float
    strangest: float


class Ratios(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From what is measured to nats, by how much was enrolled.

    Attributes:
        near: of ``comparison.nearness``.
        tempo: of ``comparison.tempo``.
        whole: of the mean score over some repetitions, capped: the word of the model.
    """

    near: Calibration
    tempo: Calibration
    whole: Calibration


def fused(learned: Floats, near: Floats) -> Floats:
    """Return the nats of what trees say and of how near a repetition comes; each errs where the other does not."""
    return _WEIGHT * (learned + near)


class PhraseModel:
    """A loaded model of phrases; the Protocol ``Model``."""

    def __init__(self, expert: Expert | None, ratios: Ratios, digest: str = "") -> None:
        """Keep what the folder holds; without an ``expert`` every phrase is unknown."""
        self.expert, self.ratios, self._digest = expert, ratios, digest

    @property
    def modality(self) -> Modality:
        """Keystrokes."""
        return Modality.KEYSTROKE

    @property
    def digest(self) -> str:
        """Digest of the model artefact, ``sha256:…``."""
        return self._digest

    def embed(self, windows: Sequence[Window]) -> Floats:
        """Return one row a window, ``[n, ROW]``; NaN where it has too few keys; of long ones the first keys."""
        rows = np.full((len(windows), ROW), np.nan)
        for at, window in enumerate(windows):
            if isinstance(window.content, np.ndarray):
                rows[at] = row_of(window.content)
        return rows

    def enrol(self, rows: Floats, sessions: int = 0) -> Template:
        """Return the template of the person whose repetitions these are, in the order typed; NaN is left out.

        Raises:
            FaultyInputError: ``enrolment_empty``, when no row can be used.
        """
        judged = rows[np.isfinite(rows[:, 0])]
        if not len(judged):
            raise FaultyInputError("enrolment_empty", "no window of the enrolment can be used")
        one = person.person_of(judged)
        if not self._knows(one, shape_of(judged, one.keys)):
            one = msgspec.structs.replace(one, covariance=np.zeros((0, 2 * one.keys - 1)))
        return Template(person.laid(one), one.count, sessions)

    def _knows(self, one: Person, shape: float) -> bool:
        if self.expert is None or one.keys != self.expert.people.keys or one.count < _LEAST:
            return False
        if shape and self.expert.shape and shape != self.expert.shape:
            return False
        return self.expert.people.strangeness(one.means[person.MIDDLE]) <= self.expert.strangest

    def scores(self, template: Template, rows: Floats) -> Floats:
        """Return one score a row, ``[n]``, in nats; NaN where a row is NaN."""
        one = person.lifted(template.centre)
        found = np.full(len(rows), np.nan)
        same = rows[:, 0] == one.keys
        other = np.isfinite(rows[:, 0]) & ~same
        if same.any():
            found[same] = self._typed(one, timings(rows[same], one.keys))
        if other.any():
            # INVARIANT: another text never speaks for the person; a key more would else buy a milder judge.
            told = self.ratios.tempo.llrs(comparison.tempo(one, pace(rows[other])), one.count, 1)
            found[other] = np.minimum(told, 0.0)
        return found

    def _typed(self, one: Person, times: Floats) -> Floats:
        near = self.ratios.near.llrs(comparison.nearness(one, times), one.count, 1)
        if not one.known or self.expert is None or one.keys != self.expert.people.keys:
            return near
        return fused(self.expert.trees.sums(comparison.compared(one, self.expert.people, times)), near)

    def llr(self, score: float, enrolled: int, windows: int) -> float:
        """Return ln p(same) / p(other), capped, of a mean score over ``windows`` against a template of ``enrolled``."""
        return self.ratios.whole.llr(score, enrolled, windows)

    def moved(self, template: Template, row: Floats, share: float) -> Template:
        """Return the template moved towards ``row`` by ``share``; unmoved by a row of NaN or of another length."""
        one = person.lifted(template.centre)
        if row[0] != one.keys:
            return template
        centre = person.laid(person.moved(one, timings(row[None], one.keys)[0], share))
        return msgspec.structs.replace(template, centre=centre)

    def apart(self, one: Template, other: Template) -> float:
        """Return how far two templates lie apart, in deviations of a person's own repetitions; 0 when equal."""
        return comparison.apart(person.lifted(one.centre), person.lifted(other.centre))
