"""Runs a protocol: every template against its genuine probes and everybody else's, each window embedded once."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.measure.detection import Detection, detection
from ostiary.biometrics.measure.figures import Figures, figures
from ostiary.biometrics.measure.protocols import Group, Protocol, Tried
from ostiary.biometrics.model import Model
from ostiary.biometrics.scoring import embedded
from ostiary.biometrics.window import Floats, Window
from ostiary.errors import FaultyInputError

FALSE_ALARMS: Final = 0.05
_MEMORY: Final = 5
_SESSIONS: Final = 20


class Measured(msgspec.Struct, frozen=True):
    """A protocol's outcome.

    Attributes:
        protocol: its name.
        figures: error rates.
        detection: how soon another is noticed at 5 % of sessions falsely alarmed: a session is a person's probes in
            order, judged by the mean of the last five; an action is a window.
    """

    protocol: str
    figures: Figures
    detection: Detection | None


class Trials(msgspec.Struct, frozen=True):
    """Scores of a protocol, ``[n]`` each; sessions are the scores in order of one person against one template."""

    scores: Floats
    same: npt.NDArray[np.bool_]
    users: npt.NDArray[np.int64]
    llrs: Floats
    honest: list[Floats]
    others: list[Floats]


def measured(name: str, trials: Trials) -> Measured:
    """Return the figures of a protocol's trials."""
    noticed = None
    if trials.honest and trials.others:
        noticed = detection(trials.honest, trials.others, FALSE_ALARMS)
    return Measured(name, figures(trials.scores, trials.same, trials.users, trials.llrs), noticed)


def run(model: Model, protocol: Protocol) -> Trials:
    """Return the trials of a protocol; a person who cannot be enrolled has none.

    Raises:
        FaultyInputError: ``nothing_measured``, when nobody can.
    """
    rows, places = _rows(model, protocol)
    people = {name: number for number, name in enumerate(sorted({one.person for one in protocol.tried}))}
    parts: list[tuple[Floats, npt.NDArray[np.bool_], int, Floats]] = []
    honest: list[Floats] = []
    others: list[Floats] = []
    for one in protocol.tried:
        own = list(one.genuine)
        strangers = [(name, group) for name, some in protocol.impostor.items() if name != one.person for group in some]
        scores, llrs = _scored(model, one, [*own, *(group for _, group in strangers)], rows, places)
        if not len(scores):
            continue
        same = np.arange(len(scores)) < len(own)
        parts.append((scores, same, people[one.person], llrs))
        honest += _sessions(scores[: len(own)], ["own"] * len(own))
        others += _sessions(scores[len(own) :], [name for name, _ in strangers])[:_SESSIONS]
    if not parts:
        raise FaultyInputError("nothing_measured", f"nobody can be enrolled by the protocol `{protocol.name}`")
    return Trials(
        scores=np.concatenate([part[0] for part in parts]),
        same=np.concatenate([part[1] for part in parts]),
        users=np.concatenate([np.full(len(part[0]), part[2]) for part in parts]),
        llrs=np.concatenate([part[3] for part in parts]),
        honest=honest,
        others=others,
    )


def _rows(model: Model, protocol: Protocol) -> tuple[Floats, dict[int, int]]:
    groups: list[Group] = [group for one in protocol.tried for group in (one.enrol, *one.genuine)]
    groups += [group for some in protocol.impostor.values() for group in some]
    windows: dict[int, Window] = {id(window): window for group in groups for window in group}
    return embedded(model, list(windows.values())), {name: at for at, name in enumerate(windows)}


def _scored(
    model: Model, one: Tried, groups: Sequence[Group], rows: Floats, places: dict[int, int]
) -> tuple[Floats, Floats]:
    try:
        template = model.enrol(rows[_places(one.enrol, places)], one.sessions)
    except FaultyInputError:
        return np.zeros(0), np.zeros(0)
    every = np.array([place for group in groups for place in _places(group, places)], dtype=np.int64)
    needed, inverse = np.unique(every, return_inverse=True)
    scores = model.scores(template, rows[needed])[inverse]
    starts = np.concatenate([[0], np.cumsum([len(group) for group in groups])[:-1]]).astype(np.int64)
    fine = np.isfinite(scores)
    counts = np.add.reduceat(fine.astype(np.int64), starts)
    sums = np.add.reduceat(np.where(fine, scores, 0.0), starts)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    llrs = np.array(
        [
            model.llr(float(mean), template.windows, int(count)) if count else np.nan
            for mean, count in zip(means, counts, strict=True)
        ]
    )
    return means, llrs


def _places(group: Iterable[Window], places: dict[int, int]) -> list[int]:
    return [places[id(window)] for window in group]


def _sessions(scores: Floats, names: Sequence[str]) -> list[Floats]:
    """Return the running means of each name's scores in order."""
    found: list[Floats] = []
    order = np.array(names)
    for name in dict.fromkeys(names):
        own = scores[order == name]
        own = own[np.isfinite(own)]
        if len(own):
            found.append(np.array([own[max(0, at - _MEMORY + 1) : at + 1].mean() for at in range(len(own))]))
    return found
