"""Strangers played by training people: what a model says of windows of people that it never saw.

- In each round a fifth of the people are strangers; the population is everybody else.
- A template is made of the first ``EARLY`` of a person's windows; the later ones are the person's own trials, so what
  changes with time is in them.
- People and windows are drawn when there are many, so any number of people takes about the same time.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.sequence.model import SequenceModel
from ostiary.biometrics.sequence.ratio import Smoothing
from ostiary.biometrics.sequence.tokens import Vocabulary
from ostiary.biometrics.sequence.training.people import Person
from ostiary.biometrics.window import Floats

ROUNDS: Final = 5
EARLY: Final = 1 / 3
FEW: Final = 5
TOGETHER: Final = (1, 3)
MOST_CLAIMED: Final = 60
MOST_STRANGERS: Final = 20
MOST_WINDOWS: Final = 20
MOST_CHOOSING: Final = 12
RATES: Final = np.linspace(0.005, 0.10, 20)
_NOTHING: Final = Calibration([1], [1], [[1.0]], [[0.0]])
Grid = Mapping[tuple[int, int], tuple[Floats, Floats]]


class Round(msgspec.Struct, frozen=True):
    """Who is known and who plays a stranger."""

    known: tuple[Person, ...]
    strangers: tuple[Person, ...]

    def model(self, vocabulary: Vocabulary, rule: Smoothing) -> SequenceModel:
        """Return the model of this round's population."""
        base = vocabulary.size + 1
        return SequenceModel(vocabulary, [person.habits(base) for person in self.known], rule, _NOTHING)


def rounds_of(people: Sequence[Person], draw: np.random.Generator) -> list[Round]:
    """Return the rounds; none where nobody has windows enough."""
    order = draw.permutation(len(people))
    count = min(ROUNDS, len(people))
    parts = [set(order[one::count].tolist()) for one in range(count)]
    rounds = [
        Round(
            tuple(person for place, person in enumerate(people) if place not in part),
            tuple(people[place] for place in sorted(part)[:MOST_STRANGERS]),
        )
        for part in parts
    ]
    return rounds if any(_early(person) for person in people) else []


def hits(rounds: Sequence[Round], vocabulary: Vocabulary, rule: Smoothing) -> float:
    """Return the share of strangers' windows found, the mean over false alarms up to a tenth; 0 without trials."""
    grid = trials_of(rounds, vocabulary, rule, (1,), few=False, most=MOST_CHOOSING)
    if not grid:
        return 0.0
    own, strangers = grid[max(grid)]
    return float(np.mean(strangers[:, None] < np.quantile(own, RATES, method="lower")))


def trials_of(
    rounds: Sequence[Round],
    vocabulary: Vocabulary,
    rule: Smoothing,
    together: Sequence[int] = TOGETHER,
    *,
    few: bool = True,
    most: int = MOST_WINDOWS,
) -> Grid:
    """Return own and strangers' scores by (enrolled windows, windows judged together)."""
    found: dict[tuple[int, int], tuple[list[Floats], list[Floats]]] = {}
    usual = int(np.median([early for one in rounds for person in one.known if (early := _early(person))] or [0]))
    for one in rounds:
        model = one.model(vocabulary, rule)
        strange = [model.embed(person.windows[:most]) for person in one.strangers]
        for person in [person for person in one.known if _early(person)][:MOST_CLAIMED]:
            early = _early(person)
            later = model.embed(person.windows[early : early + most])
            whole = {usual: slice(0, early)}
            for enrolled, some in (whole | {FEW: slice(early - FEW, early)} if few and usual > FEW else whole).items():
                habits = person.habits(model.base, some)
                template = model.known_by(habits, len(person.steps[some]))
                own, strangers = model.scores(template, later), [model.scores(template, rows) for rows in strange]
                for count in together:
                    kept = found.setdefault((enrolled, count), ([], []))
                    kept[0].append(means(own, count))
                    kept[1].extend(means(scores, count) for scores in strangers)
    return {key: (np.concatenate(own), np.concatenate(strangers)) for key, (own, strangers) in found.items()}


def means(scores: Floats, count: int) -> Floats:
    """Return the means of ``count`` scores in a row; none where there are fewer."""
    if len(scores) < count:
        return np.zeros(0)
    return np.convolve(scores, np.full(count, 1.0 / count), mode="valid")


def spread_of(people: Sequence[Person]) -> float:
    """Return the median Hellinger distance of a window from all its person does; 1 where nobody has two."""
    away = [_away(person) for person in people if len(person.steps) > 1]
    return max(0.05, float(np.median(np.concatenate(away)))) if away else 1.0


def _away(person: Person) -> Floats:
    every = np.concatenate([codes for codes, _ in person.steps])
    codes, places = np.unique(every, return_inverse=True)
    weights = np.concatenate([weights for _, weights in person.steps])
    whole = np.bincount(places, weights, minlength=len(codes)) / weights.sum()
    found, begin = [], 0
    for _, some in person.steps:
        own = places[begin : begin + len(some)]
        found.append(np.sqrt(max(0.0, 1.0 - float(np.sqrt(some / some.sum()) @ np.sqrt(whole[own])))))
        begin += len(some)
    return np.array(found)


def _early(person: Person) -> int:
    """Return of how many windows a template is made: 0 where too few are left to try."""
    early = int(EARLY * len(person.windows))
    return early if early < len(person.windows) else 0
