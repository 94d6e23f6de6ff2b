"""Keeps the curves of a measurement on the data directory, signed: the model's page draws them."""

from pathlib import Path
from typing import TYPE_CHECKING

from ostiary.cli.output import err
from ostiary.cli.places import check_living, open_data
from ostiary.server.model_cards.figures import Band, Curves, Figures, keep_figures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostiary.risk.measure.evaluate import Report
    from ostiary.risk.measure.tally import Tally
    from ostiary.risk.schema import Thresholds


def keep_curves(
    data: Path | None, tenant: str, model: str, on: str, measured: "Iterable[tuple[Report, Tally, Thresholds]]"
) -> None:
    """Keep the curves of each level; ``on`` says in words what they were measured on."""
    keep(data, tenant, Figures(model, on, tuple(_curves(*one) for one in measured)))


def keep(data: Path | None, tenant: str, figures: Figures) -> None:
    """Keep figures, and say by which digest."""
    with open_data(data, None) as house:
        check_living(house, tenant)
        kept = keep_figures(house.reports, tenant, figures, house.clock.now_ns())
    err.print(f"kept: {kept.digest}", markup=False)


def _curves(report: "Report", told: "Tally", levels: "Thresholds") -> Curves:
    from ostiary.server.model_cards.measuring import curves_of, days_of  # noqa: PLC0415 - an extra

    return curves_of(
        {"session": "sessions", "event": "accesses"}[report.level],
        told.scores,
        told.truth,
        days=days_of(told.times_ns),
        bands=tuple(Band(one.predicted, one.seen, one.seen_low, one.seen_high, one.rows) for one in report.reliability),
        levels={"medium": levels.medium, "high": levels.high},
    )
