"""What is kept of a person who is being learned: the frozen anchor, the adaptive template, and what waits.

- The anchor is what was enrolled. Nothing here changes it; only people do (``versions``).
- ``level`` is how well the person's own windows fit the anchor; it is fixed after the first few and cannot be lowered
  by windows that come later.
- ``alarm`` stands until the anchor is replaced.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.model import Model, Template
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

_GUESS: Final = 2.0  # nats that people have on average, worth ``_WEIGHT`` windows
_WEIGHT: Final = 3
_MOST: Final = 20
_LEAST: Final = 2


class Waiting(msgspec.Struct, frozen=True):
    """A window in quarantine: its row, its session, and from when on it counts."""

    row: Floats
    session: str
    until_ns: int


class State(msgspec.Struct, frozen=True):
    """All that is kept of one person and modality.

    Attributes:
        model: digest of the model that reads the templates.
        anchor, adaptive: the two templates.
        level: mean nats of the person's own windows against the anchor.
        levelled: over how many windows that is, the guess among them.
        steadied: how many of them came after the enrolment.
        missing: sum of nats that recent windows lack, never below 0.
        alarm: why nothing is learned any more; empty when all is well.
        day: days since the epoch that ``morning`` is of.
        morning: the adaptive template as it was when the day began.
        waiting: windows in quarantine, oldest first.
        counted: windows that moved the template.
        since: day of the first window that was watched; 0 before it.
        held: whether nothing is learned until no nats are missing any more.
    """

    model: str
    anchor: Template
    adaptive: Template
    level: float
    levelled: int
    morning: Template
    steadied: int = 0
    missing: float = 0.0
    alarm: str = ""
    day: int = 0
    waiting: tuple[Waiting, ...] = ()
    counted: int = 0
    since: int = 0
    held: bool = False


def begin(model: Model, rows: Floats, sessions: int = 0) -> State:
    """Return the state of a person enrolled with ``rows``, embeddings of their windows.

    Raises:
        FaultyInputError: ``enrolment_empty``, when no row can be used.
    """
    whole = rows[np.isfinite(rows).all(axis=1)] if rows.size else rows
    if not len(whole):
        raise FaultyInputError("enrolment_empty", "no enrolled window holds enough to be judged")
    anchor = model.enrol(whole, sessions)
    level, count = _level(model, whole[:_MOST])
    return State(model.digest, anchor, anchor, level, count, anchor)


def _level(model: Model, rows: Floats) -> tuple[float, int]:
    """Return how well each row fits a template of the others, drawn towards what people have on average."""
    told: list[float] = []
    if len(rows) >= _LEAST:
        for at in range(len(rows)):
            others = np.delete(rows, at, axis=0)
            score = float(model.scores(model.enrol(others), rows[at : at + 1])[0])
            told.append(model.llr(score, len(others), 1))
    finite = [one for one in told if np.isfinite(one)]
    return _mean(finite), _WEIGHT + len(finite)


def _mean(told: Sequence[float]) -> float:
    return (sum(told) + _GUESS * _WEIGHT) / (_WEIGHT + len(told))
