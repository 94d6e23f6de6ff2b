"""The protocol of Killourhy and Maxion (DSN 2009) for a phrase typed some hundred times by some dozen people.

Of each person the first rows enrol and the rest are genuine; strangers are rows of every other person: their first
ones (*unpractised*, as published) or their last (*practised*). One repetition is one trial.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.measure import Figures, figures
from ostiary.biometrics.model import Model
from ostiary.biometrics.training import Row
from ostiary.biometrics.window import Floats

STRANGERS: Final = 5


class Protocol(msgspec.Struct, frozen=True):
    """Who is judged how.

    Attributes:
        enrolled: so many first rows of each person.
        genuine_from: genuine rows begin here; at ``enrolled`` or later.
        genuine: so many of them; 0 for all.
        practised: whether strangers' last rows are tried, not their first.
    """

    enrolled: int = 200
    genuine_from: int = 200
    genuine: int = 0
    practised: bool = False


class Trials(msgspec.Struct, frozen=True):
    """Scores of trials, with whose template, whose row, and the calibrated ratio."""

    scores: Floats
    same: Floats
    users: Floats
    strangers: Floats
    llrs: Floats

    def figures(self, kept: Floats | None = None) -> Figures:
        """Return the figures of the trials, or of those that ``kept`` marks."""
        some = np.ones(len(self.scores), np.bool_) if kept is None else kept.astype(np.bool_)
        return figures(self.scores[some], self.same[some] > 0, self.users[some].astype(np.int64), self.llrs[some])


def trials(model: Model, people: Mapping[int, Sequence[Row]], judged: Sequence[int], how: Protocol) -> Trials:
    """Return the trials of the people in ``judged`` against all of ``people``, by number, rows in the order typed."""
    rows = {number: model.embed([row.window for row in own]) for number, own in people.items()}
    parts = [_of(model, rows, number, how) for number in judged if len(rows[number]) > how.genuine_from]
    return joined(parts)


def joined(parts: Sequence[Trials]) -> Trials:
    """Return all the trials of some parts."""
    columns = zip(*(msgspec.structs.astuple(part) for part in parts), strict=True)
    return Trials(*(np.concatenate(column) for column in columns))


def _of(model: Model, rows: Mapping[int, Floats], number: int, how: Protocol) -> Trials:
    template = model.enrol(rows[number][: how.enrolled])
    last = how.genuine_from + how.genuine if how.genuine else None
    genuine = rows[number][how.genuine_from : last]
    others = [other for other in rows if other != number]
    foreign = [rows[other][-STRANGERS:] if how.practised else rows[other][:STRANGERS] for other in others]
    scores = model.scores(template, np.concatenate([genuine, *foreign]))
    who = np.repeat(np.array(others, np.float64), [len(some) for some in foreign])
    return Trials(
        scores=scores,
        same=np.concatenate([np.ones(len(genuine)), np.zeros(len(who))]),
        users=np.full(len(scores), float(number)),
        strangers=np.concatenate([np.full(len(genuine), float(number)), who]),
        llrs=np.array([model.llr(float(score), template.windows, 1) for score in scores]),
    )
