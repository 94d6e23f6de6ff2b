"""Trains the model of logs: which features, their variances and common parts, and the calibration.

- Features are those that a fifth of the logs hold, the most usual first.
- How many parts move together is fixed by how many people there are, never by figures on them.
- The calibration is fitted on people whom a second model has not seen: parts of the people judge each other, by whole
  logs and by short ones.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ostiary.biometrics.calibration import Calibration, fit
from ostiary.biometrics.digraphs.card import card
from ostiary.biometrics.digraphs.evaluate import pairs, shortened
from ostiary.biometrics.digraphs.factors import Factors
from ostiary.biometrics.digraphs.folder import MOST_NAMES, written
from ostiary.biometrics.digraphs.learning import begun, learned
from ostiary.biometrics.digraphs.model import DigraphModel
from ostiary.biometrics.digraphs.summary import opened, row_of
from ostiary.biometrics.digraphs.variances import noise_of, variances
from ostiary.biometrics.training import Progress, Row, Trained, TrainSettings
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

SHARE: Final = 0.2
SHORT: Final = 300
MOST_LOGS: Final = 4_000
_PARTS: Final = 3
_ROUNDS: Final = 10
_COMMON: Final = 10
_DAYS: Final = 2
_PLAIN: Final = Calibration([1], [1], [[1.0]], [[0.0]], 1_000.0)


def train(rows: Sequence[Row], settings: TrainSettings, progress: Progress) -> Trained:
    """Return the model that people's logs teach.

    Raises:
        FaultyInputError: ``training_people``, when fewer than two people have logs that can be used, or nobody has two.
    """
    luck = np.random.default_rng(settings.seed)
    ordered = sorted(rows, key=lambda row: (row.subject, row.order, row.session))
    if len(ordered) > MOST_LOGS:
        ordered = [ordered[at] for at in np.sort(luck.permutation(len(ordered))[:MOST_LOGS])]
    names = names_of(ordered)
    ordered = _usable(ordered, names)
    trials = _trials(ordered, names, settings, luck, progress)
    factors = factors_of(ordered, names, settings)
    progress("factors", 1.0)
    calibration = fit({(1, 1): trials})
    return Trained(written(names, factors, calibration), card(names, ordered, settings, calibration))


def names_of(rows: Sequence[Row]) -> list[str]:
    """Return the features that enough logs hold, the most usual first."""
    counts = Counter(name for row in rows if isinstance(row.window.content, dict) for name in row.window.content)
    usual = sorted((-count, name) for name, count in counts.items() if count >= SHARE * len(rows))
    return [name for _, name in usual[:MOST_NAMES]]


def _usable(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    places = {name: place for place, name in enumerate(names)}
    kept = [row for row in rows if isinstance(row.window.content, dict) and _told(row.window.content, places)]
    logs = Counter(row.subject for row in kept)
    if len(logs) < 2 or max(logs.values()) < 2:  # noqa: PLR2004 - one to be told from another, and to know again
        raise FaultyInputError("training_people", "training needs two people, one of them with two logs at least")
    return kept


def _told(content: Mapping[str, Sequence[float]], places: Mapping[str, int]) -> bool:
    return bool(np.isfinite(row_of(content, places)).all())


def factors_of(rows: Sequence[Row], names: Sequence[str], settings: TrainSettings) -> list[Factors]:
    """Return the factors of both quartiles."""
    places = {name: place for place, name in enumerate(names)}
    contents = [row.window.content for row in rows]
    logs = opened(np.stack([row_of(content, places) for content in contents if isinstance(content, dict)]))
    subjects = sorted({row.subject for row in rows})
    people = np.array([subjects.index(row.subject) for row in rows])
    holds = np.array([name.endswith("-0") for name in names])
    noise = noise_of(logs.values, logs.counts, holds)
    sizes = (max(1, min(_COMMON, len(subjects) // 6)), max(1, min(_DAYS, len(subjects) // 6)))
    rounds = max(2, round(_ROUNDS * settings.effort))
    found = []
    for values in logs.values:
        start = begun(*variances(values, logs.counts, people, noise, holds), noise, sizes, settings.seed)
        found.append(learned(start, values, logs.counts, people, rounds))
    return found


def _trials(
    rows: Sequence[Row], names: Sequence[str], settings: TrainSettings, luck: np.random.Generator, progress: Progress
) -> tuple[Floats, Floats]:
    """Return genuine and other scores of people whom the judging model has not seen."""
    several = {name for name, count in Counter(row.subject for row in rows).items() if count > 1}
    subjects = [*luck.permutation(sorted(several)), *luck.permutation(sorted({row.subject for row in rows} - several))]
    own: list[Floats] = []
    others: list[Floats] = []
    for part in range(_PARTS):
        judged = set(subjects[part::_PARTS]) if len(subjects) >= 2 * _PARTS + 2 else set(subjects)
        taught = [row for row in rows if row.subject not in judged] if len(judged) < len(subjects) else rows
        model = DigraphModel(names, factors_of(taught, names, settings), _PLAIN)
        tried = [row for row in rows if row.subject in judged]
        short = [shortened(row.window, SHORT, luck) for row in tried]
        for probes in (None, short):
            found = pairs(model, tried, probes)
            own.append(found.scores[found.same > 0])
            others.append(found.scores[found.same == 0])
        progress("factors without some", 0.2 + 0.2 * part)
    return np.concatenate(own), np.concatenate(others)
