"""Thresholds of shipped weights: a line on clean texts that never teach, less what a language adds.

- Clean texts of the threshold sources are judged as the program does: quantised encoder, worst pieces only.
- What length adds is found afterwards, with the program itself (``lengths``).
- For other languages the ordinary texts of our own are taken, which the fit has seen: a margin is added for that.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned.likeness import Likeness
from ostiary.inspection.learned.thresholds import ChannelNumbers
from ostiary.inspection.training.encoder import USER
from ostiary.inspection.training.linear import Linear
from ostiary.inspection.training.measure import threshold_at
from ostiary.inspection.training.recipe import GREY, MANY, MIXES
from ostiary.inspection.training.scoring import Encode, seen
from ostiary.inspection.training.stack import text_odds
from ostiary.inspection.training.write import likeness_numbers, weights_name

Floats = npt.NDArray[np.float64]

SHARE: Final = 0.008
"""Clean texts above the line: a little fewer than one in a hundred."""
LANGUAGES: Final = ("de", "es", "fr", "pt", "it", "ru", "zh", "ja", "ko", "hi")
_SEEN_MARGIN: Final = 0.5
_FLAG: Final = 2.0
_SPREAD: Final = 2.0


def numbers(
    head: int,
    linear: Linear,
    encode: Encode | None,
    clean: Mapping[str, Sequence[str]],
    foreign: Mapping[str, Sequence[str]],
    likeness: Likeness | None,
) -> ChannelNumbers:
    """Return the numbers of one channel."""
    mix, many, grey = MIXES[head], MANY[head], GREY[head]

    def odds(texts: Sequence[str]) -> Floats:
        return text_odds(seen(texts, head, linear, encode), mix, many=many, grey=grey, likeness=likeness)

    line = threshold_at({name: odds(texts) for name, texts in clean.items()}, SHARE)
    rows: dict[str, tuple[float, ...]] = {"": (0.0,), "en": (0.0,)}
    for language in LANGUAGES:
        texts = foreign.get(language, ())
        rows[language] = (max(0.0, float(np.quantile(odds(texts), 0.99)) + _SEEN_MARGIN - line) if texts else 0.0,)
    return ChannelNumbers(
        weights_name("user" if head == USER else "data"),
        linear.bias,
        linear.scale,
        alone=mix.alone,
        grey=grey,
        column=head,
        stacked=mix.stacked,
        many=many,
        offsets=rows,
        threshold=line,
        flag=line - _FLAG,
        spread=_SPREAD,
        likeness=likeness_numbers(likeness),
    )
