"""How the two models of a channel become one score, and where the line is drawn; written as ``thresholds.json``.

- The mix of linear margin and encoder is one share, chosen on sources that neither saw.
- The line is drawn where one clean text in a hundred lies above, on sources that never teach, and a little higher.
- What long texts and other languages score higher than short English ones is taken off again, by bucket.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned.likeness import Likeness

Floats = npt.NDArray[np.float64]


MOST_ASKED: Final = 12


class Mix(msgspec.Struct, frozen=True):
    """Log-odds of a margin ``alone``, slope and base, and ``stacked`` with the encoder, two slopes and base."""

    alone: tuple[float, float]
    stacked: tuple[float, float, float]


class Asked(msgspec.Struct, frozen=True):
    """The sentences of a text that the encoder was asked about: which they are, their words, their places."""

    pieces: npt.NDArray[np.intp]
    texts: tuple[str, ...]
    places: npt.NDArray[np.float32]


class Seen(msgspec.Struct, frozen=True):
    """What both models say of the pieces of one text.

    Attributes:
        margins, encoded: of the linear model and of the encoder, piece by piece.
        asked: of sentences only.
        most: how many pieces the encoder was asked about at most.
        others: the other readings of the text (``prompt.readings``), where they were looked at.
    """

    margins: Floats
    encoded: Floats
    asked: Asked | None = None
    most: int = MOST_ASKED
    others: tuple["Seen", ...] = ()


def text_odds(
    seen: Sequence[Seen], mix: Mix, *, many: float, grey: tuple[float, float], likeness: Likeness | None = None
) -> Floats:
    """Return the log-odds of every text, as the detector at run time does: only grey pieces ask the encoder.

    With a ``likeness`` every sentence lies in the grey zone. Of several readings the worst counts.
    """

    def odds(one: Seen) -> float:
        return max(_odds(reading, mix, many, grey, likeness) for reading in (one, *one.others))

    return np.array([odds(one) for one in seen])


def _odds(one: Seen, mix: Mix, many: float, grey: tuple[float, float], likeness: Likeness | None) -> float:
    odds = mix.alone[0] * one.margins + mix.alone[1]
    if odds.max() < grey[1]:
        asked = np.argsort(-odds, kind="stable")[: one.most]
        asked = asked[odds[asked] > grey[0]]
        slope, other, base = mix.stacked
        odds[asked] = slope * one.margins[asked] + other * one.encoded[asked] + base
        if likeness and one.asked:
            odds[one.asked.pieces] -= likeness.less(one.asked.texts, one.asked.places)
    return float(odds.max() - many * np.log(len(odds)))
