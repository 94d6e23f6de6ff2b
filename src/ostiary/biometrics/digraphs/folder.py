"""A model of logs as a folder: ``model.json`` and ``factors.safetensors``; checked whole before it is used."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.artifacts import VerifiedArtifact
from ostiary.artifacts.tensors import Array, pack, unpack
from ostiary.biometrics.calibration import Calibration, check_calibration
from ostiary.biometrics.digraphs.factors import Factors
from ostiary.biometrics.digraphs.model import WEIGHTS, DigraphModel
from ostiary.biometrics.window import MOST_TOKEN
from ostiary.errors import FaultyInputError

KIND: Final = "keystroke-features"
SCHEMA_FILE: Final = "model.json"
FACTORS_FILE: Final = "factors.safetensors"
MOST_NAMES: Final = 640
MOST_COMMON: Final = 64
_COLUMNS: Final = ("mean", "person", "day", "noise")
_TABLES: Final = ("people", "days")
_QUARTILES: Final = ("quick", "slow")


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``model.json`` says; ``names`` of the features, in the order of the tables."""

    kind: str
    names: list[str]
    calibration: Calibration


def written(names: Sequence[str], factors: Sequence[Factors], calibration: Calibration) -> dict[str, bytes]:
    """Return the folder's files, by name."""
    tables: dict[str, Array] = {
        f"{quartile}_{name}": getattr(some, name)
        for quartile, some in zip(_QUARTILES, factors, strict=True)
        for name in (*_COLUMNS, *_TABLES)
    }
    schema = Schema(KIND, list(names), calibration)
    return {SCHEMA_FILE: msgspec.json.format(msgspec.json.encode(schema), indent=1), FACTORS_FILE: pack(tables)}


def load(artifact: VerifiedArtifact) -> DigraphModel:
    """Return the model in a verified folder.

    Raises:
        FaultyInputError: ``biometrics_model_malformed``, ``model_malformed``, ``calibration_malformed``.
    """
    return read(artifact.files, artifact.digest)


def read(files: Mapping[str, bytes], digest: str = "") -> DigraphModel:
    """Return the model in some files.

    Raises:
        FaultyInputError: as ``load``.
    """
    try:
        schema = msgspec.json.decode(files[SCHEMA_FILE], type=Schema)
        tables = unpack(files[FACTORS_FILE])
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise _malformed("a file is missing, or of another form") from fault
    names = schema.names
    if schema.kind != KIND or not 0 < len(names) <= MOST_NAMES or len(set(names)) != len(names):
        raise _malformed("it names no features, too many, or one twice")
    if not all(0 < len(name) <= MOST_TOKEN for name in names):
        raise _malformed("the name of a feature is empty or too long")
    factors = [_factors(tables, quartile, len(names)) for quartile in _QUARTILES[: len(WEIGHTS)]]
    return DigraphModel(names, factors, check_calibration(schema.calibration), digest)


def _factors(tables: Mapping[str, Array], quartile: str, size: int) -> Factors:
    try:
        columns = [tables[f"{quartile}_{name}"].astype(np.float64) for name in _COLUMNS]
        common = [tables[f"{quartile}_{name}"].astype(np.float64) for name in _TABLES]
    except KeyError as fault:
        raise _malformed("a table is missing") from fault
    if any(column.shape != (size,) for column in columns) or any(not _fits(table, size) for table in common):
        raise _malformed("a table does not fit the features")
    mean, person, day, noise = columns
    people, days = common
    if not all(np.isfinite(table).all() for table in (*columns, *common)):
        raise _malformed("a number is not finite")
    if min(person.min(), day.min(), noise.min()) <= 0:
        raise _malformed("a variance is not above zero")
    return Factors(mean, person, day, noise, people, days)


def _fits(table: Array, size: int) -> bool:
    return table.ndim == 2 and len(table) == size and 0 < table.shape[1] <= MOST_COMMON  # noqa: PLR2004 - a table


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("biometrics_model_malformed", f"the model of logs is malformed: {text}")
