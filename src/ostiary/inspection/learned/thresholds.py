"""The numbers of a trained detector: how its margins become log-odds, and where an attack begins.

The file and what each number means: ``learned/__init__.py``.

>>> channel = ChannelNumbers("", 0.0, 1.0, threshold=2.0, lengths=(500,), offsets={"": (1.0, 0.0)})
>>> round(channel.score(2.0), 3), channel.offset("", 100), channel.offset("", 9_000)
(0.5, 1.0, 0.0)
"""

from math import exp, isfinite
from typing import Final

import msgspec

from ostiary.inspection.learned.files import unavailable
from ostiary.vocabulary.unreadable import UNREADABLE

_FURTHEST: Final = 700.0
MOST_TIMES: Final = 8.0
"""More than this a likeness never counts: so nobody can bring a sentence down as far as he likes."""


class EncoderFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the encoder lies and how much it reads at once."""

    file: str
    tokenizer: str
    max_tokens: int = 256


class LikenessNumbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a sentence's likeness to its document counts (``likeness``): ``times``, from ``usual`` on.

    ``file`` holds what the places of all sentences share.
    """

    file: str
    times: float
    usual: float

    @property
    def fine(self) -> bool:
        """Whether training may write it."""
        return 0.0 <= self.times <= MOST_TIMES and -1.0 <= self.usual <= 1.0


class ChannelNumbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers of one channel."""

    weights: str
    bias: float
    scale: float
    alone: tuple[float, float] = (1.0, 0.0)
    grey: tuple[float, float] = (0.0, 0.0)
    column: int = 0
    stacked: tuple[float, float, float] = (1.0, 0.0, 0.0)
    many: float = 0.0
    lengths: tuple[float, ...] = ()
    offsets: dict[str, tuple[float, ...]] = {}
    threshold: float = 0.0
    flag: float = 0.0
    spread: float = 1.0
    likeness: LikenessNumbers | None = None

    def offset(self, language: str, length: int) -> float:
        """Return what is taken from the log-odds of a text of that language and length."""
        row = self.offsets.get(language) or self.offsets.get("")
        return row[sum(length >= edge for edge in self.lengths)] if row else 0.0

    def score(self, z: float) -> float:
        """Return the score of log-odds after all corrections: 0.5 at the threshold."""
        return 1.0 / (1.0 + exp(min(_FURTHEST, max(-_FURTHEST, (self.threshold - z) / self.spread))))

    def check(self) -> None:
        """Refuse numbers that no training writes.

        Raises:
            UnavailableError: ``detector_unavailable``.
        """
        rows = self.offsets.values()
        numbers = (self.bias, self.scale, self.many, self.threshold, self.flag, self.spread, *self.alone, *self.stacked)
        fine = (
            all(map(isfinite, (*numbers, *self.grey, *(one for row in rows for one in row))))
            and self.spread > 0
            and (self.likeness is None or self.likeness.fine)
            and self.flag <= self.threshold
            and list(self.lengths) == sorted(set(self.lengths))
            and all(len(row) == len(self.lengths) + 1 for row in rows)
        )
        if not fine:
            raise unavailable("thresholds.json is malformed: numbers that do not belong together")


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file ``thresholds.json``."""

    version: int
    channels: dict[str, ChannelNumbers]
    encoder: EncoderFiles | None = None


PLAIN: Final = ChannelNumbers("", 0.0, 0.0, flag=-2.0, spread=2.0)
"""The scale of a channel that nothing was learned for: rules alone speak."""


def parse_thresholds(data: bytes) -> Thresholds:
    """Return the numbers of a file whose digest was right.

    Raises:
        UnavailableError: ``detector_unavailable``.
    """
    try:
        found = msgspec.json.decode(data, type=Thresholds)
    except UNREADABLE as fault:
        raise unavailable(f"thresholds.json is malformed: {fault}") from fault
    if found.version != 1 or not {"user", "data"} <= found.channels.keys():
        raise unavailable("thresholds.json is malformed: not version 1 with the channels `user` and `data`")
    for channel in found.channels.values():
        channel.check()
    if found.channels["user"].likeness:
        raise unavailable("thresholds.json is malformed: windows of the channel `user` overlap, they have no likeness")
    return found
