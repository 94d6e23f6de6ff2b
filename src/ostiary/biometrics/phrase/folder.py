"""A model of phrases as a folder: ``model.json``, and ``phrase.safetensors`` where one is known; checked whole."""

import math
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from ostiary.artifacts import VerifiedArtifact
from ostiary.artifacts.tensors import Array, pack, unpack
from ostiary.biometrics.calibration import check_calibration
from ostiary.biometrics.phrase.comparison import compared
from ostiary.biometrics.phrase.model import Expert, PhraseModel, Ratios
from ostiary.biometrics.phrase.person import MEMORIES, Person
from ostiary.biometrics.phrase.population import Population, population
from ostiary.biometrics.phrase.timings import LEAST_KEYS, MOST_KEYS
from ostiary.biometrics.phrase.trees import Trees
from ostiary.errors import FaultyInputError

KIND: Final = "keystroke-phrase"
SCHEMA_FILE: Final = "model.json"
TABLES_FILE: Final = "phrase.safetensors"
_BELOW: Final = -1e-6
_PEOPLE: Final = ("mean", "within", "between", "deviation")


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``model.json`` says; ``keys`` of the known phrase, 0 where none is known."""

    kind: str
    keys: int
    shape: float
    strangest: float
    ratios: Ratios


def written(expert: Expert | None, ratios: Ratios) -> dict[str, bytes]:
    """Return the folder's files, by name."""
    told = (expert.people.keys, expert.shape, expert.strangest) if expert else (0, 0.0, 0.0)
    schema = msgspec.json.format(msgspec.json.encode(Schema(KIND, *told, ratios)), indent=1)
    if expert is None:
        return {SCHEMA_FILE: schema}
    tables: dict[str, Array] = {name: getattr(expert.people, name) for name in _PEOPLE}
    return {SCHEMA_FILE: schema, TABLES_FILE: pack({**tables, **expert.trees.tables})}


def load(artifact: VerifiedArtifact) -> PhraseModel:
    """Return the model in a verified folder.

    Raises:
        FaultyInputError: ``biometrics_model_malformed``, ``model_malformed``, ``calibration_malformed``.
    """
    return read(artifact.files, artifact.digest)


def read(files: Mapping[str, bytes], digest: str = "") -> PhraseModel:
    """Return the model in some files.

    Raises:
        FaultyInputError: as ``load``.
    """
    try:
        schema = msgspec.json.decode(files[SCHEMA_FILE], type=Schema)
        tables = unpack(files[TABLES_FILE]) if schema.keys else {}
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise _malformed("a file is missing, or of another form") from fault
    for table in (schema.ratios.near, schema.ratios.tempo, schema.ratios.whole):
        check_calibration(table)
    if schema.kind != KIND or not math.isfinite(schema.strangest + schema.shape):
        raise _malformed("a number is out of its range")
    return PhraseModel(_expert(schema, tables) if schema.keys else None, schema.ratios, digest)


def _expert(schema: Schema, tables: Mapping[str, Array]) -> Expert:
    if not LEAST_KEYS <= schema.keys <= MOST_KEYS or any(name not in tables for name in _PEOPLE):
        raise _malformed("a table is missing, or the phrase has too many keys")
    size = 2 * schema.keys - 1
    shapes = [(size,), (size, size), (size, size), (size,)]
    for name, shape in zip(_PEOPLE, shapes, strict=True):
        if tables[name].shape != shape or not np.isfinite(tables[name]).all():
            raise _malformed(f"table `{name}` does not fit the phrase")
    mean, within, between, deviation = (tables[name].astype(np.float64) for name in _PEOPLE)
    if not all(_covers(table) for table in (within, between)) or (deviation <= 0).any():
        raise _malformed("a spread is below zero")
    people = population(mean, within, between, deviation)
    return Expert(people, Trees(tables, columns_of(people)), schema.shape, schema.strangest)


def _covers(table: Array) -> bool:
    """Return whether a table is a covariance: symmetric, and no direction has a variance below zero."""
    if not np.allclose(table, table.T, rtol=1e-6, atol=1e-9):
        return False
    return bool(np.linalg.eigvalsh(table).min() > _BELOW and np.diag(table).min() > 0)


def columns_of(people: Population) -> int:
    """Return how many columns the trees look at."""
    size, count = len(people.mean), len(MEMORIES)
    still = np.tile(people.mean, (count, 1))
    one = Person(
        people.keys, 1, np.zeros(4), still, np.ones_like(still), people.mean, people.within, np.zeros((0, size))
    )
    return int(compared(one, people, people.mean[None]).shape[1])


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("biometrics_model_malformed", f"the model of phrases is malformed: {text}")
