"""Draws an evaluation: reliability, recall against false alarms, time to detect; one style, three PNG files.

- Needs the extra ``report`` (matplotlib); figures and JSON do not.
- No global state: figures are made and saved without pyplot, so that a server or a test may draw as well.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ostiary.risk.measure.detection import first_flags
from ostiary.risk.measure.evaluate import RATES, Report, percent
from ostiary.risk.measure.metrics import Numbers, curve, threshold_at
from ostiary.risk.measure.ranked import best_of
from ostiary.risk.measure.reliability import Band
from ostiary.risk.measure.tally import Counted

INK: Final = "#22303c"
SOFT: Final = "#7a8794"
LINES: Final = "#e6eaef"
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#997700", "#56b4e9")  # told apart without red and green
STYLE: Final[Any] = {
    "axes.edgecolor": LINES,
    "axes.axisbelow": True,
    "axes.facecolor": "white",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 26,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "grid.color": LINES,
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 2.0,
    "savefig.dpi": 160,
    "text.color": INK,
    "xtick.color": SOFT,
    "xtick.labelsize": 9,
    "ytick.color": SOFT,
    "ytick.labelsize": 9,
}
_LEAST: Final = 1e-4
_MOST_STEPS: Final = 12
_HOURS: Final = (1, 6, 24, 72, 168, 336)


def draw(told: Report, seen: Counted, folder: Path) -> list[Path]:
    """Write ``reliability.png``, ``ranking.png`` and ``detection.png`` into ``folder``; return their places."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        made = {
            "reliability.png": _reliability(told),
            "ranking.png": _ranking(told, seen),
            "detection.png": _detection(told, seen),
        }
        for name, figure in made.items():
            FigureCanvasAgg(figure)
            figure.savefig(folder / name)
    return [folder / name for name in made]


def _reliability(told: Report) -> Figure:
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    bands = told.reliability
    least = min((1e-4, *(band.predicted for band in bands))) / 2
    _title(above, "Reliability", f"{told.count:,} {told.level}s, {told.positives:,} positive, at their own base rate")
    above.plot((least, 1 - least), (least, 1 - least), color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    above.text(0.022, 0.007, "as predicted", color=SOFT, fontsize=9)
    _band_marks(above, bands, least)
    for axis in (above.xaxis, above.yaxis, below.xaxis):
        axis.set_major_formatter(FuncFormatter(_share))
    above.set_yscale("logit", nonpositive="clip")
    above.set_xscale("logit", nonpositive="clip")
    ticks = [tick for tick in (1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99) if least <= tick <= 1 - least]
    for axis in (above.xaxis, above.yaxis, below.xaxis):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(_share))
    above.set(xlim=(least, 0.999), ylim=(least, 0.999), ylabel="seen: share that were positive")
    _error_words(above, told)
    below.bar(
        [band.predicted for band in bands], [band.rows for band in bands], _widths(bands), color=COLOURS[0], alpha=0.35
    )
    below.set_yscale("log")
    below.yaxis.set_major_formatter(FuncFormatter(lambda rows, _: f"{rows:,.0f}"))
    below.yaxis.set_minor_locator(NullLocator())
    below.set(xlabel="predicted probability", ylabel="rows")
    return figure


def _band_marks(axes: Any, bands: Sequence[Band], least: float) -> None:
    for band in bands:
        low, high = max(band.seen_low, least), min(band.seen_high, 1 - least)
        axes.plot((band.predicted, band.predicted), (low, high), color=COLOURS[0], linewidth=1.6, alpha=0.55)
        told = {"color": COLOURS[0], "markersize": 8, "markeredgecolor": "white"}
        if 0 < band.positives < band.rows:
            axes.plot(band.predicted, band.seen, marker="o", **told)
        else:
            axes.plot(band.predicted, low if band.positives else high, marker="^" if band.positives else "v", **told)


def _error_words(axes: Any, told: Report) -> None:
    if told.brier is None or told.calibration_error is None:
        return
    skill = "" if told.brier_skill is None else f"\nBrier skill {told.brier_skill:.3f}"
    words = f"Brier {told.brier:.4f}{skill}\nECE {told.calibration_error:.4f}"
    axes.text(0.04, 0.96, words, transform=axes.transAxes, va="top", linespacing=1.5)


def _widths(bands: Sequence[Band]) -> list[float]:
    """Return widths that look alike on the logit axis."""
    return [0.45 * band.predicted * (1 - band.predicted) for band in bands]


