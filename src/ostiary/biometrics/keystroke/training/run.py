"""From rows to a model's folder: fit the encoder, then the PLDA, calibrate on people that neither saw, then write.

- One epoch shows every piece once, as one of many samples that can be cut from it. Large sets get ``EPOCHS``; smaller
  ones more, so that the fewest steps are taken.
- Where nobody could be held out ratios are too bold, so they are capped low.
- The PLDA learns from everybody, those too who taught the encoder: a few hundred people are few for so many directions.
  Whoever is judged, for calibration or for the card, is told by a PLDA that never saw them, where enough can be halved.
"""

from collections.abc import Sequence
from typing import Final, cast

import msgspec
import numpy as np

from ostiary.artifacts.tensors import pack
from ostiary.biometrics import calibration
from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.keystroke import plda
from ostiary.biometrics.keystroke.encoder import Encoder
from ostiary.biometrics.keystroke.model import ENCODER, FORMAT, KIND, SCHEMA, TABLES, KeystrokeModel, Schema
from ostiary.biometrics.keystroke.plda import Plda
from ostiary.biometrics.keystroke.tensor import channels, pieces
from ostiary.biometrics.keystroke.training import network
from ostiary.biometrics.keystroke.training.bank import Numbers, bank_of
from ostiary.biometrics.keystroke.training.card import PICTURE, Told, card, picture
from ostiary.biometrics.keystroke.training.fit import FitSettings, fitted
from ostiary.biometrics.keystroke.training.trials import Trials, cells, trials
from ostiary.biometrics.keystroke.training.units import Units, units_of
from ostiary.biometrics.training import Progress, Row, Trained, TrainSettings
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

EPOCHS: Final = 96
_LEAST_STEPS: Final = 600
_MOST_BATCH: Final = 256
_LEAST_BATCH: Final = 16
_PEOPLE_A_BATCH: Final = 0.125
_CHUNK: Final = 4096
_LEAST_TO_HALVE: Final = 8
_LEAST_TRIALS: Final = 2
_FLATTERED_CAP: Final = 2.0
_NO_CALIBRATION: Final = Calibration([1], [1], [[1.0]], [[0.0]])
Cells = dict[tuple[int, int], Trials]


class _Seen(msgspec.Struct, frozen=True):
    """Embeddings of pieces, how many keys each had, and of whom it is."""

    embeddings: Floats
    keys: Floats
    people: Numbers

    def plda(self, chosen: frozenset[int]) -> Plda:
        """Return the PLDA that the pieces of the chosen people teach."""
        part = np.isin(self.people, sorted(chosen))
        return plda.fit(self.embeddings[part], self.people[part], self.keys[part])


def train(rows: Sequence[Row], settings: TrainSettings, progress: Progress) -> Trained:
    """Return the model that ``rows`` teach.

    Raises:
        FaultyInputError: ``training_people``, when nobody could be told from anybody.
    """
    units = units_of(rows, settings.seed)
    taught, people = units.taught()
    fit = fit_settings(len(taught), settings)
    graph = network.graph(fitted(bank_of(taught, people), fit, progress))
    progress("encoder", 1.0)
    return finished(graph, units, fit, settings, len(rows))


def finished(graph: bytes, units: Units, fit: FitSettings, settings: TrainSettings, rows: int) -> Trained:
    """Return the model of a fitted encoder: PLDA and calibration of the held-out people, card and picture.

    Raises:
        FaultyInputError: ``training_people``.
    """
    encoder = Encoder(graph)
    seen = _seen(encoder, units)
    found = _cells(encoder, seen, units)
    cap = calibration.CAP if units.spared else _FLATTERED_CAP
    table = calibration.fit({cell: one.kinds() for cell, one in found.items()}, cap)
    files = {
        SCHEMA: msgspec.json.format(msgspec.json.encode(Schema(KIND, FORMAT, table)), indent=1),
        ENCODER: graph,
        TABLES: pack(seen.plda(_teaching(units, units.judged())).tables()),
    }
    drawn = picture({cell: one.kinds() for cell, one in found.items()})
    if drawn:
        files[PICTURE] = drawn
    figures = {cell: one.figures(table.llrs(one.scores, *cell)) for cell, one in found.items()}
    return Trained(files, card(Told(rows, units, settings, fit, figures, len(graph)), pictured=bool(drawn)))


def fit_settings(count: int, settings: TrainSettings) -> FitSettings:
    """Return how the encoder is fitted to so many pieces."""
    batch = int(min(_MOST_BATCH, max(_LEAST_BATCH, count * _PEOPLE_A_BATCH)))
    steps = max(EPOCHS * count // batch, _LEAST_STEPS)
    return FitSettings(settings.seed, max(1, int(steps * settings.effort)), batch, threads=settings.threads)


def _seen(encoder: Encoder, units: Units) -> _Seen:
    """Return the embeddings of all pieces: everybody's, for PLDAs learn from everybody."""
    flat = [
        (piece, int(person))
        for window, person in zip(units.windows, units.people, strict=True)
        for piece in pieces(cast("Floats", window.content))
    ]
    return _Seen(
        np.concatenate(
            [
                encoder.embeddings([channels(piece) for piece, _ in flat[at : at + _CHUNK]])
                for at in range(0, len(flat), _CHUNK)
            ]
        ),
        np.array([len(piece) for piece, _ in flat], dtype=np.float64),
        np.array([person for _, person in flat]),
    )


def _teaching(units: Units, judged: frozenset[int]) -> frozenset[int]:
    """Return from whom a PLDA learns, when of the people to be judged these may teach it."""
    return judged | (frozenset(units.people.tolist()) - units.judged())


def _cells(encoder: Encoder, seen: _Seen, units: Units) -> Cells:
    """Return the trials of each half of the judged people by the PLDA of the other half; of few people, by their own.

    Raises:
        FaultyInputError: ``training_people``, when there are too few for any trial.
    """
    order = np.random.default_rng(0).permutation(sorted(units.judged())).tolist()
    halves = [(frozenset(order[::2]), frozenset(order[1::2])), (frozenset(order[1::2]), frozenset(order[::2]))]
    if len(order) < _LEAST_TO_HALVE:
        halves = [(frozenset(order), frozenset(order))]
    grid = cells(np.bincount(units.people)[order].tolist())
    found: Cells = {}
    for judged, teaching in halves:
        places = np.flatnonzero(np.isin(units.people, sorted(judged)))
        model = KeystrokeModel("", encoder, seen.plda(_teaching(units, teaching)), _NO_CALIBRATION)
        rows = model.embed([units.windows[at] for at in places])
        for cell in grid:
            some = trials(model, rows, units.people[places], *cell)
            found[cell] = found[cell].with_more(some) if cell in found else some
    return _full(found)


def _full(found: Cells) -> Cells:
    """Return the cells without those rows of the grid that hold too few trials of either kind."""
    poor = {enrolled for (enrolled, _), one in found.items() if min(map(len, one.kinds())) < _LEAST_TRIALS}
    kept = {cell: one for cell, one in found.items() if cell[0] not in poor}
    if not kept:
        raise FaultyInputError("training_people", "too few people or windows for any trial among them")
    return kept
