"""Circles: peer groups learned from who works with whom, beside those that a directory or a home collection makes.

Label propagation (Raghavan et al., 2007), one step at a time: now and then a subject takes the label that the subjects
it meets most bear together. Labels spread along the access graph and stop where it is thin.

Rules:
- Deterministic: votes are meetings, a tie goes to the label that is less; nothing is drawn by lot.
- Bounded: so many labels, the longest unheard-of goes; a circle takes no more than ``MOST_MEMBERS``, so that one circle
  never swallows all.
- Fewer than ``LEAST_MEMBERS`` are no circle: such a subject is judged with those at home in the same place.
- A label is a checksum of the name of whoever bore it first, not a name.
- A change needs a majority that outweighs staying, so that nobody moves back and forth.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final
from zlib import crc32

from ostiary.signals.profiles import Subject

MAX_LABELS: Final = 100_000
MOST_MEMBERS: Final = 200
LEAST_MEMBERS: Final = 5
_STAYING: Final = 1.5


class Circles:
    """Which label each subject bears. Not safe for threads: the book holds the lock."""

    __slots__ = ("_sizes", "labels")

    def __init__(self) -> None:
        """Begin with nobody labelled."""
        self.labels: OrderedDict[str, str] = OrderedDict()
        self._sizes: dict[str, int] = {}

    def join(self, own: Subject, who: str) -> str:
        """Let a subject look for its circle once; return the circle's label, or nothing while it is too small."""
        mine = self.labels.get(who) or f"{crc32(who.encode('utf-8', 'surrogatepass')):08x}"
        best = self._best(own, mine)
        self.bear(who, best)
        return best if self._sizes[best] >= LEAST_MEMBERS else ""

    def load(self, labels: Mapping[str, str]) -> None:
        """Take labels from a snapshot."""
        for who, label in labels.items():
            self.bear(who, label)

    def forget(self, who: str) -> None:
        """Drop a subject's label."""
        self._lose(self.labels.pop(who, None))

    def _best(self, own: Subject, mine: str) -> str:
        votes: dict[str, float] = {}
        for who, times in own.colleagues.items():
            label = self.labels.get(who)
            if label is not None:
                votes[label] = votes.get(label, 0.0) + times
        votes[mine] = _STAYING * votes.get(mine, 0.0) + 1.0
        open_ones = [label for label in votes if label == mine or self._sizes.get(label, 0) < MOST_MEMBERS]
        return min(open_ones, key=lambda label: (-votes[label], label))

    def bear(self, who: str, label: str) -> None:
        """Let a subject bear a label from now on."""
        old = self.labels.get(who)
        self.labels[who] = label
        self.labels.move_to_end(who)
        if old != label:
            self._lose(old)
            self._sizes[label] = self._sizes.get(label, 0) + 1
        if len(self.labels) > MAX_LABELS:
            self._lose(self.labels.popitem(last=False)[1])

    def _lose(self, label: str | None) -> None:
        if label is None:
            return
        self._sizes[label] -= 1
        if not self._sizes[label]:
            del self._sizes[label]
