"""The contract of a signal: what one file of ``signals/catalogue`` offers.

Rules (each is tested for every signal found, see ``tests/laws/test_signals_catalogue.py``):
- *Pure*: the same event and history give the same floats; no clock, no randomness, no network, nothing kept.
- *Total*: any event gives floats, never an error.
- *Missing is not zero*: what the event or the history does not tell is NaN.
- *Steady*: what only ever grows (age, depth, number of known things) is cut off where more of it tells nothing new;
  otherwise a model learns the calendar from it and fails next month.
- *Documented*: every feature says what it is, in what unit, in which direction risk grows, what it reads, who owns it,
  and which ``missing_…`` flag speaks for it when the event does not tell.

A file may offer several closely related features, so that what they share is worked out once.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.vocabulary.events import AccessEvent

NAN: Final = float("nan")
LONGEST_DAYS: Final = 90.0
DEEPEST: Final = 200
OWNER: Final = "signals"
MISSING: Final = "missing"

Extract = Callable[[AccessEvent, History], Sequence[float]]
Words = Callable[[str, float, AccessEvent, History], str]


class Cell(NamedTuple):
    """A signal that is one dimension of the grid (``grid``): which, and whether only its first three features."""

    dim: int
    brief: bool


class Feature(msgspec.Struct, frozen=True):
    """One number.

    Attributes:
        name: stable, ``snake_case``, unique in the catalogue.
        describe: one line for a person: what the number is.
        unit: ``flag``, ``nats``, ``ln(1+days)``, ``share``, ``count`` …
        monotone: +1 when more of it can only mean more risk, -1 when less, 0 when it depends.
        sources: what it reads of the event, where that is less than its signal reads.
        family: what kind of evidence it is, where that is not its signal's.
        default: what a model sees when its sources are not told: NaN, which is *missing*, or else in words.
    """

    name: str
    describe: str
    unit: str
    monotone: int = 0
    sources: tuple[str, ...] = ()
    family: Family | None = None
    default: str = MISSING


class Signal(msgspec.Struct, frozen=True):
    """Closely related features from one file.

    Attributes:
        family: what kind of evidence they are.
        features: in the order in which ``extract`` gives them.
        sources: fields of the access event it reads, a member of a fact group as ``token.age_s``; what is not told of
            them makes its features NaN, and the flags of ``absence`` say so.
        needs: parts of the history it reads: ``subject``, ``peers``, ``tenant``, ``resource``, ``device``, ``network``.
        extract: event and history to one float per feature.
        words: feature name, value, event and history to plain words against the subject's own baseline.
        topic: what it is about, for a person: reasons are told one a topic; the family by default.
        owner: team that answers for it.
        cell: set when it is one dimension of the grid, whose features are then worked out with those of all others.
    """

    family: Family
    features: tuple[Feature, ...]
    sources: tuple[str, ...]
    needs: tuple[str, ...]
    extract: Extract
    words: Words
    topic: str = ""
    owner: str = OWNER
    cell: Cell | None = None


class FeatureSpec(msgspec.Struct, frozen=True):
    """One feature of the catalogue with everything its signal says of it.

    Attributes:
        name, describe, unit, monotone, default: as in ``Feature``.
        family, sources: of the feature, else of its signal.
        needs, topic, owner: as in ``Signal``.
        signal: name of the file it comes from.
        flags: features that say that its sources are not told; empty when every event tells them.
    """

    name: str
    family: Family
    describe: str
    unit: str
    monotone: int
    needs: tuple[str, ...]
    sources: tuple[str, ...]
    signal: str
    topic: str
    owner: str
    flags: tuple[str, ...]
    default: str = MISSING
