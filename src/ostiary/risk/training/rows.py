"""Replays a history through the profiles and writes down the features that each access had before it was learned.

- Extracted exactly as online: one look, then one lesson.
- Ghosts are accesses that never happened, judged against the profile of the moment and not learned.
- Rows lie in one flat buffer of single floats, which is what a histogram of bins needs: rows x features x 4 bytes.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.signals.features import NAMES, extract
from ostiary.signals.settled import Book
from ostiary.vocabulary.events import AccessEvent

Ghosts = Mapping[int, Sequence[AccessEvent]]
"""Position in the history to the ghosts that are judged just before it."""


class Rows(msgspec.Struct, frozen=True):
    """Feature rows and where each came from.

    Attributes:
        features: one row an access, ``NAMES`` columns.
        place: position of the access in the history; a ghost has that of the access it stood before.
        ghost: whether the row is a ghost's.
    """

    features: npt.NDArray[np.float32]
    place: npt.NDArray[np.int64]
    ghost: npt.NDArray[np.bool_]


def replay_rows(events: Iterable[AccessEvent], keep: Callable[[int], bool], ghosts: Ghosts, book: Book) -> Rows:
    """Return the rows of all kept accesses and all ghosts; every access is learned, kept or not."""
    flat, places, ghostly = array("f"), array("q"), array("b")
    for place, event in enumerate(events):
        for ghost in ghosts.get(place, ()):
            flat.extend(extract(ghost, book.view(ghost)))
            places.append(place)
            ghostly.append(1)
        if keep(place):
            flat.extend(extract(event, book.view(event)))
            places.append(place)
            ghostly.append(0)
        book.learn(event)
    features = np.frombuffer(flat, dtype=np.float32) if flat else np.empty(0, dtype=np.float32)
    place_numbers = np.frombuffer(places, dtype=np.int64) if places else np.empty(0, dtype=np.int64)
    flags = np.frombuffer(ghostly, dtype=np.int8).astype(np.bool_) if ghostly else np.empty(0, dtype=np.bool_)
    return Rows(features.reshape(-1, len(NAMES)), place_numbers, flags)
