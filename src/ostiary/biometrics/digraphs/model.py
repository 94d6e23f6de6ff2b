"""The model of whole logs of typing: features, quartiles' factors, and a calibration.

A score is a log-likelihood ratio before calibration: of both quartiles, the slow one at half weight, for they are not
independent. Beyond ``MOST`` nats it grows as a logarithm: people's days are not so Gaussian as that, and a mean over
logs is not to be one log's. A template is ``[1, f]`` packed numbers.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.digraphs.factors import Factors, Side, ratios, side_of
from ostiary.biometrics.digraphs.packing import packed, unpacked
from ostiary.biometrics.digraphs.summary import Logs, opened, row_of
from ostiary.biometrics.model import Template
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import FaultyInputError

WEIGHTS: Final = (1.0, 0.5)
MOST: Final = 20.0
_CHUNK: Final = 256


class DigraphModel:
    """A loaded model of logs; the Protocol ``Model``."""

    def __init__(
        self, names: Sequence[str], factors: Sequence[Factors], calibration: Calibration, digest: str = ""
    ) -> None:
        """Keep what the folder holds; ``factors`` of the quick quartile, then of the slow one."""
        self.names, self.factors, self.calibration = tuple(names), tuple(factors), calibration
        self._places = {name: place for place, name in enumerate(self.names)}
        self._digest = digest

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
        for factors, quartile in zip(self.factors, some.values, strict=True):
            weight = some.logs / (factors.noise / np.maximum(some.counts, 1) + factors.day)
            total = np.maximum(weight.sum(axis=0, keepdims=True), 1e-12)
            values.append((weight * quartile).sum(axis=0, keepdims=True) / total)
        counts, logs = (table.sum(axis=0, keepdims=True) for table in (some.counts, some.logs))
        return Logs(np.stack(values), counts, logs)

    def scores(self, template: Template, rows: Floats) -> Floats:
        """Return one score a row, ``[n]``; NaN where a row is NaN."""
        found = np.full(len(rows), np.nan)
        places = np.flatnonzero(np.isfinite(rows[:, 0]))
        ones = self._sides(unpacked(template.centre, len(self.names)))
        for at in range(0, len(places), _CHUNK):
            some = places[at : at + _CHUNK]
            others = self._sides(opened(rows[some]))
            parts = zip(WEIGHTS, self.factors, ones, others, strict=True)
            whole = np.sum([weight * ratios(factors, one, many) for weight, factors, one, many in parts], axis=0)
            found[some] = MOST * np.arcsinh(whole / MOST)
        return found

    def _sides(self, some: Logs) -> list[Side]:
        pairs = zip(self.factors, some.values, strict=True)
        return [side_of(factors, values, some.counts, some.logs) for factors, values in pairs]

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
        factors = self.factors[0]
        own = factors.day + (factors.days**2).sum(axis=1)
        noise = factors.noise / np.maximum(np.minimum(left.counts, right.counts), 1)
        away = (left.values[0] - right.values[0])[both] / np.sqrt((own + noise)[both])
        return float(np.sqrt((away * away).mean()))
