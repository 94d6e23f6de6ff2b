"""The model of sequences: a vocabulary, people's habits to compare with, and a calibration.

A row is ``[2 · SLOTS]`` numbers: codes and weights of the window's transitions. A template is ``[1, 1 + m]``: which
training person it is (``NOBODY``: none), then its transitions, code and weight in one number each.

- A score is the evidence of the window's transitions; nats, damped, before calibration.
- Numbers that no row or template of this model has are refused, never guessed at.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.model import Template
from ostiary.biometrics.sequence.habits import NOBODY, Habits, Population
from ostiary.biometrics.sequence.ratio import Smoothing, evidence
from ostiary.biometrics.sequence.tokens import Ids, Vocabulary
from ostiary.biometrics.sequence.transitions import EMPTY, LEAST, SLOTS, packed, transitions, unpacked
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import FaultyInputError

WIDTH: Final = 2 * SLOTS
MOST_KEPT: Final = 4_096
_ALIKE: Final = 1e-9


class Keeping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a window may teach a template (``following.py``); scores on held-out windows of the training people.

    Attributes:
        accept: only so much or more passes for the person; 3 % of their own windows fall below.
        update: only so much or more may teach; above ``accept``.
    """

    accept: float = -25.0
    update: float = 5.0


class SequenceModel:
    """A loaded model of sequences; the Protocol ``Model``."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        people: Sequence[Habits],
        rule: Smoothing,
        calibration: Calibration,
        spread: float = 1.0,
        keeping: Keeping | None = None,
        digest: str = "",
    ) -> None:
        """Sum up the population.

        Args:
            vocabulary: the tokens that training saw.
            people: the training people, over ``vocabulary.size + 1`` contexts.
            rule: how counts are smoothed.
            calibration: from score to ratio.
            spread: how far a person's single windows lie from their template (``apart``).
            keeping: when a window may teach.
            digest: of the artefact.
        """
        self.vocabulary, self.rule, self.calibration, self.spread = vocabulary, rule, calibration, spread
        self.keeping = keeping or Keeping()
        self.base = vocabulary.size + 1
        self.population = Population(people, self.base)
        self._digest = digest

    @property
    def modality(self) -> Modality:
        """Sequences."""
        return Modality.SEQUENCE

    @property
    def digest(self) -> str:
        """Digest of the model artefact, ``sha256:…``."""
        return self._digest

    def embed(self, windows: Sequence[Window]) -> Floats:
        """Return one row a window, ``[n, WIDTH]``; NaN where it holds no tokens."""
        rows = np.full((len(windows), WIDTH), np.nan)
        for row, window in zip(rows, windows, strict=True):
            if isinstance(window.content, tuple) and window.content:
                codes, weights = transitions(self.vocabulary.ids(window.content), self.base)
                row[:SLOTS], row[SLOTS:] = EMPTY, 0.0
                row[: len(codes)], row[SLOTS : SLOTS + len(codes)] = codes, weights
        return rows

    def enrol(self, rows: Floats, sessions: int = 0) -> Template:
        """Return the template of the person whose windows these are; rows of NaN are left out.

        Raises:
            FaultyInputError: ``enrolment_empty``, when no row can be used.
        """
        judged = rows[np.isfinite(rows[:, 0])]
        if not len(judged):
            raise FaultyInputError("enrolment_empty", "no window of the enrolment can be used")
        return self.known_by(self._habits(judged), len(judged), sessions)

    def known_by(self, habits: Habits, windows: int, sessions: int = 0) -> Template:
        """Return the template of somebody with these habits."""
        return self._template(habits, self.population.twin(habits), windows, sessions)

    def scores(self, template: Template, rows: Floats) -> Floats:
        """Return one score a row, ``[n]``; NaN where a row is NaN."""
        found = np.full(len(rows), np.nan)
        fine = np.isfinite(rows[:, 0])
        if not fine.any():
            return found
        twin, habits = self._opened(template)
        judged = rows[fine]
        used = max(1, int((judged[:, :SLOTS] != EMPTY).sum(axis=1).max()))
        codes, weights = self._codes(judged[:, :used]), judged[:, SLOTS : SLOTS + used]
        others = self.population.others(codes, twin)
        found[fine] = evidence(habits.counts(codes), others, weights, self.base - 1, self.rule).sum(axis=1)
        return found

    def llr(self, score: float, enrolled: int, windows: int) -> float:
        """Return ln p(same) / p(other), capped, of a mean score over ``windows`` against a template of ``enrolled``."""
        return self.calibration.llr(score, enrolled, windows)

    def moved(self, template: Template, row: Floats, share: float) -> Template:
        """Return the template with ``share`` of its weight from ``row``; its windows and what it weighs stay."""
        if not np.isfinite(row[0]):
            return template
        twin, old = self._opened(template)
        new = self._habits(row[None, :])
        weights = np.concatenate([old.weights * (1 - share), new.weights * (share * template.windows)])
        mixed = Habits.of(np.concatenate([old.codes, new.codes]), weights, self.base)
        return self._template(mixed, twin, template.windows, template.sessions)

    def grown(self, template: Template, row: Floats) -> Template:
        """Return the template as if it had been enrolled with ``row`` too."""
        if not np.isfinite(row[0]):
            return template
        twin, old = self._opened(template)
        new = self._habits(row[None, :])
        weights = np.concatenate([old.weights, new.weights])
        both = Habits.of(np.concatenate([old.codes, new.codes]), weights, self.base)
        return self._template(both, twin, template.windows + 1, template.sessions)

    def apart(self, one: Template, other: Template) -> float:
        """Return the Hellinger distance of two templates' transitions, in that of a person's windows; 0 when equal."""
        (_, left), (_, right) = self._opened(one), self._opened(other)
        both = np.union1d(left.codes, right.codes)
        shares = [np.sqrt(some.at(both) / max(float(some.weights.sum()), _ALIKE)) for some in (left, right)]
        away = max(0.0, 1.0 - float(shares[0] @ shares[1]))
        return 0.0 if away < _ALIKE else float(np.sqrt(away)) / self.spread

    def _habits(self, rows: Floats) -> Habits:
        codes, weights = rows[:, :SLOTS].ravel(), rows[:, SLOTS : 2 * SLOTS].ravel()
        used = codes != EMPTY
        return Habits.of(self._codes(codes[used]), weights[used], self.base)

    def _codes(self, numbers: Floats) -> Ids:
        codes = np.maximum(numbers, 0.0).astype(np.int64)
        if codes.size and codes.max() >= self.base * self.base:
            raise FaultyInputError("template_malformed", "a row or template is of another model")
        return codes

    def _template(self, habits: Habits, twin: int, windows: int, sessions: int) -> Template:
        told = habits.weights >= LEAST
        codes, weights = habits.codes[told], habits.weights[told]
        if len(codes) > MOST_KEPT:
            kept = np.sort(np.argsort(-weights, kind="stable")[:MOST_KEPT])
            codes, weights = codes[kept], weights[kept]
        numbers = np.concatenate([[float(twin)], packed(codes, weights)])
        return Template(numbers[None, :], windows, sessions)

    def _opened(self, template: Template) -> tuple[int, Habits]:
        numbers = template.centre.ravel()
        if not numbers.size or not np.isfinite(numbers).all():
            raise FaultyInputError("template_malformed", "a template holds a number that is none")
        codes, weights = unpacked(numbers[1:])
        twin = int(numbers[0])
        if not NOBODY <= twin < len(self.population.people):
            raise FaultyInputError("template_malformed", "a row or template is of another model")
        return twin, Habits.of(self._codes(codes.astype(np.float64)), weights, self.base)
