"""What the learned detectors think of a normalised text: piece by piece, the worst counting, less for many.

- Every piece is read by the linear model. Only pieces whose log-odds lie in the grey zone are shown to the encoder, the
  worst ``MAX_ASKED`` of them; without an encoder the linear model's word stands.
- What a sentence has in common with the others that were asked about is taken off (``likeness``), where the weights
  have learned how much; a text of one sentence has nothing to be like.
- All ends in log-odds on one scale, so that whoever spoke last, a higher number is worse.
"""

from math import log, sqrt
from typing import Final

import msgspec
import numpy as np

from ostiary.errors import UnavailableError
from ostiary.inspection.learned import ngram
from ostiary.inspection.learned.encoder import Encoder
from ostiary.inspection.learned.files import LearnedFiles, unavailable
from ostiary.inspection.learned.language import language
from ostiary.inspection.learned.likeness import opened
from ostiary.inspection.learned.pieces import sentences, windows
from ostiary.inspection.learned.thresholds import ChannelNumbers, parse_thresholds

MAX_ASKED: Final = 12
_TOLD: Final = 3


class Judged(msgspec.Struct, frozen=True):
    """What was thought of a text.

    Attributes:
        z: log-odds after all corrections.
        pieces: the worst pieces, worst first: from, to, log-odds so corrected.
        asked: how many pieces the encoder was asked about.
    """

    z: float
    pieces: tuple[tuple[int, int, float], ...]
    asked: int = 0


class Detector:
    """The learned detector of one channel."""

    def __init__(self, files: LearnedFiles, numbers: ChannelNumbers, encoder: Encoder | None, *, whole: bool) -> None:
        """Read the weights; ``whole`` texts are cut into windows, others into sentences.

        Raises:
            UnavailableError: ``detector_unavailable``.
        """
        self.numbers, self._encoder, self._cut = numbers, encoder, windows if whole else sentences
        self.missing = ""
        self._likeness = opened(files, numbers.likeness) if numbers.likeness else None
        self._weights = np.frombuffer(files.read(numbers.weights), "<i2").astype(np.int16)
        if len(self._weights) != ngram.BUCKETS:
            raise unavailable(f"`{numbers.weights}` has {len(self._weights)} weights, {ngram.BUCKETS} are needed")

    def judge(self, text: str, at_most: int = MAX_ASKED) -> Judged | None:
        """Return what is thought of a normalised text, the encoder asked ``at_most`` so often; nothing of an empty one.

        An encoder that turns out to be unavailable is said in ``missing``; the linear model's word stands then.
        """
        parts = self._cut(text)
        if not text.strip() or not parts:
            return None
        one = self.numbers
        odds = [self._alone(total, count) for total, count in ngram.sums(text, parts, self._weights)]
        asked = self._ask(text, parts, odds, min(at_most, MAX_ASKED))
        less = one.many * log(len(parts)) + one.offset(language(text), len(text))
        worst = sorted(range(len(parts)), key=odds.__getitem__, reverse=True)[:_TOLD]
        return Judged(odds[worst[0]] - less, tuple((*parts[at], odds[at] - less) for at in worst), asked)

    def _alone(self, total: int, count: int) -> float:
        one = self.numbers
        margin = one.bias + one.scale * total / sqrt(max(count, 1))
        return one.alone[0] * margin + one.alone[1]

    def _ask(self, text: str, parts: list[tuple[int, int]], odds: list[float], at_most: int) -> int:
        """Let the encoder speak for the pieces in the grey zone; returns for how many it did."""
        low, high = self.numbers.grey
        if self._encoder is None or low >= high or max(odds) >= high:
            return 0
        grey = sorted((at for at, z in enumerate(odds) if low < z), key=odds.__getitem__, reverse=True)[:at_most]
        if not grey:
            return 0
        try:
            said = self._said(self._encoder, [text[slice(*parts[at])] for at in grey])
        except UnavailableError as fault:
            self._encoder, self.missing = None, fault.message
            return 0
        (slope, base), (linear, other, bias) = self.numbers.alone, self.numbers.stacked
        for at, score, less in zip(grey, *said, strict=True):
            margin = (odds[at] - base) / slope if slope else 0.0
            odds[at] = linear * margin + other * score + bias - less
        return len(grey)

    def _said(self, encoder: Encoder, texts: list[str]) -> tuple[list[float], list[float]]:
        """Return what the encoder says of the sentences of one text, and what is taken off for what they share."""
        if self._likeness is None:
            return encoder.scores(texts, self.numbers.column), [0.0] * len(texts)
        said, places = encoder.placed(texts, self.numbers.column, self._likeness.width)
        return said, self._likeness.less(texts, places).tolist()


def open_detectors(
    files: LearnedFiles, *, threads: int = 1, encoder: bool = True, remembered: int = 0
) -> dict[str, Detector]:
    """Return the detectors of both channels.

    Raises:
        UnavailableError: ``detector_unavailable``.
    """
    told = parse_thresholds(files.read("thresholds.json"))
    asked = Encoder(files, told.encoder, threads, remembered) if told.encoder and encoder else None
    return {name: Detector(files, told.channels[name], asked, whole=name == "user") for name in ("user", "data")}
