"""Answers probes: did the claimed person make these windows? Each window is embedded once, however often it is asked.

- A trial sees the enrolment of the person it claims and its own windows, nothing else: no other probe, no other person
  than those whom the model learned from.
- A probe's score is the mean over those of its windows that can be judged, its ratio that of the mean, its liveness the
  lowest. A probe of which nothing can be judged has no answer, and is told.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.liveness import History, Seeing, judged, seeing
from ostiary.biometrics.model import Model, Template
from ostiary.biometrics.reading import Name, Probe
from ostiary.biometrics.training import Row
from ostiary.biometrics.window import Floats, Window
from ostiary.errors import FaultyInputError

_CHUNK: Final = 512
_DIGITS: Final = 6
Whole = npt.NDArray[np.int64]
OnUnanswered = Callable[[int, str, str], None]


class Answer(msgspec.Struct, frozen=True):
    """One line of ``ostiary biometrics score``.

    Attributes:
        id: of the probe, as it came.
        claimed: whose template was asked, as it came.
        score: normalised; more is likelier the claimed person.
        llr: ln p(same) / p(another), capped.
        liveness: 1 live to 0 a replay of what was enrolled.
        windows: how many windows were judged.
    """

    id: Name
    claimed: Name
    score: float
    llr: float
    liveness: float
    windows: int


class Unanswered(msgspec.Struct, frozen=True):
    """Why a probe has no answer."""

    code: str
    text: str


Outcome = Answer | Unanswered
_UNJUDGED: Final = Unanswered("probe_unjudged", "none of its windows can be judged")


class _Trial(msgspec.Struct, frozen=True):
    probe: int
    places: Whole


def embedded(model: Model, windows: Sequence[Window]) -> Floats:
    """Return one row a window, embedded some at a time so that memory stays small."""
    parts = [model.embed(windows[at : at + _CHUNK]) for at in range(0, len(windows), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, 0))


def template_of(model: Model, rows: Sequence[Row]) -> Template:
    """Return the template of a person's windows.

    Raises:
        FaultyInputError: ``enrolment_empty``.
    """
    sessions = {row.session for row in rows if row.session}
    return model.enrol(embedded(model, [row.window for row in rows]), len(sessions))


def answers(
    model: Model,
    people: Mapping[str, Sequence[Row]],
    windows: Mapping[str, Window],
    probes: Iterable[Probe],
    unanswered: OnUnanswered,
) -> Iterator[Answer]:
    """Yield an answer a probe, in order; ``unanswered`` is told line, code and text of those that have none."""
    asked = list(probes)
    told: list[Outcome] = [_UNJUDGED] * len(asked)
    names = list(dict.fromkeys(name for probe in asked for name in probe.windows if name in windows))
    places = {name: at for at, name in enumerate(names)}
    used = [seeing(windows[name]) for name in names]
    rows = embedded(model, [windows[name] for name in names])
    for claimed, trials in _by_claimed(asked, places, unanswered).items():
        outcomes = (
            _of_person(model, people[claimed], used, rows, asked, trials)
            if claimed in people
            else _all_of(trials, Unanswered("subject_unknown", f"nobody is enrolled as `{claimed[:80]}`"))
        )
        for number, outcome in outcomes.items():
            told[number] = outcome
    for probe, outcome in zip(asked, told, strict=True):
        if not any(name in places for name in probe.windows):
            _tell_lacking(probe, places, unanswered)
        elif isinstance(outcome, Unanswered):
            unanswered(probe.line, outcome.code, outcome.text)
        else:
            yield outcome


def _tell_lacking(probe: Probe, places: Mapping[str, int], unanswered: OnUnanswered) -> None:
    lacking = [name for name in probe.windows if name not in places]
    if lacking:
        unanswered(probe.line, "window_unknown", f"there is no window `{lacking[0][:80]}` that can be used")


def _all_of(trials: Sequence[_Trial], outcome: Unanswered) -> dict[int, Outcome]:
    return dict.fromkeys((trial.probe for trial in trials), outcome)


def _by_claimed(asked: Sequence[Probe], places: Mapping[str, int], unanswered: OnUnanswered) -> dict[str, list[_Trial]]:
    found: dict[str, list[_Trial]] = defaultdict(list)
    for number, probe in enumerate(asked):
        known = [places[name] for name in probe.windows if name in places]
        if known:
            _tell_lacking(probe, places, unanswered)
            found[str(probe.claimed)].append(_Trial(number, np.array(known)))
    return found


def _of_person(
    model: Model,
    enrolled: Sequence[Row],
    used: Sequence[Seeing],
    rows: Floats,
    asked: Sequence[Probe],
    trials: Sequence[_Trial],
) -> dict[int, Outcome]:
    try:
        template = template_of(model, enrolled)
    except FaultyInputError as fault:
        return _all_of(trials, Unanswered(fault.code, fault.message))
    every = np.concatenate([trial.places for trial in trials])
    needed, inverse = np.unique(every, return_inverse=True)
    scores = model.scores(template, rows[needed])
    alive = _liveness(enrolled, [used[at] for at in needed])
    starts = np.concatenate([[0], np.cumsum([len(trial.places) for trial in trials])[:-1]]).astype(np.int64)
    fine = np.isfinite(scores)
    counts = np.add.reduceat(fine[inverse].astype(np.int64), starts)
    sums = np.add.reduceat(np.where(fine, scores, 0.0)[inverse], starts)
    lowest = np.minimum.reduceat(alive[inverse], starts)
    means = sums / np.maximum(counts, 1)
    return {
        trial.probe: _answer(model, template, asked[trial.probe], float(means[at]), int(counts[at]), float(lowest[at]))
        for at, trial in enumerate(trials)
        if counts[at]
    }


def _answer(model: Model, template: Template, probe: Probe, mean: float, count: int, live: float) -> Answer:
    llr = model.llr(mean, template.windows, count)
    return Answer(probe.id, probe.claimed, round(mean, _DIGITS), round(llr, _DIGITS), round(live, _DIGITS), count)


def _liveness(enrolled: Sequence[Row], windows: Sequence[Seeing]) -> Floats:
    """Return how live each window is, given what the person had enrolled."""
    history = History.of([row.window for row in enrolled])
    return np.array([judged(window, history).score for window in windows])
