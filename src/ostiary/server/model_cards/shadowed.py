"""What a live model would have done to people, as curves: of the newest shadow report that is kept and is about it."""

from typing import Final

import msgspec

from ostiary.server.model_cards.figures import Band, Curves, Kept, Point
from ostiary.server.model_cards.figures import Figures as Measured
from ostiary.server.reports import Reports

SHADOW: Final = "shadow"
CONTROLS: Final = ("step_up", "session_lifetime", "reduce", "deny", "terminate")


class _Step(msgspec.Struct):
    threshold: float
    a_day: float
    precision: float | None = None
    recall: float | None = None


class _Band(msgspec.Struct):
    predicted: float
    seen: float
    seen_low: float
    seen_high: float
    rows: int


class _Precision(msgspec.Struct):
    judged: int
    harmful: int


class _Sheet(msgspec.Struct):
    """The part of a shadow report that is shown as curves."""

    about: str
    model: str
    days: float
    steps: tuple[_Step, ...]
    reliability: tuple[_Band, ...]
    precision: _Precision


def shadowed(reports: Reports, tenant: str, model: str) -> Kept | None:
    """Return the curves of the newest shadow report of each control that is about ``model``, or ``None``."""
    found = [one for control in CONTROLS if (one := reports.newest(tenant, SHADOW, control)) is not None]
    sheets = [(one, msgspec.json.decode(one.body, type=_Sheet)) for one in found]
    told = [(one, sheet) for one, sheet in sheets if sheet.model == model and sheet.steps]
    if not told:
        return None
    newest = max((one for one, _ in told), key=lambda one: one.at_ns)
    curves = tuple(_curves(sheet) for _, sheet in told)
    return Kept(newest.digest, newest.at_ns, Measured(model, "what happened here, and what people said of it", curves))


def _curves(sheet: _Sheet) -> Curves:
    points = tuple(
        Point(one.threshold, caught=one.recall, a_day=one.a_day, precision=one.precision)
        for one in reversed(sheet.steps)
    )
    bands = tuple(Band(one.predicted, one.seen, one.seen_low, one.seen_high, one.rows) for one in sheet.reliability)
    return Curves(
        f"in shadow: {sheet.about}",
        harmless=sheet.precision.judged - sheet.precision.harmful,
        harmful=sheet.precision.harmful,
        points=points,
        bins=(),
        bands=bands,
        days=sheet.days,
    )
