"""The order of a training: twice the same, first without those who tell what a score means, then with everybody."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.artifacts.tensors import pack
from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.pointer.blocks import BLOCK, cut
from ostiary.biometrics.pointer.delivery import is_relayed
from ostiary.biometrics.pointer.model import (
    ENCODER,
    FORMAT,
    KIND,
    SCHEMA,
    TABLES,
    Delivery,
    PointerModel,
    Schema,
    model_of,
)
from ostiary.biometrics.pointer.network import Network
from ostiary.biometrics.pointer.readers import unit
from ostiary.biometrics.pointer.shapes import shapes
from ostiary.biometrics.pointer.tensor import CHANNELS, tensor
from ostiary.biometrics.pointer.training.card import Told, card, picture
from ostiary.biometrics.pointer.training.directions import directions
from ostiary.biometrics.pointer.training.encoder import encoder
from ostiary.biometrics.pointer.training.forest import forest
from ostiary.biometrics.pointer.training.people import Person, divided, people_of
from ostiary.biometrics.pointer.training.trials import CAP, Rows, calibrated, rows_of
from ostiary.biometrics.training import Progress, Row, Trained, TrainSettings
from ostiary.biometrics.window import Floats

RELAYED_WINDOW: Final = 512
MOST_BLOCKS: Final = 400
MOST_COHORT: Final = 400
_BLANK: Final = Calibration([1], [1], [[1.0]], [[0.0]], CAP)
Files = Mapping[str, bytes]
Share = Callable[[float], None]


def train(rows: Sequence[Row], settings: TrainSettings, progress: Progress) -> Trained:
    """Return the model that ``rows`` teach.

    Raises:
        FaultyInputError: ``training_people``.
        ModuleNotFoundError: without torch or onnx.
    """
    people = people_of(rows)
    delivery: Delivery = "relayed" if is_relayed([one for person in people for one in person.sessions]) else "direct"
    length = BLOCK if delivery == "direct" else RELAYED_WINDOW
    held = divided(people, settings.seed, by_people=delivery == "direct")
    first = learned(held.training, delivery, settings, lambda share: progress("to measure", 0.5 * share))
    model = model_of(first)
    trial_rows = rows_of(model, held, length)
    calibration, spread = calibrated(model, trial_rows), own_spread(model, trial_rows)
    told = Told(people, held, delivery, length, settings.seed)
    final = learned(people, delivery, settings, lambda share: progress("with everybody", 0.5 + 0.5 * share))
    files = {**final, SCHEMA: schema(delivery, spread, calibration)}
    measured = model_of({**first, SCHEMA: files[SCHEMA]})
    return Trained({**files, **picture(measured, trial_rows, told)}, card(measured, trial_rows, told))


def learned(people: Sequence[Person], delivery: Delivery, settings: TrainSettings, share: Share) -> Files:
    """Return a folder that reads windows and does not yet know what a score means."""
    teach = forest if delivery == "relayed" else encoder
    network = teach(people, settings.seed, settings.effort, settings.threads, share)
    tables = {} if delivery == "relayed" else _tables(people, Network(network, (CHANNELS, BLOCK)))
    plain = {name: table.astype(np.float32) for name, table in tables.items()}
    files = {SCHEMA: schema(delivery, 1.0, _BLANK), ENCODER: network, TABLES: pack(plain)}
    if delivery == "relayed":
        return files
    cohort = _cohort(
        model_of({**files, TABLES: pack({**plain, "cohort": np.zeros((2, _width(plain)), np.float32)})}), people
    )
    return {**files, TABLES: pack({**plain, "cohort": cohort.astype(np.float32)})}


def schema(delivery: Delivery, spread: float, calibration: Calibration) -> bytes:
    """Return ``model.json``."""
    return msgspec.json.format(msgspec.json.encode(Schema(KIND, FORMAT, delivery, spread, calibration)), indent=1)


def _tables(people: Sequence[Person], network: Network) -> dict[str, npt.NDArray[Any]]:
    blocks = [_blocks(person) for person in people]
    seen = [shapes(one) for one in blocks]
    found = directions(seen)
    placed = np.concatenate([found.placed(one) for one in seen])
    encoded = np.concatenate([unit(network.told(tensor(one))) for one in blocks])
    return {
        "shape_mean": found.mean,
        "shape_wide": found.wide,
        "shape_into": found.into,
        "shape_centre": placed.mean(axis=0),
        "encoder_centre": encoded.mean(axis=0),
    }


def _blocks(person: Person) -> Floats:
    """Return a person's blocks, evenly chosen where they are many."""
    blocks = np.concatenate([cut(session) for session in person.sessions])
    return np.asarray(blocks[np.linspace(0, len(blocks) - 1, min(len(blocks), MOST_BLOCKS)).astype(int)])


def _width(tables: Mapping[str, npt.NDArray[Any]]) -> int:
    return len(tables["encoder_centre"]) + len(tables["shape_centre"])


def _cohort(model: PointerModel, people: Sequence[Person]) -> Floats:
    """Return the templates of the people of the training, evenly chosen where they are many."""
    chosen = np.linspace(0, len(people) - 1, min(len(people), MOST_COHORT)).astype(int)
    reader = model.reader
    return np.stack([unit(reader.placed(_blocks(people[at])).mean(axis=0)) for at in chosen])


def own_spread(model: PointerModel, rows: Rows) -> float:
    """Return how far people's windows lie from their own templates, root mean square."""
    squares = [float(((one - model.enrol(one).centre[0]) ** 2).sum(axis=1).mean()) for one in rows.enrol if len(one)]
    return max(float(np.sqrt(np.mean(squares))), 1e-3) if squares else 1.0
