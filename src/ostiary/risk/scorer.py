"""Scores one access: features to margin to calibrated probability to level, and reasons where they are needed.

- Loaded from a verified artefact only, and only for the very feature catalogue it was trained on.
- The compiled walk serves, else LightGBM's library, where each is there and agrees with the walker on probe rows; else
  the walker.
- Pure and thread-safe; odd values (NaN, infinities, missing, text) are scored, a row of another length is refused
  as unavailable. Nothing is raised at a decision.
- Contributions cost a hundred times the score, so they are computed at or above the step-up threshold only.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from ostiary.errors import UnavailableError
from ostiary.risk.calibration import sigmoid
from ostiary.risk.native import NativeTrees
from ostiary.risk.reasons import Words, pick_reasons
from ostiary.risk.schema import (
    Scaling,
    Schema,
)
from ostiary.risk.swift import SwiftTrees, load_walk
from ostiary.risk.trees import Trees
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import Contribution, RiskScore, unavailable

HALF_KNOWN_EVENTS: Final = 20.0  # with so many earlier events a subject's depth counts as half
_DEEPEST: Final = 50.0
_PROBES: Final = (float("nan"), 0.0, 1.0, -1.0, 1e9, -1e9, 0.5, 3.0)


class Engine(Protocol):
    """What evaluates the trees: the library or the walker."""

    def margin(self, row: Sequence[float]) -> float:
        """Return the log-odds of ``row``."""
        ...

    def margins(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the log-odds of each row, as ``margin`` would."""
        ...

    def contributions(self, row: Sequence[float]) -> list[float]:
        """Return each column's share."""
        ...


class LightGbmScorer:
    """A ``Scorer`` over one verified model."""

    def __init__(
        self,
        engine: Engine,
        schema: Schema,
        scaling: Scaling,
        digest: str,
        words: Words,
        explainer: Engine | None = None,
        used: Iterable[int] | None = None,
        walker: Trees | None = None,
    ) -> None:
        """Join the parts; use ``model.load_scorer`` for an artefact on disk.

        Args:
            engine: evaluates the trees.
            schema: the columns.
            scaling: calibration and thresholds.
            digest: of the artefact.
            words: says a feature's value.
            explainer: tells the columns' shares, the engine itself by default.
            used: columns that the trees look at, all by default.
            walker: the trees themselves, for who proves something of them.
        """
        self._engine = engine
        self._explainer = explainer or engine
        self._schema = schema
        self._columns = schema.columns
        self._scaling = scaling
        self._walker = walker
        self._digest = digest
        self._words = words
        names = [column.name for column in schema.columns]
        self._depth = names.index(schema.depth) if schema.depth in names else -1
        self._spokesmen = _spokesmen(schema)
        self._step_up = scaling.event.medium
        looked_at = set(range(len(names)) if used is None else used) | set(self._spokesmen)
        self._wanted = frozenset(names[place] for place in looked_at) | ({schema.depth} & set(names))

    @property
    def digest(self) -> str:
        """Digest of the model artefact."""
        return self._digest

    @property
    def schema(self) -> Schema:
        """The model's columns."""
        return self._schema

    @property
    def scaling(self) -> Scaling:
        """The model's calibration and thresholds."""
        return self._scaling

    @property
    def engine(self) -> Engine:
        """What evaluates the trees."""
        return self._engine

    @property
    def walker(self) -> Trees | None:
        """The trees themselves, where they were kept."""
        return self._walker

    @property
    def wanted(self) -> frozenset[str]:
        """Names of the features that a score, its uncertainty and its reasons depend on."""
        return self._wanted

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        """Return the calibrated score of ``features``."""
        row = self._row(features)
        return unavailable(Reason.RISK_ERROR) if row is None else self.judge(event, row, self._engine.margin(row))

    def score_all(self, events: Sequence[AccessEvent], features: Sequence[Sequence[float]]) -> list[RiskScore]:
        """Return the score of each event with its features, the very one that ``score`` gives."""
        rows = [self._row(each) for each in features]
        margins = iter(self._engine.margins([row for row in rows if row is not None]))
        return [
            unavailable(Reason.RISK_ERROR) if row is None else self.judge(event, row, next(margins))
            for event, row in zip(events, rows, strict=True)
        ]

    def _row(self, features: Sequence[float]) -> Sequence[float] | None:
        """Return ``features`` as numbers, ``None`` when they are another number of them."""
        if len(features) != len(self._columns):
            return None
        return features if _plain(features) else [_number(value) for value in features]

    def judge(self, event: AccessEvent, row: Sequence[float], margin: float) -> RiskScore:
        """Return the score that belongs to ``margin``, which the engine gave for ``row``."""
        score = sigmoid(self._scaling.logit(margin))
        reasons: tuple[Contribution, ...] = ()
        if score >= self._step_up:
            reasons = pick_reasons(self._columns, row, self._explainer.contributions(row), event, self._words)
        return RiskScore(
            available=True,
            score=score,
            level=self._scaling.event.level(score),
            model=self._digest,
            uncertainty=self._uncertainty(row),
            contributions=reasons,
        )

    def _uncertainty(self, row: Sequence[float]) -> float:
        """Return 1 without history or with every usual topic missing, towards 0 with much of both."""
        depth = row[self._depth] if self._depth >= 0 else 0.0
        known = math.expm1(min(max(depth, 0.0), _DEEPEST)) if math.isfinite(depth) else 0.0
        silent = sum([row[index] != row[index] for index in self._spokesmen])  # NaN is not itself
        told = 1.0 - silent / len(self._spokesmen) if self._spokesmen else 1.0
        return 1.0 - known / (known + HALF_KNOWN_EVENTS) * told


def pick_engine(text: str, trees: Trees) -> Engine:
    """Return the quickest engine that is there and agrees with the walker to the last bit, else the walker.

    That is the walker's own walk in C where it was compiled, then LightGBM's library.
    """
    makers: tuple[Callable[[], Engine], ...] = (
        lambda: SwiftTrees(trees, load_walk()),
        lambda: NativeTrees(text, len(trees.names)),
    )
    for make in makers:
        try:
            engine = make()
            if _agree(engine, trees):
                return engine
        except UnavailableError:
            continue
    return trees


def _agree(engine: Engine, trees: Trees) -> bool:
    rows = _probe_rows(len(trees.names))
    return [engine.margin(row) for row in rows] == trees.margins(rows) == engine.margins(rows)


def _probe_rows(width: int) -> list[list[float]]:
    count = len(_PROBES)
    return [
        [_PROBES[(start + column * step) % count] for column in range(width)]
        for start in range(count)
        for step in (0, 1, 3)
    ]


def _spokesmen(schema: Schema) -> tuple[int, ...]:
    """Return one column for each topic that training usually had: the one most often told."""
    best: dict[str, int] = {}
    for index, column in enumerate(schema.columns):
        if column.told > schema.columns[best.setdefault(column.about, index)].told:
            best[column.about] = index
    return tuple(index for index in best.values() if schema.columns[index].told > 0.5)  # noqa: PLR2004 - usual: most rows


def _plain(values: Sequence[float]) -> bool:
    """Return whether all are numbers that a double holds: what does not add up to a double is looked at one by one."""
    try:
        return type(sum(values)) is float
    except (TypeError, OverflowError):
        return False


def _number(value: object) -> float:
    """Return ``value`` as a float; what is no number counts as missing, never as zero."""
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return math.nan
