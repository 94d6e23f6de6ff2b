"""The card of a trained keystroke model, and its DET picture where matplotlib is installed (extra ``report``)."""

import io
from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.biometrics.keystroke.training.fit import FitSettings
from ostiary.biometrics.keystroke.training.units import Units
from ostiary.biometrics.measure import Figures, det_points
from ostiary.biometrics.training import TrainSettings
from ostiary.biometrics.window import Floats

PICTURE: Final = "det.png"
Cell = tuple[int, int]


class Told(msgspec.Struct, frozen=True):
    """What the card tells.

    Attributes:
        rows: of the training.
        units: what they became.
        settings: of the training.
        fit: of the encoder.
        figures: by (enrolled windows, probe windows).
        size: bytes of the encoder.
    """

    rows: int
    units: Units
    settings: TrainSettings
    fit: FitSettings
    figures: Mapping[Cell, Figures]
    size: int


_HEAD: Final = """# Keystroke dynamics of free text

Says how likely it is that a window of typing is of the person who enrolled, from times and classes of keys.

| | |
|---|---|
| kind | `keystroke-conv`: convolutional encoder, PLDA, calibration |
| learned from | {rows:,} windows of {people:,} people, of whom {spared:,} were held out of the encoder |
| fit | {steps:,} batches of {batch}, seed {seed} |
| encoder | {size:,} bytes of ONNX |

## Figures

{honest} A trial judges the mean score over its probe windows; impostors are other people of the same set. Each half of
these people is judged by a PLDA that learned from everybody else. Figures by person flatter: no deployment can choose a
threshold a person afterwards.

| enrolled windows | probe windows | people | EER by person | EER, one threshold | FNMR at 1 % FMR | Cllr |
|---|---|---|---|---|---|---|
{lines}
{picture}
## Not for

- Ending a session or refusing a person on its word alone: it asks for a step-up at most (ADR-0050).
- Naming an unknown person, judging mood, health, age or anything else of a person but whether it is still them.
- People who did not agree, and people who cannot type: these have another path.
- A population unlike the one that it learned from: other keyboards, languages and tasks move its errors. Train on the
  deployment's own users in shadow mode, and believe the figures of that card.
"""
_HELD: Final = "On people held out of the encoder."
_FLATTERED: Final = (
    "**On the people that the encoder learned from, for they were too few to spare any: the figures flatter.**"
)


def card(told: Told, *, pictured: bool) -> str:
    """Return the card in Markdown."""
    return _HEAD.format(
        rows=told.rows,
        people=int(told.units.people.max()) + 1,
        spared=len(told.units.spared),
        steps=told.fit.steps,
        batch=told.fit.batch,
        seed=told.settings.seed,
        size=told.size,
        honest=_HELD if told.units.spared else _FLATTERED,
        lines="\n".join(_line(cell, figures) for cell, figures in sorted(told.figures.items())),
        picture=f"\n![DET curve]({PICTURE})\n" if pictured else "",
    )


def _line(cell: Cell, found: Figures) -> str:
    rates = (found.per_user_eer, found.global_eer, found.fnmr_at_fmr_1)
    shown = " | ".join("-" if rate is None else f"{100 * rate:.1f} %" for rate in rates)
    cost = "-" if found.cllr is None else f"{found.cllr:.3f}"
    return f"| {cell[0]} | {cell[1]} | {found.people} | {shown} | {cost} |"


def picture(kinds: Mapping[Cell, tuple[Floats, Floats]]) -> bytes:
    """Return the DET curves of every cell as PNG; nothing where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - the extra `report`
    except ImportError:
        return b""
    figure = Figure(figsize=(5, 5), dpi=100)
    axes = figure.add_subplot()
    for (enrolled, windows), (genuine, impostor) in sorted(kinds.items()):
        if len(genuine) and len(impostor):
            _, fmr, fnmr = det_points(genuine, impostor)
            axes.plot(fmr, fnmr, label=f"{enrolled} enrolled, {windows} probe", linewidth=1)
    axes.set(xscale="log", yscale="log", xlim=(1e-3, 0.5), ylim=(1e-3, 0.5))
    axes.set(xlabel="false match rate", ylabel="false non-match rate")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize=7)
    written = io.BytesIO()
    figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()
