"""Training of one modality: what it is given, what it returns, and which code trains what.

- Training is deterministic given the rows and a seed, picks its own hyper-parameters on people inside the rows, and
  works on sets of any size.
- PyTorch is needed by some trainers alone (extra ``train``); they import it themselves, inside their functions.
- Keystrokes train a phrase model when everybody typed the same short phrase, and a free-text model otherwise.

>>> trainer_of(Modality.POINTER, ())
'ostiary.biometrics.pointer.training'
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Final, Protocol, cast

import msgspec

from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import FaultyInputError, UnavailableError

CARD_FILE: Final = "card.md"
LONGEST_PHRASE: Final = 30
_SAME: Final = 0.98
_ROOM: Final = "ostiary.biometrics"
_TRAINERS: Final = {
    Modality.KEYSTROKE: f"{_ROOM}.keystroke.training",
    Modality.POINTER: f"{_ROOM}.pointer.training",
    Modality.SEQUENCE: f"{_ROOM}.sequence.training",
    Modality.FEATURES: f"{_ROOM}.digraphs.training",
}
PHRASE_TRAINER: Final = f"{_ROOM}.phrase.training"
Progress = Callable[[str, float], None]


class Row(msgspec.Struct, frozen=True):
    """One window of a person whose name is known.

    Attributes:
        subject: who.
        session: in which sitting; unique within the subject.
        window: what they did.
        order: place among the subject's rows, from 0.
        tags: what else the row said in plain values (``label``, ``part``, ``rep``, …).
    """

    subject: str
    session: str
    window: Window
    order: int = 0
    tags: Mapping[str, str | int | float] = {}


class TrainSettings(msgspec.Struct, frozen=True):
    """How to train.

    Attributes:
        seed: of everything that is drawn.
        effort: share of the usual epochs, rounds or repetitions; tests use little.
        threads: of linear algebra.
    """

    seed: int = 0
    effort: float = 1.0
    threads: int = 1


class Trained(msgspec.Struct, frozen=True):
    """A model, not yet signed.

    Attributes:
        files: content by name, ``model.json`` among them; pictures of the card too.
        card: the model card in Markdown, kept as ``card.md``.
    """

    files: Mapping[str, bytes]
    card: str

    @property
    def folder(self) -> dict[str, bytes]:
        """Every file of the model's folder, the card among them."""
        return {**self.files, CARD_FILE: self.card.encode()}


class Trainer(Protocol):
    """A module that trains: ``train`` is all that is asked of it."""

    def train(self, rows: Sequence[Row], settings: TrainSettings, progress: Progress) -> Trained:
        """Return the model that ``rows`` teach."""
        ...


def train(modality: Modality, rows: Sequence[Row], settings: TrainSettings, progress: Progress) -> Trained:
    """Return the model of a modality that ``rows`` teach.

    Raises:
        FaultyInputError: ``training_people``, with fewer than two people.
        UnavailableError: ``train_extra_missing``.
    """
    if len({row.subject for row in rows}) < 2:  # noqa: PLR2004 - one person has nobody to be told from
        raise FaultyInputError("training_people", "training needs windows of two people at least")
    trainer = cast("Trainer", import_module(trainer_of(modality, [row.window for row in rows])))
    try:
        return trainer.train(rows, settings, progress)
    except ModuleNotFoundError as fault:
        if (fault.name or "").partition(".")[0] not in {"torch", "onnx"}:
            raise
        text = "training an encoder needs the train extra: pip install 'ostiary[biometrics,train]'"
        raise UnavailableError("train_extra_missing", text) from fault


def trainer_of(modality: Modality, windows: Sequence[Window]) -> str:
    """Return the name of the module that trains from ``windows``."""
    if modality is Modality.KEYSTROKE and is_phrase(windows):
        return PHRASE_TRAINER
    return _TRAINERS[modality]


def is_phrase(windows: Sequence[Window]) -> bool:
    """Return whether nearly all windows are of the same short phrase: as many keys, of the same classes in order."""
    shapes = Counter(_shape(cast("Floats", window.content)) for window in windows)
    if not shapes:
        return False
    (length, _), count = shapes.most_common(1)[0]
    return length <= LONGEST_PHRASE and count >= _SAME * len(windows)


def _shape(keys: Floats) -> tuple[int, bytes]:
    return len(keys), keys[:, 2].astype("int8").tobytes() if len(keys) <= LONGEST_PHRASE else b""
