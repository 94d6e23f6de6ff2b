"""The card of a pointer model: data, protocol, seed, both operating points, and what it must not be used for."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.measure import figures
from ostiary.biometrics.measure.rates import threshold_at_fmr
from ostiary.biometrics.pointer.model import Delivery, PointerModel
from ostiary.biometrics.pointer.training.people import Held, Person
from ostiary.biometrics.pointer.training.trials import JUDGED, Rows, Trials, trials

DET_FILE: Final = "det.png"
_ALL: Final = 1_000_000


class Told(msgspec.Struct, frozen=True):
    """What a card tells of the training."""

    people: Sequence[Person]
    held: Held
    delivery: Delivery
    length: int
    seed: int


def picture(model: PointerModel, rows: Rows, told: Told) -> dict[str, bytes]:
    """Return the DET plot by its file name; nothing where the extra ``report`` is not installed."""
    try:
        from ostiary.biometrics.measure.pictures import det_png  # noqa: PLC0415
    except ImportError:
        return {}
    if len(rows.enrol) < 2:  # noqa: PLR2004 - nobody is somebody else
        return {}
    curves = {f"{count} windows": trials(model, rows, _ALL, count).kinds for count in JUDGED}
    fine = {name: kinds for name, kinds in curves.items() if all(map(len, kinds))}
    try:
        return {DET_FILE: det_png(fine, f"Pointer dynamics, windows of {told.length} events")} if fine else {}
    except ModuleNotFoundError:
        return {}


def card(model: PointerModel, rows: Rows, told: Told) -> str:
    """Return the card in Markdown."""
    counts = [sum(map(len, person.sessions)) for person in told.people]
    sessions = sum(len(person.sessions) for person in told.people)
    return _TEXT.format(
        delivery=told.delivery,
        reads=_READS[told.delivery],
        people=len(told.people),
        sessions=sessions,
        events=sum(counts),
        median=int(np.median(counts)),
        seed=told.seed,
        held=_HELD[told.held.people].format(count=len(told.held.enrol)),
        length=told.length,
        table="\n".join(_table(model, rows)),
    )


def _table(model: PointerModel, rows: Rows) -> list[str]:
    if len(rows.enrol) < 2:  # noqa: PLR2004 - nobody is somebody else
        return ["Too few people or windows to measure anything."]
    return [*_HEAD, *(_line(model, trials(model, rows, _ALL, count), rows, count) for count in JUDGED)]


def _line(model: PointerModel, found: Trials, rows: Rows, count: int) -> str:
    enrolled = int(np.median([len(one) for one in rows.enrol]))
    told = figures(found.scores, found.same, found.users, model.llrs(found.scores, enrolled, count))
    equal, strict = (threshold_at_fmr(*found.kinds, fmr) for fmr in (told.global_eer or 0.0, 0.01))
    shares = [_percent(one) for one in (told.per_user_eer, told.global_eer, told.fnmr_at_fmr_1)]
    auc, cllr = (f"{one or 0:.3f}" for one in (told.per_user_auc, told.cllr))
    cells = [str(count), auc, shares[0], f"{shares[1]} at {equal:.2f}", f"{shares[2]} at {strict:.2f}", cllr]
    return f"| {' | '.join(cells)} |"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


_READS: Final[dict[Delivery, str]] = {
    "direct": """\
Blocks of 128 events, read by a small convolution and by hand-made shapes in telling directions; cosine, AS-norm against
the people of the training.""",
    "relayed": """\
The streams were relayed by something that batches events, so actions are read on a steady grid of 125 ms: neither how
many events came nor how far apart can be seen. Trees tell whose of the training an action is.""",
}
_HELD: Final = {
    True: """\
Measured on {count} people held out of a training that was otherwise the same; the kept model learned from them too.""",
    False: """\
Measured on the last sessions of {count} people, held out of a training that was otherwise the same: people whom the
model knows, told from each other. The kept model learned from these sessions too.""",
}
_HEAD: Final = (
    "| windows | AUC per user | EER per user | global EER at threshold | FNMR at FMR 1 %, at threshold | Cllr |",
    "|---|---|---|---|---|---|",
)
_TEXT: Final = """\
# Pointer dynamics

Kind `pointer-conv`, delivery `{delivery}`. {reads}

## Data

{people} people, {sessions} sessions, {events:,} pointer events (median {median:,} a person). Seed {seed}.

## Figures

{held}
Windows of {length} events; enrolled on the earlier sessions, judged by the mean of some windows in a row of the later.

{table}

A *per-user* rate lets each person have a threshold of their own, chosen afterwards: it flatters. The *global* columns
are both operating points of one threshold for everybody. Cllr is of ratios calibrated on these very trials.

## Use

- For asking again (a step-up) when the pointer moves unlike the enrolled person, beside other signals. Some seconds of
  pointer are evidence, no proof: policy lets this model ask for a step-up at most (ADR-0050).
- Not for ending a session or refusing access by itself, not for identifying strangers, not for judging health, age,
  mood or work, not for people who use assistive technology or change their pointing device: they have another path.
- A mouse, a pad and a display are part of how somebody points; a part of every figure is the device.

## What training on your own users gains

The people here used other devices and did other things than yours. This trains the same model on your own users in
minutes; run it in shadow beside this one and compare:

    ostiary biometrics train --modality pointer --data DIR --out MODEL
"""
