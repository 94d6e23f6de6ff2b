"""The model of pointer dynamics, kind ``pointer-conv``, behind the Protocol ``Model``.

- ``delivery`` says how its windows are read (``readers.py``): ``direct`` or ``relayed``.
- Direct: a template is the mean direction of a person's rows; a score is the cosine, normalised on both sides against
  the most alike people of the training (AS-norm).
- Relayed: a template is a person's mean log-chances, sharpened to a profile over the people of the training; a score is
  the window's mean log-chance under that profile. Somebody of the training is their own profile; somebody new is like
  some of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, cast

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.artifacts import VerifiedArtifact
from ostiary.artifacts.tensors import unpack
from ostiary.biometrics.calibration import Calibration, check_calibration
from ostiary.biometrics.model import Template
from ostiary.biometrics.norm import s_norm
from ostiary.biometrics.pointer.readers import Direct, Reader, Relayed, Tables, embedded, malformed, unit
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import FaultyInputError

KIND: Final = "pointer-conv"
SCHEMA: Final = "model.json"
ENCODER: Final = "encoder.onnx"
TABLES: Final = "tables.safetensors"
FORMAT: Final = 1
TOP: Final = 12
SHARP: Final = 3.0
_LEAST_COHORT: Final = 2
Delivery = Literal["direct", "relayed"]


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``model.json`` says.

    Attributes:
        kind, format: which code reads it.
        delivery: how windows are read.
        spread: how far a person's own windows lie from their template, root mean square.
        calibration: from score to ratio.
    """

    kind: str
    format: int
    delivery: Delivery
    spread: float
    calibration: Calibration


class PointerModel:
    """A loaded model."""

    modality: Final = Modality.POINTER

    def __init__(self, digest: str, reader: Reader, cohort: Floats | None, schema: Schema) -> None:
        """Keep its parts, which fit each other; without a cohort rows are log-chances."""
        self.digest: Final = digest
        self.reader: Final = reader
        self._cohort, self._schema = cohort, schema

    def embed(self, windows: Sequence[Window]) -> Floats:
        """Return one row a window, ``[n, size]``; NaN where there is too little to judge."""
        return embedded(self.reader, [cast("Floats", window.content) for window in windows])

    def enrol(self, rows: Floats, sessions: int = 0) -> Template:
        """Return the template of the person whose rows these are; rows of NaN are left out.

        Raises:
            FaultyInputError: ``enrolment_empty``.
        """
        fine = rows[usable(rows)]
        if not len(fine):
            raise FaultyInputError("enrolment_empty", "no window of the enrolment can be used")
        return Template(self._put(fine.mean(axis=0))[None], len(fine), sessions)

    def scores(self, template: Template, rows: Floats) -> Floats:
        """Return one score a row, ``[n]``; NaN where a row is."""
        found = np.full(len(rows), np.nan)
        fine = usable(rows)
        centre, known = template.centre[0], rows[fine]
        if self._cohort is None:
            found[fine] = known @ profile(centre)
        elif len(known):
            raw, others = known @ centre, known @ self._cohort.T
            found[fine] = s_norm(raw, self._cohort @ centre, others, TOP)
        return found

    def llr(self, score: float, enrolled: int, windows: int) -> float:
        """Return ln p(same) / p(other), capped."""
        return self._schema.calibration.llr(score, enrolled, windows)

    def llrs(self, scores: Floats, enrolled: int, windows: int) -> Floats:
        """Return the same of many scores at once."""
        return self._schema.calibration.llrs(scores, enrolled, windows)

    def moved(self, template: Template, row: Floats, share: float) -> Template:
        """Return the template moved to ``row`` by ``share`` of the way; a row of NaN moves nothing."""
        if not usable(row[None])[0]:
            return template
        centre = template.centre[0] + share * (row - template.centre[0])
        return msgspec.structs.replace(template, centre=self._put(centre)[None])

    def apart(self, one: Template, other: Template) -> float:
        """Return how far two templates lie apart, in deviations of a person's own windows."""
        return float(np.linalg.norm(one.centre[0] - other.centre[0]) / self._schema.spread)

    def _put(self, centre: Floats) -> Floats:
        return centre if self._cohort is None else unit(centre)


def profile(centre: Floats) -> Floats:
    """Return the profile of mean log-chances: shares of the people of the training, 1 together."""
    raised = np.exp(SHARP * (centre - centre.max()))
    shares: Floats = raised / raised.sum()
    return shares


def load(artifact: VerifiedArtifact) -> PointerModel:
    """Return the model in a verified folder.

    Raises:
        FaultyInputError: ``biometrics_model_malformed``, ``calibration_malformed``, ``model_malformed``.
        UnavailableError: ``biometrics_extra_missing``.
    """
    return model_of(artifact.files, artifact.digest)


def model_of(files: Mapping[str, bytes], digest: str = "") -> PointerModel:
    """Return the model of a folder's files, from whomever they come: ``load`` is for use, this for who trained it.

    Raises:
        FaultyInputError: as ``load``.
        UnavailableError: ``biometrics_extra_missing``.
    """
    try:
        schema = msgspec.json.decode(files[SCHEMA], type=Schema)
        graph, packed = files[ENCODER], files[TABLES]
    except (KeyError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as fault:
        raise malformed("a file of it is missing or cannot be read") from fault
    if (schema.kind, schema.format) != (KIND, FORMAT) or not 0 < schema.spread < np.inf:
        raise malformed("it is of another kind or format")
    check_calibration(schema.calibration)
    tables: dict[str, npt.NDArray[Any]] = unpack(packed)
    if schema.delivery == "relayed":
        return PointerModel(digest, Relayed(graph), None, schema)
    reader = Direct(graph, tables)
    return PointerModel(digest, reader, _cohort(tables, reader.size), schema)


def _cohort(tables: Tables, size: int) -> Floats:
    cohort = np.asarray(tables.get("cohort", np.zeros((0, size))), dtype=np.float64)
    if cohort.shape[1:] != (size,) or len(cohort) < _LEAST_COHORT or not np.isfinite(cohort).all():
        raise malformed("its cohort does not fit")
    return cohort


def usable(rows: Floats) -> npt.NDArray[np.bool_]:
    """Return which rows can be used."""
    return np.asarray(np.isfinite(rows).all(axis=1))
