"""What the trees learn from: repetitions against templates of people who are left out of the population they see.

- Templates are made of few and of many repetitions, so that a model knows how little a short enrolment says.
- Strangers' repetitions are drawn from all of theirs, practised ones too: that somebody types slowly, as on a first
  day, tells nothing that holds of an attacker who took time to practise.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.phrase.comparison import compared
from ostiary.biometrics.phrase.person import Person, person_of
from ostiary.biometrics.phrase.population import sums
from ostiary.biometrics.phrase.timings import ROW
from ostiary.biometrics.window import Floats

ENROLLED: Final = (5, 10, 20, 50, 100, 200, 200)
LEAST_LEFT: Final = 5
_OWN: Final = 80
_OTHERS: Final = 160
_EVERY: Final = 3


class Lessons(msgspec.Struct, frozen=True):
    """Comparisons and their answers.

    Attributes:
        columns: ``[n, c]``; same: ``[n]``, 1 where it was the person; weights: ``[n]``, both answers alike.
    """

    columns: Floats
    same: Floats
    weights: Floats


def person(times: Floats) -> Person:
    """Return the person of repetitions ``[n, d]``."""
    rows = np.zeros((len(times), ROW))
    rows[:, 0] = (times.shape[1] + 1) // 2
    rows[:, 1 : 1 + times.shape[1]] = times
    return person_of(rows)


def sizes(count: int) -> list[int]:
    """Return of how many repetitions templates are made for somebody who made ``count``."""
    fit = [size for size in ENROLLED if size <= count - LEAST_LEFT]
    return fit or [max(2, count // 2)]


def lessons(people: Sequence[Floats], luck: np.random.Generator) -> Lessons:
    """Return what the trees learn from people of repetitions ``[n, d]``, in the order typed."""
    shared, parts = sums(people), []
    for number, times in enumerate(people):
        left_out = shared.without(number)
        for size in sizes(len(times)):
            start = int(luck.integers(0, max(1, (len(times) - size - LEAST_LEFT) // _EVERY)))
            after = np.arange(start + size, len(times))
            own = times[luck.choice(after, min(_OWN, len(after)), replace=False)]
            others = strangers(people, number, _OTHERS, luck)
            template = person(times[start : start + size])
            parts.append(_lesson(compared(template, left_out, np.concatenate([own, others])), len(own)))
    return Lessons(
        columns=np.concatenate([part.columns for part in parts]),
        same=np.concatenate([part.same for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
    )


def strangers(people: Sequence[Floats], number: int, count: int, luck: np.random.Generator) -> Floats:
    """Return repetitions of people other than ``number``."""
    others: npt.NDArray[np.int64] = np.delete(np.arange(len(people)), number)
    drawn = luck.choice(others, count)
    return np.stack([people[one][luck.integers(len(people[one]))] for one in drawn])


def _lesson(columns: Floats, own: int) -> Lessons:
    others = len(columns) - own
    same = np.concatenate([np.ones(own), np.zeros(others)])
    return Lessons(columns, same, np.where(same == 1, 100 / own, 100 / others))
