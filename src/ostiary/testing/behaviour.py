"""Invented people with habits, and a small reference model of them in plain numpy, for tests of what surrounds models.

- ``people`` invents windows of any modality; each person has their own rhythm, pace and favourite commands.
- This module trains (``train``) and loads (``load``) as every modality's does, so that tests may put it in their place.
- It is no baseline and measures nothing: people invented to differ are told apart by anything.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Final, cast

import msgspec
import numpy as np
from typing_extensions import override

from ostiary.artifacts import VerifiedArtifact
from ostiary.artifacts.tensors import pack, unpack
from ostiary.biometrics.calibration import Calibration, fit
from ostiary.biometrics.kinds import SCHEMA_FILE
from ostiary.biometrics.model import Model, Template
from ostiary.biometrics.norm import s_norm
from ostiary.biometrics.training import Progress, Row, Trained, TrainSettings
from ostiary.biometrics.window import Content, Floats, Modality, Window
from ostiary.errors import FaultyInputError

KIND: Final = "reference"
_TABLES: Final = "tables.safetensors"
_FEWEST: Final = 5
_BUCKETS: Final = 16
_COMMANDS: Final = 12
_PHRASE: Final = 11


def people(
    modality: Modality, count: int = 12, sessions: int = 3, windows: int = 4, seed: int = 0, first: int = 0
) -> list[Row]:
    """Return the windows of ``count`` people, each with some windows in some sessions."""
    rows: list[Row] = []
    for person in range(first, first + count):
        rng = np.random.default_rng([seed, person])
        habit = rng.normal(0.0, 1.0, 8)
        for order in range(sessions * windows):
            window = Window(modality, _MAKERS[modality](habit, rng))
            rows.append(Row(f"p{person:03}", f"s{order // windows:02}", window, order))
    return rows


def phrases(count: int = 16, repetitions: int = 24, seed: int = 0, first: int = 0) -> list[Row]:
    """Return repetitions of one phrase of eleven keys by ``count`` people, in three sessions."""
    rows: list[Row] = []
    for person in range(first, first + count):
        rng = np.random.default_rng([seed, person])
        habit = rng.normal(0.0, 1.0, (2, _PHRASE))
        for order in range(repetitions):
            holds = np.exp(np.log(95) + 0.3 * habit[0] + rng.normal(0, 0.12, _PHRASE))
            steps = np.exp(np.log(180) + 0.3 * habit[1] + rng.normal(0, 0.15, _PHRASE))
            downs = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
            classes = np.arange(_PHRASE) % 3 + 1
            keys = np.round(np.stack([downs, downs + holds, classes], axis=1), 1)
            session = f"s{3 * order // repetitions:02}"
            rows.append(Row(f"p{person:03}", session, Window(Modality.KEYSTROKE, keys), order))
    return rows


def raw(window: Window) -> list[object] | dict[str, list[float]]:
    """Return a window as files have it."""
    content = window.content
    if isinstance(content, dict):
        return {name: list(values) for name, values in content.items()}
    return content.tolist() if isinstance(content, np.ndarray) else list(content)


def _typed(habit: Floats, rng: np.random.Generator) -> Floats:
    length = int(rng.integers(40, 60))
    holds = np.exp(np.log(95) + 0.25 * habit[0] + rng.normal(0, 0.2 + 0.05 * abs(habit[2]), length))
    steps = np.exp(np.log(160) + 0.25 * habit[1] + rng.normal(0, 0.3 + 0.05 * abs(habit[3]), length))
    downs = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    return np.round(np.stack([downs, downs + holds, rng.integers(1, 4, length)], axis=1), 1)


def _pointed(habit: Floats, rng: np.random.Generator) -> Floats:
    length = int(rng.integers(140, 200))
    speed = np.exp(0.5 + 0.3 * habit[0] + rng.normal(0, 0.4, length))
    turn = np.cumsum(rng.normal(0, 0.2 + 0.05 * abs(habit[1]), length))
    dt = np.round(np.exp(np.log(12) + 0.2 * habit[2] + rng.normal(0, 0.2, length)))
    far = speed * dt
    return np.stack([dt, np.round(far * np.cos(turn)), np.round(far * np.sin(turn)), np.zeros(length)], axis=1)


def _worked(habit: Floats, rng: np.random.Generator) -> tuple[str, ...]:
    likely = np.exp(1.2 * np.resize(habit, _COMMANDS) * np.linspace(1, -1, _COMMANDS))
    return tuple(f"c{one}" for one in rng.choice(_COMMANDS, 60, p=likely / likely.sum()))


def _measured(habit: Floats, rng: np.random.Generator) -> dict[str, tuple[float, ...]]:
    keys = _typed(habit, rng)
    steps = np.round(np.diff(keys[:, 0]), 1)
    return {"65-0": tuple((keys[:, 1] - keys[:, 0]).round(1).tolist()), "65-66": tuple(steps.tolist())}


_MAKERS: Final[dict[Modality, Callable[[Floats, np.random.Generator], Content]]] = {
    Modality.KEYSTROKE: _typed,
    Modality.POINTER: _pointed,
    Modality.SEQUENCE: _worked,
    Modality.FEATURES: _measured,
}


class _Schema(msgspec.Struct, frozen=True):
    kind: str
    modality: Modality
    calibration: Calibration


class ReferenceModel(Model):
    """Windows as a few plain figures; a template is their mean."""

    def __init__(self, modality: Modality, digest: str, tables: dict[str, Floats], calibration: Calibration) -> None:
        """Keep ``tables``: ``middle`` and ``wide`` ``[1, d]``, ``cohort`` ``[k, d]``."""
        self._modality, self._digest, self._calibration = modality, digest, calibration
        self._middle, self._wide, self._cohort = tables["middle"], tables["wide"], tables["cohort"]

    @property
    @override
    def modality(self) -> Modality:
        return self._modality

    @property
    @override
    def digest(self) -> str:
        return self._digest

    @override
    def embed(self, windows: Sequence[Window]) -> Floats:
        rows = np.array([_figures(window) for window in windows]).reshape(len(windows), self._middle.shape[1])
        told: Floats = np.clip((rows - self._middle) / self._wide, -10.0, 10.0)
        return told

    @override
    def enrol(self, rows: Floats, sessions: int = 0) -> Template:
        fine = rows[np.isfinite(rows).all(axis=1)]
        if not len(fine):
            raise FaultyInputError("enrolment_empty", "no window can be used")
        return Template(fine.mean(axis=0, keepdims=True), len(fine), sessions)

    @override
    def scores(self, template: Template, rows: Floats) -> Floats:
        return s_norm(
            _alike(template.centre, rows)[0], _alike(template.centre, self._cohort)[0], _alike(rows, self._cohort)
        )

    @override
    def llr(self, score: float, enrolled: int, windows: int) -> float:
        return self._calibration.llr(score, enrolled, windows)

    @override
    def moved(self, template: Template, row: Floats, share: float) -> Template:
        return msgspec.structs.replace(template, centre=template.centre + share * (row[None, :] - template.centre))

    @override
    def apart(self, one: Template, other: Template) -> float:
        return float(np.sqrt(np.mean((one.centre - other.centre) ** 2)))


def _alike(some: Floats, others: Floats) -> Floats:
    close: Floats = -np.abs(some[:, None, :] - others[None, :, :]).mean(axis=2)
    return close


def _figures(window: Window) -> list[float]:
    content = window.content
    if isinstance(content, tuple):
        if len(content) < _FEWEST:
            return [np.nan] * _BUCKETS
        counts = np.bincount([zlib.crc32(token.encode()) % _BUCKETS for token in content], minlength=_BUCKETS)
        return cast("list[float]", np.sqrt(counts / len(content)).tolist())
    if isinstance(content, dict):
        return [figure for name in ("65-0", "65-66") for figure in _shape(np.array(content.get(name, ())))]
    if window.modality is Modality.KEYSTROKE:
        return [*_shape(content[:, 1] - content[:, 0]), *_shape(np.diff(content[:, 0]))]
    moving = content[(content[:, 0] > 0) & (np.abs(content[:, 1:3]).sum(axis=1) > 0)]
    return [*_shape(np.hypot(moving[:, 1], moving[:, 2]) / moving[:, 0]), *_shape(moving[:, 0])]


def _shape(values: Floats) -> tuple[float, float]:
    if len(values) < _FEWEST:
        return np.nan, np.nan
    logs = np.log(np.maximum(values, 1e-3))
    return float(logs.mean()), float(logs.std())


def train(rows: Sequence[Row], settings: TrainSettings, progress: Progress) -> Trained:
    """Return the reference model that ``rows`` teach."""
    modality = rows[0].window.modality
    figures = np.array([_figures(row.window) for row in rows])
    names = np.array([row.subject for row in rows])
    means = {name: np.nanmean(figures[names == name], axis=0) for name in sorted(set(names))}
    within = np.nanstd(figures - np.array([means[name] for name in names]), axis=0, keepdims=True)
    tables = {
        "middle": np.nanmean(figures, axis=0, keepdims=True),
        "wide": np.maximum(within, 1e-3),
        "cohort": (np.array(list(means.values())) - np.nanmean(figures, axis=0)) / np.maximum(within, 1e-3),
    }
    model = ReferenceModel(modality, "", tables, Calibration([1], [1], [[1.0]], [[0.0]]))
    embedded = (figures - tables["middle"]) / tables["wide"]
    templates = {name: model.enrol(embedded[names == name]) for name in means}
    scores = {name: model.scores(template, embedded) for name, template in templates.items()}
    same = np.concatenate([scores[name][names == name] for name in means])
    other = np.concatenate([scores[name][names != name] for name in means])
    schema = _Schema(KIND, modality, fit({(1, 1): (same, other)}))
    progress("reference", 1.0)
    card = f"# Reference model\n\nOf invented people, for tests; seed {settings.seed}.\n"
    return Trained({SCHEMA_FILE: msgspec.json.encode(schema), _TABLES: pack(tables)}, card)


def load(artifact: VerifiedArtifact) -> ReferenceModel:
    """Return the reference model in a verified folder."""
    schema = msgspec.json.decode(artifact.files[SCHEMA_FILE], type=_Schema)
    tables = {name: table.astype(np.float64) for name, table in unpack(artifact.files[_TABLES]).items()}
    return ReferenceModel(schema.modality, artifact.digest, tables, schema.calibration)
