"""How good a model was measured to be, as curves that are kept: signed, on the shelf of reports, by the model's digest.

1. A curve's points are what was measured; a page draws them and computes nothing but the axes.
2. What could not be measured is absent, never zero: alerts a day need times, a reliability table needs probabilities.
3. Made by ``ostiary risk evaluate --keep`` and ``ostiary biometrics evaluate --keep``; the newest of a digest is shown.
"""

from typing import Final

import msgspec

from ostiary.errors import VerificationError
from ostiary.server.reports import Report, Reports
from ostiary.vocabulary.unreadable import UNREADABLE

KIND: Final = "figures"
MOST_CURVES: Final = 16


class Point(msgspec.Struct, frozen=True, omit_defaults=True):
    """One threshold.

    Attributes:
        threshold: what scores from here on are called alarming; for a match, what is accepted.
        false: share of what is harmless that is flagged; for a match, of others that are accepted.
        caught: share of what is harmful that is flagged; for a match, of one's own that is accepted.
        a_day: how many flags a day that is.
        precision: share of the flagged that is harmful.
    """

    threshold: float
    false: float | None = None
    caught: float | None = None
    a_day: float | None = None
    precision: float | None = None


class Bin(msgspec.Struct, frozen=True):
    """One bar of a histogram: from ``low`` to ``high``, how many harmless and how many harmful."""

    low: float
    high: float
    harmless: int
    harmful: int


class Band(msgspec.Struct, frozen=True):
    """One band of a reliability diagram; ``seen`` with its 95 % interval."""

    predicted: float
    seen: float
    low: float
    high: float
    rows: int


class Curves(msgspec.Struct, frozen=True, omit_defaults=True):
    """One measurement.

    Attributes:
        name: such as ``sessions``, or a protocol's name.
        harmless, harmful: how many of each were counted; for a match, others' trials and one's own.
        days: over how many days; 0 where that is not known.
        points: from the strictest threshold to the loosest.
        bins, bands: see there.
        matches: whether this is about recognising somebody rather than raising an alarm.
        levels: the model's own thresholds, by name.
    """

    name: str
    harmless: int
    harmful: int
    points: tuple[Point, ...]
    bins: tuple[Bin, ...]
    bands: tuple[Band, ...] = ()
    days: float = 0.0
    matches: bool = False
    levels: dict[str, float] = {}


class Figures(msgspec.Struct, frozen=True):
    """Everything that was measured of one model in one go; ``on`` says in words what it was measured on."""

    model: str
    on: str
    curves: tuple[Curves, ...]
    v: int = 1


class Kept(msgspec.Struct, frozen=True):
    """Figures with the digest and the time of their kept copy."""

    digest: str
    at_ns: int
    figures: Figures


def keep_figures(reports: Reports, tenant: str, figures: Figures, now_ns: int) -> Report:
    """Sign and keep ``figures``; they are the newest of their model from now on."""
    return reports.keep(tenant, KIND, figures.model, msgspec.json.encode(figures), now_ns)


def figures_of(reports: Reports, tenant: str, model: str) -> Kept | None:
    """Return the newest figures of a model by its digest, verified, or ``None``.

    Raises:
        VerificationError: ``report_tampered``.
    """
    found = reports.newest(tenant, KIND, model)
    if found is None:
        return None
    try:
        return Kept(found.digest, found.at_ns, msgspec.json.decode(found.body, type=Figures))
    except UNREADABLE as fault:
        raise VerificationError("report_tampered", "the kept figures cannot be read") from fault
