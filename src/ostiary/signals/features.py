"""All signals of the catalogue as one list of features: found by looking into the folder, in the order of file names.

Rules:
- A new file in ``signals/catalogue`` with a ``SIGNAL`` is a new signal; there is no list to add it to.
- ``SET_DIGEST`` names this very set (names, order, directions): a model trained on another set is not loaded.
- ``extract`` gives one float per feature, NaN where it is missing.
- ``plan`` gives the same floats for the features that somebody wants, and leaves out the work for the others.

>>> len(NAMES) == len(set(NAMES)) == len(FEATURES)
True
>>> SET_DIGEST[:7]
'sha256:'
"""

import importlib
import pkgutil
from collections.abc import Collection
from hashlib import sha256
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals import catalogue as folder
from ostiary.signals.absence import flags_of
from ostiary.signals.families import Family
from ostiary.signals.grid import cells
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Extract, FeatureSpec, Signal
from ostiary.vocabulary.events import AccessEvent


def _found() -> dict[str, Signal]:
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    return {name: importlib.import_module(f"{folder.__name__}.{name}").SIGNAL for name in names}


def _specs(name: str, signal: Signal) -> list[FeatureSpec]:
    return [
        FeatureSpec(
            feature.name,
            feature.family or signal.family,
            feature.describe,
            feature.unit,
            feature.monotone,
            signal.needs,
            sources := feature.sources or signal.sources,
            name,
            signal.topic or signal.family,
            signal.owner,
            flags_of(sources) if signal.family is not Family.QUALITY else (),
            feature.default,
        )
        for feature in signal.features
    ]


SIGNALS: Final[dict[str, Signal]] = _found()
FEATURES: Final[tuple[FeatureSpec, ...]] = tuple(
    spec for name, signal in SIGNALS.items() for spec in _specs(name, signal)
)
NAMES: Final[tuple[str, ...]] = tuple(spec.name for spec in FEATURES)
INDEX: Final[dict[str, int]] = {name: place for place, name in enumerate(NAMES)}
SET_DIGEST: Final = (
    "sha256:" + sha256(msgspec.json.encode([(spec.name, spec.unit, spec.monotone) for spec in FEATURES])).hexdigest()
)
_CELLS: Final = tuple(signal.cell for signal in SIGNALS.values() if signal.cell is not None)
_EXTRACTORS: Final = tuple(None if signal.cell is not None else signal.extract for signal in SIGNALS.values())


def extract(event: AccessEvent, history: History) -> list[float]:
    """Return every feature of ``event`` given what was known before it, in the order of ``NAMES``."""
    row: list[float] = []
    grid = iter(cells(history, _CELLS))
    for part in _EXTRACTORS:
        row += next(grid) if part is None else part(event, history)
    return row


def plan(names: Collection[str]) -> Extract:
    """Return what extracts the features called ``names`` as ``extract`` does; those of other signals are NaN.

    For who judges a stream by a model that looks at few features. A decision that is recorded keeps all of them, so
    that another model can be tried on it.

    >>> only = plan(["history_depth"])

    Raises:
        FaultyInputError: ``feature_unknown``.
    """
    unknown = sorted(set(names) - INDEX.keys())
    if unknown:
        raise FaultyInputError("feature_unknown", f"`{unknown[0][:80]}` is no feature of this catalogue")
    wanted = {FEATURES[INDEX[name]].signal for name in names}
    dims = tuple(signal.cell for name, signal in SIGNALS.items() if signal.cell is not None and name in wanted)
    steps: list[tuple[float, ...] | Extract | None] = []
    for name, signal in SIGNALS.items():
        last = steps[-1] if steps else None
        if name in wanted:
            steps.append(None if signal.cell is not None else signal.extract)
        elif isinstance(last, tuple):
            steps[-1] = (*last, *[NAN] * len(signal.features))
        else:
            steps.append((NAN,) * len(signal.features))

    def planned(event: AccessEvent, history: History) -> list[float]:
        row: list[float] = []
        grid = iter(cells(history, dims))
        for step in steps:
            row += next(grid) if step is None else step if isinstance(step, tuple) else step(event, history)
        return row

    return planned


def describe(event: AccessEvent, name: str, history: History, value: float | None = None) -> str:
    """Return in plain words what feature ``name`` says of ``event``, against the subject's own baseline.

    Raises:
        FaultyInputError: ``feature_unknown``.
    """
    place = INDEX.get(name)
    if place is None:
        raise FaultyInputError("feature_unknown", f"`{name[:80]}` is no feature of this catalogue")
    signal = SIGNALS[FEATURES[place].signal]
    if value is None:
        names = [feature.name for feature in signal.features]
        value = signal.extract(event, history)[names.index(name)]
    return signal.words(name, value, event, history)
