"""Thresholds of shipped weights: a line on clean texts that never teach, less what length and language add.

- Clean texts of the threshold sources are judged as the program does: quantised encoder, worst pieces only.
- Buckets of length are filled with those texts put together; one that lies above the line too often is lowered.
- For other languages the ordinary texts of our own are taken, which the fit has seen: a margin is added for that.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned.thresholds import ChannelNumbers
from ostiary.inspection.training.encoder import USER
from ostiary.inspection.training.linear import Linear
from ostiary.inspection.training.measure import threshold_at
from ostiary.inspection.training.scoring import Encode, seen
from ostiary.inspection.training.sets import long_texts
from ostiary.inspection.training.stack import Mix, text_odds
from ostiary.inspection.training.write import weights_name

Floats = npt.NDArray[np.float64]

EDGES: Final = (500, 1000, 2000, 4000, 8000)
SHARE: Final = 0.008
"""Clean texts above the line: a little fewer than one in a hundred."""
LANGUAGES: Final = ("de", "es", "fr", "pt", "it", "ru", "zh", "ja", "ko", "hi")
_SEEN_MARGIN: Final = 0.5
_EACH: Final = 120
_LONG: Final = 0.985
_FLAG: Final = 2.0
_SPREAD: Final = 2.0


def numbers(
    head: int,
    linear: Linear,
    mix: Mix,
    encode: Encode | None,
    clean: Mapping[str, Sequence[str]],
    foreign: Mapping[str, Sequence[str]],
    *,
    many: float,
    grey: tuple[float, float],
) -> ChannelNumbers:
    """Return the numbers of one channel."""

    def odds(texts: Sequence[str]) -> Floats:
        return text_odds(seen(texts, head, linear, encode), mix, many=many, grey=grey)

    line = threshold_at({name: odds(texts) for name, texts in clean.items()}, SHARE)
    lengths = _lengths(odds, [text for texts in clean.values() for text in texts], line)
    rows = {"en": lengths}
    for language in LANGUAGES:
        texts = foreign.get(language, ())
        extra = max(0.0, float(np.quantile(odds(texts), 0.99)) + _SEEN_MARGIN - line) if texts else 0.0
        rows[language] = tuple(one + extra for one in lengths)
    rows[""] = lengths
    return ChannelNumbers(
        weights_name("user" if head == USER else "data"),
        linear.bias,
        linear.scale,
        alone=mix.alone,
        grey=grey,
        column=head,
        stacked=mix.stacked,
        many=many,
        lengths=EDGES,
        offsets=rows,
        threshold=line,
        flag=line - _FLAG,
        spread=_SPREAD,
    )


def _lengths(odds: Callable[[Sequence[str]], Floats], texts: Sequence[str], line: float) -> tuple[float, ...]:
    """Return by how much each bucket of length is lowered; a longer one at least as much, neighbours at odds pooled."""
    made = long_texts(texts, np.random.default_rng(9), _EACH)
    raw = [max(0.0, float(np.quantile(odds(made[edge]), _LONG)) - line) for edge in EDGES]
    return (0.0, *pooled(raw))


def pooled(values: Sequence[float]) -> tuple[float, ...]:
    """Return the rising numbers nearest to ``values``.

    >>> pooled([0.0, 2.0, 1.0, 3.0])
    (0.0, 1.5, 1.5, 3.0)
    """
    blocks: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, count = (mean * count + before * many) / (count + many), count + many
        blocks.append((mean, count))
    return tuple(mean for mean, count in blocks for _ in range(count))
