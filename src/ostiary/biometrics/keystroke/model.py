"""The model of free-text typing, kind ``keystroke-conv``: encoder, PLDA and calibration behind the Protocol ``Model``.

- A row is ``[k + 1]``: the window in the PLDA's directions, and what it weighs. Long windows are cut into pieces, which
  are pooled by weight; a window of fewer than ``LEAST`` keys gives NaN.
- A template is ``[2, k]``: the mean of a person's rows, and the weight of them together in every place of the second.
- A score is the PLDA's own log-likelihood ratio; ``llr`` calibrates it by how much was enrolled and judged.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.artifacts import VerifiedArtifact
from ostiary.artifacts.tensors import unpack
from ostiary.biometrics.calibration import Calibration, check_calibration
from ostiary.biometrics.keystroke.encoder import Encoder
from ostiary.biometrics.keystroke.plda import Plda
from ostiary.biometrics.keystroke.tensor import LEAST, channels, pieces
from ostiary.biometrics.model import Template
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import FaultyInputError

KIND: Final = "keystroke-conv"
SCHEMA: Final = "model.json"
ENCODER: Final = "encoder.onnx"
TABLES: Final = "tables.safetensors"
FORMAT: Final = 1
_CHUNK: Final = 1024


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``model.json`` says."""

    kind: str
    format: int
    calibration: Calibration


class KeystrokeModel:
    """A loaded model."""

    modality: Final = Modality.KEYSTROKE

    def __init__(self, digest: str, encoder: Encoder, plda: Plda, calibration: Calibration) -> None:
        """Keep its parts, which fit each other."""
        self.digest: Final = digest
        self._encoder, self._plda, self._calibration = encoder, plda, calibration
        self._size = len(plda.between)

    def embed(self, windows: Sequence[Window]) -> Floats:
        """Return one row a window, ``[n, k + 1]``; NaN where there are too few keys."""
        parts = [self._some(windows[at : at + _CHUNK]) for at in range(0, len(windows), _CHUNK)]
        return np.concatenate(parts) if parts else np.zeros((0, self._size + 1))

    def enrol(self, rows: Floats, sessions: int = 0) -> Template:
        """Return the template of the person whose rows these are; rows of NaN are left out.

        Raises:
            FaultyInputError: ``enrolment_empty``.
        """
        fine = rows[_usable(rows)]
        if not len(fine):
            raise FaultyInputError("enrolment_empty", "no window of the enrolment can be used")
        mean, weight = self._plda.pooled(fine[:, :-1], fine[:, -1])
        return Template(np.stack([mean, np.full_like(mean, weight)]), len(fine), sessions)

    def scores(self, template: Template, rows: Floats) -> Floats:
        """Return one score a row, ``[n]``; NaN where a row is."""
        found = np.full(len(rows), np.nan)
        fine = _usable(rows)
        mean, weight = template.centre[0], float(template.centre[1, 0])
        found[fine] = self._plda.scores(mean, weight, rows[fine, :-1], rows[fine, -1])
        return found

    def llr(self, score: float, enrolled: int, windows: int) -> float:
        """Return ln p(same) / p(other), capped."""
        return self._calibration.llr(score, enrolled, windows)

    def llrs(self, scores: Floats, enrolled: int, windows: int) -> Floats:
        """Return the same of many scores at once."""
        return self._calibration.llrs(scores, enrolled, windows)

    def moved(self, template: Template, row: Floats, share: float) -> Template:
        """Return the template with its mean moved to ``row`` by ``share`` of the way; a row of NaN moves nothing."""
        if not _usable(row[None])[0]:
            return template
        centre = template.centre.copy()
        centre[0] += share * (row[:-1] - centre[0])
        return msgspec.structs.replace(template, centre=centre)

    def apart(self, one: Template, other: Template) -> float:
        """Return how far two templates lie apart in deviations of a person's own windows, telling directions first."""
        telling = self._plda.between / (1.0 + self._plda.between)
        between = one.centre[0] - other.centre[0]
        return float(np.sqrt((telling * between**2).sum() / telling.sum()))

    def _some(self, windows: Sequence[Window]) -> Floats:
        cut = [pieces(keys) if len(keys) >= LEAST else [] for keys in map(_keys, windows)]
        flat = [piece for part in cut for piece in part]
        placed = self._plda.placed(self._encoder.embeddings([channels(piece) for piece in flat]))
        weights = self._plda.weights(np.array([len(piece) for piece in flat], dtype=np.float64))
        return self._rows([len(part) for part in cut], placed, weights)

    def _rows(self, counts: Sequence[int], placed: Floats, weights: Floats) -> Floats:
        """Return windows' rows from their pieces', which lie one window after the other."""
        found = np.full((len(counts), self._size + 1), np.nan)
        at = 0
        for row, count in enumerate(counts):
            if count:
                mean, weight = self._plda.pooled(placed[at : at + count], weights[at : at + count])
                found[row, :-1], found[row, -1] = mean, weight
            at += count
        return found


def load(artifact: VerifiedArtifact) -> KeystrokeModel:
    """Return the model in a verified folder.

    Raises:
        FaultyInputError: ``biometrics_model_malformed``, ``calibration_malformed``, ``model_malformed``.
        UnavailableError: ``biometrics_extra_missing``.
    """
    return model_of(artifact.files, artifact.digest)


def model_of(files: Mapping[str, bytes], digest: str = "") -> KeystrokeModel:
    """Return the model of a folder's files, from whomever they come: ``load`` is for use, this for who trained it.

    Raises:
        FaultyInputError: as ``load``.
        UnavailableError: ``biometrics_extra_missing``.
    """
    try:
        schema = msgspec.json.decode(files[SCHEMA], type=Schema)
        graph, packed = files[ENCODER], files[TABLES]
    except (KeyError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as fault:
        raise _malformed("a file of it is missing or cannot be read") from fault
    if (schema.kind, schema.format) != (KIND, FORMAT):
        raise _malformed("it is of another kind or format")
    tables: dict[str, npt.NDArray[Any]] = unpack(packed)
    plda, encoder = Plda.of(tables), Encoder(graph)
    if encoder.size != len(plda.mean):
        raise _malformed("encoder and tables do not fit each other")
    return KeystrokeModel(digest, encoder, plda, check_calibration(schema.calibration))


def _keys(window: Window) -> Floats:
    return cast("Floats", window.content)


def _usable(rows: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isfinite(rows).all(axis=1))


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("biometrics_model_malformed", f"the keystroke model is malformed: {text}")
