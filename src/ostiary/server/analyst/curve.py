"""A risk curve: what the model said after each access, and what changed meanwhile.

- A point is the session's score where there is one, else that of the access.
- What changed (policy, model, phases) is read off the decisions: a mark stands where one first saw it.
- A fall is marked where it began, not at every access that it held down.
- Bands are the levels of the model in force. Points that another model made may lie in others.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from ostiary.server.responses import Shown
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord

_FALLS: Final = {Effect.REDUCE: "reduced", Effect.STEP_UP: "step-up", Effect.TERMINATE: "ended"}


class Point(Shown):
    """The risk after one access: ``score`` from 0 to 1, and the level that the model gives it."""

    time_ns: int
    score: float
    level: str
    decision: str


class Mark(Shown):
    """Something that happened, in a word or two; ``kind`` is fall, proof, deed, policy, model or phases."""

    time_ns: int
    kind: str
    text: str


class Bands(Shown):
    """From which score on a session's level is medium, and high; ``None`` where no model says."""

    medium: float | None = None
    high: float | None = None


class RiskCurve(Shown):
    """The curve of a session or of a subject, oldest first."""

    points: tuple[Point, ...]
    marks: tuple[Mark, ...]
    bands: Bands


def curve_of(house: House, tenant: str, records: Sequence[DecisionRecord], more: Iterable[Mark] = ()) -> RiskCurve:
    """Return the curve of decisions, oldest first, with marks of their own and ``more``."""
    marks = sorted([*marks_of(records), *more], key=lambda mark: mark.time_ns)
    return RiskCurve(points=tuple(points_of(records)), marks=tuple(marks), bands=bands_of(house, tenant))


def points_of(records: Iterable[DecisionRecord]) -> Iterator[Point]:
    """Yield the points of decisions that have a score."""
    for record in records:
        for risk in (record.session_risk, record.risk):
            if risk is not None and risk.score is not None:
                yield Point(
                    time_ns=record.receipt.received_ns,
                    score=risk.score,
                    level=risk.level,
                    decision=record.receipt.decision_id,
                )
                break


def marks_of(records: Iterable[DecisionRecord]) -> Iterator[Mark]:
    """Yield where a fall began, and where policy, model or phases are others than at the decision before."""
    before: DecisionRecord | None = None
    for record in records:
        at = record.receipt.received_ns
        effect = record.outcome.effect
        if effect in _FALLS and (before is None or before.outcome.effect != effect):
            yield Mark(time_ns=at, kind="fall", text=_FALLS[effect])
        if before is not None:
            yield from _changed(before, record, at)
        before = record


def _changed(before: DecisionRecord, record: DecisionRecord, at: int) -> Iterator[Mark]:
    if record.bundle and before.bundle and record.bundle != before.bundle:
        yield Mark(time_ns=at, kind="policy", text="policy changed")
    models = [one.risk.model for one in (before, record) if one.risk is not None and one.risk.model]
    if len(set(models)) > 1:
        yield Mark(time_ns=at, kind="model", text="model changed")
    if record.phases and before.phases and record.phases != before.phases:
        yield Mark(time_ns=at, kind="phases", text="phases changed")


def bands_of(house: House, tenant: str) -> Bands:
    """Return the bands of the model in force; a scorer that has no levels of its own has none."""
    scorer: Any = house.scorers.scorer(tenant)
    levels = getattr(getattr(getattr(scorer, "inner", scorer), "scaling", None), "session", None)
    return Bands() if levels is None else Bands(medium=levels.medium, high=levels.high)
