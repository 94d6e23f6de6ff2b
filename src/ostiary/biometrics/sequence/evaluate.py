"""The masquerade protocol: a person's session goes on window after window, and at times somebody else is in it.

- *alone*: each window against the template of the enrolment.
- *following*: against the template that follows under the anchor rule (``following.py``).
- *in a row*: the same with what the windows before said; never those after.
- Found is the share of others' windows below the threshold that a given share of people's own windows are below, one
  threshold for everybody. Labels are read after all scores are there.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.measure import auc, eer
from ostiary.biometrics.reading import OnRejected, Rejected, lines_of
from ostiary.biometrics.sequence.following import Follower, smoothed
from ostiary.biometrics.sequence.model import SequenceModel
from ostiary.biometrics.training import Row
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

RATES: Final = (0.013, 0.030, 0.046)
WAYS: Final = ("alone", "following", "alone, in a row", "following, in a row")
Flags = npt.NDArray[np.bool_]


class _Label(msgspec.Struct):
    subject: str | int
    session: str | int
    masquerade: bool | int


class Found(msgspec.Struct, frozen=True):
    """How one way of judging came out; shares, not percent.

    Attributes:
        way: one of ``WAYS``.
        own, others: how many windows of the people themselves, and of others, were judged.
        found: of others' windows, by the share of own ones falsely alarmed (``RATES``).
        auc, eer: of all windows together.
        taught: how many of others' windows the template took in.
        alarms: how often it refused to go farther from its anchor.
    """

    way: str
    own: int
    others: int
    found: tuple[float, ...]
    auc: float
    eer: float
    taught: int = 0
    alarms: int = 0


class Session(msgspec.Struct, frozen=True):
    """What was said of one person's windows, in order: scores by way, and whether each taught or raised the alarm."""

    scores: Mapping[str, Floats]
    learned: Flags
    alarms: Flags


def followed(model: SequenceModel, enrolled: Sequence[Row], session: Sequence[Row]) -> Session:
    """Return what is said of a session's windows, one after the other."""
    template = model.enrol(model.embed([row.window for row in enrolled]))
    rows = model.embed([row.window for row in session])
    follower = Follower(model, template)
    steps = [follower.seen(row) for row in rows]
    alone, following = np.array([one.anchored for one in steps]), np.array([one.score for one in steps])
    scores = {"alone": alone, "following": following}
    for way, some in tuple(scores.items()):
        llrs = np.array([model.llr(float(score), template.windows, 1) for score in some])
        scores[f"{way}, in a row"] = smoothed(llrs)
    return Session(scores, np.array([one.learned for one in steps]), np.array([one.alarm for one in steps]))


def evaluate(
    model: SequenceModel,
    enrolled: Mapping[str, Sequence[Row]],
    sessions: Mapping[str, Sequence[Row]],
    others: Mapping[tuple[str, str], bool],
) -> list[Found]:
    """Return how each way came out.

    Args:
        model: what judges.
        enrolled: the clean windows of each person, in order.
        sessions: what came after, by the person claimed, in order.
        others: whether a window, by person and session, is somebody else's.

    Raises:
        FaultyInputError: ``labels_missing``, when own windows and others' do not both have labels.
    """
    told = {name: followed(model, enrolled[name], rows) for name, rows in sessions.items() if name in enrolled}
    labels = {name: [others.get((name, row.session)) for row in sessions[name]] for name in told}
    every = np.array([label is not None for name in told for label in labels[name]], np.bool_)
    other = np.array([label is True for name in told for label in labels[name]], np.bool_)
    if not other[every].any() or other[every].all():
        raise FaultyInputError("labels_missing", "the sessions need labelled windows of the person and of others")
    learned = np.concatenate([told[name].learned for name in told])
    alarms = np.concatenate([told[name].alarms for name in told])
    result = []
    for way in WAYS:
        scores = np.concatenate([told[name].scores[way] for name in told])
        one = found_of(way, scores[every & ~other], scores[every & other])
        if way.startswith("following"):
            one = msgspec.structs.replace(one, taught=int((learned & other).sum()), alarms=int(alarms.sum()))
        result.append(one)
    return result


def found_of(way: str, own: Floats, others: Floats) -> Found:
    """Return the figures of some scores; NaN is left out."""
    own, others = own[np.isfinite(own)], others[np.isfinite(others)]
    found = tuple(hits_at(own, others, rate) for rate in RATES)
    return Found(way, len(own), len(others), found, auc(own, others), eer(own, others))


def hits_at(own: Floats, others: Floats, rate: float) -> float:
    """Return the share of others' windows below the threshold that at most ``rate`` of a person's own are below."""
    threshold = np.sort(own)[min(len(own) - 1, int(rate * len(own)))]
    return float((others < threshold).mean())


def read_labels(path: Path, reject: OnRejected) -> dict[tuple[str, str], bool]:
    """Return whether each window is somebody else's, by person and session; lines of another form are told.

    Raises:
        FaultyInputError: as ``lines_of``.
        UnavailableError: ``file_unavailable``.
    """
    labels = {}
    for number, line in lines_of(path, reject):
        try:
            told = msgspec.json.decode(line, type=_Label)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            reject(Rejected(path, number, "label_malformed", "a label is `subject`, `session` and `masquerade`"))
            continue
        labels[str(told.subject), str(told.session)] = bool(told.masquerade)
    return labels
