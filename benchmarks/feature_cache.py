"""The feature rows of a stream, replayed once and kept on disk: a replay takes minutes and many scorers share it."""

import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ostiary.risk.training.rows import replay_rows
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import SET_DIGEST
from ostiary.vocabulary.events import AccessEvent


def rows_of(events: Sequence[AccessEvent], folder: Path) -> npt.NDArray[np.float64]:
    """Return the row of each event before it was learned; a changed catalogue or stream is replayed anew."""
    told = sha256(SET_DIGEST.encode())
    for event in events:
        told.update(event.event_id.encode() + b"\n")
    place = folder / f"{told.hexdigest()[:24]}.npy"
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"replaying {len(events):,} events", file=sys.stderr)
        rows = replay_rows(events, lambda _: True, {}, ProfileBook("default"))
        np.save(place, rows.features)
    answer: npt.NDArray[np.float64] = np.load(place, mmap_mode="r")
    return answer
