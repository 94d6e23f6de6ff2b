"""Draws the trade between both errors: one DET curve a protocol, on normal-deviate axes, as PNG for a model card.

- Needs the extra ``report`` (matplotlib); figures do not. The same curves give the same bytes with one matplotlib.
- No global state: made and saved without pyplot.
"""

from collections.abc import Mapping
from io import BytesIO
from statistics import NormalDist
from typing import Final

import numpy as np

from ostiary.biometrics.measure.rates import det_points
from ostiary.biometrics.window import Floats

_TICKS: Final = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#997700", "#56b4e9")  # told apart without red and green
_INK: Final = "#22303c"
_POINTS: Final = 2_000
_DEVIATE: Final = np.vectorize(NormalDist().inv_cdf)


def det_png(curves: Mapping[str, tuple[Floats, Floats]], title: str) -> bytes:
    """Return the picture of curves by name, each of genuine and impostor scores."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - the report extra may be absent
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(5.6, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    low, high = float(_DEVIATE(_TICKS[0])), float(_DEVIATE(_TICKS[-1]))
    for (name, (genuine, impostor)), colour in zip(curves.items(), _COLOURS * len(curves), strict=False):
        fmr, fnmr = _curve(genuine, impostor)
        axes.plot(_DEVIATE(fmr), _DEVIATE(fnmr), color=colour, linewidth=1.8, label=name)
    axes.plot([low, high], [low, high], color="#c3cad2", linewidth=0.8)
    ticks, words = [float(_DEVIATE(tick)) for tick in _TICKS], [f"{100 * tick:g} %" for tick in _TICKS]
    axes.set_xticks(ticks, words)
    axes.set_yticks(ticks, words)
    axes.set(xlim=(low, high), ylim=(low, high), xlabel="others accepted (FMR)", ylabel="own rejected (FNMR)")
    axes.set_title(title, loc="left", color=_INK, fontsize=11)
    axes.grid(color="#e6eaef", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=130, metadata={"Software": None})
    return picture.getvalue()


def _curve(genuine: Floats, impostor: Floats) -> tuple[Floats, Floats]:
    _, fmr, fnmr = det_points(genuine, impostor)
    chosen = np.unique(np.linspace(0, len(fmr) - 1, _POINTS).astype(int))
    least = 1e-5
    return np.clip(fmr[chosen], least, 1 - least), np.clip(fnmr[chosen], least, 1 - least)
