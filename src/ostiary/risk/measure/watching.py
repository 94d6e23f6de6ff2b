"""A scorer that looks over another one's shoulder: what passes by is counted against the reference of training.

- It passes every score on unchanged, so what judges a stream need not know that it is watched.
- Rows are counted in batches; memory does not grow with the stream.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.risk.groups import group_of
from ostiary.risk.measure.drift import ACT, FEW, QUIET, WATCH, Counter, Moved
from ostiary.risk.measure.reference import Reference
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore, Scorer

MOST_TOLD: Final = 25
_BATCH: Final = 2_048


class Drift(msgspec.Struct, frozen=True):
    """How far everything moved since training.

    Attributes:
        rows, reference_rows: how many were seen, and how many the reference was made of.
        score: of all subjects.
        groups: of the scores of each group that the reference knows, by group.
        verdicts: how many features are quiet, to watch, to act on, or too rarely seen.
        features: the features that moved most.
    """

    rows: int
    reference_rows: int
    score: Moved
    groups: dict[str, Moved]
    verdicts: dict[str, int]
    features: tuple[Moved, ...]


class WatchedScorer:
    """Scores as ``scorer`` does, and counts rows and scores against ``reference``."""

    def __init__(self, scorer: Scorer, reference: Reference, names: Sequence[str], from_ns: int = 0) -> None:
        """Count the columns that both the reference and ``names`` have, of what happens from ``from_ns`` on."""
        self._from_ns = from_ns
        self._scorer, self._reference = scorer, reference
        self._places = [(place, name) for place, name in enumerate(names) if name in reference.columns]
        self._width = len(names)
        self._columns = {name: Counter(reference.columns[name]) for _, name in self._places}
        self._score = Counter(reference.score)
        self._groups = {group: Counter(spread) for group, spread in reference.groups.items()}
        self._rows: list[Sequence[float]] = []
        self._scores: list[tuple[float, str]] = []

    @property
    def digest(self) -> str:
        """Digest of the model artefact."""
        return self._scorer.digest

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        """Return the watched scorer's own answer."""
        risk = self._scorer.score(event, features)
        if len(features) == self._width and risk.score is not None and event.time_ns >= self._from_ns:
            self._rows.append(features)
            self._scores.append((risk.score, group_of(event.subject_type)))
            if len(self._rows) >= _BATCH:
                self._count()
        return risk

    def drift(self) -> Drift:
        """Return how far everything moved."""
        self._count()
        moved = [counter.moved(name) for name, counter in self._columns.items()]
        score = self._score.moved("score")
        verdicts = [one.verdict for one in moved]
        return Drift(
            rows=score.rows,
            reference_rows=self._reference.rows,
            score=score,
            groups={group: counter.moved(group) for group, counter in self._groups.items()},
            verdicts={verdict: verdicts.count(verdict) for verdict in (QUIET, WATCH, ACT, FEW)},
            features=tuple(sorted(moved, key=lambda one: (-worst_of(one), one.name))[:MOST_TOLD]),
        )

    def _count(self) -> None:
        if not self._rows:
            return
        rows = np.array(self._rows, dtype=np.float64)
        for place, name in self._places:
            self._columns[name].add(rows[:, place])
        self._score.add(np.array([score for score, _ in self._scores]))
        for group, counter in self._groups.items():
            counter.add(np.array([score for score, its in self._scores if its == group]))
        self._rows.clear()
        self._scores.clear()


def worst_of(one: Moved) -> float:
    """Return what a column's verdict is of: its index, or how far its missing rate moved."""
    return max(one.psi or 0.0, abs(one.missing_now - one.missing_before))
