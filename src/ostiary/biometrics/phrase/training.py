"""Trains the model of phrases: the population, trees over comparisons with it, and the ratios of all ways of judging.

- The phrase is that with the most usual number of keys; rows of another length teach nothing.
- Ratios of the trees are fitted on people whom a second set of trees has not seen: two halves judge each other.
- With few people, or few repetitions each, no phrase is known, and only the ratios are fitted.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

import numpy as np

from ostiary.biometrics.calibration import Calibration, fit
from ostiary.biometrics.phrase.card import card
from ostiary.biometrics.phrase.comparison import compared, nearness, tempo
from ostiary.biometrics.phrase.folder import columns_of, written
from ostiary.biometrics.phrase.lessons import lessons, person, sizes, strangers
from ostiary.biometrics.phrase.model import Expert, Ratios, fused
from ostiary.biometrics.phrase.person import Person
from ostiary.biometrics.phrase.population import sums
from ostiary.biometrics.phrase.timings import row_of, shape_of, timings
from ostiary.biometrics.phrase.trees import Trees, tables_of
from ostiary.biometrics.training import Progress, Row, Trained, TrainSettings
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

LEAST_PEOPLE: Final = 10
LEAST_ROWS: Final = 16
MOST_PEOPLE: Final = 400
_MARGIN: Final = 1.2
_TREES: Final = 150
_LEAST_TREES: Final = 10
_UNBOUND: Final = 1_000.0
_WINDOWS: Final = (1, 5)
_STRANGERS: Final = 100
_DRAWS: Final = 60
_LEARNER: Final[dict[str, Any]] = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.05,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "min_data_in_leaf": 100,
    "lambda_l2": 10.0,
    "deterministic": True,
    "force_row_wise": True,
    "use_missing": False,
    "verbose": -1,
}
Trials = dict[tuple[int, int], tuple[list[Floats], list[Floats]]]


def train(rows: Sequence[Row], settings: TrainSettings, progress: Progress) -> Trained:
    """Return the model that people's repetitions teach.

    Raises:
        FaultyInputError: ``training_people``, when fewer than two typed the phrase four times or more.
    """
    luck = np.random.default_rng(settings.seed)
    people, shape = people_of(rows)
    near, slow = _other_ways(people, luck)
    known = [times for times in people if len(times) >= LEAST_ROWS]
    progress("ratios of unknown phrases", 0.1)
    if len(known) < LEAST_PEOPLE:
        whole = fit({(1, count): near[1] for count in _WINDOWS})
        ratios = Ratios(near[0], slow, whole)
        return Trained(written(None, ratios), card(None, ratios, people, settings))
    known = [known[at] for at in np.sort(luck.permutation(len(known))[:MOST_PEOPLE])]
    ratios = Ratios(near[0], slow, _cross_fitted(known, near[0], settings, luck, progress))
    expert = expert_of(known, settings, luck, shape)
    progress("trees", 1.0)
    return Trained(written(expert, ratios), card(expert, ratios, known, settings))


def people_of(rows: Sequence[Row]) -> tuple[list[Floats], float]:
    """Return each person's repetitions ``[n, d]`` of the most usual number of keys, in the order typed, and its shape.

    Raises:
        FaultyInputError: ``training_people``.
    """
    own: dict[str, list[Floats]] = {}
    for row in sorted(rows, key=lambda one: (one.subject, one.order)):
        own.setdefault(row.subject, []).append(row_of(cast("Floats", row.window.content)))
    stacks = {who: np.stack(some) for who, some in own.items()}
    stacks = {who: some[np.isfinite(some[:, 0])] for who, some in stacks.items()}
    lengths = np.concatenate([some[:, 0] for some in stacks.values()]).astype(np.int64)
    keys = int(np.bincount(lengths).argmax()) if len(lengths) else 0
    people = [timings(some[some[:, 0] == keys], keys) for some in stacks.values()]
    people = [times for times in people if len(times) >= 4]  # noqa: PLR2004 - two to enrol, two to judge
    if len(people) < 2:  # noqa: PLR2004 - one person has nobody to be told from
        raise FaultyInputError("training_people", "training needs two people who typed the same phrase four times each")
    return people, shape_of(np.concatenate(list(stacks.values())), keys)


def expert_of(
    people: Sequence[Floats], settings: TrainSettings, luck: np.random.Generator, shape: float = 0.0
) -> Expert:
    """Return population and trees of people of repetitions ``[n, d]``."""
    import lightgbm  # noqa: PLC0415 - heavy, and only training needs it

    told, shared = lessons(people, luck), sums(people)
    options = {**_LEARNER, "seed": settings.seed, "num_threads": settings.threads}
    data = lightgbm.Dataset(told.columns, told.same, weight=told.weights)
    booster = lightgbm.train(options, data, max(_LEAST_TREES, round(_TREES * settings.effort)))
    population = shared.without()
    strangest = max(shared.without(at).strangeness(mean) for at, mean in enumerate(shared.means))
    tables = tables_of(cast("Mapping[str, Any]", booster.dump_model()))
    return Expert(population, Trees(tables, columns_of(population)), shape, _MARGIN * strangest)


def _other_ways(
    people: Sequence[Floats], luck: np.random.Generator
) -> tuple[tuple[Calibration, tuple[Floats, Floats]], Calibration]:
    """Return the ratios of nearness, with the trials in nats, and of tempo; nothing in them was learned from people."""
    near: Trials = {}
    slow: Trials = {}
    for number, times in enumerate(people):
        for size in set(sizes(len(times))):
            one, own = person(times[:size]), times[size : size + 50]
            others = strangers(people, number, _STRANGERS, luck)
            cell = (_rung(size), 1)
            _add(near, cell, nearness(one, own), nearness(one, others))
            _add(slow, cell, tempo(one, _tempos(own)), tempo(one, _tempos(others)))
    table = fit(_joined(near), _UNBOUND)
    every = [[table.llrs(scores, cell[0], 1) for scores in joined] for cell, joined in _joined(near).items()]
    own_nats, other_nats = (np.concatenate([pair[kind] for pair in every]) for kind in (0, 1))
    return (table, (own_nats, other_nats)), fit(_joined(slow), _UNBOUND)


def _tempos(times: Floats) -> Floats:
    keys = (times.shape[1] + 1) // 2
    return np.stack([np.median(times[:, :keys], axis=1), np.median(times[:, keys:], axis=1)], axis=1)


def _cross_fitted(
    people: Sequence[Floats],
    near: Calibration,
    settings: TrainSettings,
    luck: np.random.Generator,
    progress: Progress,
) -> Calibration:
    """Return the ratios of mean scores: each half of the people judged by trees that the other half taught."""
    halves = luck.permutation(len(people)) % 2
    trials: Trials = {}
    for half in (0, 1):
        expert = expert_of([times for at, times in enumerate(people) if halves[at] != half], settings, luck)
        judged = [times for at, times in enumerate(people) if halves[at] == half]
        for number, times in enumerate(judged):
            for size in sorted(set(sizes(len(times)))):
                _judge(partial(_nats, expert, near), judged, number, size, trials, luck)
        progress("trees of one half", 0.3 + 0.3 * half)
    return fit(_joined(trials))


def _nats(expert: Expert, near: Calibration, one: Person, times: Floats) -> Floats:
    learned = expert.trees.sums(compared(one, expert.people, times))
    return fused(learned, near.llrs(nearness(one, times), one.count, 1))


def _judge(
    nats: Callable[[Person, Floats], Floats],
    people: Sequence[Floats],
    number: int,
    size: int,
    trials: Trials,
    luck: np.random.Generator,
) -> None:
    one = person(people[number][:size])
    rest = people[number][size:]
    own = nats(one, rest)
    other = [at for at in range(len(people)) if at != number]
    foreign = {at: people[at][luck.permutation(len(people[at]))[:10]] for at in other}
    strange = {at: nats(one, some) for at, some in foreign.items()}
    for windows in _WINDOWS:
        mine = [own[luck.choice(len(own), min(windows, len(own)), replace=False)].mean() for _ in range(_DRAWS)]
        drawn = luck.choice(other, _DRAWS)
        theirs = [strange[at][luck.permutation(len(strange[at]))[:windows]].mean() for at in drawn]
        _add(trials, (_rung(size), windows), np.array(mine), np.array(theirs))


def _rung(size: int) -> int:
    """Return the knot of the calibration for templates of ``size``."""
    return max((rung for rung in (1, 5, 20, 100) if rung <= size), default=1)


def _add(trials: Trials, cell: tuple[int, int], own: Floats, others: Floats) -> None:
    mine, theirs = trials.setdefault(cell, ([], []))
    mine.append(own)
    theirs.append(others)


def _joined(trials: Trials) -> dict[tuple[int, int], tuple[Floats, Floats]]:
    return {cell: (np.concatenate(own), np.concatenate(others)) for cell, (own, others) in trials.items()}