def _ranking(told: Report, seen: Counted) -> Figure:
    figure = Figure(figsize=(7.6, 5.2), layout="constrained")
    axes = figure.subplots()
    area = "" if told.roc_auc.value is None else f", ROC-AUC {told.roc_auc.value:.3f}"
    _title(axes, "Recall against false alarms", f"{told.count:,} {told.level}s, {told.takeovers} takeovers{area}")
    _roc(axes, seen, np.ones(len(seen.truth), dtype=np.bool_), COLOURS[0], f"all {told.level}s", 2.6)
    _caught(axes, seen)
    for number, kind in enumerate(seen.kinds):
        some = (seen.truth == 0) | (seen.kind == number)
        _roc(axes, seen, some, COLOURS[1 + number % 5], f"{told.level}s, {kind}", 1.4)
    for rate in RATES:
        axes.axvline(rate, color=SOFT, linewidth=1, linestyle=(0, (2, 3)))
    axes.set_xscale("log")
    axes.set(xlim=(_LEAST, 1), ylim=(0, 1.01), xlabel="false-positive rate", ylabel="share found")
    axes.xaxis.set_major_formatter(FuncFormatter(_share))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_share))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _roc(axes: Any, seen: Counted, some: Any, colour: str, label: str, width: float) -> None:
    _, false, caught = curve(seen.scores[some], seen.truth[some])
    negatives, positives = int((seen.truth[some] == 0).sum()), int(seen.truth[some].sum())
    if negatives and positives:
        rates, first = _from_least(false / negatives)
        axes.plot(rates, caught[first:] / positives, color=colour, linewidth=width, label=label, zorder=2 + width)


def _caught(axes: Any, seen: Counted) -> None:
    thresholds, false, _ = curve(seen.scores, seen.truth)
    best, negatives = np.sort(best_of(seen.scores, seen.attack)), int((seen.truth == 0).sum())
    if len(best) and negatives:
        share = 1.0 - np.searchsorted(best, thresholds, side="left") / len(best)
        told = {"color": INK, "linewidth": 1.6, "linestyle": (0, (5, 2)), "label": "takeovers, one flag or more"}
        rates, first = _from_least(false / negatives)
        axes.plot(rates, share[first:], **told)


def _from_least(rates: Numbers) -> tuple[Numbers, int]:
    """Return the rates from the last one left of the axis on, which stands at its edge, and its place."""
    first = max(0, int(np.searchsorted(rates, _LEAST, side="right")) - 1)
    return np.maximum(rates[first:], _LEAST), first


def _detection(told: Report, seen: Counted) -> Figure:
    figure = Figure(figsize=(8.4, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _title(left, "Time to detect", f"share of {told.takeovers} takeovers flagged by then")
    for rate, colour in zip(RATES, COLOURS, strict=False):
        steps, hours = first_flags(seen, threshold_at(seen.scores, seen.truth, rate))
        label = f"at {percent(rate)} false positives"
        _rising(left, [float(step) for step in steps], told.takeovers, colour, label, _MOST_STEPS)
        _rising(right, [max(hour, 0.5) for hour in hours], told.takeovers, colour, label, _HOURS[-1])
    left.set(xlim=(1, _MOST_STEPS), ylim=(0, 1.01), xlabel=f"{told.level}s since it began", ylabel="share flagged")
    left.xaxis.set_major_locator(FixedLocator(range(1, _MOST_STEPS + 1)))
    left.yaxis.set_major_formatter(FuncFormatter(_share))
    right.set_xscale("log")
    right.set(xlim=(0.5, _HOURS[-1]), xlabel="hours since it began")
    right.xaxis.set_major_locator(FixedLocator(_HOURS))
    right.xaxis.set_minor_locator(NullLocator())
    right.xaxis.set_major_formatter(FuncFormatter(lambda hour, _: f"{hour:g} h" if hour < 24 else f"{hour / 24:g} d"))  # noqa: PLR2004
    right.legend(loc="lower right")
    return figure


def _rising(axes: Any, values: Sequence[float], whole: int, colour: str, label: str, end: float) -> None:
    rising = sorted(values)
    shares = [number / whole for number in range(1, len(rising) + 1)]
    axes.step(
        [0.0, *rising, end], [0.0, *shares, shares[-1] if shares else 0.0], where="post", color=colour, label=label
    )


def _title(axes: Any, title: str, words: str) -> None:
    axes.set_title(title)
    axes.text(0, 1.025, words, transform=axes.transAxes, color=SOFT, fontsize=9.5)


def _share(value: float, _: int) -> str:
    return f"{100 * value:.10g} %"
