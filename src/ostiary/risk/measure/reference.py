"""What features and scores looked like at training: the reference that drift is told against.

- One spread a column: the share that was missing, and the distribution at up to 51 points, every second percent.
- Points are values that were seen, and the share at or below each is exact, so ties (a feature that is mostly zero) are
  told as they are. Deciles, for the stability index, are among the points.
- Scores have one spread for all and one for each group (people, service accounts, jobs).
- Kept as JSON beside the model; reading it has limits of size, count and order.

>>> import numpy as np
>>> data = reference_of(np.array([[0.0], [1.0], [np.nan], [1.0]]), np.array([0.1, 0.2, 0.3, 0.4]), ["age"])
>>> spread = parse_reference(data).columns["age"]
>>> spread.missing, spread.points, spread.below
(0.25, [0.0, 1.0], [0.333333, 1.0])
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.errors import FaultyInputError

REFERENCE_FILE: Final = "reference.json"
VERSION: Final = 1
MOST_BYTES: Final = 16 * 1024 * 1024
MOST_COLUMNS: Final = 4_096
MOST_GROUPS: Final = 64
MOST_POINTS: Final = 64
_STEPS: Final = 51
_DIGITS: Final = 6
Floats = npt.NDArray[np.float64]


class Spread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The distribution of one column.

    Attributes:
        missing: share of rows that had no value.
        points: values, rising; none when every row was missing.
        below: share of the told rows at or below each point, rising to 1.
    """

    missing: float
    points: list[float]
    below: list[float]


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole reference.

    Attributes:
        rows: how many rows it was made of.
        columns: spread by feature name.
        score: of all scores.
        groups: of the scores of each group of subjects.
        version: of this file's shape.
    """

    rows: int
    columns: dict[str, Spread]
    score: Spread
    groups: dict[str, Spread] = {}
    version: int = VERSION


def reference_of(rows: Floats, scores: Floats, names: Sequence[str], groups: Sequence[str] = ()) -> bytes:
    """Return ``reference.json``.

    Args:
        rows: own behaviour that the model did not see, one row an access, a column for each of ``names``.
        scores: the final scores of the rows.
        names: of the features.
        groups: name of the subject's group, one a row; may be left out.
    """
    kinds = np.asarray(groups, dtype=object)
    told = Reference(
        rows=len(rows),
        columns={name: spread_of(rows[:, column]) for column, name in enumerate(names)},
        score=spread_of(scores),
        groups={group: spread_of(scores[kinds == group]) for group in sorted(set(groups))},
    )
    return msgspec.json.encode(told) + b"\n"


def spread_of(values: Floats) -> Spread:
    """Return the spread of one column; infinities count as missing."""
    told = np.sort(values[np.isfinite(values)])
    missing = round(1.0 - len(told) / max(1, len(values)), _DIGITS)
    if not len(told):
        return Spread(missing, [], [])
    places = np.ceil(np.linspace(0, 1, _STEPS) * len(told)).astype(np.int64) - 1
    points = np.unique(told[np.maximum(places, 0)])
    below = np.searchsorted(told, points, side="right") / len(told)
    return Spread(missing, points.tolist(), [round(share, _DIGITS) for share in below.tolist()])


def parse_reference(data: bytes) -> Reference:
    """Read ``reference.json``.

    Raises:
        FaultyInputError: ``reference_malformed``.
    """
    if len(data) > MOST_BYTES:
        raise _malformed(f"it has more than {MOST_BYTES:,} bytes")
    try:
        told = msgspec.json.decode(data, type=Reference)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise _malformed(str(fault)) from fault
    if told.version != VERSION or len(told.columns) > MOST_COLUMNS or len(told.groups) > MOST_GROUPS:
        raise _malformed("another version, or too many columns or groups")
    for spread in (*told.columns.values(), told.score, *told.groups.values()):
        if not _sound(spread):
            raise _malformed("a spread is not finite and rising")
    return told


def _sound(spread: Spread) -> bool:
    points, below = spread.points, spread.below
    return (
        len(points) == len(below) <= MOST_POINTS
        and all(map(math.isfinite, (*points, *below, spread.missing)))
        and 0 <= spread.missing <= 1
        and all(low < high for low, high in pairwise(points))
        and all(low <= high for low, high in pairwise(below))
        and (not below or (below[0] >= 0 and below[-1] == 1))
    )


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("reference_malformed", f"the model's reference cannot be read: {text}")
