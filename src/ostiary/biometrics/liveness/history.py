"""The windows of one person that were seen before, as prints: is a new one among them?

- Built once a person, asked once a window; a question costs some microseconds for a window that was never seen.
- ``share`` of a window's prints that are all in *one* earlier window; half of them is no chance. A window pasted
  together from several is known by the share that is in any of them.
- Prints are no events: what was typed or where somebody pointed cannot be read back from them.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.liveness.prints import Codes, Prints, prints_of
from ostiary.biometrics.window import Window

LEAST_PRINTS: Final = {"timing": 3, "tempo": 12, "path": 5, "curve": 12}
ONE: Final = {"timing": 0.5, "tempo": 0.6, "path": 0.5, "curve": 0.6}  # of a window's prints in one earlier window
ANY: Final = {"timing": 0.8, "path": 0.8}  # in all of them together
_BLOCK: Final = 16
_FIRST: Final = 24  # places that are asked about before all
_ROOM: Final = 16  # bits for each print that is asked about
_LEAST_BITS: Final = 1 << 12
_MOST_BITS: Final = 1 << 23
_NEVER: Final = 0.3  # fewer than that in the table, which errs upwards alone, and nothing was replayed


class Seen(msgspec.Struct, frozen=True):
    """How far a window was seen before.

    Attributes:
        exact: the very same window.
        share: of its prints in one earlier window, over what a replay has; 1 or more is a replay.
        family: by which prints.
    """

    exact: bool = False
    share: float = 0.0
    family: str = ""

    @property
    def replayed(self) -> bool:
        """Whether that is a replay."""
        return self.exact or self.share >= 1.0


class _Kept(msgspec.Struct, frozen=True):
    """Prints of one family, sorted, each with the number of its window, and a table of bits: which there are."""

    codes: Codes
    owners: npt.NDArray[np.int64]
    table: npt.NDArray[np.uint8]


class History:
    """Prints of the windows of one person."""

    def __init__(self, seen: Sequence[Prints] = ()) -> None:
        """Remember ``seen``."""
        self._whole = frozenset(one.whole for one in seen)
        self._kept = {name: _gathered(name, seen) for name in {name for one in seen for name in one.families}}

    @classmethod
    def of(cls, windows: Sequence[Window]) -> "History":
        """Return the history of ``windows``."""
        return cls([prints_of(one) for one in windows])

    def __len__(self) -> int:
        """Return how many different windows there are."""
        return len(self._whole)

    def seen(self, prints: Prints) -> Seen:
        """Return how far a window with these prints was seen before."""
        if prints.whole in self._whole:
            return Seen(exact=True, share=1.0)
        best = Seen()
        for name, family in prints.families.items():
            if name in self._kept and len(family.near) >= LEAST_PRINTS[name]:
                share = _share(self._kept[name], family.near, name)
                best = Seen(share=share, family=name) if share > best.share else best
        return best


def _gathered(name: str, seen: Sequence[Prints]) -> _Kept:
    parts = [one.families[name].kept if name in one.families else np.zeros(0, np.uint32) for one in seen]
    codes = np.concatenate(parts)
    owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.argsort(codes, kind="stable")
    asked = max((one.families[name].near.shape[1] for one in seen if name in one.families), default=1)
    bits = np.zeros(min(_MOST_BITS, max(_LEAST_BITS, 1 << (_ROOM * asked * len(codes)).bit_length())), np.bool_)
    bits[codes & np.uint32(len(bits) - 1)] = True
    return _Kept(codes[order], owners[order], np.packbits(bits))


def _hits(kept: _Kept, near: Codes) -> npt.NDArray[np.bool_]:
    """Return which places have a print in the table."""
    slots = near & np.uint32(8 * len(kept.table) - 1)
    found: npt.NDArray[np.bool_] = ((kept.table[slots >> 3] << (slots & 7).astype(np.uint8)) & 128).any(axis=1)
    return found


def _share(kept: _Kept, near: Codes, name: str) -> float:
    """Return which share of the places in ``near`` are in one window, or in any, over what a replay has."""
    some = float(_hits(kept, near[:: max(1, len(near) // _FIRST)]).mean())
    if some < _NEVER / 2:
        return some
    hits = _hits(kept, near)
    rough = float(hits.mean())
    if rough < _NEVER:
        return rough
    asked = near[hits]
    begin = np.searchsorted(kept.codes, asked, side="left").ravel()
    counts = np.searchsorted(kept.codes, asked, side="right").ravel() - begin
    if not counts.any():
        return 0.0
    places = np.repeat(np.arange(asked.size) // asked.shape[1], counts)
    offsets = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
    owners = kept.owners[np.repeat(begin, counts) + offsets]
    pairs = np.unique(places * (owners.max() + 1) + owners)
    one = float(np.bincount(pairs % (owners.max() + 1)).max()) / len(near) / ONE[name]
    return max(one, len(np.unique(places)) / len(near) / ANY[name]) if name in ANY else one


class Growing:
    """A history that new windows are added to one by one; old ones are gathered in blocks."""

    def __init__(self, begun: History) -> None:
        """Begin with the windows of ``begun``."""
        self._blocks = [begun]
        self._latest: list[Prints] = []

    def seen(self, prints: Prints) -> Seen:
        """Return how far a window with these prints was seen before, in the block that it resembles most."""
        found = [block.seen(prints) for block in (*self._blocks, History(self._latest))]
        return max(found, key=lambda one: (one.exact, one.share))

    def add(self, prints: Prints) -> None:
        """Remember a window."""
        self._latest.append(prints)
        if len(self._latest) >= _BLOCK:
            self._blocks.append(History(self._latest))
            self._latest = []
