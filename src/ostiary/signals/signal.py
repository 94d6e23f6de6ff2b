"""The contract of a signal: what one file of ``signals/catalogue`` offers.

Rules (each is tested for every signal found, see ``tests/laws/test_signals_catalogue.py``):
- *Pure*: the same event and history give the same floats; no clock, no randomness, no network, nothing kept.
- *Total*: any event gives floats, never an error.
- *Missing is not zero*: what the event or the history does not tell is NaN.
- *Steady*: what only ever grows (age, depth, number of known things) is cut off where more of it tells nothing new;
  otherwise a model learns the calendar from it and fails next month.
- *Documented*: every feature says what it is, in what unit, and in which direction risk grows.

A file may offer several closely related features, so that what they share is worked out once.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ostiary.signals.history import History
from ostiary.vocabulary.events import AccessEvent

NAN: Final = float("nan")
LONGEST_DAYS: Final = 90.0
DEEPEST: Final = 200

Extract = Callable[[AccessEvent, History], Sequence[float]]
Words = Callable[[str, float, AccessEvent, History], str]


class Feature(msgspec.Struct, frozen=True):
    """One number.

    Attributes:
        name: stable, ``snake_case``, unique in the catalogue.
        describe: one line for a person: what the number is.
        unit: ``flag``, ``nats``, ``ln(1+days)``, ``share``, ``count`` …
        monotone: +1 when more of it can only mean more risk, -1 when less, 0 when it depends.
    """

    name: str
    describe: str
    unit: str
    monotone: int = 0


class Signal(msgspec.Struct, frozen=True):
    """A family of features from one file.

    Attributes:
        family: which of the families of the catalogue it belongs to.
        features: in the order in which ``extract`` gives them.
        sources: fields of the access event it reads; without them its features are missing.
        needs: parts of the history it reads: ``subject``, ``peers``, ``tenant``, ``resource``, ``device``, ``network``.
        extract: event and history to one float per feature.
        words: feature name, value, event and history to plain words against the subject's own baseline.
    """

    family: str
    features: tuple[Feature, ...]
    sources: tuple[str, ...]
    needs: tuple[str, ...]
    extract: Extract
    words: Words


class FeatureSpec(msgspec.Struct, frozen=True):
    """One feature of the catalogue with everything its signal says of it.

    Attributes:
        name, describe, unit, monotone: as in ``Feature``.
        family, sources, needs: as in ``Signal``.
        signal: name of the file it comes from.
    """

    name: str
    family: str
    describe: str
    unit: str
    monotone: int
    needs: tuple[str, ...]
    sources: tuple[str, ...]
    signal: str
