"""Trains a model of sequences: people's habits are counted, how to smooth them is chosen, scores are calibrated.

- Some people play strangers: in five rounds a fifth of them is left out of the population altogether, and their windows
  are tried against the others' templates of their early windows, beside these people's own later ones (``trials.py``).
- One smoothing after the other is tried; a change is kept when it finds clearly more strangers at few false alarms.
- Of many people, ``MOST_PEOPLE`` drawn by the seed are kept as the population; nothing else of anybody is.
- No PyTorch: nothing is learned by gradient.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.calibration import fit as fitted
from ostiary.biometrics.sequence.folder import KIND, MOST_PEOPLE, Schema, written
from ostiary.biometrics.sequence.model import Keeping
from ostiary.biometrics.sequence.ratio import Smoothing
from ostiary.biometrics.sequence.tokens import Vocabulary, learned
from ostiary.biometrics.sequence.training.card import Told, card_of
from ostiary.biometrics.sequence.training.people import Person, people_of
from ostiary.biometrics.sequence.training.trials import Grid, Round, hits, rounds_of, spread_of, trials_of
from ostiary.biometrics.training import Progress, Row, Trained, TrainSettings
from ostiary.errors import FaultyInputError

CHOICES: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("naive", (0.1, 0.4)),
    ("population", (5.0, 60.0)),
    ("context", (2.0, 10.0)),
    ("person", (1.0, 10.0)),
    ("shared", (0.75, 0.95)),
)
CLEARLY = 0.004
ACCEPT, UPDATE = 0.03, 0.15  # shares of people's own held-out windows below
UNCALIBRATED = Calibration([1], [1], [[0.05]], [[0.0]])


def train(rows: Sequence[Row], settings: TrainSettings, progress: Progress) -> Trained:
    """Return the model that ``rows`` teach.

    Raises:
        FaultyInputError: ``training_people``, when fewer than two people have windows that can be used.
    """
    draw = np.random.default_rng(settings.seed)
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row.subject, []).append(row)
    names = sorted(by_name)
    if len(names) > MOST_PEOPLE:
        names = sorted(names[place] for place in draw.permutation(len(names))[:MOST_PEOPLE])
    told = [[_tokens(row) for row in sorted(by_name[name], key=lambda row: row.order)] for name in names]
    vocabulary = learned(told)
    people = people_of(told, vocabulary)
    if len(people) < 2:  # noqa: PLR2004 - one person has nobody to be told from
        raise FaultyInputError("training_people", "training needs windows of two people at least")
    progress("counting what people do", 0.2)
    rounds = rounds_of(people, draw)
    rule, tried = _chosen(rounds, vocabulary, settings.effort, progress)
    return _finished(people, rounds, vocabulary, (rule, tried), settings)


def _tokens(row: Row) -> tuple[str, ...]:
    return row.window.content if isinstance(row.window.content, tuple) else ()


def _chosen(
    rounds: Sequence[Round], vocabulary: Vocabulary, effort: float, progress: Progress
) -> tuple[Smoothing, dict[str, float]]:
    """Return the smoothing that finds most strangers, one change tried after the other."""
    rule = Smoothing()
    best = hits(rounds, vocabulary, rule)
    tried = {"as it comes": best}
    some = CHOICES[: max(1, round(len(CHOICES) * min(1.0, effort)))]
    for done, (name, values) in enumerate(some if rounds else ()):
        for value in values:
            other = msgspec.structs.replace(rule, **{name: value})
            found = hits(rounds, vocabulary, other)
            tried[f"{name} {value:g}"] = found
            if found > best + CLEARLY:
                rule, best = other, found
        progress("choosing how counts are smoothed", 0.2 + 0.6 * (done + 1) / len(some))
    return rule, tried


def _finished(
    people: Sequence[Person],
    rounds: Sequence[Round],
    vocabulary: Vocabulary,
    choice: tuple[Smoothing, dict[str, float]],
    settings: TrainSettings,
) -> Trained:
    rule, tried = choice
    grid = trials_of(rounds, vocabulary, rule)
    keeping = _keeping(grid)
    calibration = _calibration(grid)
    schema = Schema(KIND, vocabulary, rule, calibration, spread_of(people), keeping)
    files = written(schema, [person.habits(vocabulary.size + 1) for person in people])
    told = Told(len(people), sum(len(person.windows) for person in people), settings.seed, tried)
    return Trained(files, card_of(schema, told, grid))


def _keeping(grid: Grid) -> Keeping:
    if not grid:
        return Keeping()
    own = grid[max(grid)][0] if (max(grid)[0], 1) not in grid else grid[max(grid)[0], 1][0]
    accept = float(np.quantile(own, ACCEPT))
    return Keeping(accept, max(accept, float(np.quantile(own, UPDATE))))


def _calibration(grid: Grid) -> Calibration:
    try:
        return fitted(grid)
    except FaultyInputError:  # too few windows to try anything: a gentle line through zero
        return UNCALIBRATED
