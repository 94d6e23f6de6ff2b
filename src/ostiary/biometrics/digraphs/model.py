"""The model of whole logs of typing: features, quartiles' factors, and a calibration.

A score is a log-likelihood ratio before calibration: of holds and of pairs, each of both quartiles, the slow one at
half weight, for they are not independent. Each of the two is held to ``MOST`` nats, softly: another keyboard changes
all holds at once, and shall not outweigh everything else. A template is ``[1, f]`` packed numbers.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.digraphs.factors import Factors, Side, ratios, side_of
from ostiary.biometrics.digraphs.packing import packed, unpacked
from ostiary.biometrics.digraphs.summary import Logs, opened, row_of
from ostiary.biometrics.digraphs.variances import Whole
from ostiary.biometrics.model import Template
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import FaultyInputError

WEIGHTS: Final = (1.0, 0.5)
MOST: Final = 20.0
_CHUNK: Final = 256


class Part(msgspec.Struct, frozen=True):
    """Holds, or pairs of keys: features that are judged together.

    Attributes:
        columns: which of the model's features.
        factors: of the quick quartile, then of the slow one.
    """

    columns: Whole
    factors: tuple[Factors, Factors]

    def nats(self, one: Logs, many: Logs) -> Floats:
        """Return the ratio of each of ``many`` beside the only one of ``one``."""
        pairs = zip(WEIGHTS, self.factors, self._sides(one), self._sides(many), strict=True)
        whole = np.sum([weight * ratios(factors, left, right) for weight, factors, left, right in pairs], axis=0)
        held: Floats = MOST * np.tanh(whole / MOST)
        return held

    def _sides(self, some: Logs) -> list[Side]:
        counts, logs = some.counts[:, self.columns], some.logs[:, self.columns]
        pairs = zip(self.factors, some.values[:, :, self.columns], strict=True)
        return [side_of(factors, values, counts, logs) for factors, values in pairs]


class DigraphModel:
    """A loaded model of logs; the Protocol ``Model``."""

    def __init__(self, names: Sequence[str], parts: Sequence[Part], calibration: Calibration, digest: str = "") -> None:
        """Keep what the folder holds; every feature is in one of the parts."""
        self.names, self.parts, self.calibration = tuple(names), tuple(parts), calibration
        self._places = {name: place for place, name in enumerate(self.names)}
        self._digest = digest
        self._noise, self._day = (np.ones((len(WEIGHTS), len(self.names))) for _ in range(2))
        self._common = np.zeros(len(self.names))
        for part in self.parts:
            for at, factors in enumerate(part.factors):
                self._noise[at, part.columns], self._day[at, part.columns] = factors.noise, factors.day
            self._common[part.columns] = (part.factors[0].days ** 2).sum(axis=1)

    @property
    def modality(self) -> Modality:
        """Features of keystrokes."""
        return Modality.FEATURES

    @property
    def digest(self) -> str:
        """Digest of the model artefact, ``sha256:…``."""
        return self._digest

    def embed(self, windows: Sequence[Window]) -> Floats:
        """Return one row a log, ``[n, 3 · f]``; NaN where there are too few values."""
        rows = np.full((len(windows), 3 * len(self.names)), np.nan)
        for at, window in enumerate(windows):
            if isinstance(window.content, dict):
                rows[at] = row_of(window.content, self._places)
        return rows

    def enrol(self, rows: Floats, sessions: int = 0) -> Template:
        """Return the template of the person whose logs these are; rows of NaN are left out.

        Raises:
            FaultyInputError: ``enrolment_empty``, when no row can be used.
        """
        judged = rows[np.isfinite(rows[:, 0])]
        if not len(judged):
            raise FaultyInputError("enrolment_empty", "no window of the enrolment can be used")
        return Template(packed(self._pooled(opened(judged))), len(judged), sessions)

    def _pooled(self, some: Logs) -> Logs:
        """Return several logs as one, each quartile weighed by how sure it is."""
        values = []
        for noise, day, quartile in zip(self._noise, self._day, some.values, strict=True):
            weight = some.logs / (noise / np.maximum(some.counts, 1) + day)
            total = np.maximum(weight.sum(axis=0, keepdims=True), 1e-12)
            values.append((weight * quartile).sum(axis=0, keepdims=True) / total)
        counts, logs = (table.sum(axis=0, keepdims=True) for table in (some.counts, some.logs))
        return Logs(np.stack(values), counts, logs)

    def scores(self, template: Template, rows: Floats) -> Floats:
        """Return one score a row, ``[n]``; NaN where a row is NaN."""
        found = np.full(len(rows), np.nan)
        places = np.flatnonzero(np.isfinite(rows[:, 0]))
        one = unpacked(template.centre, len(self.names))
        for at in range(0, len(places), _CHUNK):
            some = places[at : at + _CHUNK]
            many = opened(rows[some])
            found[some] = np.sum([part.nats(one, many) for part in self.parts], axis=0)
        return found

    def llr(self, score: float, enrolled: int, windows: int) -> float:
        """Return ln p(same) / p(other), capped, of a mean score over ``windows`` against a template of ``enrolled``."""
        return self.calibration.llr(score, enrolled, windows)

    def moved(self, template: Template, row: Floats, share: float) -> Template:
        """Return the template moved towards ``row`` by ``share`` where both have values; unmoved by a row of NaN."""
        if not np.isfinite(row[0]):
            return template
        own, new = unpacked(template.centre, len(self.names)), opened(row[None])
        both = (own.counts > 0) & (new.counts > 0)
        values = np.where(both, own.values + share * (new.values - own.values), own.values)
        return msgspec.structs.replace(template, centre=packed(Logs(values, own.counts, own.logs)))

    def apart(self, one: Template, other: Template) -> float:
        """Return how far two templates lie apart, in deviations of a person's own logs; 0 when equal."""
        left, right = (unpacked(some.centre, len(self.names)) for some in (one, other))
        both = (left.counts > 0) & (right.counts > 0)
        if not both.any():
            return 0.0
        own = self._day[0] + self._common
        noise = self._noise[0] / np.maximum(np.minimum(left.counts, right.counts), 1)
        away = (left.values[0] - right.values[0])[both] / np.sqrt((own + noise)[both])
        return float(np.sqrt((away * away).mean()))
