"""From contributions to at most three reasons in plain words.

- Only what raised the score is a reason.
- One reason a topic: five ways to say "first time here" are one thing to a person.
- How much is known of a subject is context, not a reason; a column that can only mean more risk is told before one
  that may mean either.
- The words are the signal catalogue's own; this room only picks and orders.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ostiary.risk.schema import Column
from ostiary.signals.features import FEATURES, INDEX
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import Contribution

MOST_REASONS: Final = 3
LEAST_WEIGHT: Final = 0.05  # log-odds; less is noise to a reader

CONTEXT: Final = frozenset({"account", "quality"})
_EITHER_WAY: Final = 0.5

Words = Callable[[str, float, AccessEvent], str]
"""Says a feature's value in plain words: (feature name, value, event) -> text."""


def pick_reasons(
    columns: Sequence[Column], row: Sequence[float], shares: Sequence[float], event: AccessEvent, words: Words
) -> tuple[Contribution, ...]:
    """Return the strongest reason of each of the strongest topics, largest first."""
    picked: dict[str, Contribution] = {}
    for index in _strongest(columns, shares):
        column, value = columns[index], row[index]
        if column.about in picked:
            continue
        told = None if math.isnan(value) else value
        text = words(column.name, value, event)
        picked[column.about] = Contribution(signal=column.name, value=told, weight=shares[index], text=text)
        if len(picked) == MOST_REASONS:
            break
    return tuple(sorted(picked.values(), key=lambda reason: -reason.weight))


def _strongest(columns: Sequence[Column], shares: Sequence[float]) -> Iterable[int]:
    """Return the columns that may be told, the most telling first."""
    telling = {
        index: share * (1.0 if columns[index].monotone else _EITHER_WAY)
        for index, share in enumerate(shares)
        if share >= LEAST_WEIGHT and (columns[index].monotone or columns[index].about not in CONTEXT)
    }
    return sorted(telling, key=lambda index: (-telling[index], index))


def plain_words(name: str, value: float, event: AccessEvent) -> str:  # noqa: ARG001 - the shape of Words
    """Say what a feature is, for callers that have no history to tell it against."""
    place = INDEX.get(name)
    if place is None:
        return name
    spec = FEATURES[place]
    if spec.unit == "flag" or math.isnan(value):
        return spec.describe
    return f"{spec.describe}: {value:.3g} {spec.unit}"
