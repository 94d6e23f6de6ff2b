"""A model of sequences as a folder: ``model.json`` and ``habits.safetensors``; checked whole before it is used."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.artifacts import VerifiedArtifact
from ostiary.artifacts.tensors import Array, pack, unpack
from ostiary.biometrics.calibration import Calibration, check_calibration
from ostiary.biometrics.sequence.habits import Habits
from ostiary.biometrics.sequence.model import Keeping, SequenceModel
from ostiary.biometrics.sequence.ratio import Smoothing
from ostiary.biometrics.sequence.tokens import Vocabulary
from ostiary.biometrics.sequence.transitions import MOST_BASE
from ostiary.biometrics.window import MOST_TOKEN
from ostiary.errors import FaultyInputError

KIND: Final = "sequence"
SCHEMA_FILE: Final = "model.json"
HABITS_FILE: Final = "habits.safetensors"
MOST_PEOPLE: Final = 256


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``model.json`` says."""

    kind: str
    vocabulary: Vocabulary
    rule: Smoothing
    calibration: Calibration
    spread: float
    keeping: Keeping


def written(schema: Schema, people: Sequence[Habits]) -> dict[str, bytes]:
    """Return the folder's files, by name."""
    tables = {
        "codes": np.concatenate([one.codes for one in people]),
        "weights": np.concatenate([one.weights for one in people]).astype(np.float32),
        "sizes": np.array([len(one.codes) for one in people], np.int64),
    }
    return {SCHEMA_FILE: msgspec.json.format(msgspec.json.encode(schema), indent=1), HABITS_FILE: pack(tables)}


def load(artifact: VerifiedArtifact) -> SequenceModel:
    """Return the model in a verified folder.

    Raises:
        FaultyInputError: ``biometrics_model_malformed``, ``model_malformed``, ``calibration_malformed``.
    """
    return read(artifact.files, artifact.digest)


def read(files: Mapping[str, bytes], digest: str = "") -> SequenceModel:
    """Return the model in some files.

    Raises:
        FaultyInputError: as ``load``.
    """
    try:
        schema = msgspec.json.decode(files[SCHEMA_FILE], type=Schema)
        tables = unpack(files[HABITS_FILE])
        codes, weights, sizes = tables["codes"], tables["weights"], tables["sizes"]
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise _malformed("a file or table is missing, or of another form") from fault
    _check(schema)
    people = _people(codes, weights, sizes, schema.vocabulary.size + 1)
    calibration = check_calibration(schema.calibration)
    return SequenceModel(schema.vocabulary, people, schema.rule, calibration, schema.spread, schema.keeping, digest)


def _check(schema: Schema) -> None:
    words = schema.vocabulary.words
    rule, keeping = schema.rule, schema.keeping
    numbers = [*msgspec.structs.astuple(rule), schema.spread, keeping.accept, keeping.update]
    fine = (
        schema.kind == KIND
        and len(set(words)) == len(words)
        and all(0 < len(word) <= MOST_TOKEN for word in words)
        and schema.vocabulary.buckets > 0
        and schema.vocabulary.size < MOST_BASE
        and all(math.isfinite(number) for number in numbers)
        and min(rule.flat, rule.population, rule.person, rule.context, rule.least, schema.spread) > 0
        and 0 <= rule.shared <= 1
        and rule.naive >= 0
        and keeping.accept <= keeping.update
    )
    if not fine:
        raise _malformed("a word or number is out of its range")


def _people(codes: Array, weights: Array, sizes: Array, base: int) -> list[Habits]:
    shapes = all(table.ndim == 1 for table in (codes, weights, sizes)) and codes.dtype == sizes.dtype == np.int64
    if not shapes or len(codes) != len(weights) or len(sizes) > MOST_PEOPLE or (sizes < 0).any():
        raise _malformed("its tables do not fit each other")
    if int(sizes.sum()) != len(codes) or (codes < 0).any() or (codes >= base * base).any():
        raise _malformed("its tables do not fit the vocabulary")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise _malformed("a weight is no count")
    ends = np.cumsum(sizes)[:-1]
    parts = zip(np.split(codes, ends), np.split(weights.astype(np.float64), ends), strict=True)
    return [Habits.of(own, weight, base) for own, weight in parts]


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("biometrics_model_malformed", f"the model of sequences is malformed: {text}")
