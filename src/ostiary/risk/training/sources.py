"""Whose an example is: sources, their groups, and how much each may weigh.

- A source is whoever could spoil all of its rows at once: a producer, or a group of accounts by digest. An account is
  always of one source.
- Groups are disjoint sets of sources, by digest as well: nobody chooses his neighbours.
- Influence is capped apart for own rows and for impostors' rows: who sends a thousand rows more than the others gains
  nothing by it.

>>> 0 <= Cut(sources=60, groups=15).source("user:ann") < 60
True
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec
import numpy as np

from ostiary.errors import FaultyInputError
from ostiary.risk.training.fit import Floats, Ints
from ostiary.signals.tables import subject_key
from ostiary.vocabulary.events import AccessEvent

SOURCES: Final = 60
_BYTES: Final = 4
_FEWEST: Final = 2
_EPSILON: Final = 1e-12


class Cut(msgspec.Struct, frozen=True):
    """How accounts are put together.

    Attributes:
        sources: groups of accounts by digest.
        groups: disjoint sets of sources, one a forest.
        by: what a source is: ``account`` or ``producer``.
        left_out: sources that nothing is learned from, in quarantine.
        vote_only: whether the vote stands alone: everything that is flagged is certified, and less is caught.
    """

    sources: int = SOURCES
    groups: int = 0
    by: str = "account"
    left_out: tuple[int, ...] = ()
    vote_only: bool = False

    def check(self) -> "Cut":
        """Return itself.

        Raises:
            FaultyInputError: ``option_invalid``.
        """
        if not _FEWEST <= self.groups <= self.sources:
            text = f"{self.groups} groups cannot be made of {self.sources} sources: name 2 to as many as there are"
            raise FaultyInputError("option_invalid", text)
        return self

    def source(self, name: str) -> int:
        """Return the number of the source of an account, ``type:id``."""
        return int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:_BYTES]) % self.sources

    def of_events(self, events: Sequence[AccessEvent], producers: Sequence[str] = ()) -> Ints:
        """Return the source of each event; ``producers`` names each one's producer, where those are the sources."""
        if self.by == "producer":  # there are few of them: each is a source of its own, in the order of their names
            known = {name: place for place, name in enumerate(sorted(set(producers)))}
            return np.array([known[name] for name in producers], dtype=np.int64)
        names = [subject_key(event) for event in events]
        known = {name: self.source(name) for name in set(names)}
        return np.array([known[name] for name in names], dtype=np.int64)


class Caps(msgspec.Struct, frozen=True):
    """How much one may weigh among the rows of one label.

    Attributes:
        source: a source weighs at most so many times an equal share.
        subject: the same of a subject among subjects.
    """

    source: float = 2.0
    subject: float = 20.0


def weights(label: Ints, source: Ints, subject: Ints, caps: Caps) -> Floats:
    """Return the weight of each row: mean 1 within a label, and nobody above the caps."""
    found = np.ones(len(label), dtype=np.float64)
    for one in np.unique(label):
        rows = label == one
        weight = _capped(np.ones(int(rows.sum())), subject[rows], caps.subject)
        weight = _capped(weight, source[rows], caps.source)
        found[rows] = weight * (len(weight) / max(_EPSILON, float(weight.sum())))
    return found


def _capped(weight: Floats, whose: Ints, times: float) -> Floats:
    """Scale down whoever weighs more than ``times`` an equal share of all."""
    _, place = np.unique(whose, return_inverse=True)
    total = np.bincount(place, weights=weight)
    most = times * total.sum() / len(total)
    factor = np.minimum(1.0, most / np.maximum(total, _EPSILON))
    return np.asarray(weight * factor[place])
